"""Products with matrices that are put in order once: of the batch of one step, of some steps, and outer sums."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy import uintp  # of a place that is not negative: no look whether it counts from the end

from symlstm.codegen.fast.tiles import ROWS, tile

AT_ONCE = 64
"""Rows that are multiplied with a panel while it is in the cache."""
compiled = njit(nogil=True, error_model="numpy")
inner = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Called by compiled functions alone."""


@compiled
def pack(matrix: Any, panels: Any) -> None:
    """panels[p, k, j] = matrix[p width + j, k]; what the matrix does not have stays as it is."""
    rows, columns = matrix.shape
    wide = panels.shape[2]
    if matrix.strides[0] < matrix.strides[1]:
        for some in range(0, panels.shape[0], 4):
            for k in range(columns):
                for p in range(some, min(some + 4, panels.shape[0])):
                    for j in range(min(wide, rows - p * wide)):
                        panels[uintp(p), k, j] = matrix[uintp(p * wide + j), k]
        return
    for p in range(panels.shape[0]):
        for some in range(0, columns, 32):
            for j in range(min(wide, rows - p * wide)):
                for k in range(some, min(some + 32, columns)):
                    panels[p, uintp(k), j] = matrix[uintp(p * wide + j), uintp(k)]


def by_panel(eight: Any, four: Any, two: Any, one: Any) -> Any:
    """A function for any number of rows of a product by one panel, from tiles of 8, 4, 2 and 1 rows."""

    @inner
    def rows_by_panel(
        a: Any, start: int, across: int, along: int, rows: int, length: int, panels: Any, place: int, out: Any,
        to: int, apart: int,
    ) -> None:  # fmt: skip
        r = 0
        if ROWS == 8:
            while rows - r >= 8:
                eight(a, start + r * across, across, along, length, panels, place, 0, out, to + r * apart, apart)
                r += 8
        while rows - r >= 4:
            four(a, start + r * across, across, along, length, panels, place, 0, out, to + r * apart, apart)
            r += 4
        if rows - r >= 2:
            two(a, start + r * across, across, along, length, panels, place, 0, out, to + r * apart, apart)
            r += 2
        if rows > r:
            one(a, start + r * across, across, along, length, panels, place, 0, out, to + r * apart, apart)

    return rows_by_panel


set_rows = by_panel(*(tile(rows) for rows in (8, 4, 2, 1)))
add_rows = by_panel(*(tile(rows, add=True) for rows in (8, 4, 2, 1)))


def by_panels(pair: Any, single: Any) -> Any:
    """A function for few rows, as many as both tiles have, by the panels from p to end: two at a time, then one."""

    @inner
    def rows_by_panels(v: Any, at: int, panels: Any, p: int, end: int, out: Any) -> None:
        length, apart, wide = panels.shape[1], out.shape[1], panels.shape[2]
        gap, q = length * wide, p
        while end - q >= 2:
            pair(v, at * length, length, 1, length, panels, q * gap, gap, out, at * apart + q * wide, apart)
            q += 2
        if q < end:
            single(v, at * length, length, 1, length, panels, q * gap, 0, out, at * apart + q * wide, apart)

    return rows_by_panels


two_rows, one_row = by_panels(tile(2, 2), tile(2)), by_panels(tile(1, 2), tile(1))
"""By themselves few rows keep too few sums at work."""


