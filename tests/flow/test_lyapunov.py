"""Lyapunov exponents: known spectra, the sum rule, the gain at which an LSTM begins to be chaotic, lost directions."""

import tracemalloc

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import ShapeError, ValueUnusable
from tests.flow.numbers import BUILT_IN, GREFF, VARIANTS, gaussian, states_of, variant

EPS = np.finfo(float).eps


def linear(h_prev: "n", *, A: "n n"):
    h = A @ h_prev
    return h


def scaled(h_prev: "n", *, a: "n"):
    h = a * h_prev
    return h


def delay(h_prev: "n", g_prev: "n", *, a: "n"):
    h = g_prev
    g = a * np.tanh(a)
    return h, g


def by_products(name, p, x, states, transient=0):
    """All exponents by plain NumPy, from formed Jacobians."""
    k, cell = sl.compile(name), sl.cell(name)
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(sum(s.size for s in states),) * 2).T)[0]  # as there
    sums = 0
    for t, one in enumerate(x):
        one = one if cell.inputs else None
        q, r = np.linalg.qr(k.state_jacobian(p, one, states) @ q)
        sums = sums + (np.log(np.abs(np.diag(r))) if t >= transient else 0)
        states = k.step(p, one, states)
    return np.sort(sums / (len(x) - transient))[::-1]


def test_the_exponents_of_a_linear_cell_with_a_diagonal_matrix_are_the_logarithms_of_its_entries():
    a = np.array([0.5, -2.0, 1.0, 0.1])
    found = sl.lyapunov(scaled, {"a": a}, steps=400, states=np.zeros(4), burn_in=200)
    np.testing.assert_allclose(found.exponents, np.sort(np.log(np.abs(a)))[::-1], rtol=0, atol=400 * EPS)
    assert abs(found.residual) <= 400 * 4 * EPS


def test_the_exponents_of_a_linear_cell_are_the_logarithms_of_the_moduli_of_the_eigenvalues():
    vectors = np.random.default_rng(0).normal(size=(3, 3))
    a = vectors @ np.diag([1.5, 0.7, -0.2]) @ np.linalg.inv(vectors)
    found = sl.lyapunov(linear, {"A": a}, steps=300, states=np.zeros(3), burn_in=200)
    np.testing.assert_allclose(found.exponents, np.log([1.5, 0.7, 0.2]), rtol=0, atol=1e-13)


def test_the_forget_gate_enters_because_the_state_is_the_pair_of_h_and_c():
    rng = np.random.default_rng(0)
    p = sl.parameters("lstm", n=8, m=3, rng=rng)
    p["b_f"][...] = 5.0
    found = sl.lyapunov("lstm", p, rng.normal(size=(2000, 3)), count=1, burn_in=200)
    assert -0.02 < found.exponents[0] < 0.02  # d h'/d h alone says about -1


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_exponents_are_those_of_formed_jacobians(name):
    rng = np.random.default_rng(1)
    p = sl.parameters(name, n=5, m=3, rng=rng)
    x, states = rng.normal(size=(600, 3)), states_of(sl.cell(name), 5, rng)
    found = sl.lyapunov(name, p, x, states=states, burn_in=300)
    np.testing.assert_allclose(found.exponents, by_products(name, p, x, states, 300), rtol=1e-9)
    leading = sl.lyapunov(name, p, x, states=states, burn_in=300, count=2)
    np.testing.assert_allclose(leading.exponents, found.exponents[:2], rtol=1e-9)
    assert leading.residual is None


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_the_exponents_add_up_to_the_mean_of_the_logarithm_of_the_determinant(name):
    rng = np.random.default_rng(2)
    p = gaussian(name, 32, 2.0, rng, m=4)
    for array in p.values():
        array[...] += rng.normal(size=array.shape) * (0.5 if array.ndim == 1 else 0.0)
    p[{"lstm": "W_c", "gru": "W_n", "rnn": "W"}[name]][:, -4:] = rng.normal(size=(32, 4))
    found = sl.lyapunov(name, p, rng.normal(size=(3000, 4)), states=states_of(sl.cell(name), 32, rng))
    assert found.exponents.shape == (64 if name == "lstm" else 32,)
    assert abs(found.residual) <= 1e-9 * abs(found.exponents.sum())


