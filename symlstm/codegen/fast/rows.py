"""Sums of diag(vector) matrix, written in one pass over memory, by several threads where that pays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, njit

from symlstm.codegen.fast.bits import fused, pointer
from symlstm.codegen.fast.parts import in_parts

WORTH_A_THREAD = 1 << 24
"""Bytes to write and read for which starting a thread pays."""


@njit(nogil=True, error_model="numpy")
def fill(first: int, last: int, entries: Any, columns: Any, to: Any, bounds: Any, places: Any) -> None:
    """The rows from first to last of all sums, counted through the batch; row after row, so that a later sum can read
    an earlier one.

    entries: (batch, rows, terms of all sums). columns: of each sum; its terms are those from bounds[s] to bounds[s +
    1]; to[s] and places[k]: where a sum and matrix k lie in memory, as `place` gives it.
    """
    rows = entries.shape[1]
    for at in range(first, last):
        b, i = at // rows, at % rows
        for s in range(len(to)):
            width, k, stop = columns[s], bounds[s], bounds[s + 1]
            out = carray(pointer(to[s, 0] + b * to[s, 1] + i * to[s, 2], entries), (width,))
            if k == stop:
                out[:] = 0
            while k < stop:
                end = k + 1 if stop - k == 1 else k + 2
                p, q = places[k], places[end - 1]
                u, w = entries[b, i, k], entries[b, i, end - 1]
                one = carray(pointer(p[0] + b * p[1] + i * p[2], entries), (width,))
                other = carray(pointer(q[0] + b * q[1] + i * q[2], entries), (width,))
                if k == bounds[s] and end == k + 1:
                    for j in range(width):
                        out[j] = u * one[j]
                elif k == bounds[s]:
                    for j in range(width):
                        out[j] = fused(u, one[j], w * other[j])
                elif end == k + 1:
                    for j in range(width):
                        out[j] = fused(u, one[j], out[j])
                else:
                    for j in range(width):
                        out[j] = fused(u, one[j], fused(w, other[j], out[j]))
                k = end


def place(matrix: Any) -> tuple[int, int, int]:
    """The address of a matrix in a batch, and how many bytes further the next matrix and the next row are."""
    return matrix.__array_interface__["data"][0], matrix.strides[0], matrix.strides[1]


def readable(matrix: Any, out: Any) -> Any:
    """The matrix with the shape and dtype of `out`, its rows without gaps, and apart from it in memory."""
    size = out.itemsize
    if matrix.dtype != out.dtype or matrix.strides[-1] != size or np.may_share_memory(matrix, out):
        matrix = np.array(matrix, out.dtype, order="C")
    return matrix if matrix.shape == out.shape else np.broadcast_to(matrix, out.shape)


def fill_rows(out: Any, *terms: Any) -> None:
    """out = the sum of diag(vector) matrix over the terms (vector, matrix); the vector None stands for ones.

    As `symlstm.codegen.helpers.fill_rows`; out: (..., rows, columns), float32 or float64.
    """
    fill_together((out, *terms))


def fill_together(*sums: Any) -> None:
    """Several of them, (out, *terms) each, of as many rows; the matrix of a term may be what an earlier one fills."""
    first = sums[0][0]
    if first.ndim > 3:
        for index in np.ndindex(first.shape[:-3]):
            fill_together(*_at(sums, index))
        return
    terms = [term for _, *terms in sums for term in terms]
    if not terms:
        for out, *_ in sums:
            out[...] = 0
        return
    entries = np.empty((*first.shape[:-1], len(terms)), first.dtype)
    for k, (vector, _) in enumerate(terms):
        entries[..., k] = 1 if vector is None else vector
    outs: list[Any] = []
    matrices: list[Any] = []
    for out, *own in sums:
        if out.strides[-1] != out.itemsize:
            raise ValueError("the rows of the output have gaps")
        matrices += [m if any(m is o for o in outs) else readable(m, out) for _, m in own]
        outs.append(out)
    to, places = (np.array([place(a[None] if first.ndim == 2 else a) for a in some]) for some in (outs, matrices))
    bounds = np.array([0, *np.cumsum([len(own) for _, *own in sums])])
    many = entries[..., 0].size
    wanted = (sum(o.nbytes for o in outs) + sum(m.nbytes for m in matrices)) // WORTH_A_THREAD
    columns = np.array([o.shape[-1] for o in outs])
    given = entries.reshape(-1, *entries.shape[-2:]), columns, to, bounds, places
    in_parts(fill, many, wanted, *given, keep=(outs, matrices))


def _at(sums: Any, index: Any) -> list[Any]:
    """What belongs to one index of the leading axes."""
    found: list[Any] = []
    made: dict[int, Any] = {}
    for out, *terms in sums:
        own = [(_of_batch(v, 1, out, index), made.get(id(m), _of_batch(m, 2, out, index))) for v, m in terms]
        made[id(out)] = out[index]
        found.append((made[id(out)], *own))
    return found


def _of_batch(array: Any, axes: int, out: Any, index: Any) -> Any:
    """What belongs to one index of the leading axes of `out`; `axes` of the array at the end are not batch axes."""
    if array is None or array.ndim < axes + len(index) + 1:
        return array
    return np.broadcast_to(array, out.shape[:-2] + array.shape[-axes:])[index]