@compiled
def product(v: Any, panels: Any, out: Any, first: int, last: int, back: bool) -> None:
    """out[b] = matrix v[b] for b from first to last; panels: of the matrix, as `packed` gives them.

    back: from the last panels to the first. Of a matrix that a cache cannot hold a part is still there then, if the
    step before went from the first to the last (measured: 16 us instead of 20 for 2 MB, where the cache has 1 MB).
    """
    count, length, wide = panels.shape
    columns, gap = out.shape[1], length * wide
    full = columns // wide
    for start in range(first, last, AT_ONCE):
        stop = min(start + AT_ONCE, last)
        fours = stop - (stop - start) % 4
        for some in range(0, full, 4):
            p = (full - 1) // 4 * 4 - some if back else some
            end = min(p + 4, full)
            if fours > start:
                for q in range(p, end):
                    to = start * columns + q * wide
                    set_rows(v, start * length, length, 1, fours - start, length, panels, q * gap, out, to, columns)
            at = fours
            if stop - at >= 2:
                two_rows(v, at, panels, p, end, out)
                at += 2
            if stop > at:
                one_row(v, at, panels, p, end, out)
        if full < count:
            edge = np.empty((stop - start, wide), out.dtype)
            set_rows(v, start * length, length, 1, stop - start, length, panels, full * gap, edge, 0, wide)
            for b in range(start, stop):
                for j in range(columns - full * wide):
                    out[b, full * wide + j] = edge[b - start, j]


@compiled
def product_and(first: int, last: int, v: Any, panels: Any, offset: Any, out: Any) -> None:
    """out[b] = matrix v[b] + offset, which may be empty."""
    for start in range(first, last, AT_ONCE):
        stop = min(start + AT_ONCE, last)
        product(v, panels, out, start, stop, start // AT_ONCE % 2 == 1)
        for b in range(start, stop):
            for j in range(len(offset)):
                out[b, j] += offset[j]


@compiled
def product_ahead(t: int, steps: int, first: int, last: int, v: Any, panels: Any, offset: Any, out: Any) -> None:
    """out[s, b] = matrix v[s, b] + offset for the examples from first to last, now and then for the next few steps."""
    batch = v.shape[1]
    some = max(1, AT_ONCE // max(1, last - first))
    if t % some:
        return
    stop = min(t + some, steps)
    rows, made = v.reshape(steps * batch, v.shape[2]), out.reshape(steps * batch, out.shape[2])
    if last - first == batch:
        product_and(t * batch, stop * batch, rows, panels, offset, made)
        return
    for s in range(t, stop):
        product_and(s * batch + first, s * batch + last, rows, panels, offset, made)


@compiled
def add_outer(a: Any, b: Any, strips: Any, panels: Any, out: Any, first: int, last: int) -> None:
    """out += the sum of a[r] b[r]^T over r, its rows from first to last.

    strips, panels: room for some rows of a (eight columns side by side) and of b, zeros where b has no column.
    """
    count, some, wide = panels.shape
    columns, together = out.shape[1], 8 * strips.shape[0]
    edge = np.empty((8, wide), a.dtype)
    for start in range(0, len(a), some):
        length = min(some, len(a) - start)
        pack(b[start : start + length].T, panels)
        for top in range(first, last, together):
            bottom = min(top + together, last)
            pack_strips(a, start, length, top, bottom, strips)
            for p in range(count):
                here = min(wide, columns - p * wide)
                for i in range(top, bottom, 8):
                    rows, s = min(8, bottom - i), (i - top) // 8
                    target, to, apart = out, i * columns + p * wide, columns
                    if here < wide:
                        edge[:] = 0
                        target, to, apart = edge, 0, wide
                    start_of = s * some * 8
                    add_rows(strips, start_of, 1, 8, rows, length, panels, p * some * wide, target, to, apart)
                    if here < wide:
                        for k in range(rows):
                            for j in range(here):
                                out[i + k, p * wide + j] += edge[k, j]


@inner
def pack_strips(a: Any, start: int, length: int, first: int, last: int, strips: Any) -> None:
    """strips[s, k, j] = a[start + k, first + 8 s + j]"""
    full = (last - first) // 8
    for k in range(length):
        for s in range(full):
            for j in range(8):
                strips[s, k, j] = a[uintp(start + k), uintp(first + 8 * s + j)]
        for j in range(last - first - 8 * full):
            strips[full, k, j] = a[start + k, first + 8 * full + j]
