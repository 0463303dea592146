"""The float64 rung: the user's own function under complex steps, and the bound by running error analysis."""

import dataclasses

import mpmath
import numpy as np
import pytest
import sympy as sp

import symlstm as sl
from symlstm.evidence import definitions, examine, float64
from symlstm.evidence.digits import MpmathField
from symlstm.evidence.interpret import evaluate, shaped
from symlstm.evidence.numeric_cell import NumericCell
from symlstm.evidence.program import choose_sizes, one_step, shape_of
from symlstm.evidence.running import FUNCTION, RunningField, U, exact
from symlstm.evidence.stepped import STEP, stepped
from symlstm.expr.functions import ELEMENTWISE

from .small_cells import ELEMENTWISE_CELLS, NODE_CELLS, WHOLE_CELLS, cell_of, results

ON_FUNCTION = "complex step on the numeric cell"


def by_function(d):
    """The float64 rung, which must have run the function itself."""
    rung = examine(d, rungs=["float64"]).rungs[0]
    assert rung.held, rung
    assert ON_FUNCTION in rung.figure
    return rung


def absolute(x: "m", h_prev: "n", *, U: "n n", V: "n m"):
    z = U @ h_prev + V @ x
    return np.abs(z) * h_prev + np.absolute(z - 0.5)


def chosen(x: "m", h_prev: "n", *, U: "n n", V: "n m"):
    z = U @ h_prev + V @ x
    return np.where(z > 0, z, 0.01 * z) + np.where(h_prev < 0.1, h_prev**2, z)


def clipped(x: "m", h_prev: "n", *, U: "n n", V: "n m"):
    z = U @ h_prev + V @ x
    return np.clip(z, -0.3, 0.3) + np.maximum(z, 0) + np.minimum(z, h_prev) + z.clip(-0.2, 0.2)


def lengths(x: "m", h_prev: "n", *, U: "n n", V: "n m"):
    z = U @ h_prev + V @ x
    return z / np.linalg.norm(z) + z * np.var(z) + h_prev * np.std(z) + z.mean() + h_prev * z.max() + z.var()


def by_hand(x: "m", h_prev: "n", *, U: "n n", V: "n m"):
    z = U @ h_prev + V @ x
    s = 1 / (1 + np.exp(-z))
    e = np.exp(z - np.max(z))
    y = e / np.sum(e)
    w = (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))
    return s * y + w * np.log(1 + np.exp(z)) + np.logaddexp(0, h_prev)


def conjugating(x: "m", h_prev: "n", *, U: "n n", V: "n m"):
    z = np.tanh(U @ h_prev + V @ x)
    dots = np.vdot(z, h_prev) + np.vecdot(z, z) + np.vdot(U @ z, z)
    return z * dots + np.vecmat(z, U) + np.conj(z)


NOT_ANALYTIC = [absolute, chosen, clipped, lengths, by_hand, conjugating]


@pytest.mark.parametrize("function", NOT_ANALYTIC, ids=lambda f: f.__name__)
def test_functions_that_are_not_analytic_are_still_run_themselves(function):
    cell = sl.cell(function)
    for wrt in ("h_prev", "x", "U"):
        by_function(sl.derive(cell, "h", wrt))


def rows(x, h_prev, *, W: "n+m n", b: "n"):
    hx = np.concatenate([h_prev, x], axis=1)
    return np.tanh(hx @ W + b) * np.abs(h_prev)


def columns(x, h_prev, *, W: "n n+m", b: "n 1"):
    hx = np.concatenate([h_prev, x], axis=0)
    return np.tanh(W @ hx + b) * np.abs(h_prev)


def in_a_dict(x: "m", h_prev: "n", p):
    return np.tanh(p["U"] @ h_prev + p["V"] @ x + p["b"])


@pytest.mark.parametrize("function", [rows, columns], ids=lambda f: f.__name__)
def test_functions_written_for_a_batch_are_run_as_they_are(function):
    cell = sl.cell(function)
    assert cell.layout == function.__name__
    for wrt in ("h_prev", "x", "b"):
        by_function(sl.derive(cell, "h", wrt))


def test_parameters_in_a_dict():
    cell = sl.cell(in_a_dict, shapes={"U": "n n", "V": "n m", "b": "n"})
    by_function(sl.derive(cell, "h", "U"))


def test_a_function_that_does_not_run_on_complex_numbers_is_said_to_be_left_out(monkeypatch):
    def refuse(self, values):
        raise TypeError("complex")

    monkeypatch.setattr(NumericCell, "complex", refuse)
    float64.point.cache_clear()
    rung = examine(sl.derive(sl.cell("lstm"), "c", "c_prev"), rungs=["float64"]).rungs[0]
    float64.point.cache_clear()
    assert rung.held
    assert "the function does not run on complex numbers: TypeError" in rung.figure


def test_equations_that_are_not_those_of_the_function_are_found():
    def other(x, h_prev, *, W, U, b):
        h = np.tanh(W @ x + U @ h_prev + b) + 1e-9
        return h

    cell = dataclasses.replace(sl.cell("rnn"), function=other)
    rung = examine(sl.derive(cell, "h", "h_prev"), rungs=["float64"]).rungs[0]
    assert rung.held is False
    assert "the equations do not give what the function returns: h" in rung.detail


def test_a_function_with_the_same_values_but_another_slope_is_found(monkeypatch):
    """Complex steps really go through the function: one that is wrong only in the imaginary part is noticed."""

    def other(x, h_prev, *, W, U, b):
        h = np.tanh(W @ x + U @ h_prev + b)
        h = h + (1j * 0.01 * np.imag(h) if np.iscomplexobj(h) else 0)
        return h

    cell = dataclasses.replace(sl.cell("rnn"), function=other)
    rung = examine(sl.derive(cell, "h", "h_prev"), rungs=["float64"]).rungs[0]
    assert rung.held is False


