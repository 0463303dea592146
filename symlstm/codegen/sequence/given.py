"""Looking at the numbers that a user gives for a whole sequence: the checks of one step, and those over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.codegen import inputs, mismatch
from symlstm.codegen import upstream as outside
from symlstm.codegen.body import user_shape
from symlstm.codegen.fitting import Given, shape_of
from symlstm.codegen.floats import as_array, finite
from symlstm.codegen.mismatch import spec_of
from symlstm.equations import Cell
from symlstm.errors import ShapeError, ValueUnusable, unknown

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Sequence:
    """The numbers of one call: parameters, inputs (T, ...) as the generated functions take them, initial states.

    first: what one step of it looks like.
    """

    p: dict[str, Array]
    x: Any
    states: tuple[Array, ...]
    steps: int
    first: Given


def read(cell: Cell, p: Any, x: Any, states: Any, steps: int | None) -> Sequence:
    """The numbers as floating-point arrays that fit together; see symlstm.codegen.inputs.read."""
    names = [q.name for q in cell.inputs]
    if not names:
        first = inputs.read(cell, p, x, states)
        if steps is None:
            raise ShapeError(f"{cell.name} has no input that says how many steps", "give steps=")
        return Sequence(first.p, count(steps), first.states, count(steps), first)
    given = inputs.split_inputs(cell, x)
    arrays = [as_array(name, value) for name, value in zip(names, given, strict=True)]
    for name, array in zip(names, arrays, strict=True):
        if array.ndim <= len(cell.shapes[name]):
            shape = ", ".join(["T", *map(str, cell.shapes[name])])
            raise ShapeError(
                f"{name} has no axis of time: its shape is {array.shape}",
                f"a sequence is ({shape}), any batch axes after the first",
            )
    lengths = {len(a) for a in arrays}
    if len(lengths) > 1:
        shown = ", ".join(f"{name} has {len(a)}" for name, a in zip(names, arrays, strict=True))
        raise ShapeError(f"the inputs have different numbers of steps: {shown}")
    length = lengths.pop()
    if steps is not None and count(steps) != length:
        raise ShapeError(f"steps={steps}, but {names[0]} has {length} steps", "leave steps out")
    for name, array in zip(names, arrays, strict=True):
        if not _finite(array):
            error = mismatch.not_finite(name, array)
            raise ValueUnusable(
                error.message, "the first index is the step (from 0)" + "; " * bool(error.hint) + error.hint
            )
    for name, array in zip(names, arrays, strict=True):
        if 0 in array.shape[1:]:
            raise mismatch.empty(name, array.shape)
    one = [a[0] if length else np.zeros(a.shape[1:], a.dtype) for a in arrays]
    weak = [not hasattr(value, "dtype") for value in given]
    shown_one = [a.tolist() if w and a.dtype.kind == "f" else a for a, w in zip(one, weak, strict=True)]
    first = inputs.read(cell, p, tuple(shown_one) if len(names) > 1 else shown_one[0], states)
    taken = tuple(a.astype(f.dtype, copy=False) for a, f in zip(arrays, first.varying, strict=False))
    return Sequence(first.p, taken if len(names) > 1 else taken[0], first.states, length, first)


def count(steps: Any) -> int:
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 0:
        raise ShapeError(f"steps must be a whole number, 0 or more, not {steps!r}")
    return int(steps)


def read_upstream(cell: Cell, upstream: Any, given: Sequence) -> dict[str, Array]:
    """Gradients from outside by name, (T, ..., n) each; a tuple is in the order of the states, None counts as zero."""
    states = [s.current.name for s in cell.states]
    known = {q.name: q for q in (*(s.current for s in cell.states), *cell.outputs)}
    if not isinstance(upstream, Mapping):
        if len(states) == 1 and not isinstance(upstream, (tuple, list)):
            upstream = (upstream,)
        if not isinstance(upstream, (tuple, list)) or len(upstream) != len(states):
            raise ShapeError(
                f"upstream must be a dict by name, or one gradient for each of {', '.join(states)}",
                'for example {"' + states[0] + '": dH}',
            )
        upstream = dict(zip(states, upstream, strict=True))
    found = {}
    for name, value in upstream.items():
        if name not in known:
            raise unknown(f"state or output of {cell.name}", str(name), known)
        if value is None:
            continue
        array = as_array(f"upstream of {name}", value)
        if array.ndim == 0 or len(array) != given.steps:
            got = array.shape[0] if array.ndim else "none"
            raise ShapeError(
                f"the upstream gradient of {name} must have {given.steps} steps along its first axis, not {got}"
            )
        if not _finite(array):
            raise mismatch.not_finite(f"upstream of {name}", array)
        one = array[0] if given.steps else np.zeros(array.shape[1:], array.dtype)
        _require_shape(cell, known[name], array, one, given)
        found[name] = array if hasattr(value, "dtype") else array.astype(_like(array, given))
    return found


def _require_shape(cell: Cell, q: Any, array: Array, one: Array, given: Sequence) -> None:
    """ShapeError in the sizes of the whole sequence, where one step of an upstream gradient does not fit."""
    try:
        outside.read_upstream(cell, {q.name: one}, given.first)
    except ShapeError:
        own = shape_of(cell, q, given.first.sizes)
        wanted, got = map(mismatch.shape_text, ((given.steps, *given.first.batch, *own), array.shape))
        raise ShapeError(f"the upstream gradient of {q.name} must be {wanted}, as {q.name} is, not {got}") from None


def _finite(array: Array) -> bool:
    """Whether all entries are finite; squares may overflow."""
    with np.errstate(all="ignore"):
        return finite(array)


def _like(array: Array, given: Sequence) -> np.dtype[Any]:
    """The dtype of plain Python numbers: that of the states, complex where they are complex."""
    own = given.states[0].dtype
    return np.result_type(own, np.complex64) if array.dtype.kind == "c" else own


def zero_states(cell: Cell, p: Any, batch_shape: Any) -> tuple[Array, ...]:
    """Zeros for all states, in the sizes and the dtype that the parameters have."""
    sizes = inputs.sizes_from_parameters(cell, p)
    batch = batch_shape if isinstance(batch_shape, (tuple, list)) else (batch_shape,)
    if not all(isinstance(b, (int, np.integer)) and not isinstance(b, bool) and b >= 0 for b in batch):
        raise ShapeError(f"batch_shape must be a whole number or a tuple of them, not {batch_shape!r}")
    dtype = np.result_type(*(as_array(name, a) for name, a in p.items())) if p else np.dtype(np.float64)
    made = []
    for s in cell.states:
        spec = spec_of(cell, s.previous)
        open_ = [name for axis in spec.axes for name, _ in axis.terms if name not in sizes]
        if open_:
            raise ShapeError(
                f"the parameters do not say what the size {open_[0]} of {s.previous.name} is",
                f"make it yourself: numpy.zeros((..., {', '.join(map(str, user_shape(cell, s.previous)))}))",
            )
        made.append(np.zeros((*batch, *(spec.length(k, sizes) for k in range(len(spec.axes)))), dtype))
    return tuple(made)
