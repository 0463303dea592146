"""Sizes such as `n` and `n+m`: read from annotations, compared, and, where unknown, inferred."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import sympy as sp

from symlstm.errors import CellError, ShapeError
from symlstm.expr.parsing import parsed_expression

Shape = tuple[sp.Expr, sp.Expr]
SIZE_LETTERS = "mnpqrsdkuvw"
"""The letters that sizes get where no annotation names them."""


@cache
def size(name: str) -> sp.Symbol:
    """The symbol of a size, a positive integer."""
    return sp.Symbol(name, integer=True, positive=True)


def parse_shape(text: str) -> tuple[sp.Expr, ...]:
    """Sizes from an annotation: "n n+m" -> (n, n+m), "n" -> (n,), "" -> (). Parsed, never evaluated."""
    return tuple(_parse_size(part, text) for part in text.split())


_OPERATORS = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a / b,
    ast.Div: lambda a, b: a / b,
}


def _parse_size(part: str, whole: str) -> sp.Expr:
    def read(node: ast.AST) -> sp.Expr:
        if isinstance(node, ast.Name):
            return size(node.id)
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value > 0:
            return sp.Integer(node.value)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](read(node.left), read(node.right))
        raise ValueError

    try:
        return sp.expand(read(parsed_expression(part)))
    except (ValueError, SyntaxError):
        raise CellError(
            f"the shape {whole!r} cannot be read at {part!r}",
            'write sizes separated by blanks, each without blanks inside, such as "n" or "n n+m" or "4*n m"',
        ) from None


class Unifier:
    """Collects what the operations of a cell say about sizes that no annotation gave."""

    def __init__(self) -> None:
        self.solution: dict[sp.Symbol, sp.Expr] = {}
        self.unknown: set[sp.Symbol] = set()
        self.at_least: dict[sp.Symbol, list[sp.Expr]] = {}
        self.letters: dict[sp.Symbol, str] = {}

    def fresh(self, hint: str, letter: str = "") -> sp.Symbol:
        """A size to be found; one that stays free is called by its letter, if it has one."""
        symbol = size(f"?{hint}")
        self.unknown.add(symbol)
        if letter:
            self.letters[symbol] = letter
        return symbol

    def _least_wanted(self, symbol: sp.Symbol) -> tuple[str, str]:
        return self.letters.get(symbol, ""), str(symbol)

    def resolve(self, value: sp.Expr) -> sp.Expr:
        while True:
            found = {s: self.solution[s] for s in value.free_symbols if s in self.solution}
            if not found:
                return value
            value = sp.expand(value.subs(found))

    def unify(self, a: sp.Expr, b: sp.Expr) -> bool:
        difference = sp.expand(self.resolve(a) - self.resolve(b))
        if difference == 0:
            return True
        for symbol in sorted(difference.free_symbols & self.unknown, key=self._least_wanted):
            rest = difference.coeff(symbol, 0)
            slope = difference.coeff(symbol, 1)
            if slope != 0 and sp.expand(difference - slope * symbol - rest) == 0:
                answer = sp.expand(-rest / slope)
                if answer.could_extract_minus_sign() or symbol in answer.free_symbols:
                    continue
                self.solution[symbol] = answer
                return True
        return False


_active: list[Unifier] = []


@contextmanager
def inferring(unifier: Unifier) -> Iterator[Unifier]:
    """While open, sizes that must be equal are made equal where one of them is not known yet."""
    _active.append(unifier)
    try:
        yield unifier
    finally:
        _active.pop()


def active_unifier() -> Unifier | None:
    return _active[-1] if _active else None


def equal_sizes(a: sp.Expr, b: sp.Expr) -> bool:
    """Whether two sizes are equal for all n, m, ...; never infers anything."""
    return a == b or sp.expand(a - b) == 0


def same_size(a: sp.Expr, b: sp.Expr) -> bool:
    """Whether two sizes are equal for all n, m, ... (or can be made so while sizes are inferred)."""
    if a == b:
        return True
    if _active:
        return _active[-1].unify(a, b)
    return sp.expand(a - b) == 0


def same_shape(a: Shape, b: Shape) -> bool:
    return same_size(a[0], b[0]) and same_size(a[1], b[1])


def require_same_shape(what: str, a: Shape, b: Shape) -> None:
    """Raise ShapeError unless the shapes are equal."""
    if not same_shape(a, b):
        raise ShapeError(f"{what}: {show_shape(a)} does not fit {show_shape(b)}")


def show_size(value: sp.Expr) -> str:
    """n+m; while sizes are inferred, one that is not known yet is shown as ?, or by its usual letter."""
    unifier = active_unifier()
    if unifier is not None:
        value = unifier.resolve(value)
        value = value.subs({s: size(unifier.letters.get(s, "?")) for s in value.free_symbols & unifier.unknown})
    return str(value).replace(" ", "")


def show_shape(shape: tuple[sp.Expr, ...]) -> str:
    """ "n x n+m"; a column is shown as a vector of so many numbers."""
    if len(shape) == 2 and shape[1] == 1:
        return "one number" if shape[0] == 1 else f"a column of {show_size(shape[0])}"
    return " x ".join(show_size(part) for part in shape) or "one number"
