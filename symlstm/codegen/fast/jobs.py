"""Products and outer sums for all steps at once, by several threads, and matrices put in order for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import carray, config

from symlstm.codegen import helpers
from symlstm.codegen.fast import DTYPES
from symlstm.codegen.fast.bits import pointer
from symlstm.codegen.fast.parts import in_parts
from symlstm.codegen.fast.products import add_outer, compiled, pack, product_and
from symlstm.codegen.fast.tiles import VECTOR, VECTORS, width

SUMMED = 256
"""Rows of outer products that are summed before they are added to the others."""
STRIPS = 8
"""How many times eight columns are put in order at once."""
WORTH_A_THREAD = 1 << 23
"""Multiply-adds for which waking a thread pays."""
ENTRIES_A_THREAD = 1 << 14
"""As many entries of a state, over all steps and examples."""


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
