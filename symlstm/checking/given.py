"""The example: from a dict, a tuple, a function of (n, m, batch, rng), or the cell that the code can be read as.

Each array gets a template: every axis as whole numbers of one, n, m, batch and steps. A function that makes examples is
called at several sizes, so that templates are known; from a single example they are inferred from its shapes. Where
the input has an axis of steps, or is a list of steps, the implementation takes a whole sequence.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from symlstm.checking.axes import ONE, SIZES, STEPS, Axis, B, M, T
from symlstm.checking.calls import INSIDE, Call, attempt, call_of, in_precision
from symlstm.checking.classes import Factory
from symlstm.checking.example import Example, lengths
from symlstm.checking.flat import with_parts
from symlstm.checking.globals import global_arrays
from symlstm.checking.inferred import inferred_sequence, inferred_step
from symlstm.checking.leaves import Path, leaves
from symlstm.checking.steplists import listed_inputs
from symlstm.checking.words import role_of
from symlstm.equations import Cell
from symlstm.errors import CellError, ValueUnusable
from symlstm.registry import cell as read_cell

NAMES_OF_STEPS = ("t", "steps", "length", "seq_len", "time", "n_steps", "timesteps", "t_x", "tx", "seq_length")


def read_example(function: Callable[..., Any] | Factory, example: Any, states: int) -> Example:
    """The example in any of its forms; ValueUnusable where it cannot be used. states: how many the cell has."""
    if isinstance(function, Factory):
        if not callable(example):
            raise ValueUnusable(
                f"{function.made.__name__} is a class: from one example its sizes are not known",
                "give example= as a function of (n, m, batch, rng), or check a method of an object: net.step",
            )
    elif example is None:
        example = _from_the_code(function)
    if callable(example) and not isinstance(function, Factory) and _positional(example) == 0:
        example = example()
    if callable(example) and (fixed := {**global_arrays(function), **_own(function)}):
        example = _at_sizes_of(function, example, fixed)
    if callable(example):
        return lengths(_from_maker(function, example))
    assert not isinstance(function, Factory)
    call = in_precision(_call(function, example))
    found = inferred_sequence(call)
    return lengths(found) if found is not None else inferred_step(call, states)


def _own(function: Any) -> dict[str, Any]:
    """What an object has, where it has arrays of its own: they have its size."""
    owner = getattr(function, "__self__", None)
    own = dict(vars(owner)) if hasattr(owner, "__dict__") and not inspect.ismodule(owner) else {}
    return own if leaves(own) else {}


def _at_sizes_of(function: Any, make: Callable[..., Any], fixed: Mapping[str, Any]) -> Any:
    """An example at the sizes that weights elsewhere have: the first (n, m) that the function takes."""
    seen = {length for leaf in leaves(fixed) for length in leaf.array.shape}
    seen |= {value for value in fixed.values() if type(value) is int and value > 0}
    parts = {length // k for length in seen for k in (1, 2, 3, 4) if length % k == 0}
    parts |= {a - b for a in seen for b in seen if a > b}
    for n, m in itertools.product(sorted(parts, reverse=True), repeat=2):
        try:
            made = _made(make, (n, m, SIZES[2], STEPS), asks_for_steps(make))
            call = in_precision(_call(function, made))
            attempt(call, {leaf.path: leaf.array for leaf in call.leaves()})
        except Exception:  # not these sizes
            continue
        return made
    return make


def _call(function: Callable[..., Any], example: Any, steps: int | None = None) -> Call:
    if isinstance(example, (dict, tuple, list)):
        call = call_of(function, *(((), example) if isinstance(example, dict) else (tuple(example), {})))
        return with_parts(replace(call, stacked=listed_inputs(call.arguments, steps)))
    raise ValueUnusable(
        f"the example is a {type(example).__name__}",
        "give a dict by argument name, a tuple of positional arguments, or a function of (n, m, batch, rng)",
    )


def _from_maker(function: Callable[..., Any] | Factory, make: Callable[..., Any]) -> Example:
    asks = asks_for_steps(make)

    def at(sizes: tuple[int, ...]) -> Call:
        try:
            made = _made(make, sizes, asks)
        except Exception as error:
            raise ValueUnusable(
                f"the example function fails at n, m, batch, steps = {sizes}: {type(error).__name__}: {error}",
                "it takes (n, m, batch, rng) or (n, m, batch, T, rng) and gives a dict by argument name, or a tuple",
            ) from error
        own = function.at(*sizes[:2]) if isinstance(function, Factory) else function
        return _call(own, made, sizes[3] if asks else None)

    base = (*SIZES, STEPS)
    templates = templates_of(at, base, asks is not None)
    return with_steps(Example(in_precision(at(base)), templates, SIZES, steps=STEPS if asks else 1))


def templates_of(
    at: Callable[[tuple[int, ...]], Call], base: tuple[int, ...], steps: bool
) -> dict[Path, tuple[Axis, ...]]:
    """What the axes of all arrays count, from calls at several sizes (n, m, batch, steps)."""
    shapes = {leaf.path: leaf.array.shape for leaf in at(base).leaves()}
    moved = []
    for k in range(4 if steps else 3):
        other = at(tuple(s + (i == k) for i, s in enumerate(base)))
        moved.append({leaf.path: leaf.array.shape for leaf in other.leaves()})
    made: dict[Path, tuple[Axis, ...]] = {}
    for path, shape in shapes.items():
        axes = []
        for a, length in enumerate(shape):
            more = [m[path][a] - length if path in m and len(m[path]) == len(shape) else 0 for m in moved]
            rest = length - sum(s * v for s, v in zip(more, base, strict=False))
            axes.append(Axis(rest, *more))
        made[path] = tuple(axes)
    return made


def asks_for_steps(make: Callable[..., Any]) -> str | None:
    """How a function that makes examples asks for the number of steps: the name of its parameter, None if not."""
    try:
        taken = inspect.signature(make).parameters
    except (TypeError, ValueError):
        return None
    named = next((name for name in taken if name.lower() in NAMES_OF_STEPS), None)
    plain = [p for p in taken.values() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    return named or (plain[3].name if len(plain) == 5 else None)


def _made(make: Callable[..., Any], sizes: tuple[int, ...], asks: str | None) -> Any:
    n, m, batch, steps = sizes
    rng = np.random.default_rng(0)
    if asks is None:
        return make(*(n, m, batch, rng)[: _positional(make)])
    names = [name for name in inspect.signature(make).parameters if name != asks]
    return make(**dict(zip(names, (n, m, batch, rng), strict=False)), **{asks: steps})


def _positional(make: Callable[..., Any]) -> int | None:
    """How many positional arguments a function takes, where that is a number that its signature says."""
    try:
        taken = [p.kind for p in inspect.signature(make).parameters.values()]
    except (TypeError, ValueError):
        return None
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return None if inspect.Parameter.VAR_POSITIONAL in taken else sum(kind in plain for kind in taken)


def with_steps(example: Example) -> Example:
    """The example with its input of a whole sequence, where it has one: x has an axis of steps, or one of a fixed
    length beside those of batch and features."""
    for path, axes in sorted(example.templates.items(), key=lambda item: role_of(str(item[0][-1])) != "x"):
        rest = [axis for axis in axes if axis != ONE]
        if M not in rest or path[0] in INSIDE or any(axis.n for axis in rest):
            continue
        if T in rest:
            return replace(example, x=path)
        fixed = [k for k, axis in enumerate(axes) if axis.one > 1 and axis == Axis(axis.one)]
        if len(fixed) == 1 and len(rest) == 2 + (B in rest):
            chosen = axes[fixed[0]].one
            axes = tuple(T if k == fixed[0] else axis for k, axis in enumerate(axes))
            return replace(example, x=path, steps=chosen, templates={**example.templates, path: axes})
    return replace(example, steps=1)


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
