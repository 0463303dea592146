"""The functions of a row against NumPy's in float64, for sizes around the width of a register."""

import math

import numpy as np
import pytest

from symlstm.expr import numeric
from symlstm.expr.functions import WHOLE
from tests.support.frameworks import require

require("numba")
FAST_WHOLE = require("symlstm.codegen.fast.whole").FAST_WHOLE

SIZES = [1, 2, 7, 16, 33, 1000]
REFERENCE = {"sum": math.fsum, "mean": lambda v: math.fsum(v) / len(v), "max": np.max}


def call(name, v):
    if not WHOLE[name].keeps_shape:
        return v.dtype.type(FAST_WHOLE[name](v))
    out = np.empty_like(v)
    FAST_WHOLE[name](out, v)
    return out


def reference(name, v):
    return (REFERENCE.get(name) or getattr(numeric, name))(v.astype(np.float64))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_as_numpy_but_for_the_order_of_the_terms(name, dtype, size):
    v = np.random.default_rng(size).uniform(0.5, 4, size).astype(dtype)  # no terms cancel
    got, expected = call(name, v), reference(name, v)
    rounded = size + 8  # each addition of positive terms, and each function, rounds once
    assert np.all(np.abs(got - expected) <= rounded * np.finfo(dtype).eps * np.max(np.abs(v)) * np.abs(expected))


@pytest.mark.parametrize("name", ["softmax", "logsumexp", "norm"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_without_overflow(name, dtype):
    v = np.array([0.5, 1, -1, 0.25], dtype) * np.finfo(dtype).max / 4
    np.testing.assert_allclose(call(name, v), numeric.__dict__[name](v), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("at", [0, 3, 8])
def test_nan_propagates(name, at):
    v = np.ones(9)
    v[at] = np.nan
    assert np.isnan(call(name, v)).all()


def test_the_norm_of_zero_is_zero():
    assert call("norm", np.zeros(5)) == 0


def test_every_function_of_the_table_is_here_and_keeps_float32():
    assert set(FAST_WHOLE) == set(WHOLE)
    for name in set(WHOLE) - {"softmax"}:
        call(name, np.ones(3, np.float32))
        assert "float32" in {str(o.signature.return_type) for o in FAST_WHOLE[name].overloads.values()}
