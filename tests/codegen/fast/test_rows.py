"""fill_rows against the sum written out."""

import subprocess
import sys

import numpy as np
import pytest

from tests.support.frameworks import require

require("numba")
rows, parts = require("symlstm.codegen.fast.rows"), require("symlstm.codegen.fast.parts")

RNG = np.random.default_rng(0)


def check(out, terms):
    eye = np.eye(out.shape[-2])
    expected = sum((eye if v is None else v[..., None] * eye) @ np.broadcast_to(m, out.shape) for v, m in terms)
    sizes = sum(np.abs(np.ones(1) if v is None else v)[..., None] * np.abs(m) for v, m in terms)
    rows.fill_rows(out, *terms)
    assert np.all(np.abs(out - expected) <= len(terms) * np.finfo(out.dtype).eps * sizes)


def random(*shape, dtype=np.float64):
    return RNG.normal(size=shape).astype(dtype)


@pytest.mark.parametrize("count", range(1, 7))
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_sum_of_some_terms(count, batch, dtype):
    terms = [(random(*batch, 5, dtype=dtype), random(5, 9, dtype=dtype)) for _ in range(count)]
    check(np.empty((*batch, 5, 9), dtype), terms)


def test_into_a_block_of_a_larger_matrix():
    J = np.zeros((2, 8, 10))
    check(J[:, 4:, :5], [(random(2, 4), random(4, 7)[:, :5]), (random(2, 4), random(2, 4, 5))])
    assert not J[:, :4].any()
    assert not J[:, :, 5:].any()


def test_one_row_for_all_transposed_matrices_and_ones():
    check(np.empty((2, 3, 4, 6)), [(None, random(1, 6)), (random(4), random(6, 4).T), (random(3, 4), random(3, 4, 6))])


def test_a_matrix_of_another_dtype():
    check(np.empty((4, 6)), [(random(4), random(4, 6, dtype=np.float32)), (random(4), random(4, 6))])


def test_a_matrix_may_be_where_the_sum_is_written():
    out, first, v, w = random(4, 6), random(4, 6), random(4), random(4)
    expected = w[:, None] * first + v[:, None] * first + v[:, None] * out
    rows.fill_rows(out, (w, first), (v, first), (v, out))
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-14)


def test_by_several_threads(monkeypatch):
    monkeypatch.setattr(rows, "WORTH_A_THREAD", 1)
    monkeypatch.setattr(parts.config, "NUMBA_NUM_THREADS", 4)
    check(np.empty((3, 11, 6)), [(random(3, 11), random(11, 6)), (None, random(3, 11, 6))])


def test_rows_with_gaps_in_the_output_are_refused():
    with pytest.raises(ValueError, match="gaps"):
        rows.fill_rows(np.empty((4, 6))[:, ::2], (random(4), random(4, 3)))


def test_numba_is_not_imported_before_it_is_needed():
    code = "import sys, symlstm, symlstm.codegen, symlstm.codegen.fast; sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (2, 1, 3)])
@pytest.mark.parametrize("threads", [1, 3])
def test_several_sums_of_which_a_later_one_reads_an_earlier_one(batch, threads, monkeypatch):
    monkeypatch.setattr(rows, "WORTH_A_THREAD", 1)
    monkeypatch.setattr(parts.config, "NUMBA_NUM_THREADS", threads)
    J = np.full((*batch, 8, 9), np.nan)
    first, second, zeros = J[..., :4, :5], J[..., 4:, :5], J[..., :4, 5:]
    u, v, w, one, other = random(*batch, 4), random(*batch, 4), random(4), random(4, 5), random(*batch, 4, 5)
    rows.fill_together((zeros,), (first, (u, one), (w, other)), (second, (v, first), (None, one)))
    expected = u[..., None] * one + w[:, None] * other
    np.testing.assert_allclose(first, expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(second, v[..., None] * expected + one, rtol=0, atol=1e-14)
    assert not zeros.any() and np.isnan(J[..., 4:, 5:]).all()