@pytest.mark.parametrize(
    "gain, exponent", [(1.0, -0.290), (1.8, -0.059), (2.2, -0.0001), (3.0, 0.060), (5.0, 0.175), (8.0, 0.338)]
)
def test_an_autonomous_lstm_becomes_chaotic_at_a_gain_of_two(gain, exponent):
    rng = np.random.default_rng(3)
    p = gaussian("lstm", 256, gain, rng)
    found = sl.lyapunov("lstm", p, steps=1200, states=states_of(sl.cell("lstm"), 256, rng, 0.1), count=1, burn_in=400)
    assert abs(found.exponents[0] - exponent) <= 0.02
    if gain < 2:  # the origin is stable, and its spectrum is f + i o mu = 1/2 + mu/4
        mu = np.linalg.eigvals(p["W_c"][:, :256])
        assert abs(found.exponents[0] - np.log(np.max(np.abs(0.5 + mu / 4)))) <= 5e-3


@pytest.mark.parametrize("gain", [0.8, 3.0])
def test_a_tanh_network_without_input_is_chaotic_above_gain_one(gain):
    rng = np.random.default_rng(4)
    p = gaussian("rnn", 200, gain, rng)
    found = sl.lyapunov("rnn", p, steps=1500, states=0.1 * rng.normal(size=200), count=1, burn_in=500).exponents[0]
    if gain < 1:
        mu = np.max(np.abs(np.linalg.eigvals(p["U"])))
        assert abs(found - np.log(mu)) <= 5e-3
    else:
        assert found > 0.1


@pytest.mark.parametrize("gain", [1.2, 4.0])
def test_a_gru_without_input_is_chaotic_above_its_critical_gain_only(gain):
    rng = np.random.default_rng(5)
    p = gaussian("gru", 200, gain, rng)
    found = sl.lyapunov("gru", p, steps=1500, states=0.1 * rng.normal(size=200), count=1, burn_in=500).exponents[0]
    if gain < 2:  # at zero bias the critical gain is 1 / sigma(0)
        mu = np.linalg.eigvals(p["U_n"])
        assert abs(found - np.log(np.max(np.abs(0.5 + mu / 4)))) <= 5e-3
    else:
        assert found > 0.02


def test_a_cell_without_output_gate_has_as_many_exponents_of_minus_infinity_as_it_has_units():
    rng = np.random.default_rng(6)
    cell = variant("no_output_gate")
    p = sl.parameters(cell, n=6, m=2, rng=rng)
    found = sl.lyapunov(cell, p, rng.normal(size=(300, 2)), states=states_of(cell, 6, rng))
    assert np.isfinite(found.exponents[:6]).all() and (found.exponents[6:] == -np.inf).all()
    assert found.residual is None
    assert not np.isnan(found.history.exponents).any()
    assert "inf" in repr(sl.lyapunov(cell, p, rng.normal(size=(9, 2)))) and "nan" not in repr(found)


def test_a_cell_that_forgets_everything_has_no_finite_exponent():
    found = sl.lyapunov(delay, {"a": np.array([0.3, 0.4, 0.5])}, steps=20, states=(np.ones(3), np.ones(3)))
    assert (found.exponents == -np.inf).all()


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_has_a_spectrum_that_its_own_determinant_bears_out(name):
    rng = np.random.default_rng(7)
    cell = variant(name)
    p = sl.parameters(cell, n=4, m=2, rng=rng)
    found = sl.lyapunov(cell, p, rng.normal(size=(500, 2)), states=states_of(cell, 4, rng))
    if name in ("no_output_gate", "full_gate_recurrence"):
        assert (found.exponents[-4:] == -np.inf).all() and found.residual is None
    else:
        assert abs(found.residual) <= 1e-9 * abs(found.exponents.sum())


def test_a_batch_is_each_of_its_examples():
    rng = np.random.default_rng(8)
    p = sl.parameters("gru", n=4, m=2, rng=rng)
    x = rng.normal(size=(400, 3, 2))
    whole = sl.lyapunov("gru", p, x, burn_in=200)
    assert whole.exponents.shape == (3, 4) and whole.residual.shape == (3,)
    for k in range(3):
        one = sl.lyapunov("gru", p, x[:, k], burn_in=200)
        np.testing.assert_allclose(whole.exponents[k], one.exponents, rtol=1e-6)


