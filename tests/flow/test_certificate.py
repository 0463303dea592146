"""Certificates: no run breaks a bound, the inequalities of the literature imply it, and what fails is named."""

import operator
from fractions import Fraction

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import RuleMissing, ValueUnusable
from symlstm.gradient_flow.intervals import Interval, Intervals
from tests.flow.numbers import BUILT_IN, VARIANTS, variant


def numbers(name, scale, seed=0, n=5, m=3):
    rng = np.random.default_rng(seed)
    cell = variant(name) if name in VARIANTS else sl.cell(name)
    p = sl.parameters(cell, n=n, m=m, rng=rng)
    for q, array in p.items():
        array *= scale if array.ndim == 2 else 1.0
        if not q.startswith("b"):
            array *= rng.uniform(0.5, 1.5)
    return cell, p, rng


@pytest.mark.parametrize("name", [*BUILT_IN, *VARIANTS])
@pytest.mark.parametrize("scale", [0.02, 0.3, 1.5])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_run_breaks_a_bound(name, scale, seed):
    cell, p, rng = numbers(name, scale, seed)
    found, k = sl.certificate(cell, p, largest_input=2.0), sl.compile(cell)
    x = rng.choice([-2.0, 2.0], size=(200, 3)) * rng.choice([1.0, rng.uniform()], size=(200, 1))
    rows = {c.name.split(":")[0].removeprefix("rows of "): c for c in found.conditions if c.group == "entry by entry"}
    (norm,) = [c for c in found.conditions if c.group == "norms"]
    states = k.zero_states(p)
    starts = np.cumsum([0, *(s.size for s in states)])
    for one in x:
        jacobian = k.state_jacobian(p, one, states)
        for (name_, c), start, stop in zip(rows.items(), starts, starts[1:], strict=False):
            assert np.abs(jacobian[start:stop]).sum(axis=1).max() <= c.left * (1 + 1e-12), name_
        assert np.linalg.norm(jacobian, 2) <= norm.left * (1 + 1e-12)
        states = k.step(p, one, states)
    if found.holds:
        assert max(abs(np.linalg.eigvals(jacobian))) < 1


@pytest.mark.parametrize("seed", range(20))
def test_the_inequalities_of_the_literature_imply_the_bound(seed):
    rng = np.random.default_rng(seed)
    cell, p, _ = numbers("lstm", rng.uniform(0.005, 0.2), seed, n=4)
    found = sl.certificate(cell, p)
    gates = [c for c in found.conditions if c.group == "gates"]
    assert [c.name.split(",")[0] for c in gates] == [f"recurrent weights of {q}" for q in ("i", "o", "c_tilde", "f")]
    if all(c.holds for c in gates):
        assert all(c.holds for c in found.conditions if c.group == "entry by entry")


def test_the_four_numbers_of_an_lstm():
    p = sl.parameters("lstm", n=2, m=1)
    for array in p.values():
        array[...] = 0.0
    p["b_f"][...] = 1.0
    p["W_f"][:, 2] = [0.5, -0.25]
    p["W_i"][:, :2] = [[0.1, -0.2], [0.0, 0.05]]
    gates = {c.name.split()[3].rstrip(","): c for c in sl.certificate("lstm", p).conditions if c.group == "gates"}
    f = 1 / (1 + np.exp(-1.5))  # |h| <= 1 does not enter, |x| <= 1
    expected = {"i": (0.3, 1 - f), "o": (0.0, 1 - f), "c_tilde": (0.0, (1 - f) / 4), "f": (0.0, (1 - f) ** 2)}
    expected["i"] = (np.float64(0.1) + 0.2, 1 - f)
    for name, (left, right) in expected.items():
        found = gates[name].left, gates[name].right, gates[name].margin
        np.testing.assert_allclose(found, [left, right, right - left], rtol=0, atol=16 * np.finfo(float).eps)
    assert not gates["i"].holds and gates["o"].holds
    p["W_i"][...] = 0.0
    assert sl.certificate("lstm", p).holds


def test_intervals_are_rounded_outwards():
    rng, field = np.random.default_rng(0), Intervals()
    for _ in range(20):
        ends = np.sort(rng.normal(size=(2, 2, 3, 4)) * 10.0 ** rng.integers(-9, 9, size=(2, 2, 3, 4)), axis=0)
        a, b = (Interval(ends[0][k], ends[1][k]) for k in (0, 1))
        for found, exact in ((field.add(a, b), operator.add), (field.multiply(a, b), operator.mul)):
            arrays = (found.low, found.high, a.low, a.high, b.low, b.high)
            for low, high, *corners in zip(*map(np.ravel, arrays), strict=True):
                values = [exact(Fraction(x), Fraction(y)) for x in corners[:2] for y in corners[2:]]
                assert Fraction(low) <= min(values) and max(values) <= Fraction(high)
        v = Interval(b.low.T, b.high.T)
        product = field.matmul(Interval(a.low, a.low), v)
        for i, j in np.ndindex(3, 3):
            rows = [[Fraction(a.low[i, k]) * Fraction(end[k, j]) for end in (v.low, v.high)] for k in range(4)]
            assert Fraction(product.low[i, j]) <= sum(map(min, rows))
            assert sum(map(max, rows)) <= Fraction(product.high[i, j])


def test_a_tanh_network_contracts_if_the_norm_of_its_weights_is_below_one():
    u = np.random.default_rng(0).normal(size=(6, 6))
    u /= np.linalg.norm(u, 2)
    for gain, holds in ((0.99, True), (1.01, False)):
        p = {"W": np.eye(6), "U": gain * u, "b": np.zeros(6)}
        found = sl.certificate("rnn", p)
        (norm,) = [c for c in found.conditions if c.group == "norms"]
        np.testing.assert_allclose([norm.left, norm.margin], [gain, 1 - gain], rtol=1e-10)
        assert norm.holds == holds and found.holds == holds


def test_what_fails_is_named():
    p = sl.parameters("lstm", n=8, m=2)
    shown = str(sl.certificate("lstm", p))
    assert "no contraction is certified" in shown and "FAILS  recurrent weights of f" in shown


def test_functions_without_bounds_are_told():
    def wild(h_prev: "n", *, a: "n"):
        h = np.log(a * h_prev)
        return h

    with pytest.raises(RuleMissing, match="no bounds are known for"):
        sl.certificate(wild, {"a": np.ones(2)})
    with pytest.raises(ValueUnusable, match="largest_input must be a number"):
        sl.certificate("lstm", sl.parameters("lstm", n=2, m=1), largest_input=-1)
