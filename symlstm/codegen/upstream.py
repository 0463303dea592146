"""Gradients from outside, directions, and arrays to write into, beside the numbers of a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symlstm.codegen import mismatch
from symlstm.codegen.fitting import Given, shape_of
from symlstm.codegen.floats import Array, arrays_of, require_finite
from symlstm.equations import Cell
from symlstm.errors import ShapeError, ValueUnusable, unknown

UPSTREAM = "give one for each state, None for zero, or a dict by name"


def read_upstream(cell: Cell, upstream: Any, given: Given) -> dict[str, Array]:
    """The gradients from outside by name, from a tuple in the order of the states or a dict; None counts as zero."""
    sources = {q.name: q for q in (*(s.current for s in cell.states), *cell.outputs)}
    states = [s.current.name for s in cell.states]
    if not isinstance(upstream, Mapping):
        alone = not isinstance(upstream, (tuple, list))
        if upstream is None or (alone and len(states) > 1 and np.ndim(upstream) == 0):
            form = f"a tuple ({', '.join(states)})" if len(states) > 1 else f"that by {states[0]}"
            got = "None" if upstream is None else "one number"
            raise ShapeError(f"upstream, the gradients from outside, must be {form}, not {got}", UPSTREAM)
        if len(states) == 1 and alone:
            upstream = (upstream,)
        if len(upstream) != len(states):
            raise ShapeError(
                f"upstream has {len(upstream)} gradients, {cell.name} has {mismatch.states_text(states)}",
                UPSTREAM,
            )
        upstream = dict(zip(states, upstream, strict=True))
    for name in upstream:
        if name not in sources:
            raise unknown(f"state or output of {cell.name}", name, sources)
    named = [(f"upstream of {name}", value) for name, value in upstream.items() if value is not None]
    arrays = arrays_of(named, like=given.states[0].dtype)
    found = dict(zip([n for n, v in upstream.items() if v is not None], arrays, strict=True))
    for name, array in found.items():
        spec = mismatch.spec_of(cell, sources[name])
        wanted = tuple(spec.length(k, given.sizes) for k in range(len(spec.axes)))
        core = len(wanted)
        leading = array.shape[: array.ndim - core]
        if array.ndim < core or array.shape[array.ndim - core :] != wanted or not _broadcasts(leading, given.batch):
            full = mismatch.shape_text((*given.batch, *wanted))
            shape = mismatch.shape_text(array.shape)
            raise ShapeError(f"the upstream gradient of {name} must be {full}, as {name} is, not {shape}")
    require_finite(named, arrays)
    return found


def read_directions(cell: Cell, directions: Any, given: Given) -> Array:
    """Directions (..., s, k) in the space of all states, with the batch axes of the step. Raises ShapeError."""
    named = [("directions", directions)]
    (array,) = arrays_of(named, like=given.states[0].dtype)
    rows = _numbers_of_states(cell, given)
    if array.ndim < 2 or array.shape[-2] != rows or not _broadcasts(array.shape[:-2], given.batch):
        stacked = ", ".join(s.previous.name for s in cell.states)
        batch = "".join(f"{b} x " for b in given.batch)
        shape = mismatch.shape_text(array.shape)
        raise ShapeError(
            f"directions must be {batch}{rows} x k, not {shape}", f"in each column a change of {stacked}, stacked"
        )
    require_finite(named, [array])
    return array


def read_out(cell: Cell, out: Any, given: Given) -> Array | None:
    """An array that takes the state Jacobian, (..., s, s). Raises ShapeError and ValueUnusable."""
    if out is None:
        return None
    if not isinstance(out, np.ndarray):
        raise ValueUnusable(f"out must be a NumPy array, which is written into, not {type(out).__name__}")
    rows = _numbers_of_states(cell, given)
    wanted = (*given.batch, rows, rows)
    if out.shape != wanted:
        full, shape = map(mismatch.shape_text, (wanted, out.shape))
        raise ShapeError(f"out must be {full}, as the state Jacobian is, not {shape}")
    numbers = (*given.p.values(), *given.varying)
    dtype = np.result_type(*numbers)
    if not np.can_cast(dtype, out.dtype):
        raise ValueUnusable(f"out has {out.dtype}, which does not hold {dtype}, as the numbers given are")
    if not out.flags.writeable:
        raise ValueUnusable("out is read-only")
    if any(np.may_share_memory(out, a) for a in numbers):
        raise ValueUnusable("out shares memory with the numbers given", "give an array of its own")
    return out


def _numbers_of_states(cell: Cell, given: Given) -> int:
    """How many numbers all states of one example are."""
    return sum(int(np.prod(shape_of(cell, s.previous, given.sizes))) for s in cell.states)


def _broadcasts(leading: tuple[int, ...], batch: tuple[int, ...]) -> bool:
    pairs = zip(leading[::-1], batch[::-1], strict=False)
    return len(leading) <= len(batch) and all(a in (1, b) for a, b in pairs)
