"""Sizes and plain numbers as Python text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symlstm.codegen.names import Names
from symlstm.errors import ShapeError

SUM, MATMUL, PRODUCT, POWER, ATOM = range(5)
"""How tightly a piece of text holds together."""


@dataclass(frozen=True)
class Piece:
    """Some Python text, and how tightly it holds together."""

    text: str
    holds: int = ATOM

    def at_least(self, holds: int) -> str:
        """The text, in parentheses where it is too loose."""
        return self.text if self.holds >= holds else f"({self.text})"


@dataclass(frozen=True)
class Axis:
    """An axis of an array whose length says what a size is."""

    array: Any
    axis: int
    length: sp.Expr


@dataclass
class Sizes:
    """The sizes n, m, ... that a function needs, read from the shapes of its arrays.

    spell: the identifier of an array (which also notes that the function needs it).
    """

    names: Names
    axes: tuple[Axis, ...]
    spell: Callable[[Any], str]
    used: dict[sp.Symbol, str] = field(default_factory=dict)

    def name(self, symbol: sp.Symbol) -> str:
        name = self.names.of(symbol, str(symbol), f"{symbol}_size")
        self.used.setdefault(symbol, name)
        return name

    def definitions(self) -> list[str]:
        """The lines that define the sizes used so far, such as n = h_prev.shape[-1]; ShapeError if no array tells."""
        found = self._found()
        needed: dict[sp.Symbol, None] = {}

        def need(symbol: sp.Symbol) -> None:
            if symbol not in found:
                raise ShapeError(f"no array says what the size {symbol} is")
            for other in sorted(found[symbol].length.free_symbols - {symbol}, key=str):
                need(other)
            needed[symbol] = None

        for symbol in list(self.used):
            need(symbol)
        return [self._define(symbol, found[symbol]) for symbol in needed]

    def told(self) -> frozenset[sp.Symbol]:
        """The sizes that the arrays tell."""
        return frozenset(self._found())

    def _found(self) -> dict[sp.Symbol, Axis]:
        """The axis that tells each size, given the sizes found before it."""
        found: dict[sp.Symbol, Axis] = {}
        axes = sorted(self.axes, key=lambda a: len(a.length.free_symbols))
        while True:
            for axis in axes:
                unknown = axis.length.free_symbols - found.keys()
                if len(unknown) == 1 and sp.expand(axis.length).coeff(symbol := unknown.pop(), 1) != 0:
                    found[symbol] = axis
                    break
            else:
                return found

    def _define(self, symbol: sp.Symbol, found: Axis) -> str:
        factor = sp.expand(found.length).coeff(symbol, 1)
        length = sp.Symbol(f"{self.spell(found.array)}.shape[{found.axis}]", positive=True)
        solved = sp.expand(length - found.length + factor * symbol)
        return f"{self.name(symbol)} = {_whole(sp.expand(factor.q * solved), factor.p, self)}"

    def text(self, size: Any) -> str:
        """A size as an integer expression: n // 2 for n/2, which is a whole number where the cell is defined."""
        value = sp.sympify(size)
        terms = sp.Add.make_args(sp.expand(value))
        below = sp.ilcm(1, *[term.as_coeff_Mul()[0].q for term in terms])
        if below == 1:
            return self.piece(value).text
        return f"{self.piece(sp.expand(below * value)).at_least(POWER)} // {below}"

    def piece(self, value: Any) -> Piece:
        """A number that may contain sizes; plain Python numbers, which never change an array's dtype."""
        return _number(sp.sympify(value), self)


def _whole(value: sp.Expr, factor: int, sizes: Sizes) -> str:
    terms = sorted(value.as_ordered_terms(), key=lambda t: ".shape" not in str(t))
    text = ""
    for term in terms:
        minus = term.could_extract_minus_sign()
        shape = str(term).replace("*", " * ")
        piece = Piece(shape, PRODUCT) if ".shape" in shape else _number(-term if minus else term, sizes)
        text += f"{' - ' if minus else ' + ' if text else ''}{piece.at_least(PRODUCT)}"
    return text if factor == 1 else f"{Piece(text, ATOM if len(terms) == 1 else SUM).at_least(POWER)} // {factor}"


def _number(value: sp.Expr, sizes: Sizes) -> Piece:
    if value.is_Integer:
        return Piece(str(value), SUM if value < 0 else ATOM)
    if value.is_Rational and sp.Rational(repr(float(value))) == value:
        return Piece(repr(float(value)), SUM if value < 0 else ATOM)
    if value.is_Symbol:
        return Piece(sizes.name(value), ATOM)
    if value.could_extract_minus_sign():
        inner = _number(-value, sizes)
        return Piece(f"-{inner.at_least(PRODUCT)}", SUM)
    if value.is_Add:
        text = ""
        for term in value.as_ordered_terms():
            minus = term.could_extract_minus_sign()
            piece = _number(-term if minus else term, sizes).at_least(PRODUCT)
            text += f" {'-' if minus else '+'} {piece}" if text else f"-{piece}" if minus else piece
        return Piece(text, SUM)
    if isinstance(value, sp.floor):
        top, bottom = (_number(part, sizes) for part in sp.fraction(value.args[0]))
        return Piece(f"{top.at_least(POWER)} // {bottom.at_least(POWER)}", PRODUCT)
    top, bottom = sp.fraction(value)
    if bottom != 1 and not value.is_Float:
        return Piece(f"{_number(top, sizes).at_least(PRODUCT)} / {_number(bottom, sizes).at_least(POWER)}", PRODUCT)
    if value.is_Mul:
        return Piece(" * ".join(_number(f, sizes).at_least(POWER) for f in value.args), PRODUCT)
    if value.is_Pow:
        return Piece(f"{_number(value.base, sizes).at_least(ATOM)}**{_number(value.exp, sizes).at_least(ATOM)}", POWER)
    return Piece(repr(float(value)), SUM if value < 0 else ATOM)
