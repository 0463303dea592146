"""Ways of writing a known function with exp: 1/(1+exp(-z)) is sigma(z), exp(v)/sum(exp(v)) is softmax(v)."""

from __future__ import annotations

import sympy as sp

from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, apply, negative, split_number, whole
from symlstm.expr.tree import replace

half = sp.Rational(1, 2)


def recognised_quotient(above: Matrix, below: Matrix) -> Matrix | None:
    """A known function that equals above / below, or None."""
    return _sigmoid(above, below) or _softmax(above, below) or _tanh(above, below)


def unfolded(expr: Matrix, equations: list[tuple[Matrix, Matrix]]) -> Matrix:
    """The expression with named pieces of such a formula (e = exp(-z), s = sum(e)) put in again."""
    pieces = {q: definition for q, definition in equations if _is_piece(definition)}
    while pieces:
        opened = replace(expr, pieces)
        if opened == expr:
            break
        expr = opened
    return expr


def _is_piece(e: Matrix) -> bool:
    if isinstance(e, x.Add):
        return any(_is_piece(split_number(term)[1]) for term in e.args)
    if isinstance(e, x.Spread):
        return _is_piece(e.args[0])
    if isinstance(e, x.Whole):
        return e.function in ("sum", "max")
    return _exponent(e) is not None


def _exponent(e: Matrix) -> Matrix | None:
    return e.arrays[0] if isinstance(e, x.Apply) and e.function == "exp" else None


def _one_plus_exp(e: Matrix) -> Matrix | None:
    """z where e is 1 + exp(z)."""
    if isinstance(e, x.Add) and len(e.args) == 2:
        one, other = e.args if isinstance(e.args[0], x.Ones) else e.args[::-1]
        if isinstance(one, x.Ones):
            return _exponent(other)
    return None


def _sigmoid(above: Matrix, below: Matrix) -> Matrix | None:
    z = _one_plus_exp(below)
    if z is None:
        return None
    if isinstance(above, x.Ones):
        return apply("sigmoid", negative(z))
    return apply("sigmoid", z) if _exponent(above) == z else None


def _softmax(above: Matrix, below: Matrix) -> Matrix | None:
    if not isinstance(below, x.Spread):
        return None
    total = below.args[0]
    if not (isinstance(total, x.Whole) and total.function == "sum" and total.args[1] == above):
        return None
    z = _exponent(above)
    return None if z is None else whole("softmax", _without_shift(z))


def _without_shift(z: Matrix) -> Matrix:
    """v where z is v - max(v) (or minus any one number): softmax does not feel it."""
    if isinstance(z, x.Add):
        kept = [term for term in z.args if not isinstance(split_number(term)[1], x.Spread)]
        if len(kept) < len(z.args) and kept:
            return kept[0] if len(kept) == 1 else x.Add(*kept)
    return z


def _tanh(above: Matrix, below: Matrix) -> Matrix | None:
    """(exp(z) - exp(-z)) / (exp(z) + exp(-z))"""
    if not (isinstance(above, x.Add) and isinstance(below, x.Add) and len(above.args) == len(below.args) == 2):
        return None
    z, other = _exponent(above.args[0]), split_number(above.args[1])
    if z is None or other[0] != -1 or _exponent(other[1]) != negative(z):
        return None
    return apply("tanh", z) if set(below.args) == {above.args[0], other[1]} else None


def recognised_log(argument: Matrix) -> Matrix | None:
    """log(1 + exp(z)) is softplus(z)."""
    z = _one_plus_exp(argument)
    return None if z is None else apply("softplus", z)


def recognised_half(expr: Matrix) -> Matrix:
    """(tanh(z/2) + 1) / 2 and 0.5 + 0.5 tanh(z/2) are sigma(z); everything else stays as it is."""
    number, inner = split_number(expr)
    if not isinstance(inner, x.Add) or len(inner.args) != 2:
        return expr
    found = None
    for term in inner.args:
        own, rest = split_number(term)
        if number * own != half:
            return expr
        if isinstance(rest, x.Apply) and rest.function == "tanh":
            inner_number, z = split_number(rest.arrays[0])
            found = z if inner_number == half else None
        elif not isinstance(rest, x.Ones):
            return expr
    return expr if found is None else apply("sigmoid", found)