FUNCTIONS_WITH_SLOPES = {
    "abs": (np.abs, np.sign),
    "maximum": (lambda z: np.maximum(z, 0.1), lambda z: z > 0.1),
    "minimum": (lambda z: np.minimum(z, 0.1), lambda z: z < 0.1),
    "clip": (lambda z: np.clip(z, -0.2, 0.2), lambda z: np.abs(z) < 0.2),
    "where": (lambda z: np.where(z > 0, z * z, -z), lambda z: np.where(z > 0, 2 * z, -1)),
    "sign": (lambda z: np.sign(z) * z, np.sign),
    "heaviside": (lambda z: np.heaviside(z, 0) * z, lambda z: z > 0),
    "arctan": (np.arctan, lambda z: 1 / (1 + z**2)),
    "log1p": (np.log1p, lambda z: 1 / (1 + z)),
    "expm1": (np.expm1, np.exp),
    "power": (lambda z: (z + 2) ** 1.5, lambda z: 1.5 * (z + 2) ** 0.5),
    "vdot": (lambda z: np.array([np.vdot(z[k : k + 1], z[k : k + 1]) for k in range(z.size)]), lambda z: 2 * z),
    "vecdot": (lambda z: np.vecdot(z[:, None], z[:, None], axis=-1), lambda z: 2 * z),
    "vecmat": (lambda z: np.vecmat(z, np.diag(np.full(z.size, 2.0))), lambda z: 2 + 0 * z),
    "logaddexp": (lambda z: np.logaddexp(z, 0.5), lambda z: 1 / (1 + np.exp(0.5 - z))),
}


@pytest.mark.parametrize("name", FUNCTIONS_WITH_SLOPES)
def test_a_complex_step_gives_the_slope(name):
    function, slope = FUNCTIONS_WITH_SLOPES[name]
    z = np.linspace(-0.9, 0.95, 14)
    found = np.imag(np.asarray(function(stepped(z + 1j * STEP)))) / STEP
    np.testing.assert_allclose(found, slope(z).astype(float), rtol=16 * np.finfo(float).eps, atol=0)


@pytest.mark.parametrize("name", ["lstm", "lstm_softmax", "gru"])
def test_the_error_bound_holds_and_is_not_generous(name):
    """Against 100 digits: every value lies within its bound, and the bound within a few hundred ulp."""
    bound_holds(sl.cell(name))


@pytest.mark.parametrize("function", [*NODE_CELLS.values(), ELEMENTWISE_CELLS["divide"], WHOLE_CELLS["norm"]])
def test_the_error_bound_holds_for_other_functions(function):
    bound_holds(cell_of(function))


def bound_holds(cell):
    program = one_step(cell)
    sizes = choose_sizes(program, 4)
    rng = np.random.default_rng(5)
    leaves = {q: rng.uniform(-1, 1, shape_of(q, sizes)) for q in program.leaves}
    bounded = {q: exact(v) for q, v in leaves.items()}
    with mpmath.workdps(60):
        field = MpmathField()
        true = {q: shaped([mpmath.mpf(float(e)) for e in v.flat], v.shape) for q, v in leaves.items()}
        for q, expr in program.equations:
            bounded[q] = evaluate(expr, bounded, sizes, RunningField())
            true[q] = evaluate(expr, true, sizes, field)
            error = np.abs((bounded[q].value.real - true[q]).astype(float))
            assert np.all(error <= bounded[q].real)
            assert np.max(bounded[q].real) <= 500 * np.spacing(np.max(np.abs(bounded[q].value.real)))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_what_is_charged_for_a_function_covers_it(name):
    """The value and the complex-step derivative of every row, as run, against 60 digits.

    The worst of some 2,000 points a function: 4.5 u (the derivative of tanh, near 3), and for powers, whose exponent
    the library multiplies into a logarithm, 6.3 u (near 0.05); 8 u are charged.
    """
    row = ELEMENTWISE[name]
    count, constants = len(row.derivatives), (sp.Rational(3, 2),) if name == "power" else ()
    numpys = definitions.compiled_elementwise(name, count, constants, "numpy")
    precise = definitions.compiled_elementwise(name, count, constants, "mpmath")
    low = 0.1 if name in ("log", "sqrt", "log1p", "power") else -3.0
    points = np.random.default_rng(7).uniform(low, 3, (200, count))
    charged = FUNCTION * U
    adds = definitions.adds_terms(name, count, constants)
    with mpmath.workdps(60):
        for point in points:
            at = [mpmath.mpf(v) for v in point]
            true = precise(*at)
            terms = max(1.0, float(np.abs(point).sum())) if adds else 0.0
            for k in range(count):
                found = numpys(*(np.array(v + 1j * STEP * (j == k)) for j, v in enumerate(point)))
                found = found + 0j
                slope = mpmath.diff(precise, tuple(at), tuple(int(j == k) for j in range(count)))
                assert abs(mpmath.mpf(float(found.real)) - true) <= charged * (abs(true) + terms)
                assert abs(mpmath.mpf(float(found.imag / STEP)) - slope) <= charged * abs(slope) + mpmath.mpf(10) ** -25


@pytest.mark.parametrize("seed", range(30))
def test_right_formulas_never_fail(seed):
    """Thirty other points for every result of cells with all kinds of functions."""
    for cell in [sl.cell("lstm"), sl.cell("gru"), *(cell_of(f) for f in NODE_CELLS.values())]:
        for result in list(results(cell))[seed % 3 :: 3]:
            assert examine(result, seed=1000 + seed).require().ok
