"""Cells with half of a size: n/2 is n // 2 in code, and refused where it is no whole number."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.codegen import export
from symlstm.errors import ShapeError
from tests.support.ulps import scaled_ulps


def split(x: "m", h_prev: "n", *, W: "n m"):
    a, b = np.split(W @ x, 2)
    c, d = np.split(h_prev, 2)
    h = np.concatenate((np.tanh(a) * d, c * b))
    return h


def sliced(x: "m", h_prev: "n", *, W: "n m"):
    k = h_prev.shape[0] // 2
    z = np.tanh(W @ x)
    h = np.concatenate((z[:k] * h_prev[:k], 2 * z[k:]))
    return h


def gated(x: "m", h_prev: "n", *, W: "n m", b: "n//2", V: "3*n//2 n"):
    a, c = np.split(W @ x + h_prev, 2)
    h = np.concatenate((np.tanh(a) * b, c)) * (V @ h_prev).sum()
    return h


def told_by_half(h_prev: "n//2", *, b: "n//2", U: "n n"):
    z = np.concatenate((np.tanh(h_prev), b))
    h = np.tanh((U @ z)[: h_prev.shape[0]])
    return h


CELLS = [split, sliced, gated, told_by_half]


@pytest.mark.parametrize("function", CELLS, ids=lambda f: f.__name__)
def test_the_code_computes_what_the_function_does_and_holds(function):
    cell, rng = sl.cell(function), np.random.default_rng(0)
    sizes = {"n": 6, **({"m": 3} if cell.inputs else {})}
    k, p = sl.compile(cell), sl.parameters(cell, **sizes)
    h = rng.normal(size=3 if function is told_by_half else 6)
    x = rng.normal(size=3) if cell.inputs else None
    arguments = (h,) if x is None else (x, h)
    assert scaled_ulps(k.step(p, x, (h,))[0], function(*arguments, **p)) <= 8
    g = rng.normal(size=h.shape)
    assert scaled_ulps(k.vjp(p, x, (h,), (g,))["h_prev"], g @ k.state_jacobian(p, x, (h,))) <= 32
    for result in (sl.derive(cell, "h", "h_prev"), sl.backward(cell)):
        assert result.evidence().ok


def test_an_odd_size_is_refused_where_a_half_must_be_whole():
    message = "n/2 must be a whole number, which it is not for n = 5"
    p = {"W": np.ones((5, 3))}
    with pytest.raises(ShapeError, match=message):
        sl.compile(split).step(p, np.ones(3), np.ones(5))
    with pytest.raises(ShapeError, match=message):
        sl.parameters(gated, n=5, m=3)
    x, h = np.full(3, 0.1), np.arange(5.0)
    assert np.array_equal(sl.compile(sliced).step(p, x, h)[0], sliced(x, h, **p))


def test_the_exported_module_says_what_must_be_whole():
    assert "n/2 must be a whole number." in export(sl.cell(split))
    assert "whole number" not in export(sl.cell("lstm"))
    assert "c = h_prev[..., : n // 2]" in export(sl.cell(split))
