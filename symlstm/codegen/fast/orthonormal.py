"""Directions made orthonormal: Householder's QR on rows, for the few hundred rows that a time loop has.

LAPACK's, as NumPy calls it, takes 2.5 times as long for 64 directions and for 256: it begins anew at every call, and
works on columns. Reflections are applied one by one within blocks of rows, and a block at a time to the rows outside
(R. Schreiber, C. Van Loan, A storage-efficient WY representation for products of Householder transformations, SIAM J.
Sci. Stat. Comput. 10, 1989).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from symlstm.codegen.fast.products import add_rows, compiled, inner, pack, set_rows
from symlstm.codegen.fast.reflections import LANES, reflection
from symlstm.codegen.fast.tiles import width

WIDE = width(8)
ALONE = 96
"""Up to so many rows are one block."""
BLOCK = 32
TINY, UP = 1e-250, 2.0**400
"""Rows shorter than TINY are made longer by UP while their reflection is found."""

reflect_eight, reflect_four, reflect_one = (reflection(rows) for rows in (8, 4, 1))
summing = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, fastmath={"reassoc", "contract"})


@summing
def length(x: Any) -> float:
    """|x|, also where squares overflow or vanish; NaN where an entry is."""
    total = 0.0
    for j in range(len(x)):
        total += x[j] * x[j]
    if 1e-280 < total < 1e280 or math.isnan(total):
        return math.sqrt(total)
    largest = 0.0
    for j in range(len(x)):
        largest = max(largest, abs(x[j]))
    if largest == 0 or largest == math.inf:
        return largest
    total = 0.0
    for j in range(len(x)):
        total += (x[j] / largest) * (x[j] / largest)
    return largest * math.sqrt(total)


@summing
def dot(a: Any, b: Any) -> float:
    total = 0.0
    for j in range(len(a)):
        total += a[j] * b[j]
    return total


@inner
def reflect(rows: Any, first: int, last: int, i: int, v: Any, tau: float) -> None:
    """The rows from first to last by I - tau v v^T, v being zero before its entry i."""
    apart = rows.shape[1]
    start = i // LANES * LANES
    for j in range(start, i):
        v[j] = 0
    count, r = (apart - start) // LANES, first
    while last - r >= 8:
        reflect_eight(rows, r * apart + start, apart, v, start, count, tau)
        r += 8
    if last - r >= 4:
        reflect_four(rows, r * apart + start, apart, v, start, count, tau)
        r += 4
    while r < last:
        reflect_one(rows, r * apart + start, apart, v, start, count, tau)
        r += 1


@inner
def find_reflection(x: Any, v: Any) -> tuple[float, float]:
    """(beta, tau) with (I - tau v v^T) x = beta e_1 and v[0] = 1. Writes v; beta is NaN where x is not finite."""
    size, up = length(x), 1.0
    if size < TINY:
        up = UP
        size = length(x * up)
    if size == 0 or not size < math.inf:
        v[:] = 0
        return 0.0 if size == 0 else math.nan, 0.0
    alpha = x[0] * up
    beta = -math.copysign(size, alpha)
    scale = 1 / (alpha - beta)
    v[0] = 1
    for j in range(1, len(x)):
        v[j] = x[j] * up * scale
    return beta / up, (beta - alpha) / beta


@inner
def multiply(
    a: Any, start: int, across: int, rows: int, panels: Any, out: Any, to: int, apart: int, columns: int, add: bool
) -> None:
    """out = (add: +=) a times the matrix in panels.

    Row r of a begins at a[start + r across], its row in `out` at out[to + r apart]; both are flat.
    """
    count, some = panels.shape[1], np.empty((8, WIDE))
    for p in range(-(-columns // WIDE)):
        here, place = min(WIDE, columns - p * WIDE), p * count * WIDE
        if add and here == WIDE:
            add_rows(a, start, across, 1, rows, count, panels, place, out, to + p * WIDE, apart)
            continue
        for r in range(0, rows, 8):
            height, target = min(8, rows - r), to + r * apart + p * WIDE
            set_rows(a, start + r * across, across, 1, height, count, panels, place, some, 0, WIDE)
            for i in range(height):
                for j in range(here):
                    k = target + i * apart + j
                    out[k] = out[k] + some[i, j] if add else some[i, j]


@inner
def reflect_block(rows: Any, v: Any, taus: Any, start: int, first: int, last: int, back: bool) -> None:
    """The rows from first to last by the reflections of a block, one after the other (back: the last one first).

    v: their vectors, from column `start` on. With I - V^T T V for all of them, rows += (rows V^T) (-T V).
    """
    count, columns = v.shape
    t = np.zeros((count, count))  # -T
    for i in range(count):
        t[i, i] = -taus[i]
        for a in range(i):
            t[a, i] = dot(v[a, i:], v[i, i:])
        for a in range(i):
            total = 0.0
            for b in range(a, i):
                total += t[a, b] * t[b, i]
            t[a, i] = -taus[i] * total
    by_v = np.zeros((-(-count // WIDE), columns, WIDE))
    pack(v, by_v)
    by_t = np.zeros((-(-columns // WIDE), count, WIDE))
    pack(v.T, by_t)
    t_v = np.empty((count, columns))
    turned = np.ascontiguousarray(t.T if back else t).reshape(-1)
    multiply(turned, 0, count, count, by_t, t_v.reshape(-1), 0, columns, columns, False)
    pack(t_v.T, by_t)
    flat, apart, many = rows.reshape(-1), rows.shape[1], last - first
    along = np.empty(many * count)
    multiply(flat, first * apart + start, apart, many, by_v, along, 0, count, count, False)
    multiply(along, 0, count, many, by_t, flat, first * apart + start, apart, columns, True)


@inner
def block_vectors(rows: Any, first: int, last: int) -> Any:
    """The vectors that are kept in the rows of a block, from column `first` on."""
    v = np.zeros((last - first, rows.shape[1] - first))
    for i in range(first, last):
        v[i - first, i - first] = 1
        for j in range(i + 1, rows.shape[1]):
            v[i - first, j - first] = rows[i, j]
    return v


@compiled
def orthonormalise(rows: Any, triangle: Any) -> None:
    """rows = triangle Q, Q with orthonormal rows: Q is written over the rows, its columns filled up with zeros.

    rows: (k, s), s a multiple of LANES, zeros in the columns that only fill it up; at most as many rows as columns are
    left. triangle: (k, k), of which what is above the diagonal is left as it is; NaN in the diagonal where a row is
    not finite.
    """
    count, columns = rows.shape
    block = count if count <= ALONE else BLOCK
    taus, v = np.zeros(count), np.empty(columns)
    for first in range(0, count, block):
        last = min(first + block, count)
        for i in range(first, last):
            beta, taus[i] = find_reflection(rows[i, i:], v[i:])
            for j in range(i):
                triangle[i, j] = rows[i, j]
            triangle[i, i] = beta
            if taus[i] != 0:
                reflect(rows, i + 1, last, i, v, taus[i])
            for j in range(i + 1, columns):
                rows[i, j] = v[j]
        if last < count:
            reflect_block(rows, block_vectors(rows, first, last), taus[first:last], first, last, count, False)
    for first in range((count - 1) // block * block, -1, -block):
        last = min(first + block, count)
        if last < count:
            reflect_block(rows, block_vectors(rows, first, last), taus[first:last], first, last, count, True)
        for i in range(last - 1, first - 1, -1):
            v[i] = 1
            for j in range(i + 1, columns):
                v[j] = rows[i, j]
            if taus[i] != 0:
                reflect(rows, i + 1, last, i, v, taus[i])
            for j in range(i):
                rows[i, j] = 0  # so the rows below have nothing left of their own column when this one is done
            rows[i, i] = 1 - taus[i]
            for j in range(i + 1, columns):
                rows[i, j] = -taus[i] * v[j]
