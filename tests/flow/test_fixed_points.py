"""Fixed points: known ones are found, they are fixed, and their stability is that of a run that starts beside them."""

import mpmath
import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import ShapeError, ValueUnusable
from tests.flow.numbers import BUILT_IN, VARIANTS, gaussian, variant


def test_the_three_fixed_points_of_one_unit():
    p = {"W": np.zeros((1, 1)), "U": np.array([[2.0]]), "b": np.zeros(1)}
    found = sl.fixed_points("rnn", p)
    values = sorted(float(q.states["h"][0]) for q in found.points)
    known = float(mpmath.findroot(lambda h: mpmath.tanh(2 * h) - h, 0.95))
    np.testing.assert_allclose(values, [-known, 0.0, known], rtol=0, atol=1e-14)
    assert [q.stable for q in found.points] == [True, True, False]
    np.testing.assert_allclose(found.points[-1].spectral_radius, 2.0, rtol=1e-14)
    np.testing.assert_allclose(found.points[0].spectral_radius, 2 * (1 - known**2), rtol=1e-13)


@pytest.mark.parametrize("name", [*BUILT_IN, *(v for v in VARIANTS if v != "no_forget_gate")])
def test_what_is_found_is_fixed(name):
    rng = np.random.default_rng(0)
    cell = variant(name) if name in VARIANTS else sl.cell(name)
    p, x = sl.parameters(cell, n=4, m=2, rng=rng), rng.normal(size=2)
    found = sl.fixed_points(cell, p, x, starts=40)
    assert found.points and found.starts == 40
    for q in found.points:
        before = tuple(q.states.values())
        after = sl.compile(cell).step(p, x, before)
        for a, b in zip(before, after, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)
        jacobian = sl.compile(cell).state_jacobian(p, x, before)
        np.testing.assert_allclose(q.spectral_radius, np.max(np.abs(np.linalg.eigvals(jacobian))), rtol=1e-9)


def test_a_run_beside_a_stable_point_ends_in_it_and_leaves_an_unstable_one():
    rng = np.random.default_rng(1)
    p = gaussian("rnn", 20, 1.6, rng)
    found = sl.fixed_points("rnn", p, starts=200)
    origin = next(q for q in found.points if np.max(np.abs(q.states["h"])) == 0)
    np.testing.assert_allclose(origin.spectral_radius, np.max(np.abs(np.linalg.eigvals(p["U"]))), rtol=1e-10)
    assert not origin.stable
    for q in found.points[:5]:
        h = q.states["h"] + 1e-7 * rng.normal(size=20)
        for _ in range(3000):
            h = sl.compile("rnn").step(p, np.zeros(1), h)[0]
        assert (np.max(np.abs(h - q.states["h"])) < 1e-7) == q.stable


def test_the_spectrum_at_the_origin_of_an_lstm():
    rng = np.random.default_rng(2)
    p = gaussian("lstm", 200, 1.5, rng, bias={"b_f": 1.0})
    origin = next(q for q in sl.fixed_points("lstm", p, starts=1).points)
    f, i, o = 1 / (1 + np.exp(-1.0)), 0.5, 0.5
    expected = np.concatenate([np.zeros(200), f + i * o * np.linalg.eigvals(p["W_c"][:, :200])])
    left = list(expected)
    for value in origin.eigenvalues:
        k = int(np.argmin(np.abs(np.array(left) - value)))
        assert abs(left.pop(k) - value) <= 1e-10


@pytest.mark.parametrize(
    "name, bias, critical",
    [("lstm", {}, 2.0), ("lstm", {"b_f": 1.0}, 1.0757656855), ("gru", {}, 2.0), ("gru", {"b_r": 1.0}, 1.3678794412)],
)
def test_the_critical_gain(name, bias, critical):
    """(1 - f) / (i o) for the LSTM, 1 / sigma(b_r) for the GRU: there the predicted disc touches the unit circle."""
    unit = gaussian(name, 60, 1.0, np.random.default_rng(3), bias=bias)
    recurrent = unit["W_c"][:, :60] if name == "lstm" else unit["U_n"]
    rightmost = np.max(np.linalg.eigvals(recurrent).real)  # 1 in the limit of many units
    for factor, stable in ((0.999, True), (1.001, False)):
        p = {k: v.copy() for k, v in unit.items()}
        (p["W_c"] if name == "lstm" else p["U_n"])[...] *= factor * critical / rightmost
        origin = sl.fixed_points(name, p, starts=1).points[0]
        rightmost_of_j = np.max(origin.eigenvalues.real)
        assert (rightmost_of_j < 1) == stable
        assert abs(rightmost_of_j - 1) <= 2e-3


def test_the_same_starts_give_the_same_points_and_further_ones_may_be_given():
    p = {"W": np.zeros((1, 1)), "U": np.array([[2.0]]), "b": np.zeros(1)}
    assert len(sl.fixed_points("rnn", p, starts=1).points) == 1
    found = sl.fixed_points("rnn", p, starts=1, states=np.array([[0.9], [-0.9]]))
    assert len(found.points) == 3 and "3 fixed points" in repr(found)


def test_a_cell_without_a_fixed_point_has_none():
    def counter(h_prev: "n", *, a: "n"):
        h = h_prev + np.exp(a)
        return h

    found = sl.fixed_points(counter, {"a": np.zeros(2)})
    assert found.points == () and found.converged == 0 and "0 fixed points" in repr(found)


def test_what_does_not_fit_is_told():
    p = sl.parameters("lstm", n=3, m=2)
    with pytest.raises(ShapeError, match="x must have 2 numbers"):
        sl.fixed_points("lstm", p, np.ones(3))
    with pytest.raises(ShapeError, match="lstm has 2 states"):
        sl.fixed_points("lstm", p, np.ones(2), states=np.ones(3))
    with pytest.raises(ValueUnusable, match="starts must be a whole number"):
        sl.fixed_points("lstm", p, np.ones(2), starts=0)
