"""What joining, cutting and reshaping mean for traced values."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import sympy as sp

from symlstm.errors import CellError, ShapeError
from symlstm.expr import build as b
from symlstm.expr.dims import same_size
from symlstm.trace.array import COLUMNS, FLAT, ROWS, Traced
from symlstm.trace.broadcasting import constant
from symlstm.trace.elementwise import copy, reading_of
from symlstm.trace.keywords import is_double, require_harmless
from symlstm.trace.whole import along_features

WHOLE = slice(None)


# joining


def concatenate(arrays: Any, axis: Any = 0) -> Traced:
    """One after the other: [a; b]."""
    reading = reading_of(arrays)
    values = [constant(reading, part) for part in arrays]
    for value in values:
        value.settle(1)
    if any(v._rank == 0 for v in values):
        raise ShapeError("numbers cannot be concatenated", "np.hstack and np.append take numbers too")
    if any(v._rank == 2 for v in values):
        if any(v._rank != 2 for v in values):
            raise ShapeError("matrices and vectors are concatenated", "all parts need the same number of axes")
        if axis in (1, -1):
            joined = b.concat(*[b.transpose(v._expr) for v in values])
            return values[0].like(b.transpose(joined), 2)
        if axis not in (0, -2):
            raise CellError(f"matrices are concatenated along axis {axis}", "use axis=0 or axis=1")
        return values[0].like(b.concat(*[v._expr for v in values]), 2)
    batch = next((v._batch for v in values if v._batch), None)
    for value in values:
        if not along_features(value, 0 if axis is None and not value._batch else axis):
            raise CellError("np.concatenate along the batch", "concatenate along the features")
    return values[0].like(b.concat(*[v._expr for v in values]), 1, batch)


def _with_an_axis(parts: Any) -> list[Traced]:
    """The parts, single numbers as vectors of length one."""
    reading = reading_of(parts)
    values = [constant(reading, part) for part in parts]
    return [v.like(v._expr, 1) if v._rank == 0 and not v._batch and not v.open else v for v in values]


def hstack(tup: Any) -> Traced:
    values = _with_an_axis(tup)
    return concatenate(values, axis=1 if any(v._batch or (not v.open and v._rank == 2) for v in values) else 0)


def vstack(tup: Any) -> Traced:
    values = _with_an_axis(tup)
    if any(v._batch == COLUMNS or (not v.open and v._rank == 2) for v in values):
        return concatenate(values, axis=0)
    raise CellError("np.vstack makes vectors the rows of a matrix", "[h, x] is one vector: use np.concatenate")


def append(arr: Any, values: Any, axis: Any = None) -> Traced:
    parts = _with_an_axis((arr, values))
    if axis is None and any(v._batch or (not v.open and v._rank == 2) for v in parts):
        raise ShapeError("np.append flattens arrays with two axes", "use np.concatenate with an axis")
    return concatenate(parts, axis=axis)


# cutting


def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Traced]:
    """Equal parts, or parts between the given places."""
    ary.settle(1)
    ary._reading.divided.append(ary)
    along_columns = ary._rank == 2 and axis in (1, -1)
    if ary._rank == 2 and axis not in (0, 1, -1, -2):
        raise CellError(f"a matrix is split along axis {axis}", "use axis=0 or axis=1")
    if ary._rank == 0 or (ary._rank == 1 and not along_features(ary, axis)):
        raise CellError("the batch is split, or a number", "split along the features: a cell treats each example alone")
    length = ary._expr.shape[1 if along_columns else 0]
    if isinstance(indices_or_sections, (int, np.integer)):
        part = sp.expand(length / int(indices_or_sections))
        bounds = [sp.expand(part * k) for k in range(int(indices_or_sections) + 1)]
        ranges = [(start, sp.expand(stop - start)) for start, stop in itertools.pairwise(bounds)]
    else:
        places = [None, *indices_or_sections, None]
        ranges = [_range(ary, slice(*pair), int(along_columns)) for pair in itertools.pairwise(places)]
    out = []
    for start, width in ranges:
        rows, cols = ary._expr.shape
        where = (0, rows, start, width) if along_columns else (start, width, 0, cols)
        out.append(ary.view(b.block(ary._expr, *where), ary._rank, ary._batch))
    return out


def hsplit(ary: Any, indices_or_sections: Any) -> list[Traced]:
    return split(ary, indices_or_sections, 1 if ary._batch or (not ary.open and ary._rank == 2) else 0)


def get_item(v: Traced, key: Any) -> Traced:
    """Slices with a start and a stop; `:`, `...` and None; no single entries."""
    keys = _filled_up(v, key if isinstance(key, tuple) else (key,))
    if any(k is None for k in keys):
        return _new_axis(v, keys)
    if any(not isinstance(k, slice) for k in keys):
        raise CellError(
            "a single entry is picked out of an array", "a cell works on whole vectors; slices such as z[:n] are fine"
        )
    if v._batch:
        feature = {ROWS: 1, COLUMNS: 0}.get(v._batch)
        if any(k != WHOLE for axis, k in enumerate(keys) if axis != feature):
            raise CellError("a part of the batch is picked out", "a cell treats each example alone")
        keys = [keys[feature]] if feature is not None else [WHOLE]
    rows = _range(v, keys[0] if keys else WHOLE, 0)
    cols = _range(v, keys[1], 1) if len(keys) > 1 else (sp.S.Zero, v._expr.shape[1])
    return v.view(b.block(v._expr, *rows, *cols), v._rank, v._batch)


def _filled_up(v: Traced, keys: tuple[Any, ...]) -> list[Any]:
    """One key an axis: `...`, and what is left out at the end, as whole axes."""
    missing = v.ndim - sum(k is not None and k is not Ellipsis for k in keys)
    if missing < 0:
        raise IndexError(f"too many indices: {v._expr} has {v.ndim} axes")
    if not any(k is Ellipsis for k in keys):
        return [*keys, *[WHOLE] * missing]
    place = next(k for k, one in enumerate(keys) if one is Ellipsis)
    return [*keys[:place], *[WHOLE] * missing, *keys[place + 1 :]]


def _range(v: Traced, part: slice, axis: int) -> tuple[sp.Expr, sp.Expr]:
    if part.step not in (None, 1):
        raise CellError("a slice with a step", "only contiguous parts are understood")
    length = v._expr.shape[axis]

    def bound(value: Any, default: sp.Expr) -> sp.Expr:
        if value is None:
            return default
        value = sp.sympify(value)
        return sp.expand(length + value) if value.could_extract_minus_sign() else value

    start, stop = bound(part.start, sp.S.Zero), bound(part.stop, length)
    if v._reading.unifier is not None:
        for symbol in length.free_symbols & v._reading.unifier.unknown:
            v._reading.unifier.at_least.setdefault(symbol, []).append(stop)
    width = sp.expand(stop - start)
    if width.could_extract_minus_sign() or sp.expand(length - stop).could_extract_minus_sign():
        raise ShapeError(f"{v._expr} has {length} entries, {start} to {stop} were asked for")
    return start, width


# other shapes of the same numbers


def _new_axis(v: Traced, keys: list[Any]) -> Traced:
    if v._rank == 0 and not v._batch:
        return v
    if len(keys) == 2 and WHOLE in keys:
        last = keys[1] is None
        if v._rank == 1 and not v._batch:
            return v.view(v._expr if last else b.transpose(v._expr), 2)
        if v._batch == FLAT:
            return v.view(v._expr, 0, ROWS if last else COLUMNS)
    raise CellError("a new axis is added here", "v[:, None] and v[None, :] of a vector are understood")


def _flat(v: Traced, what: str) -> Traced:
    """A vector, or a matrix of one column or one row, as a vector."""
    if v._batch and v._batch != FLAT:
        raise ShapeError(f"{what} mixes the examples of a batch", "keep the two axes of a batch")
    if v._rank < 2:
        return v
    rows, cols = v._expr.shape
    if cols == 1:
        return v.view(v._expr, 1)
    if rows == 1:
        return v.view(b.transpose(v._expr), 1)
    raise ShapeError(f"{what} of a matrix is not understood in a cell", "keep its two axes")


def ravel(a: Traced) -> Traced:
    return _flat(a, "ravel")


def flatten(a: Traced) -> Traced:
    return copy(_flat(a, "flatten"))


def squeeze(a: Traced) -> Traced:
    return _flat(a, "squeeze")


def reshape_method(a: Traced, *shape: Any) -> Traced:
    return reshape(a, shape[0] if len(shape) == 1 else shape)


def reshape(a: Traced, shape: Any) -> Traced:
    """The own shape again, a vector as a column or a row, and back."""
    a.settle(1)
    wanted = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    own = a.shape
    if len(wanted) == len(own) and all(_fits(w, s) for w, s in zip(wanted, own, strict=True)):
        return a
    length = a._expr.shape[0]
    if a._rank == 1 and not a._batch and len(wanted) == 2:
        if _is_number(wanted[1], 1) and _fits(wanted[0], length):
            return a.view(a._expr, 2)
        if _is_number(wanted[0], 1) and _fits(wanted[1], length):
            return a.view(b.transpose(a._expr), 2)
    if len(wanted) == 1 and a._rank == 2 and 1 in a._expr.shape and _fits(wanted[0], sp.Mul(*a._expr.shape)):
        return ravel(a)
    raise CellError("reshape is not understood in a cell", "keep vectors one axis long")


def _is_number(value: Any, number: int) -> bool:
    return bool(sp.sympify(value) == number)


def _fits(wanted: Any, size: Any) -> bool:
    return _is_number(wanted, -1) or same_size(sp.sympify(wanted), sp.sympify(size))


def transpose(a: Traced, axes: Any = None) -> Traced:
    """The transpose; of an array with one axis, the array."""
    if a.open:
        return a.T
    axes = None if axes is None else tuple(axes)
    backwards = tuple(range(a.ndim))[::-1]
    if axes is not None and tuple(k % max(a.ndim, 1) for k in axes) != backwards:
        raise CellError(f"transpose to the axes {axes} is not understood in a cell", "use .T")
    return a.T


def transpose_method(a: Traced, *axes: Any) -> Traced:
    if axes == (None,):
        axes = ()
    return transpose(a, (axes[0] if isinstance(axes[0], (tuple, list)) else axes) if axes else None)


def cast(a: Traced, dtype: Any) -> Traced:
    """astype, where it changes no number: to float64, and truth values to 0 and 1."""
    if a._truth and np.dtype(dtype).kind in "bif":
        out = copy(a)
        out._truth = np.dtype(dtype).kind == "b"
        return out
    if not is_double(dtype):
        require_harmless("astype", "dtype", dtype)
    a._shared = True  # as a copy, it must not follow what is written into a later
    return a


def same(val: Any) -> Any:
    return val
