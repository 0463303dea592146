"""Sequences in pieces: what generated modules need around their loops; they carry these functions as they are here."""

from __future__ import annotations

from typing import Any

import numpy as np


def pieces(steps: int, states: tuple[Any, ...], length: int | None = None) -> list[slice]:
    """The steps in pieces: of that length; else a fifth of them, or what has 32768 numbers in states if that is more.

    What is computed for all steps of a piece at once needs memory only while its piece lasts.
    """
    if length is None:
        length = max(1, -(-steps // 5), 2**15 // max(1, sum(s.size for s in states)))
    return [slice(start, min(start + length, steps)) for start in range(0, steps, length)]


def laid_out(shapes: dict[str, str], values: dict[str, Any], batch: tuple[int, ...], lead: int) -> dict[str, Any]:
    """Arrays as (steps, batch, ...) or, with lead 0, (batch, ...): one batch axis, no axes of length one after it.

    shapes: of what belongs to one example, by name: "n" for a vector, "n n" for a matrix, "1" for one number.
    """
    found = {}
    for name, value in values.items():
        core = value.ndim - len(shapes[name].split())
        own = value.shape[core:]
        missing = (1,) * (len(batch) - (core - lead))
        value = value.reshape((*value.shape[:lead], *missing, *value.shape[lead:]))
        whole = (*value.shape[:lead], *batch, *own)
        value = value if value.shape == whole else np.broadcast_to(value, whole)
        kept = [size for size, letter in zip(own, shapes[name].split(), strict=True) if letter != "1"]
        found[name] = value.reshape((*value.shape[:lead], int(np.prod(batch)), *kept))
    return found


def given_back(shapes: dict[str, str], name: str, value: Any, batch: tuple[int, ...], lead: int) -> Any:
    """The other way: the batch axes and the axes of length one as the user has them."""
    left = list(value.shape[lead + 1 :])
    own = [1 if letter == "1" else left.pop(0) for letter in shapes[name].split()]
    return value.reshape((*value.shape[:lead], *batch, *own))


def batch_axes(shapes: dict[str, str], inputs: dict[str, Any], states: dict[str, Any]) -> tuple[int, ...]:
    """The batch axes that all arrays have together."""
    leading = [a.shape[1 : a.ndim - len(shapes[name].split())] for name, a in inputs.items()]
    leading += [a.shape[: a.ndim - len(shapes[name].split())] for name, a in states.items()]
    return np.broadcast_shapes(*leading)


def same_dtype(*groups: dict[str, Any]) -> list[dict[str, Any]]:
    """The arrays of all groups in their common dtype, rows side by side; what is so already is not copied.

    How an array lies in memory would change the order of sums, and with it the last bits.
    """
    dtype = np.result_type(*(a for group in groups for a in group.values()))
    return [{name: np.asarray(a, dtype, order="C") for name, a in group.items()} for group in groups]


def part(inputs: Any, at: slice) -> Any:
    """A piece of the inputs; without inputs, how many steps it has."""
    if isinstance(inputs, (int, np.integer)):
        return at.stop - at.start
    return tuple(x[at] for x in inputs) if isinstance(inputs, tuple) else inputs[at]


def length_of(inputs: Any) -> int:
    """How many steps there are."""
    return (
        int(inputs)
        if isinstance(inputs, (int, np.integer))
        else len(inputs[0] if isinstance(inputs, tuple) else inputs)
    )


def run_pieces(cell: Any, w: Any, inputs: Any, states: Any) -> dict[str, Any]:
    """The new states and the outputs of every step, by name: (steps, batch, ...)."""
    steps, found = length_of(inputs), {}
    for at in pieces(steps, states) or [slice(0, 0)]:
        kept = cell["forward"](w, part(inputs, at), states)
        for name in cell["results"]:
            rows = kept[name][1:] if name in cell["states"] else kept[name]
            if name not in found:
                found[name] = np.empty((steps, *rows.shape[1:]), rows.dtype)
            found[name][at] = rows
        states = tuple(kept[name][-1].copy() for name in cell["states"])
    return found


def gradient_pieces(cell: Any, w: Any, inputs: Any, states: Any, upstream: Any, checkpoint_every: Any) -> Any:
    """Gradients by everything in w, by the inputs and by the initial states.

    upstream: gradients by states and outputs, (steps, batch, ...) by name; what is missing counts as zero.
    checkpoint_every: keep only the states at the beginning of every so many steps, and compute the steps in between
    again on the way back.
    """
    steps = length_of(inputs)
    cut = pieces(steps, states, checkpoint_every) or [slice(0, 0)]
    begun, kept = [], {}
    for at in cut:
        begun.append(states)
        kept[at.start] = cell["forward"](w, part(inputs, at), states)
        states = tuple(kept[at.start][name][-1].copy() for name in cell["states"])
        if checkpoint_every is not None and at is not cut[-1]:
            del kept[at.start]
    d: dict[str, Any] = {}
    d_states = tuple(np.zeros_like(s) for s in states)
    d_inputs: tuple[Any, ...] = ()
    for at, first in zip(reversed(cut), reversed(begun), strict=True):
        piece = part(inputs, at)
        have = kept.pop(at.start, None) or cell["forward"](w, piece, first)
        above = {}
        for name in cell["results"]:
            rows = have[name][1:] if name in cell["states"] else have[name]
            given = upstream.get(name)
            above[name] = np.broadcast_to(rows.dtype.type(0), rows.shape) if given is None else given[at]
        found, d_states = cell["backward"](w, piece, have, above, d_states, d)
        if not d_inputs:
            d_inputs = tuple(np.empty((steps, *g.shape[1:]), g.dtype) for g in found)
        for whole, g in zip(d_inputs, found, strict=True):
            whole[at] = g
    return d, d_inputs, tuple(g.copy() for g in d_states)
