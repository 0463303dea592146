"""Products by tiles: within the bound of a sum, entry by entry, and the same bits however they are cut into parts."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from symlstm.codegen import helpers
from tests.support.frameworks import require

numba = require("numba")
parts, products = require("symlstm.codegen.fast.parts"), require("symlstm.codegen.fast.products")
jobs = require("symlstm.codegen.fast.jobs")

DTYPES = (np.float32, np.float64)
SIZES = ((1, 3), (5, 7), (33, 100), (32, 128), (130, 65))
"""Rows and columns of a matrix turned: less than a panel, a panel and some more, panels without a rest."""
BATCHES = (0, 1, 2, 3, 7, 8, 15, 64, 67)


def made(rng, dtype, *shape):
    return rng.normal(size=shape).astype(dtype)


def require_within(found, a, b, steps):
    """A sum of n products, however it is ordered, is at most (n + 1) eps sum |a b| off, to first order in eps."""
    exact = a.astype(np.longdouble) @ b.astype(np.longdouble)
    bound = (steps + 1) * np.finfo(found.dtype).eps * (abs(a).astype(np.longdouble) @ abs(b).astype(np.longdouble))
    assert (abs(found - exact) <= bound).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_a_product_is_within_the_bound_of_a_sum(size, dtype):
    rng, (columns, rows) = np.random.default_rng(0), size
    matrix = made(rng, dtype, rows, columns)
    for batch in BATCHES:
        v = made(rng, dtype, batch, columns)
        for given, back in ((matrix, False), (matrix, True), (np.asfortranarray(matrix), False)):
            out = np.full((batch, rows), np.nan, dtype)
            products.product(v, jobs.packed(given), out, 0, batch, back)
            require_within(out, v, matrix.T, columns)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_a_sum_of_outer_products_is_within_the_bound_of_a_sum(size, dtype):
    rng, (rows, columns) = np.random.default_rng(1), size
    for count in (*BATCHES, jobs.SUMMED + 9):
        a, b = made(rng, dtype, count, rows), made(rng, dtype, count, columns)
        require_within(jobs.outer_sum_in_parts(a, b), a.T, b, count)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bits_of_a_row_do_not_depend_on_the_rows_beside_it(dtype):
    rng = np.random.default_rng(2)
    v, matrix = made(rng, dtype, 67, 45), made(rng, dtype, 101, 45)
    panels = jobs.packed(matrix)
    whole, one_by_one = np.empty((67, 101), dtype), np.empty((67, 101), dtype)
    products.product(v, panels, whole, 0, 67, False)
    for b in range(67):
        products.product(v, panels, one_by_one, b, b + 1, True)
    assert np.array_equal(whole, one_by_one)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bits_do_not_depend_on_the_threads(dtype, monkeypatch):
    rng = np.random.default_rng(3)
    a, b = made(rng, dtype, 300, 70), made(rng, dtype, 300, 41)
    found = []
    with ThreadPoolExecutor(2) as pool:
        monkeypatch.setattr(parts, "_pool", lambda: pool)
        monkeypatch.setattr(jobs, "WORTH_A_THREAD", 1)
        for threads in (1, 3):
            monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", threads)
            every = jobs.every_of_panels(a, jobs.packed(b.T @ a), 41, b[0])
            found.append((jobs.outer_sum_in_parts(a, b), every))
    for one, three in zip(*found, strict=True):
        assert np.array_equal(one, three)


def test_numbers_of_other_dtypes_are_left_to_numpy():
    a, b = np.arange(6.0).reshape(3, 2), np.arange(6).reshape(3, 2) * 1j
    assert np.array_equal(jobs.outer_sum_in_parts(a, b), helpers.outer_sum(a, b))


@pytest.mark.parametrize("features", ["+avx,+avx2,+fma", "+sse2"])
def test_other_processors_take_other_tiles(features):
    """The registers are those of the features that Numba is told to use."""
    code = (
        "import numpy as np; from symlstm.codegen.fast import jobs, orthonormal, products as p, tiles;"
        "v = np.random.default_rng(0).normal(size=(13, 40)); m = v[:7] + 1; out = np.empty((13, 7));"
        "p.product(v, jobs.packed(m), out, 0, 13, False); assert np.allclose(out, v @ m.T);"
        "a = np.random.default_rng(1).normal(size=(100, 104)); q, r = a.copy(), np.zeros((100, 100));"
        "orthonormal.orthonormalise(q, r); assert np.allclose(q @ q.T, np.eye(100)) and np.allclose(r @ q, a);"
        "print(tiles.VECTOR, tiles.ROWS)"
    )
    if not {f[1:] for f in features.split(",")} <= set(_flags()):
        pytest.skip(f"this processor lacks one of {features}")
    environment = {**os.environ, "NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": features}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == (["32", "4"] if "+avx" in features else ["16", "4"])


def _flags():
    from llvmlite import binding

    return [name for name, there in binding.get_host_cpu_features().items() if there]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be moved on this system")
def test_a_part_runs_elsewhere_than_its_caller_and_the_caller_stays_free(monkeypatch):
    before = os.sched_getaffinity(0)
    for new in (True, False):
        for here in sorted(before)[:3]:
            monkeypatch.setattr(parts, "_find_processor", lambda here=here: lambda: here)
            if new:  # also the thread that begins with this call
                parts._forget()
            assert parts._submit(os.sched_getaffinity, 0).future.result() == (before - {here} or before)
    assert os.sched_getaffinity(0) == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be moved on this system")
def test_a_thread_that_begins_later_leaves_the_processor_of_its_own_caller_alone(monkeypatch):
    before = sorted(os.sched_getaffinity(0))
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 3)
    monkeypatch.setattr(parts, "_find_processor", lambda: lambda: before[0])
    parts._forget()
    stop = threading.Event()
    try:
        parts._submit(stop.wait)
        monkeypatch.setattr(parts, "_find_processor", lambda: lambda: before[-1])
        assert parts._submit(os.sched_getaffinity, 0).future.result() == (set(before) - {before[-1]} or set(before))
        assert set(parts._left.values()) == {before[-1]}
    finally:
        stop.set()
        parts._forget()


def test_where_threads_may_not_be_moved_they_stay(monkeypatch):
    def forbidden(*given):
        raise PermissionError

    for name in ("sched_getaffinity", "sched_setaffinity"):
        monkeypatch.setattr(os, name, forbidden, raising=False)
    monkeypatch.setattr(parts, "_find_processor", lambda: lambda: 0)
    parts._forget()
    assert parts._submit(max, 1, 2).future.result() == 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_jobs_are_done_together_and_only_then(dtype, threads, monkeypatch):
    monkeypatch.setattr(jobs, "WORTH_A_THREAD", 1)
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", threads)
    rng = np.random.default_rng(0)
    a, b, c = made(rng, dtype, 70, 37), made(rng, dtype, 70, 9), made(rng, dtype, 70, 33)
    matrix, before = made(rng, dtype, 37, 21), made(rng, dtype, 37, 33)
    todo, start = [], before.copy()
    first = jobs.outer_sum_in_parts(a, b, None, todo)
    second = jobs.outer_sum_in_parts(a, c, before, todo)
    third = jobs.every_of_panels(a, jobs.packed(matrix.T), 21, jobs=todo)
    again = jobs.outer_sum_in_parts(a, b, first, todo)
    assert not first.any() and np.array_equal(second, start)
    jobs.done_together(todo)
    assert again is first
    require_within(first / 2, a.T, b, 140)
    require_within(second - start, a.T, c, 71)
    require_within(third, a, matrix, 37)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "steps, batch, cut", [(1, 1, 1), (150, 1, 1), (70, 3, 2), (70, 3, 3), (9, 40, 17), (5, 130, 65)]
)
def test_products_ahead_are_there_when_their_step_comes(dtype, steps, batch, cut):
    rng = np.random.default_rng(0)
    v, matrix, offset = made(rng, dtype, steps, batch, 7), made(rng, dtype, 35, 7), made(rng, dtype, 35)
    out = np.full((steps, batch, 35), np.nan, dtype)
    panels = jobs.packed(matrix)
    for first, last in ((0, cut), (cut, batch)):
        for t in range(steps):
            products.product_ahead(t, steps, first, last, v, panels, offset, out)
            assert np.isfinite(out[t, first:last]).all()
    require_within(out - offset, v, matrix.T, 9)


def test_two_callers_at_once_get_their_own_results():
    rng = np.random.default_rng(0)
    given = [(made(rng, np.float64, 300, 64), made(rng, np.float64, 300, 48)) for _ in range(4)]

    def sums(pair):
        return [jobs.outer_sum_in_parts(*pair) for _ in range(20)]

    with ThreadPoolExecutor(4) as pool:
        for (a, b), found in zip(given, pool.map(sums, given), strict=True):
            for one in found:
                require_within(one, a.T, b, 300)


def test_an_error_in_one_part_is_raised_when_all_have_ended(monkeypatch):
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)
    ended, all_there = [], threading.Barrier(2, timeout=60)

    def part(first, last):
        all_there.wait()
        if first == 0:
            raise ValueError("the first")
        time.sleep(0.05)
        ended.append(first)

    with pytest.raises(ValueError, match="the first"):
        parts.in_parts(part, 2, 2)
    assert ended == [1]
