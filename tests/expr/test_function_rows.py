"""The rows of the function tables, each derived again by SymPy from its definition."""

import itertools

import numpy as np
import pytest
import sympy as sp

from symlstm.expr import nodes as x
from symlstm.expr import numeric
from symlstm.expr.functions import ELEMENTWISE, WHOLE
from tests.support.ulps import scaled_ulps

POINTS = [sp.Rational(p) for p in ("-17/10", "-1/3", "2/7", "13/10")]
POSITIVE = {"log", "sqrt", "power"}
EXPONENTS = [sp.Integer(2), sp.Integer(3), sp.Rational(3, 2), sp.Rational(1, 2), sp.Integer(-1)]
DIGITS = 40


def arguments(row):
    """Quantities of 1 x 1 for the arrays of a row, and numbers for its constants."""
    return [x.Quantity(name, 1, 1) for name in "abc"[: len(row.derivatives)]]


def number(expr, point):
    """The value of a 1 x 1 expression with `DIGITS` digits."""
    entry = expr._entry(sp.S.Zero, sp.S.Zero)
    return entry.subs({x.Quantity(n, 1, 1)._entry(sp.S.Zero, sp.S.Zero): v for n, v in point.items()}).evalf(DIGITS)


def points(name, count):
    """Arguments at which a function is defined and smooth."""
    for first, second in itertools.product(POINTS, POINTS if count > 1 else [sp.S.Zero]):
        undefined = (name in POSITIVE and first < 0) or (name == "log1p" and first <= -1)
        if name == "where":
            yield from ((condition, first, second) for condition in (sp.S.Zero, sp.S.One))
        elif not undefined and first != second:
            yield (first, second)[:count]


def cases():
    for name, row in ELEMENTWISE.items():
        for constants in [(e,) for e in EXPONENTS] if name == "power" else [()]:
            for k in range(len(row.derivatives)):
                yield name, constants, k


@pytest.mark.parametrize(("name", "constants", "k"), list(cases()))
def test_the_derivative_of_an_elementwise_function_is_that_of_its_definition(name, constants, k):
    row = ELEMENTWISE[name]
    arrays = arguments(row)
    output = x.Apply(name, *arrays, *constants)
    symbols = sp.symbols("a b c", real=True)[: len(arrays)]
    slope = sp.diff(row.value(*symbols, *constants), symbols[k])
    for given in points(name, len(arrays)):
        # away from the kink, where SymPy's derivative of a step is a delta function and 0
        exact = slope.subs(dict(zip(symbols, given, strict=True))).doit().evalf(DIGITS)
        found = number(row.derivatives[k](*arrays, *constants, output), dict(zip("abc", given, strict=False)))
        assert abs(found - exact) < sp.Float(10) ** (5 - DIGITS) * (1 + abs(exact)), given


@pytest.mark.parametrize("name", [n for n, row in ELEMENTWISE.items() if row.helper])
def test_the_numpy_helper_of_an_elementwise_function_is_its_definition(name):
    row = ELEMENTWISE[name]
    for given in points(name, len(row.derivatives)):
        exact = float(row.value(*[sp.Float(v, DIGITS) for v in given]))
        found = getattr(numeric, row.helper)(*[np.array(float(v)) for v in given])
        assert scaled_ulps(np.float64(found), np.float64(exact)) <= 4


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_jacobian_of_a_whole_function_is_that_of_its_definition(name, size):
    row = WHOLE[name]
    v = x.Quantity("v", size, 1)
    output = x.Whole(name, v)
    entries = [v._entry(sp.Integer(k), sp.S.Zero) for k in range(size)]
    symbols = sp.symbols(f"z:{size}", real=True)
    numbers = [sp.Rational(7 * k + 3, 11 - 3 * k) * (-1) ** k for k in range(size)]
    jacobian = row.jacobian(v, output)
    rows = size if row.keeps_shape else 1
    assert jacobian.shape == (rows, size)
    for i in range(rows):
        for j in range(size):
            exact = sp.diff(row.value(list(symbols), i), symbols[j])
            exact = exact.subs(dict(zip(symbols, numbers, strict=True))).doit().evalf(DIGITS)
            found = jacobian._entry(sp.Integer(i), sp.Integer(j)).subs(dict(zip(entries, numbers, strict=True)))
            assert abs(found.doit().evalf(DIGITS) - exact) < sp.Float(10) ** (5 - DIGITS) * (1 + abs(exact))


@pytest.mark.parametrize("name", [n for n, row in WHOLE.items() if row.helper])
def test_the_numpy_helper_of_a_whole_function_is_its_definition(name):
    row = WHOLE[name]
    v = np.array([0.3, -1.25, 0.75, 2.0])
    exact = [float(row.value([sp.Float(e, DIGITS) for e in v], i)) for i in range(4 if row.keeps_shape else 1)]
    found = np.atleast_1d(getattr(numeric, row.helper)(v))
    assert scaled_ulps(found, np.array(exact)) <= 4


def test_gates_are_differentiated_through_their_own_output():
    z, s = x.Quantity("z", 3, 1), x.Quantity("s", 3, 1)
    for name in ("sigmoid", "tanh", "exp"):
        assert not ELEMENTWISE[name].derivatives[0](z, s).has(z)
    assert not WHOLE["softmax"].jacobian(z, s).has(z)


@pytest.mark.parametrize("table", [ELEMENTWISE, WHOLE], ids=["elementwise", "whole"])
def test_every_row_has_latex_code_and_a_reason(table):
    for row in table.values():
        assert "{0}" in row.latex and "{0}" in row.numpy and row.because
