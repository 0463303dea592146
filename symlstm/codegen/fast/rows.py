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
def fill(first: int, last: int, entries: Any, columns: int, to: Any, places: Any) -> None:
    """The rows from first to last, counted through the batch.

    entries: (batch, rows, terms). to and places[k]: where the sum and matrix k lie in memory, as `place` gives it.
    """
    rows, terms = entries.shape[1:]
    for at in range(first, last):
        b, i = at // rows, at % rows
        out = carray(pointer(to[0] + b * to[1] + i * to[2], entries), (columns,))
        k = 0
        while k < terms:
            end = k + 1 if terms - k == 1 else k + 2
            p, q = places[k], places[end - 1]
            u, w = entries[b, i, k], entries[b, i, end - 1]
            one = carray(pointer(p[0] + b * p[1] + i * p[2], entries), (columns,))
            other = carray(pointer(q[0] + b * q[1] + i * q[2], entries), (columns,))
            if k == 0 and end == 1:
                for j in range(columns):
                    out[j] = u * one[j]
            elif k == 0:
                for j in range(columns):
                    out[j] = fused(u, one[j], w * other[j])
            elif end == k + 1:
                for j in range(columns):
                    out[j] = fused(u, one[j], out[j])
            else:
                for j in range(columns):
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
    if out.ndim > 3:
        for index in np.ndindex(out.shape[:-3]):
            fill_rows(out[index], *(tuple(_of_batch(a, axes, out, index) for a, axes in zip(term, (1, 2), strict=True))
                                    for term in terms))  # fmt: skip
        return
    entries = np.empty((*out.shape[:-1], len(terms)), out.dtype)
    for k, (vector, _) in enumerate(terms):
        entries[..., k] = 1 if vector is None else vector
    matrices = [readable(matrix, out) for _, matrix in terms]
    if out.strides[-1] != out.itemsize:
        raise ValueError("the rows of the output have gaps")
    if out.ndim == 2:
        out, matrices, entries = out[None], [m[None] for m in matrices], entries[None]
    places = np.array([place(m) for m in matrices])
    to = np.array(place(out))
    many = out.shape[0] * out.shape[1]
    wanted = out.nbytes * (1 + len(terms)) // WORTH_A_THREAD
    in_parts(fill, many, wanted, entries, out.shape[2], to, places, keep=(out, matrices))


def _of_batch(array: Any, axes: int, out: Any, index: Any) -> Any:
    """What belongs to one index of the leading axes of `out`; `axes` of the array at the end are not batch axes."""
    if array is None or array.ndim < axes + len(index) + 1:
        return array
    return np.broadcast_to(array, out.shape[:-2] + array.shape[-axes:])[index]
