"""The state Jacobian in an array that is given: the same numbers, every entry written, and what is refused."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.functions import tanh
from tests.codegen.adhoc import CELLS as ADHOC
from tests.codegen.adhoc import MATRICES
from tests.codegen.numbers import BUILT_IN, cell_of, numbers
from tests.support.frameworks import require


def no_way_back(x: "m", h_prev: "n", s_prev: "n", *, W: "n m", U: "n n", d: "n"):
    h = tanh(W @ x + U @ h_prev)
    s = d * s_prev + h
    return h, s


def diagonals_alone(h_prev: "n", c_prev: "n", *, a: "n", b: "n"):
    c = b * c_prev
    h = a * h_prev + c
    return h, c


def crossed(x: "m", h_prev: "n", c_prev: "n", *, W: "n m", a: "n", b: "n"):
    c = a * c_prev + tanh(W @ x) * h_prev
    h = b * h_prev + tanh(c)
    return h, c


def one_and_many(x: "m", h_prev: "n", s_prev: "1", *, W: "n m", U: "n n", w: "1 n", d: "1"):
    s = d * s_prev + w @ h_prev
    h = tanh(W @ x + U @ h_prev) * s
    return h, s


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("batch", [(), (3,)], ids=str)
@pytest.mark.parametrize("function", [no_way_back, diagonals_alone, crossed, one_and_many])
def test_blocks_of_zeros_and_of_diagonals(function, batch, backend):
    if backend == "numba":
        require("numba")
    cell = sl.cell(function)
    p, x, states, _ = numbers(cell, batch=batch)
    expected = sl.compile(cell).state_jacobian(p, x, states)
    k = sl.compile(cell, backend=backend)
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(k.state_jacobian(p, x, states), expected, rtol=1e-13)
    for dtype in (np.float64, np.complex128, np.longdouble):
        gaps = np.empty((*expected.shape[:-1], 2 * expected.shape[-1]), dtype)[..., ::2]
        for made in (np.empty(expected.shape, dtype), gaps, np.empty(expected.shape, dtype, order="F")):
            made[...] = np.nan
            np.testing.assert_allclose(k.state_jacobian(p, x, states, out=made), expected, rtol=1e-13)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)], ids=str)
@pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC, *MATRICES])
def test_every_entry_is_written(name, batch, backend):
    if backend == "numba":
        require("numba")
    cell = cell_of(name)
    k = sl.compile(cell, backend=backend)
    p, x, states, _ = numbers(cell, batch=batch)
    expected = k.state_jacobian(p, x, states)
    out = np.full(expected.shape, np.nan)
    assert k.state_jacobian(p, x, states, out=out) is out
    np.testing.assert_array_equal(out, expected)
    part = np.full((*expected.shape[:-1], 2 * expected.shape[-1]), np.nan)[..., ::2]  # with gaps
    np.testing.assert_allclose(k.state_jacobian(p, x, states, out=part), expected, rtol=1e-13)


def test_a_wider_dtype_takes_it():
    p, x, states, _ = numbers(sl.cell("lstm"), dtype=np.float32)
    k = sl.compile("lstm")
    expected = k.state_jacobian(p, x, states)
    found = k.state_jacobian(p, x, states, out=np.empty(expected.shape))
    assert expected.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_what_cannot_take_it_is_refused_before_anything_is_written():
    k = sl.compile("gru")
    p, x, states, _ = numbers(k.cell)
    n = states[0].shape[-1]
    read_only = np.zeros((n, n))
    read_only.flags.writeable = False
    shape = f"{n} x {n}"
    for out, message in (
        (np.zeros((n, n + 1)), f"out must be {shape}, as the state Jacobian is, not {n} x {n + 1}"),
        (np.zeros((2, n, n)), f"out must be {shape}, as the state Jacobian is, not 2 x {shape}"),
        (np.zeros((n, n), np.float32), "out has float32, which does not hold float64, as the numbers given are"),
        ([[0.0] * n] * n, "out must be a NumPy array, which is written into, not list"),
        (read_only, "out is read-only"),
        (p["U_z"], "out shares memory with the numbers given"),
    ):
        before = np.array(out)
        with pytest.raises(sl.SymlstmError) as caught:
            k.state_jacobian(p, x, states, out=out)
        assert caught.value.message == message
        assert np.array_equal(out, before)
