"""From SymPy numbers to the elements of an algebra: polynomials, or residues modulo a prime."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

import sympy as sp

from symlstm.evidence.definitions import whole
from symlstm.evidence.interpret import ObjectArrays, shaped
from symlstm.evidence.scalars import Sigma, Tanh, formula_of


class Undecided(Exception):
    """This algebra cannot decide the question; the message says why."""


class Algebra(Protocol):
    """Exact numbers with a value for each function."""

    def rational(self, numerator: int, denominator: int) -> Any: ...
    def power(self, base: Any, exponent: sp.Rational) -> Any: ...
    def times(self, a: Any, b: Any) -> Any: ...
    def bounded(self, a: Any, b: Any) -> None: ...
    def bounded_minors(self, n: int) -> None: ...
    def function(self, name: str, argument: Any) -> Any: ...


def convert(expr: sp.Expr, values: Mapping[sp.Symbol, Any], algebra: Algebra) -> Any:
    """The value of a SymPy number in the algebra."""
    if expr.is_Symbol:
        return values[expr]
    if expr.is_Rational:
        return algebra.rational(int(expr.p), int(expr.q))
    if expr.is_Add or expr.is_Mul:
        first, *rest = [convert(a, values, algebra) for a in expr.args]
        for other in rest:
            first = first + other if expr.is_Add else algebra.times(first, other)
        return first
    if isinstance(expr, sp.exp):
        return _exponential(expr.args[0], values, algebra)
    if expr.is_Pow:
        base, exponent = expr.args
        if base is sp.E:
            return _exponential(exponent, values, algebra)
        if not exponent.is_Rational:
            raise Undecided(f"the power {expr}")
        return algebra.power(convert(base, values, algebra), exponent)
    if isinstance(expr, sp.Piecewise):
        return _choice(expr, values, algebra)
    if isinstance(expr, sp.DiracDelta):
        return algebra.rational(0, 1)
    name = FUNCTIONS.get(type(expr))
    if name is None:
        raise Undecided(f"{type(expr).__name__} is not decided exactly")
    return algebra.function(name, convert(expr.args[0], values, algebra))


def _choice(expr: sp.Expr, values: Mapping[sp.Symbol, Any], algebra: Algebra) -> Any:
    """a where c > 1/2, b elsewhere, of a truth value c = 0 or 1: b + c (a - b)."""
    (a, condition), (b, otherwise) = expr.args if len(expr.args) == 2 else ((0, None), (0, None))
    if otherwise is not sp.true or not isinstance(condition, sp.Gt) or condition.rhs != sp.Rational(1, 2):
        raise Undecided(f"the choice {expr}")
    c, yes, no = (convert(e, values, algebra) for e in (condition.lhs, a, b))
    return no + algebra.times(c, yes - no)


def _exponential(exponent: sp.Expr, values: Mapping[sp.Symbol, Any], algebra: Algebra) -> Any:
    """exp(2 a - b) = exp(a)^2 / exp(b), so that there is one generator an argument."""
    result = algebra.rational(1, 1)
    for term in sp.Add.make_args(exponent):
        number, rest = term.as_coeff_Mul()
        if not number.is_Integer:
            number, rest = sp.S.One, term
        result = result * algebra.power(algebra.function("exp", convert(rest, values, algebra)), number)
    return result


FUNCTIONS: dict[type, str] = {
    Sigma: "sigmoid",
    Tanh: "tanh",
    sp.tanh: "tanh",
    sp.log: "log",
    sp.sin: "sin",
    sp.cos: "cos",
    sp.sinh: "sinh",
    sp.cosh: "cosh",
    sp.atan: "arctan",
    sp.Heaviside: "step",
}
"""Functions of SymPy that an algebra may know."""


@cache
def _numbered(count: int) -> list[sp.Symbol]:
    return list(sp.symbols(f"v:{count}", seq=True))


@cache
def _formula(function: str, count: int, constants: tuple[sp.Expr, ...]) -> sp.Expr:
    return formula_of(function, _numbered(count), constants)


class AlgebraArrays(ObjectArrays):
    """Arrays of elements of an algebra."""

    def __init__(self, algebra: Algebra) -> None:
        super().__init__(self._rational)
        self.algebra = algebra

    def bounded_minors(self, n: int) -> None:
        """Undecided where the minors of a determinant of n x n would be too large."""
        self.algebra.bounded_minors(n)

    def matmul(self, a: Any, b: Any) -> Any:
        self.algebra.bounded(a, b)
        return super().matmul(a, b)

    def multiply(self, a: Any, b: Any) -> Any:
        self.algebra.bounded(a, b)
        return super().multiply(a, b)

    def _rational(self, number: Any) -> Any:
        number = sp.sympify(number)
        return self.algebra.rational(int(number.p), int(number.q))

    def apply(self, function: str, arrays: list[Any], constants: tuple[sp.Expr, ...]) -> Any:
        symbols = _numbered(len(arrays))
        formula = _formula(function, len(arrays), constants)
        found = [
            convert(formula, dict(zip(symbols, entry, strict=True)), self.algebra)
            for entry in zip(*[a.reshape(-1) for a in arrays], strict=True)
        ]
        return shaped(found, arrays[0].shape)

    def whole(self, function: str, v: Any) -> Any:
        symbols, formulas = whole(function, len(v))
        values = dict(zip(symbols, v[:, 0], strict=True))
        return shaped([convert(f, values, self.algebra) for f in formulas], (len(formulas), 1))
