"""A choice is one: what is not chosen may overflow or be undefined, in values and in derivatives alike."""

import math

import numpy as np
import pytest

import symlstm as sl
from symlstm.calculus import linear
from symlstm.codegen import export
from symlstm.errors import ValueUnusable
from symlstm.evidence import examine
from symlstm.expr import build, choices
from tests.support.ulps import scaled_ulps

A, S = 1.6732632423543772, 1.0507009873554805


def _around(activation):
    """A cell around h = activation(z), entry by entry."""

    def small(x: "m", h_prev: "n", *, W: "n m", U: "n n"):
        z = W @ x + U @ h_prev
        h = activation(z)
        return h

    return small


def named_exponential(x: "m", h_prev: "n", *, W: "n m", U: "n n"):
    z = W @ x + U @ h_prev
    e = np.exp(z)
    h = np.where(z > 0, z, e - 1)
    return h


def nothing_named(x: "m", h_prev: "n", *, W: "n m", U: "n n"):
    h = np.where(W @ x + U @ h_prev > 0, W @ x + U @ h_prev, np.exp(W @ x + U @ h_prev) - 1)
    return h


def exponential_used_twice(x: "m", h_prev: "n", *, W: "n m", U: "n n"):
    """Through several named quantities, each of which overflows."""
    z = W @ x + U @ h_prev
    e = np.exp(z)
    square = e * e
    both = e + square
    h = np.where(z > 0, z, both)
    return h


def stacked(x: "m", h_prev: "n", *, W: "2*n m", U: "2*n n"):
    """One half of a vector that overflows."""
    e = np.exp(W @ x + U @ h_prev)
    n = h_prev.shape[0]
    h = np.where(h_prev > 1, 3 * h_prev, e[:n] * e[n:])
    return h


def joined(x: "m", h_prev: "n", *, W: "n m", U: "n n"):
    """Choices between the halves of vectors, which overflow or are undefined in turn."""
    z = W @ x + U @ h_prev
    both = np.concatenate([z, -z])
    chosen = np.where(both > 0, np.concatenate([np.log(z), np.exp(z)]), both)
    n = h_prev.shape[0]
    h = chosen[:n] + chosen[n:]
    return h


def elu(z):
    return z if z > 0 else math.exp(z) - 1


def elu_slope(z):
    return 1.0 if z > 0 else math.exp(z)


CELLS = {
    "elu": (_around(lambda z: np.where(z > 0, z, np.exp(z) - 1)), elu, elu_slope),
    "elu by expm1, at least": (_around(lambda z: np.where(z >= 0, z, np.expm1(z))),
                               lambda z: z if z >= 0 else math.expm1(z), lambda z: 1.0 if z >= 0 else math.exp(z)),
    "elu, less": (_around(lambda z: np.where(z < 0, np.exp(z) - 1, z)), lambda z: math.exp(z) - 1 if z < 0 else z,
                  lambda z: math.exp(z) if z < 0 else 1.0),
    "elu, named": (named_exponential, elu, elu_slope),
    "elu, nothing named": (nothing_named, elu, elu_slope),
    "selu": (_around(lambda z: S * np.where(z > 0, z, A * (np.exp(z) - 1))),
             lambda z: S * (z if z > 0 else A * (math.exp(z) - 1)), lambda z: S * (1 if z > 0 else A * math.exp(z))),
    "leaky relu": (_around(lambda z: np.where(z > 0, z, 0.01 * z)), lambda z: z if z > 0 else 0.01 * z,
                   lambda z: 1.0 if z > 0 else 0.01),
    "log": (_around(lambda z: np.where(z > 0, np.log(z), 0)), lambda z: math.log(z) if z > 0 else 0.0,
            lambda z: 1 / z if z > 0 else 0.0),
    "sqrt": (_around(lambda z: np.where(z > 0, np.sqrt(z), 2 * z)), lambda z: math.sqrt(z) if z > 0 else 2 * z,
             lambda z: 0.5 / math.sqrt(z) if z > 0 else 2.0),
    "inverse": (_around(lambda z: np.where(z > 1, 1 / z, z)), lambda z: 1 / z if z > 1 else z,
                lambda z: -1 / z**2 if z > 1 else 1.0),
    "hard sigmoid": (_around(lambda z: np.where(z > 2.5, 1.0, np.where(z < -2.5, 0.0, 0.2 * z + 0.5))),
                     lambda z: 1.0 if z > 2.5 else 0.0 if z < -2.5 else 0.2 * z + 0.5,
                     lambda z: 0.2 if -2.5 <= z <= 2.5 else 0.0),
    "between": (_around(lambda z: np.where((z > 0) & (z < 4), np.sqrt(z * (4 - z)), -z)),
                lambda z: math.sqrt(z * (4 - z)) if 0 < z < 4 else -z,
                lambda z: (2 - z) / math.sqrt(z * (4 - z)) if 0 < z < 4 else -1.0),
    "exponential used twice": (exponential_used_twice, lambda z: z if z > 0 else math.exp(z) + math.exp(2 * z),
                               lambda z: 1.0 if z > 0 else math.exp(z) + 2 * math.exp(2 * z)),
    "joined": (joined, lambda z: math.log(z) - z if z > 0 else z + math.exp(z) if z < 0 else 0.0,
               lambda z: 1 / z - 1 if z > 0 else 1 + math.exp(z) if z < 0 else 0.0),
    "exponential of an exponential": (_around(lambda z: np.where(z > 0, z, np.exp(np.exp(z)))),
                                      lambda z: z if z > 0 else math.exp(math.exp(z)),
                                      lambda z: 1.0 if z > 0 else math.exp(math.exp(z) + z)),
}  # fmt: skip
"""The cell, and the function of z and its derivative by hand, for one number."""
POINTS = np.array([800.0, -800.0, 0.0, 3.5, -1.25, 1e-200, -1e-200, 2.5, -2.5, 0.75])
"""Pre-activations z = x + h, with h = 0: those at which one side overflows or is undefined, those where it is equal."""