def test_zero_input_is_what_none_stands_for():
    p = sl.parameters("gru", n=4, m=2)
    states = np.full(4, 0.3)
    given = sl.lyapunov("gru", p, np.zeros((50, 2)), states=states)
    np.testing.assert_array_equal(sl.lyapunov("gru", p, steps=50, states=states).exponents, given.exponents)


def test_the_history_ends_in_the_result_and_is_short_however_long_the_run():
    p = sl.parameters("rnn", n=3, m=2)
    found = sl.lyapunov("rnn", p, steps=1000, states=np.ones(3), burn_in=10)
    assert found.steps == 990 and found.history.steps[-1] == 990 and len(found.history.steps) <= 129
    np.testing.assert_array_equal(found.history.exponents[-1], found.exponents)


def test_memory_does_not_grow_with_the_number_of_steps():
    p = sl.parameters("lstm", n=8, m=2)

    def peak(steps):
        tracemalloc.start()
        sl.lyapunov("lstm", p, steps=steps, states=(np.ones(8), np.ones(8)), count=3)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(50)
    assert peak(4000) < peak(500) + 64 * 1024  # a history that is not full yet


def test_half_precision_runs_are_counted_in_double_precision():
    p = sl.parameters("rnn", n=3, m=2, dtype=np.float32)
    found = sl.lyapunov("rnn", p, steps=100, states=np.ones(3, np.float32))
    assert found.exponents.dtype == np.float64


@pytest.mark.parametrize(
    "given, error, told",
    [
        ({"X": None}, ShapeError, "lstm has neither an input x nor a number of steps"),
        ({"X": np.zeros((0, 2))}, ShapeError, "0 steps"),
        ({"X": np.ones((9, 3))}, ShapeError, "x must have 2 numbers"),
        ({"X": np.full((1000, 2), np.nan)}, ValueUnusable, r"x has NaN at \[0, 0\]"),
        ({"X": np.ones((9, 2)), "count": 7}, ValueUnusable, "count must be a whole number from 1 to 6, not 7"),
        ({"X": np.ones((9, 2)), "count": 0}, ValueUnusable, "count must be"),
        ({"X": np.ones((9, 2)), "burn_in": 9}, ValueUnusable, "burn_in must be a whole number from 0 to 8, not 9"),
        ({"X": np.ones((9, 2)), "states": np.ones(3)}, ShapeError, "lstm has 2 states"),
        ({"X": np.ones((9, 2)), "steps": 8}, ShapeError, "steps=8, but x has 9 steps"),
    ],
)
def test_what_cannot_be_run_is_told(given, error, told):
    p = sl.parameters("lstm", n=3, m=2)
    with pytest.raises(error, match=told):
        sl.lyapunov("lstm", p, **given)


def test_nan_at_a_later_step_is_named_by_its_step():
    x = np.ones((1000, 2))
    x[812, 1] = np.nan
    with pytest.raises(ValueUnusable, match=r"x has NaN at \[812, 1\]") as error:
        sl.lyapunov("lstm", sl.parameters("lstm", n=3, m=2), x)
    assert "the first index is the step" in str(error.value)


def test_states_that_overflow_are_named_with_their_step():
    with pytest.raises(ValueUnusable, match=r"at step 102\d \(from 0\), h has infinity"):
        sl.lyapunov(scaled, {"a": np.array([2.0])}, steps=1100, states=np.ones(1))


def test_a_matrix_for_a_state_has_exponents_too():
    """Of the matrix row by row beside the other states: QR of the stacked Jacobians; h reads A alone, so 3 are lost."""
    rng = np.random.default_rng(0)
    cell = sl.cell(f"{GREFF.with_name('small_cells.py')}:fast_weights")
    p, x = sl.parameters(cell, n=3, m=2, rng=rng), rng.normal(size=(40, 2))
    found, k = sl.lyapunov(cell, p, x, rng=7), sl.compile(cell)
    s, sums = k.zero_states(p), np.zeros(9)
    q = np.linalg.qr(np.random.default_rng(7).standard_normal((9, 9)).T)[0]
    for one in x:
        q, r = np.linalg.qr(k.state_jacobian(p, one, s) @ q)
        sums += np.log(np.abs(np.diag(r)))
        s = k.step(p, one, s)
    assert np.isneginf(found.exponents[6:]).all() and found.residual is None
    np.testing.assert_allclose(found.exponents[:6], np.sort(sums / 40)[:2:-1], rtol=1e-9)
