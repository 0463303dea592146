"""What generated modules need beyond NumPy and `symlstm.expr.numeric`; they carry these functions as they are here."""

from __future__ import annotations

from typing import Any

import numpy as np


def same_batch(*arrays: Any, core: tuple[int, ...] = ()) -> Any:
    """The arrays with their leading axes broadcast; `core` says how many axes at the end belong to each (one)."""
    core = core or (1,) * len(arrays)
    leading = [a.shape[: a.ndim - k] for a, k in zip(arrays, core, strict=True)]
    if all(one == leading[0] for one in leading):
        return arrays
    batch = np.broadcast_shapes(*leading)
    return tuple(np.broadcast_to(a, batch + a.shape[a.ndim - k :]) for a, k in zip(arrays, core, strict=True))


def concat(*parts: Any, axis: int = -1) -> Any:
    """np.concatenate, where some parts have no leading (batch) axes."""
    batch = np.broadcast_shapes(*(p.shape[:axis] for p in parts))
    return np.concatenate([np.broadcast_to(p, batch + p.shape[axis:]) for p in parts], axis=axis)


def from_outside(upstream: Any, name: str, value: Any) -> Any:
    """The gradient given for `name`, with the shape of its value; zero if there is none."""
    if upstream.get(name) is None:
        return np.zeros_like(value)
    return np.broadcast_to(upstream[name], value.shape)


def batch_sum(g: Any, core: int = 1) -> Any:
    """The sum over the leading (batch) axes; the last `core` axes stay."""
    return g.reshape(-1, *g.shape[g.ndim - core :]).sum(axis=0)


def outer_sum(a: Any, b: Any) -> Any:
    """The sum over the leading (batch) axes of the outer products a b^T, as one matrix product."""
    return a.reshape(-1, a.shape[-1]).T @ b.reshape(-1, b.shape[-1])


def diagonal(matrix: Any) -> Any:
    """The diagonal of a square matrix, as a view to write into."""
    return np.einsum("...ii->...i", matrix)


def diagonal_matrix(v: Any) -> Any:
    """diag(v)"""
    return v[..., :, None] * np.eye(v.shape[-1], dtype=v.dtype)


def one_at_a_time(shape: Any, batch: Any, dtype: Any) -> Any:
    """For every entry of an array of that shape, in a leading axis: where it is one and the others zero."""
    count = int(np.prod(shape))
    units = np.eye(count, dtype=dtype).reshape(count, *(1,) * len(batch), *shape)
    return np.broadcast_to(units, (count, *batch, *shape))


def side_by_side(matrices: Any) -> Any:
    """The matrices as one array (rows, terms, columns) without a copy, if they lie equally far apart in memory."""
    first = matrices[0]
    starts = [a.__array_interface__["data"][0] for a in matrices]
    gap = starts[1] - starts[0] if len(starts) > 1 else first.nbytes
    alike = all((a.shape, a.strides, a.dtype) == (first.shape, first.strides, first.dtype) for a in matrices)
    spaced = all(start == starts[0] + k * gap for k, start in enumerate(starts))
    if first.ndim != 2 or not alike or not spaced or gap < first.shape[1] * first.itemsize or gap % first.itemsize:
        return None
    shape, strides = (first.shape[0], len(starts), first.shape[1]), (first.strides[0], gap, first.strides[1])
    return np.lib.stride_tricks.as_strided(first, shape, strides, writeable=False)


def fill_rows(out: Any, *terms: Any) -> None:
    """out = the sum of diag(vector) matrix over the terms (vector, matrix); the vector None stands for ones.

    Row i of the sum is a small product: entry i of every vector times row i of every matrix. Matrices that are not side
    by side in memory are brought together a few rows at a time, so that they stay in the cache.
    """
    rows, columns = out.shape[-2:]
    entries = np.empty((*out.shape[:-1], 1, len(terms)), out.dtype)
    for k, (vector, _) in enumerate(terms):
        entries[..., 0, k] = 1 if vector is None else vector
    together = side_by_side([matrix for _, matrix in terms]) if terms[0][1].shape[-2] == rows else None
    if together is not None and together.dtype == out.dtype:
        np.matmul(entries, together, out=out[..., None, :])
        return
    at_once = min(rows, max(1, 98304 // (len(terms) * out[..., 0, :].size)))
    stacked = np.empty((*out.shape[:-2], at_once, len(terms), columns), out.dtype)
    for start in range(0, rows, at_once):
        some = slice(start, min(start + at_once, rows))
        these = stacked[..., : some.stop - start, :, :]
        for k, (_, matrix) in enumerate(terms):
            these[..., k, :] = matrix[..., some, :] if matrix.shape[-2] > 1 else matrix
        np.matmul(entries[..., some, :, :], these, out=out[..., some, None, :])


def every(v: Any, matrix: Any, offset: Any = None) -> Any:
    """The matrix times every vector v, as one product; plus one more vector, if it is given."""
    found = v.reshape(-1, v.shape[-1]) @ matrix.T
    if offset is not None:
        found += offset
    return found.reshape(*v.shape[:-1], len(matrix))
