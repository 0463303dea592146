"""An expression as a person writes it: one walk over the nodes, two styles (LaTeX and plain text)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symlstm.expr import nodes as x
from symlstm.expr.build import split_number
from symlstm.expr.functions import ELEMENTWISE, WHOLE
from symlstm.expr.notation import (
    DEFAULT,
    Notation,
    number_latex,
    number_text,
    symbol_latex,
    symbol_text,
)

SUM, PRODUCT, POWER, ATOM = range(4)
Piece = tuple[str, int]  # what is written, and how tightly it holds together


@dataclass(frozen=True)
class Style:
    """What differs between LaTeX and plain text."""

    latex: bool
    number: Callable[[sp.Expr], str]
    bracket: str
    ones: str
    zeros: str
    eye: str
    diag: str
    fraction: str
    partial: str
    partial_of: str
    block: str


LATEX = Style(
    True, number_latex, r"\left({0}\right)", r"\mathbf{1}", "0", "I", r"\mathrm{{diag}}\left({0}\right)",
    r"\frac{{{0}}}{{{1}}}", r"\frac{{\partial {0}}}{{\partial {1}}}",
    r"\frac{{\partial}}{{\partial {1}}} \left({0}\right)", r"{{{0}}}_{{[{1},\, {2}]}}",
)  # fmt: skip
TEXT = Style(
    False, number_text, "({0})", "1", "0", "I", "diag({0})", "{0} / {1}", "∂{0}/∂{1}", "∂({0})/∂{1}", "{0}[{1}, {2}]"
)  # fmt: skip


def written(expr: Any, style: Style, notation: Notation = DEFAULT) -> str:
    """The expression in that style and notation."""
    return _Writer(style, notation).piece(expr)[0]


@dataclass(frozen=True)
class _Writer:
    style: Style
    notation: Notation

    def piece(self, expr: Any) -> Piece:
        if expr in self.notation.inline:
            expr = self.notation.inline[expr]
        handler = _HANDLERS.get(type(expr))
        if handler is None:
            return (sp.latex(expr) if self.style.latex else str(expr)), SUM
        return handler(self, expr)

    def inside(self, expr: Any, at_least: int) -> str:
        text, holds = self.piece(expr)
        return text if holds >= at_least else self.style.bracket.format(text)

    def sign(self, latex: str, text: str) -> str:
        return latex if self.style.latex else text

    def quantity(self, q: x.Quantity) -> Piece:
        if self.style.latex and q.role == "value" and q.base in self.notation.verbatim:
            return self.notation.verbatim[q.base], ATOM
        make = symbol_latex if self.style.latex else symbol_text
        sign, subscript = make(q.base, self.notation)
        when = "" if q.time is None else self._time(q.time)
        if not self.style.latex:
            sign = {"adjoint": "d", "delta": "δ", "upstream": "Δ"}.get(q.role, "") + sign
            both = ",".join(s for s in (subscript, when) if s)
            return sign + (f"_{both}" if len(both) == 1 else f"_{{{both}}}" if both else ""), ATOM
        if q.role == "adjoint":
            sign = self.notation.adjoint.format(sign)
        elif q.role == "upstream":
            sign = self.notation.upstream.format(sign)
        elif q.role == "delta":
            sign = self.notation.delta.format(sign)
        if not when:
            return sign + (f"_{{{subscript}}}" if subscript else ""), ATOM
        if "^" in self.notation.time:
            sign += f"_{{{subscript}}}" if subscript else ""
            return self.notation.time.format(symbol=sign, subscript=when), POWER
        both = ",".join(s for s in (subscript, when) if s)
        return self.notation.time.format(symbol=sign, subscript=both), ATOM

    @staticmethod
    def _time(value: sp.Expr) -> str:
        return str(value).replace(" ", "")

    def ones(self, expr: Any) -> Piece:
        if expr.shape[0] == 1 and expr.shape[1] != 1:
            return self.sign(self.notation.transpose.format(self.style.ones), "1ᵀ"), ATOM
        return self.style.ones, ATOM

    def zeros(self, expr: Any) -> Piece:
        return self.style.zeros, ATOM

    def eye(self, expr: Any) -> Piece:
        return self.style.eye, ATOM

    def add(self, expr: Any) -> Piece:
        out = ""
        for term in expr.args:
            number, rest = split_number(term)
            minus = number.could_extract_minus_sign()
            text = self._term(-number if minus else number, rest)
            if not out:
                out = f"-{text}" if minus else text
            else:
                plus = self.notation.plus if self.style.latex else "+"
                out += f" {'-' if minus else plus} {text}"
        return out, SUM

    def _term(self, number: sp.Expr, rest: Any) -> str:
        if isinstance(rest, x.Ones):
            return self.style.number(number)
        if number == 1:
            return self.inside(rest, PRODUCT)
        return self._times(number, self.inside(rest, PRODUCT))

    def _times(self, number: sp.Expr, text: str) -> str:
        shown = self.style.number(number)
        if number.is_Add:
            shown = self.style.bracket.format(shown)
        return f"{shown}{self.sign(chr(92) + ', ', ' ')}{text}"

    def scale(self, expr: Any) -> Piece:
        number, rest = expr.args
        if isinstance(rest, x.Ones):
            shown = self.style.number(number)
            return shown, SUM if number.could_extract_minus_sign() or "/" in shown else ATOM
        if number == -1:
            return f"-{self.inside(rest, PRODUCT)}", SUM
        if number.could_extract_minus_sign():
            return "-" + self._times(-number, self.inside(rest, PRODUCT)), SUM
        return self._times(number, self.inside(rest, PRODUCT)), PRODUCT

    def hadamard(self, expr: Any) -> Piece:
        numbers = [f for f in expr.args if isinstance(f, x.Spread) or f.shape == (1, 1)]
        arrays = [f for f in expr.args if f not in numbers]
        product = f" {self.notation.product} " if self.style.latex else " ⊙ "
        beside = self.sign(r"\, ", " ")
        front = beside.join(self.inside(f, POWER) for f in numbers)
        back = product.join(self.inside(f, POWER) for f in arrays)
        return beside.join(s for s in (front, back) if s), PRODUCT

    def apply(self, expr: Any) -> Piece:
        name, arrays = expr.function, expr.arrays
        if name == "power":
            return self._power(arrays[0], expr.constants[0])
        if name == "divide":
            if self.style.latex:
                return self.style.fraction.format(*[self.piece(a)[0] for a in arrays]), POWER
            return self.style.fraction.format(self.inside(arrays[0], PRODUCT), self.inside(arrays[1], POWER)), PRODUCT
        inner = [self.piece(a)[0] for a in arrays]
        if self.style.latex:
            template = self.notation.functions.get(name, ELEMENTWISE[name].latex)
            return template.format(*inner), POWER if name not in ("expm1",) else ATOM
        return f"{ {'sigmoid': 'σ', 'log_sigmoid': 'log σ'}.get(name, name) }({', '.join(inner)})", ATOM

    def _power(self, base: Any, exponent: sp.Expr) -> Piece:
        shown = self.style.number(exponent)
        raised = f"^{{{shown}}}" if self.style.latex or len(shown) > 1 else f"^{shown}"
        if self.style.latex and isinstance(base, x.Apply) and base.function in ("tanh", "sin", "cos", "sinh", "cosh"):
            inner = self.piece(base.arrays[0])[0]
            return rf"\{base.function}{raised}\left({inner}\right)", POWER
        return self.inside(base, ATOM) + raised, POWER

    def whole(self, expr: Any) -> Piece:
        inner = self.piece(expr.args[1])[0]
        if self.style.latex:
            return self.notation.functions.get(expr.function, WHOLE[expr.function].latex).format(inner), POWER
        return f"{expr.function}({inner})", ATOM

    def spread(self, expr: Any) -> Piece:
        return self.piece(expr.args[0])

    def matmul(self, expr: Any) -> Piece:
        between = f" {self.notation.matrix_product} " if self.style.latex else " "
        return between.join(self._factor(f, expr) for f in expr.args), PRODUCT

    def _factor(self, factor: Any, product: Any) -> str:
        if isinstance(factor, x.Hadamard):
            return self.style.bracket.format(self.piece(factor)[0])
        return self.inside(factor, PRODUCT)

    def transposed(self, expr: Any) -> Piece:
        inner = self.inside(expr.args[0], ATOM)
        return self.sign(self.notation.transpose.format(inner), f"{inner}ᵀ"), POWER

    def diag(self, expr: Any) -> Piece:
        vector = expr.args[0]
        number, rest = split_number(vector)
        if isinstance(rest, x.Spread):
            scalar = self._times(number, self.inside(rest, PRODUCT)) if number != 1 else self.inside(rest, PRODUCT)
            return f"{scalar} {self.style.eye}", PRODUCT
        if isinstance(rest, x.Ones):
            return f"{self.style.number(number)} {self.style.eye}", PRODUCT
        return self.style.diag.format(self.piece(vector)[0]), ATOM

    def concat(self, expr: Any) -> Piece:
        if self.style.latex:
            parts = self.notation.concat_separator.join(self.piece(p)[0] for p in expr.args)
            return self.notation.concat.format(parts=parts), ATOM
        return f"[{'; '.join(self.piece(p)[0] for p in expr.args)}]", ATOM

    def block(self, expr: Any) -> Piece:
        whole, row, rows, col, cols = expr.args
        named = self.notation.blocks.get((whole, col, cols))
        if named and (row, rows) == (0, whole.shape[0]):
            return named[0 if self.style.latex else 1], ATOM
        columns = self._range(col, cols, whole.shape[1])
        return self.style.block.format(self.inside(whole, ATOM), self._range(row, rows, whole.shape[0]), columns), ATOM

    def _range(self, start: sp.Expr, count: sp.Expr, full: sp.Expr) -> str:
        if start == 0 and count == full:
            return ":"
        first, last = sp.expand(start + 1), sp.expand(start + count)
        return f"{self.style.number(first)}:{self.style.number(last)}".replace("*", "")

    def partial(self, expr: Any) -> Piece:
        of, wrt = expr.args
        below = self.piece(wrt)[0]
        if isinstance(of, x.Quantity) and of not in self.notation.inline:
            return self.style.partial.format(self.piece(of)[0], below), POWER
        return self.style.partial_of.format(self.piece(of)[0], below), POWER

    def total(self, expr: Any) -> Piece:
        of, wrt = (self.piece(a)[0] for a in expr.args)
        return (rf"\frac{{\mathrm{{d}} {of}}}{{\mathrm{{d}} {wrt}}}" if self.style.latex else f"d{of}/d{wrt}"), POWER

    def entry(self, expr: Any) -> Piece:
        parent, i, j = expr.args
        inner = self.inside(parent, ATOM)
        at = f"{i}" if parent.shape[1] == 1 else f"{i}{j}" if len(f"{i}{j}") == 2 else f"{i},{j}"
        return (rf"\left({inner}\right)_{{{at}}}" if self.style.latex else f"({inner})_{at}"), ATOM


_HANDLERS: dict[type, Callable[[_Writer, Any], Piece]] = {
    x.Quantity: _Writer.quantity,
    x.Entry: _Writer.entry,
    x.Ones: _Writer.ones,
    x.Zeros: _Writer.zeros,
    x.Eye: _Writer.eye,
    x.Add: _Writer.add,
    x.Scale: _Writer.scale,
    x.Hadamard: _Writer.hadamard,
    x.Apply: _Writer.apply,
    x.Whole: _Writer.whole,
    x.Spread: _Writer.spread,
    x.Matmul: _Writer.matmul,
    x.Transposed: _Writer.transposed,
    x.Diag: _Writer.diag,
    x.Concat: _Writer.concat,
    x.Block: _Writer.block,
    x.Partial: _Writer.partial,
    x.Total: _Writer.total,
}
