"""The scalar functions against mpmath, in ulps, over the whole range of both dtypes."""

import mpmath as mp
import numpy as np
import pytest

from symlstm.expr import numeric
from symlstm.expr.functions import ELEMENTWISE
from tests.support.frameworks import require

numba = require("numba")
FAST = require("symlstm.codegen.fast.scalar_math").FAST

DTYPES = [np.float64, np.float32]
EXACT = {
    "exp": mp.exp, "expm1": mp.expm1, "log": mp.log, "log1p": mp.log1p, "sqrt": mp.sqrt, "sin": mp.sin, "cos": mp.cos,
    "sinh": mp.sinh, "cosh": mp.cosh, "arctan": mp.atan, "tanh": mp.tanh, "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
    "softplus": lambda z: mp.log1p(mp.exp(z)), "log_sigmoid": lambda z: -mp.log1p(mp.exp(-z)),
}  # fmt: skip
LIMIT = {
    "exp": 1, "expm1": 1.25, "log": 1, "log1p": 1, "sqrt": 0.5, "sin": 1, "cos": 1, "arctan": 1, "cosh": 1.75,
    "softplus": 2, "log_sigmoid": 2, "tanh": 2.25, "sigmoid": 2.5, "sinh": 3,
}  # fmt: skip
"""Ulps. The worst of 2 million arguments: exp 0.85, expm1 1.10, log 0.83, softplus 1.62, tanh 1.96, sigmoid 2.31, sinh
2.37, cosh 1.31. A last division and the sum below it give 1.5 by themselves where the quotient is just below 2^k."""

one = pytest.mark.parametrize("name", EXACT)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def loop(name):
    """The function in a loop over an array, as a compiled cell calls it."""
    function = FAST[name]

    @numba.njit(error_model="numpy")
    def run(x, out):
        for j in range(x.shape[0]):
            out[j] = function(x[j])

    def call(x):
        out = np.empty_like(x)
        run(x, out)
        return out

    return call


def arguments(name, dtype, count=250):
    """Sizes from the smallest denormal number to the largest number, and those for which each function changes."""
    rng = np.random.default_rng(0)
    info = np.finfo(dtype)
    lowest = int(np.log2(info.tiny)) - info.nmant
    wide = np.ldexp(rng.uniform(1, 2, count), rng.integers(lowest, info.maxexp, count))
    special = np.array([info.tiny, info.smallest_subnormal, info.max, 1, 2, 0.5, 0.25, np.log(2), np.sqrt(2), 709.5])
    scales = (0.1, 1, 10, 100, 750) if dtype == np.float64 else (0.1, 1, 10, 105)
    near = [scale * rng.uniform(size=count) for scale in scales]
    with np.errstate(over="ignore", under="ignore"):
        sizes = np.concatenate([wide, special, np.log(2) / 2 * np.arange(1, 60), *near]).astype(dtype)
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if name in ("sin", "cos"):
        sizes = sizes[sizes < 1e6]  # mpmath needs no help there, the C libraries differ beyond
    both = np.concatenate([sizes, -sizes])
    return both[both >= 0] if name in ("log", "sqrt") else both[both > -1] if name == "log1p" else both


def ulps(got, exact):
    """The distance of a number from an exact one in units of the last place of the exact one."""
    with np.errstate(over="ignore", under="ignore"):
        rounded = got.dtype.type(float(exact))
    if not np.isfinite(rounded):
        return 0 if got == rounded else np.inf
    info = np.finfo(got.dtype)
    last_place = max(int(np.frexp(rounded)[1]) - 1, info.minexp) - info.nmant
    return float(abs(mp.mpf(float(got)) - exact) * mp.mpf(2) ** -last_place)


@one
@each_dtype
def test_within_its_limit_of_ulps(name, dtype):
    x = arguments(name, dtype)
    got = loop(name)(x)
    assert got.dtype == dtype
    with mp.workprec(120):
        errors = [ulps(y, EXACT[name](mp.mpf(float(z)))) for z, y in zip(x, got, strict=True)]
    worst = int(np.argmax(errors))
    assert errors[worst] <= LIMIT[name], f"{name}({x[worst]!r}) = {got[worst]!r}: {errors[worst]:.2f} ulps"


@one
@each_dtype
def test_at_zero_infinity_and_nan_as_numpy(name, dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1, -2], dtype)
    with np.errstate(all="ignore"):
        expected = getattr(np, name, None) or getattr(numeric, name)
        expected = expected(x)
    got = loop(name)(x)
    near = np.isfinite(expected)
    np.testing.assert_array_equal(got[~near], expected[~near])
    np.testing.assert_array_equal(np.signbit(got[:2]), np.signbit(expected[:2]))
    np.testing.assert_array_max_ulp(got[near], expected[near], 4)


@pytest.mark.parametrize("name", ["relu", "step", "sign", "abs"])
@each_dtype
def test_functions_of_the_sign_are_those_of_numpy(name, dtype):
    x = np.array([0.0, -0.0, 1.5, -1.5, np.inf, -np.inf, np.nan, 1e-40, -1e-40], dtype)
    expected = {"sign": np.sign, "abs": numeric.absolute}.get(name) or getattr(numeric, name)
    np.testing.assert_array_equal(loop(name)(x), expected(x))


@pytest.mark.parametrize("name", ["maximum", "minimum", "divide"])
@each_dtype
def test_functions_of_two_numbers_are_those_of_numpy(name, dtype):
    values = np.array([0.0, -0.0, 1.5, -2.5, np.inf, -np.inf, np.nan], dtype)
    expected = np.divide if name == "divide" else getattr(numeric, name)
    for a in values:
        for b in values:
            got = FAST[name](a, b)
            with np.errstate(all="ignore"):
                np.testing.assert_array_equal(got, expected(a, b))


@pytest.mark.parametrize("exponent", [2, 3, -1, -2, 0.5, 1.75])
@each_dtype
def test_power_keeps_the_dtype(exponent, dtype):
    power = FAST["power"]

    @numba.njit(error_model="numpy")
    def run(x, out):
        for j in range(x.shape[0]):
            out[j] = power(x[j], exponent)

    x = np.random.default_rng(0).uniform(0.1, 5, 100).astype(dtype)
    out = np.empty_like(x)
    run(x, out)
    np.testing.assert_array_max_ulp(out, x ** dtype(exponent), 2)


def test_every_function_has_a_name_of_the_table_and_keeps_float32():
    assert set(FAST) == set(ELEMENTWISE)
    for name, function in FAST.items():
        count = 3 if name == "where" else 2 if name in ("power", "divide", "maximum", "minimum") else 1
        function(*[np.float32(0.5)] * count)
        given = (numba.float32,) * count
        assert function.overloads[given].signature.return_type == numba.float32, name
