"""The example: from a dict, a tuple, a function of (n, m, batch, rng), or the cell that the code can be read as.

Each array gets a template: every axis as whole numbers (constant, n, m, batch). A function that makes examples is
called at several sizes, so that templates are known; from a single example they are inferred from its shapes.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.checking.calls import Call, attempt, call_of
from symlstm.checking.leaves import Path
from symlstm.checking.words import role_of
from symlstm.equations import Cell
from symlstm.errors import CellError, ValueUnusable
from symlstm.registry import cell as read_cell

Axis = tuple[int, int, int, int]
ONE: Axis = (1, 0, 0, 0)
N, M, B = (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)
SIZES = (3, 4, 2)
"""n, m, batch of the probe: all different, so are n + m, 2n, 3n and 4n."""


@dataclass(frozen=True)
class Example:
    """A call, the templates of its arrays, and sizes (n, m, batch) at which it runs."""

    call: Call
    templates: dict[Path, tuple[Axis, ...]]
    sizes: tuple[int, int, int]

    def shape(self, path: Path) -> tuple[int, ...]:
        return tuple(
            c + k * self.sizes[0] + j * self.sizes[1] + b * self.sizes[2] for c, k, j, b in self.templates[path]
        )


def read_example(function: Callable[..., Any], example: Any, states: int) -> Example:
    """The example in any of its forms; ValueUnusable where it cannot be used. states: how many the cell has."""
    if example is None:
        example = _from_the_code(function)
    if callable(example):
        return _from_maker(function, example)
    call = _call(function, example)
    return _inferred(call, states)


def _call(function: Callable[..., Any], example: Any) -> Call:
    if isinstance(example, dict):
        return call_of(function, (), example)
    if isinstance(example, (tuple, list)):
        return call_of(function, tuple(example), {})
    raise ValueUnusable(
        f"the example is a {type(example).__name__}",
        "give a dict by argument name, a tuple of positional arguments, or a function of (n, m, batch, rng)",
    )


def _from_maker(function: Callable[..., Any], make: Callable[..., Any]) -> Example:
    def at(sizes: tuple[int, ...]) -> Call:
        try:
            made = make(*sizes, np.random.default_rng(0))
        except Exception as error:
            raise ValueUnusable(
                f"the example function fails at n, m, batch = {sizes}: {type(error).__name__}: {error}",
                "it takes (n, m, batch, rng) and gives a dict by argument name, or a tuple",
            ) from error
        return _call(function, made)

    base = at(SIZES)
    shapes = {leaf.path: leaf.array.shape for leaf in base.leaves()}
    moved = []
    for k in range(3):
        other = at(tuple(s + (i == k) for i, s in enumerate(SIZES)))
        moved.append({leaf.path: leaf.array.shape for leaf in other.leaves()})
    made: dict[Path, tuple[Axis, ...]] = {}
    for path, shape in shapes.items():
        axes = []
        for a, length in enumerate(shape):
            steps = [m[path][a] - length if path in m and len(m[path]) == len(shape) else 0 for m in moved]
            rest = length - sum(s * v for s, v in zip(steps, SIZES, strict=True))
            axes.append((rest, *steps))
        made[path] = tuple(axes)
    return Example(base, made, SIZES)


def _from_the_code(function: Callable[..., Any]) -> Any:
    """An example function from the code itself, read as a cell by the tracer."""
    try:
        inspect.signature(function)
        read: Cell = read_cell(function)
    except (CellError, TypeError, ValueError) as error:
        raise ValueUnusable(
            f"no example was given, and the code does not say enough: {getattr(error, 'message', error)}",
            "give example= (--example file.py:name), best a function of (n, m, batch, rng) that makes the arguments",
        ) from error

    def make(n: int, m: int, batch: int, rng: Any) -> Any:
        numbers = dict.fromkeys(read.dims, 5)
        for size, quantities in ((m, read.inputs), (n, [s.previous for s in read.states])):
            for q in quantities:  # the code alone may not say that all states have one size; the cell does
                numbers |= dict.fromkeys(read.shapes[q.name][-1].free_symbols, size)
        varying = {s.previous.name for s in read.states} | {q.name for q in read.inputs}
        values = {}
        for name, shape in read.shapes.items():
            if name in read.paths:
                lengths = tuple(int(length.subs(numbers)) for length in shape)
                if name in varying and read.layout is not None:
                    lengths = (batch, *lengths) if read.layout == "rows" else (*lengths, batch)
                values[name] = rng.standard_normal(lengths)
        return read.arguments(values)

    return make


def _inferred(call: Call, states: int) -> Example:
    """Templates from one example: the sizes under which most axes mean something."""
    found = call.leaves()
    if not found:
        raise ValueUnusable("the example holds no array of floating-point numbers", "give arrays of float64")
    by_role = {role_of(str(leaf.path[-1])): leaf for leaf in reversed(found)}
    first = [leaf for leaf in found if leaf.path[0] != "self"]
    x = by_role.get("x") or first[0]
    h = by_role.get("h") or next((leaf for leaf in first if leaf is not x), None)
    if h is None:
        raise ValueUnusable("the example has no state beside its input", "call the argument of the state h_prev")
    c = by_role.get("c")
    if c is None and states > 1:
        c = next((leaf for leaf in first if leaf not in (x, h) and leaf.array.shape == h.array.shape), None)
    batched = {leaf.path for leaf in (x, h, c) if leaf is not None}
    best: tuple[int, Any] | None = None
    for axis in (None,) if h.array.ndim < 2 else (0, 1):
        if x.array.ndim != h.array.ndim or (axis is not None and x.array.shape[axis] != h.array.shape[axis]):
            continue
        n, m = (int(v.array.shape[-1 if axis is None else 1 - axis]) for v in (h, x))
        batch = 1 if axis is None else int(h.array.shape[axis])
        templates: dict[Path, tuple[Axis, ...]] = {}
        known = 0
        for leaf in found:
            if leaf.path in batched:
                own = M if leaf is x else N
                templates[leaf.path] = (own,) if axis is None else (B, own) if axis == 0 else (own, B)
            else:
                axes = [_meaning(length, n, m) for length in leaf.array.shape]
                known += sum(a is not None for a in axes)
                templates[leaf.path] = tuple(
                    a or (length, 0, 0, 0) for a, length in zip(axes, leaf.array.shape, strict=True)
                )
        if best is None or known > best[0]:
            best = (known, (templates, (n, m, batch)))
    if best is None:
        raise ValueUnusable(f"{x.name} is {x.array.shape} and {h.name} is {h.array.shape}: which axis is the batch?")
    chosen, sizes = best[1]
    given = Example(call, chosen, sizes)
    wished = Example(call, chosen, SIZES)
    try:  # other sizes tell more, where the function takes them
        rng = np.random.default_rng(0)
        attempt(call, {path: rng.standard_normal(wished.shape(path)) for path in chosen})
    except ValueUnusable:
        return given
    return wished


def _meaning(length: int, n: int, m: int) -> Axis | None:
    """What an axis of that length counts; None if nothing known."""
    if length == 1:
        return ONE
    counts = itertools.chain(
        [((0, 1, 0, 0), n), ((0, 0, 1, 0), m), ((0, 1, 1, 0), n + m), ((1, 1, 1, 0), n + m + 1)],
        (((0, k, 0, 0), k * n) for k in (4, 3, 2)),
    )
    return next((axis for axis, value in counts if value == length), None)