def at(x, dtype=np.float64):
    n = len(x)
    p = {"W": np.eye(n, dtype=dtype), "U": (0.5 * np.eye(n)).astype(dtype)}
    return p, x.astype(dtype), (np.zeros(n, dtype),)


def executed(source):
    scope = {}
    exec(source, scope)
    return scope


def by_hand(name, x):
    """h, and dh/dz, for each entry of z."""
    _, value, slope = CELLS[name]
    return np.array([value(float(z)) for z in x]), np.array([slope(float(z)) for z in x])


@pytest.mark.parametrize("name", CELLS)
def test_values_and_derivatives_where_the_other_side_is_infinite_or_undefined(name):
    k = sl.compile(sl.cell(CELLS[name][0]))
    p, x, states = at(POINTS)
    h, slope = by_hand(name, POINTS)
    close(k.step(p, x, states)[0], h)
    close(k.jacobian(p, x, states, "h", "h_prev"), np.diag(0.5 * slope))
    close(k.jacobian(p, x, states, "h", "x"), np.diag(slope))
    close(k.state_jacobian(p, x, states), np.diag(0.5 * slope))
    upstream = np.linspace(-1, 2, len(POINTS))
    found = k.vjp(p, x, states, (upstream,))
    close(found["x"], upstream * slope)
    close(found["h_prev"], 0.5 * upstream * slope)
    close(found["W"], np.outer(upstream * slope, POINTS))


def close(found, exact):
    assert np.isfinite(found).all()
    for mine, right in zip(found.ravel(), exact.ravel(), strict=True):
        assert scaled_ulps(np.float64(mine), np.float64(right)) <= 8 or abs(mine - right) <= 4 * np.finfo(float).eps


@pytest.mark.parametrize("name", ["elu", "elu, named", "log", "exponential used twice"])
def test_the_exported_module_and_the_formula_for_sympy_do_the_same(name):
    p, x, states = at(POINTS)
    _, slope = by_hand(name, POINTS)
    module = executed(export(sl.cell(CELLS[name][0])))
    with np.errstate(all="ignore"):
        close(module["state_jacobian"](p, x, states), np.diag(0.5 * slope))
        close(module["vjp"](p, x, states, {"h": np.ones(len(x))})["x"], slope)


@pytest.mark.parametrize("name", CELLS)
def test_all_rungs_hold(name):
    cell = sl.cell(CELLS[name][0])
    for result in (sl.derive(cell, "h", "h_prev"), sl.derive(cell, "h", "x"), sl.backward(cell)):
        evidence = examine(result)
        assert [r.held for r in evidence.rungs] == [True] * 3, str(evidence)


OTHERWISE_NAN = {  # with numbers of their own, so that no other test finds what is broken here
    "elu": _around(lambda z: np.where(z > 0, z, 7 * (np.exp(z) - 1))),
    "log": _around(lambda z: np.where(z > 0, 7 * np.log(z), 0)),
}


@pytest.mark.parametrize("name", OTHERWISE_NAN)
def test_with_products_taken_outside_the_choice_it_would_be_nan(monkeypatch, name):
    """What the tests above would see without `chained`."""
    for module in (linear, choices):
        monkeypatch.setattr(module, "chained", build.hadamard)
    with np.errstate(all="ignore"):
        found = executed(export(sl.cell(OTHERWISE_NAN[name])))["vjp"](*at(POINTS), {"h": np.ones(len(POINTS))})
    assert np.isnan(found["x"]).any()


