"""Products with matrices that are put in order once: of the batch of one step, of all steps at once, and outer sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import carray, config, njit
from numpy import uintp  # of a place that is not negative: no look whether it counts from the end

from symlstm.codegen import helpers
from symlstm.codegen.fast.bits import pointer
from symlstm.codegen.fast.parts import in_parts
from symlstm.codegen.fast.tiles import ROWS, VECTOR, VECTORS, tile, width

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
AT_ONCE = 64
"""Rows that are multiplied with a panel while it is in the cache."""
SUMMED = 256
"""Rows of outer products that are summed before they are added to the others."""
STRIPS = 8
"""How many times eight columns are put in order at once."""
WORTH_A_THREAD = 1 << 23
"""Multiply-adds for which waking a thread pays."""
ENTRIES_A_THREAD = 1 << 14
"""As many entries of a state, over all steps and examples."""

CALLED_FROM_LOOPS = (
    "product", "product_ahead", "panels_of", "every_of_panels", "outer_sum_in_parts", "done_together", "plain",
    "ENTRIES_A_THREAD",
)  # fmt: skip

eight, four, two, one = (tile(rows) for rows in (8, 4, 2, 1))
two_wide, one_wide = tile(2, 2), tile(1, 2)
add_eight, add_four, add_two, add_one = (tile(rows, add=True) for rows in (8, 4, 2, 1))

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


@inner
def one_panel(v: Any, first: int, last: int, panels: Any, p: int, out: Any, column: int, above: int) -> None:
    """Rows of a product by one panel, into a column of `out` and as many rows further up as `above` says."""
    length, wide, apart = panels.shape[1], panels.shape[2], out.shape[1]
    place, at = p * length * wide, first
    if ROWS == 8:
        while last - at >= 8:
            eight(v, at * length, length, 1, length, panels, place, 0, out, (at - above) * apart + column, apart)
            at += 8
    while last - at >= 4:
        four(v, at * length, length, 1, length, panels, place, 0, out, (at - above) * apart + column, apart)
        at += 4
    if last - at >= 2:
        two(v, at * length, length, 1, length, panels, place, 0, out, (at - above) * apart + column, apart)
        at += 2
    if last > at:
        one(v, at * length, length, 1, length, panels, place, 0, out, (at - above) * apart + column, apart)


@inner
def few_rows(v: Any, first: int, last: int, panels: Any, p: int, end: int, out: Any) -> None:
    """At most three rows of a product, by the panels from p to end, several at once: one keeps too few sums at work."""
    length, apart, wide = panels.shape[1], out.shape[1], panels.shape[2]
    gap, at = length * wide, first
    if last - at >= 2:
        q = p
        while end - q >= 2:
            two_wide(v, at * length, length, 1, length, panels, q * gap, gap, out, at * apart + q * wide, apart)
            q += 2
        if q < end:
            two(v, at * length, length, 1, length, panels, q * gap, 0, out, at * apart + q * wide, apart)
        at += 2
    if last > at:
        q = p
        while end - q >= 2:
            one_wide(v, at * length, length, 1, length, panels, q * gap, gap, out, at * apart + q * wide, apart)
            q += 2
        if q < end:
            one(v, at * length, length, 1, length, panels, q * gap, 0, out, at * apart + q * wide, apart)


@compiled
def product(v: Any, panels: Any, out: Any, first: int, last: int) -> None:
    """out[b] = matrix v[b] for b from first to last; panels: of the matrix, as `packed` gives them."""
    count, _, wide = panels.shape
    columns = out.shape[1]
    full = columns // wide
    for start in range(first, last, AT_ONCE):
        stop = min(start + AT_ONCE, last)
        fours = stop - (stop - start) % 4
        for p in range(0, full, 4):
            end = min(p + 4, full)
            if fours > start:
                for q in range(p, end):
                    one_panel(v, start, fours, panels, q, out, q * wide, 0)
            few_rows(v, fours, stop, panels, p, end, out)
        if full < count:
            edge = np.empty((stop - start, wide), out.dtype)
            one_panel(v, start, stop, panels, full, edge, 0, start)
            for b in range(start, stop):
                for j in range(columns - full * wide):
                    out[b, full * wide + j] = edge[b - start, j]


@compiled
def product_and(first: int, last: int, v: Any, panels: Any, offset: Any, out: Any) -> None:
    """out[b] = matrix v[b] + offset, which may be empty."""
    for start in range(first, last, AT_ONCE):
        stop = min(start + AT_ONCE, last)
        product(v, panels, out, start, stop)
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
                    add_strip(strips, s, rows, length, panels, p, target, to, apart)
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


@inner
def add_strip(strips: Any, s: int, rows: int, length: int, panels: Any, p: int, out: Any, to: int, apart: int) -> None:
    """Adds the product of one strip and one panel to as many rows of `out`."""
    start, end = s * strips.shape[1] * 8, s * strips.shape[1] * 8 + rows
    place = p * panels.shape[1] * panels.shape[2]
    if ROWS == 8 and rows == 8:
        add_eight(strips, start, 1, 8, length, panels, place, 0, out, to, apart)
        return
    while end - start >= 4:
        add_four(strips, start, 1, 8, length, panels, place, 0, out, to, apart)
        start, to = start + 4, to + 4 * apart
    if end - start >= 2:
        add_two(strips, start, 1, 8, length, panels, place, 0, out, to, apart)
        start, to = start + 2, to + 2 * apart
    if end > start:
        add_one(strips, start, 1, 8, length, panels, place, 0, out, to, apart)


def packed(matrix: Any) -> Any:
    """The rows of a matrix side by side in panels, (panels, columns of the matrix, width); zeros fill the last one."""
    wide = width(matrix.itemsize)
    panels = np.zeros((-(-len(matrix) // wide), matrix.shape[1], wide), matrix.dtype)
    pack(matrix, panels)
    return panels


def panels_of(w: Any, name: str, turned: bool = False) -> Any:
    """The panels of a matrix in w (or of its transpose), which keeps them for the other pieces of a sequence."""
    key = (name, turned)
    if key not in w:
        w[key] = packed(w[name].T if turned else w[name])
    return w[key]


EVERY, SUM = range(2)
"""What is to be done for all steps: the product of a matrix and of every row, or a sum of outer products."""


@dataclass(frozen=True)
class Job:
    """count: how long its range is. work: how many multiply-adds. arrays: two that it reads, and one that it writes."""

    kind: int
    count: int
    work: int
    arrays: tuple[Any, Any, Any]

    @property
    def row(self) -> list[int]:
        """Where the arrays lie, and their shapes, three numbers each."""
        found = [self.kind, self.count]
        for array in self.arrays:
            found += [array.__array_interface__["data"][0], *array.shape, *(0,) * (3 - array.ndim)]
        return found


@compiled
def do_jobs(first: int, last: int, cut: int, rows: Any, like: Any) -> None:
    """Of every job, cut into so many pieces, those from first to last. rows: as `Job.row`; like: has their dtype."""
    for k in range(len(rows)):
        o = rows[k]
        start, stop = o[1] * first // cut, o[1] * last // cut
        a, out = carray(pointer(o[2], like), (o[3], o[4])), carray(pointer(o[10], like), (o[11], o[12]))
        if o[0] == EVERY:
            panels = carray(pointer(o[6], like), (o[7], o[8], o[9]))
            product_and(start, stop, a, panels, np.empty(0, like.dtype), out)
        elif stop > start:
            some, wide = min(SUMMED, max(len(a), 1)), VECTORS * VECTOR // like.itemsize
            panels = np.zeros((-(-o[8] // wide), some, wide), like.dtype)
            strips = np.empty((STRIPS, some, 8), like.dtype)
            add_outer(a, carray(pointer(o[6], like), (o[7], o[8])), strips, panels, out, start, stop)


def done_together(jobs: list[Job]) -> None:
    """Does what is to be done, each thread a part of every job: without the interpreter, whose lock threads share."""
    threads = config.NUMBA_NUM_THREADS
    by_dtype: dict[Any, list[Job]] = {}
    for job in jobs:
        by_dtype.setdefault(job.arrays[2].dtype, []).append(job)
    for dtype, some in by_dtype.items():
        rows = np.array([job.row for job in some], np.int64)
        wanted = sum(job.work for job in some) // WORTH_A_THREAD
        in_parts(do_jobs, threads, wanted, threads, rows, np.empty(0, dtype), keep=some)


def every_of_panels(v: Any, panels: Any, size: int, offset: Any = None, jobs: list[Job] | None = None) -> Any:
    """As `symlstm.codegen.helpers.every`, with a matrix of that many rows in panels.

    jobs: where it waits to be done with others; what has an offset does not.
    """
    rows = _whole(v)
    out = np.empty((len(rows), size), v.dtype)
    work = rows.size * size
    if offset is not None:
        added = plain(offset)
        in_parts(product_and, len(rows), work // WORTH_A_THREAD, rows, panels, added, out)
    else:
        _do(Job(EVERY, len(rows), work, (rows, panels, out)), jobs)
    return out.reshape(*v.shape[:-1], size)


def outer_sum_in_parts(a: Any, b: Any, before: Any = None, jobs: list[Job] | None = None) -> Any:
    """As `symlstm.codegen.helpers.outer_sum`; the sum is added to `before`, in place where that can be."""
    if not (a.dtype == b.dtype and a.dtype in DTYPES):
        found = helpers.outer_sum(a, b)
        return found if before is None else before + found
    a, b = _whole(a), _whole(b)
    out = (
        np.zeros((a.shape[1], b.shape[1]), a.dtype) if before is None else np.require(before, a.dtype, ["C", "A", "W"])
    )
    _do(Job(SUM, a.shape[1], a.size * b.shape[1], (a, b, out)), jobs)
    return out


def _whole(v: Any) -> Any:
    """The vectors as the rows of one array."""
    return plain(v.reshape(-1, v.shape[-1]))


def plain(v: Any) -> Any:
    """The array as the loops are compiled for, without gaps and writable; another one only if it must be."""
    return v if v.flags.carray else np.require(v, None, ["C", "A", "W"])


def _do(job: Job, jobs: list[Job] | None) -> None:
    if jobs is None:
        done_together([job])
    else:
        jobs.append(job)
