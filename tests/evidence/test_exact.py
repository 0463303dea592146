"""The exact rung: the relations between functions, and the algebras in which formulas are compared."""

import random

import pytest
import sympy as sp

import symlstm as sl
from symlstm.evidence import exact
from symlstm.evidence.algebra import Undecided, convert
from symlstm.evidence.polynomials import Polynomials
from symlstm.evidence.program import one_step
from symlstm.evidence.residues import P, Residue, Residues, Unlucky
from symlstm.evidence.scalars import relations_hold, scalars

z, w = sp.symbols("z w")


def test_the_relations_of_the_gates_follow_from_their_definitions():
    assert relations_hold()


def test_the_modulus_is_a_prime_with_easy_square_roots():
    assert sp.isprime(P)
    assert P % 4 == 3


TRUE = [
    (sp.sin(z) ** 2 + sp.cos(z) ** 2, sp.S.One),
    (sp.cosh(z) ** 2 - sp.sinh(z) ** 2, sp.S.One),
    (sp.exp(-z), 1 / sp.exp(z)),
    (sp.exp(z + 2 * w), sp.exp(z) * sp.exp(w) ** 2),
    (1 / (1 + sp.exp(-z)), sp.exp(z) / (1 + sp.exp(z))),
    (sp.tanh(z), sp.sinh(z) / sp.cosh(z)),
    (sp.tanh(-z), -sp.tanh(z)),
    (sp.sin(-z), -sp.sin(z)),
    (sp.atan(-z), -sp.atan(z)),
    (sp.Heaviside(w - z, 0), 1 - sp.Heaviside(z - w, 0)),
    (z ** sp.Rational(-1, 2), sp.sqrt(z) / z),
    (z ** sp.Rational(4, 3), z * z ** sp.Rational(1, 3)),
    (sp.diff(sp.log(1 + sp.exp(z)), z), 1 / (1 + sp.exp(-z))),
    (sp.diff(z * sp.Heaviside(z, 0), z), sp.Heaviside(z, 0)),
]
FALSE = [
    (sp.exp(z), sp.exp(w)),
    (sp.tanh(z), sp.sinh(z)),
    (sp.sin(z), sp.cos(z)),
    (sp.log(z), sp.exp(z)),
    (sp.Heaviside(z, 0), sp.S.One),
    (sp.sqrt(z), -sp.sqrt(z)),
]


def at_a_random_point(pair):
    for seed in range(50):
        algebra = Residues(random.Random(seed))
        values = {z: algebra.random(), w: algebra.random()}
        try:
            return [convert(sp.sympify(side), values, algebra).value for side in pair]
        except Unlucky:
            continue
    raise AssertionError("no point")


@pytest.mark.parametrize("pair", TRUE, ids=str)
def test_relations_between_functions_hold_modulo_the_prime(pair):
    left, right = at_a_random_point(pair)
    assert left == right


@pytest.mark.parametrize("pair", FALSE, ids=str)
def test_different_functions_differ_modulo_the_prime(pair):
    left, right = at_a_random_point(pair)
    assert left != right


def test_a_residue_bounds_the_degrees_of_what_it_is_the_value_of():
    x = Residue(5, 1)
    quotient = (x * x + Residue(1)) * (x + Residue(2)).inverse()
    assert (quotient.above, quotient.below) == (2, 1)
    assert ((quotient + x).above, (quotient + x).below) == (2, 1)
    assert (quotient.to_the(-2).above, quotient.to_the(-2).below) == (2, 4)


def test_division_by_zero_is_an_unlucky_point():
    with pytest.raises(Unlucky):
        (Residue(3) - Residue(3)).inverse()


def test_polynomials_refuse_what_is_none():
    algebra = Polynomials(4)
    g = algebra.fresh()
    for expr in (1 / z, sp.exp(z), sp.sqrt(z)):
        with pytest.raises(Undecided):
            convert(expr, {z: g}, algebra)
    with pytest.raises(Undecided, match="more generators"):
        [algebra.fresh() for _ in range(4)]


def test_one_argument_has_one_gate_value():
    at = exact.polynomial_point(one_step(sl.cell("lstm")))
    assert len(at.algebra.gates) == 2 * 5  # f, i, c_tilde, o and tanh c, two entries each


def test_sympy_differentiates_small_expressions_only():
    """The arguments of functions have symbols of their own."""
    written = scalars(one_step(sl.cell("lstm")))
    assert max(sp.count_ops(expr) for _, expr, _ in written.definitions) < 16


def test_what_an_output_cannot_decide_does_not_spoil_the_states():
    """softmax is no polynomial, but the cell state does not depend on it."""
    cell = sl.cell("lstm_softmax")
    assert "as polynomials" in sl.derive(cell, "c", "c_prev").evidence().rung("exact").figure
    assert "modulo" in sl.derive(cell, "y", "c_prev").evidence().rung("exact").figure