def test_half_of_a_vector_that_overflows():
    k = sl.compile(sl.cell(stacked))
    p = {"W": np.array([[1.0], [0.01], [1.0], [-0.02]]), "U": np.zeros((4, 2))}
    x, h_prev = np.array([800.0]), np.array([2.0, 0.5])
    found = k.vjp(p, x, (h_prev,), (np.ones(2),))
    below = np.exp(8.0) * np.exp(-16.0)
    close(k.step(p, x, (h_prev,))[0], np.array([6.0, below]))
    close(found["h_prev"], np.array([3.0, 0.0]))
    close(found["x"], np.array([(0.01 - 0.02) * below]))
    close(k.jacobian(p, x, (h_prev,), "h", "x"), np.array([[0.0], [(0.01 - 0.02) * below]]))


def test_entries_mixed_before_the_choice_are_beyond_it_and_said_to_be():
    """The limit that symlstm.expr.choices names: a matrix product on the side that is not chosen."""

    def mixed(x: "m", h_prev: "n", *, W: "n m", U: "n n"):
        e = np.exp(W @ x)
        h = np.where(h_prev > 1, h_prev, U @ e)
        return h

    k = sl.compile(sl.cell(mixed))
    given = {"W": np.ones((2, 1)), "U": np.ones((2, 2))}, np.array([800.0]), (np.array([2.0, 3.0]),)
    assert k.step(*given)[0].tolist() == [2.0, 3.0]
    assert k.jacobian(*given, "h", "h_prev").tolist() == [[1.0, 0.0], [0.0, 1.0]]
    with pytest.raises(ValueUnusable, match="e has infinity"):
        k.vjp(*given, (np.ones(2),))


def test_what_is_chosen_and_infinite_is_still_refused():
    k = sl.compile(sl.cell(named_exponential))
    p, x, states = at(POINTS)
    assert np.isinf(k.values(p, x, states)["e"]).any()  # nobody counts it
    log = sl.compile(sl.cell(_around(lambda z: np.where(z < 1, np.log(z), z))))
    with pytest.raises(ValueUnusable, match=r"h has NaN at \[1\]"):
        log.step(p, x, states)


def test_what_counts_elsewhere_too_may_not_overflow():
    def used_in_the_open(x: "m", h_prev: "n", *, W: "n m", U: "n n"):
        z = W @ x + U @ h_prev
        e = np.exp(z)
        h = np.where(z > 0, z, e - 1) + 0.001 / (1 + e)
        return h

    k = sl.compile(sl.cell(used_in_the_open))
    with pytest.raises(ValueUnusable, match=r"e has infinity at \[0\]"):
        k.step(*at(POINTS))


@pytest.mark.parametrize("name", ["elu", "leaky relu", "hard sigmoid", "log"])
def test_float32_stays_float32(name):
    k = sl.compile(sl.cell(CELLS[name][0]))
    p, x, states = at(np.array([80.0, -3.0, 1.5]), np.float32)
    found = [k.step(p, x, states)[0], k.state_jacobian(p, x, states), *k.vjp(p, x, states, (states[0] + 1,)).values()]
    assert {a.dtype for a in found} == {np.dtype(np.float32)}


def test_batches_of_any_shape():
    k = sl.compile(sl.cell(CELLS["elu"][0]))
    p, x, (h,) = at(POINTS)
    many = np.stack([x, -x, 0 * x]).reshape(3, 1, -1) + np.zeros((3, 2, len(x)))
    states = (np.zeros((3, 2, len(x))),)
    one = k.state_jacobian(p, -x, (h,))
    assert np.array_equal(k.state_jacobian(p, many, states)[1, 1], one)
    total = sum(k.vjp(p, row, (h,), (h + 1,))["W"] for row in many.reshape(6, -1))
    np.testing.assert_allclose(k.vjp(p, many, states, (states[0] + 1,))["W"], total, rtol=1e-14)


def test_the_gradient_of_elu_is_written_as_one_choice():
    cell = sl.cell(CELLS["elu"][0])
    assert str(sl.derive(cell, "h", "h_prev").result) == "diag(where(z_t > 0, 1, exp(z_t))) U"
    (gradient,) = [a.expr for a in sl.backward(cell).adjoints if a.quantity.name == "d_z"]
    assert str(gradient) == "dh_t ⊙ where(z_t > 0, 1, exp(z_t))"
