"""An expression as a person writes it: one walk over the nodes, two styles (LaTeX and plain text).

Where a long line may be broken the walk leaves a mark: BREAK_SUM before a term, BREAK_PRODUCT before an operator,
BREAK_FACTOR between factors side by side. `written` takes them out again unless asked not to.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symlstm.expr import nodes as x
from symlstm.expr.brackets import BREAK_FACTOR, BREAK_PRODUCT, BREAK_SUM, bracketed, unmarked
from symlstm.expr.build import scale, split_number, transpose, zeros
from symlstm.expr.choices import as_indicator
from symlstm.expr.functions import ELEMENTWISE, WHOLE
from symlstm.expr.marked import COLORS, SIGNS, Marked
from symlstm.expr.missing import no_row
from symlstm.expr.notation import DEFAULT, Notation, fill, number_latex, number_text, size_text
from symlstm.expr.overtime import over_time
from symlstm.expr.signs import lowered, quantity_latex, quantity_text
from symlstm.expr.time import MAKE, OverTime

SUM, PRODUCT, POWER, ATOM = range(4)
Piece = tuple[str, int]  # what is written, and how tightly it holds together

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_TEXT_NAMES = {"sigmoid": "σ", "log_sigmoid": "log σ"}
_RAISED = ("tanh", "sin", "cos", "sinh", "cosh")  # tanh^2(z) rather than tanh(z)^2
_AROUND = re.compile(r"^(?P<before>.*?)\\left(?P<open>\(|\[)(?P<inside>.*)\\right[)\]]$", re.DOTALL)


def written(expr: Any, latex: bool, notation: Notation = DEFAULT, marks: bool = False) -> str:
    """The expression in LaTeX or plain text, in that notation; marks=True keeps the places where lines may break."""
    out = _Writer(latex, notation).piece(expr)[0]
    return out if marks else unmarked(out)


@dataclass(frozen=True)
class _Writer:
    latex: bool
    notation: Notation

    def piece(self, expr: Any) -> Piece:
        if expr in self.notation.inline:
            expr = self.notation.inline[expr]
        handler = _HANDLERS.get(type(expr))
        if handler is None and isinstance(expr, x.Node):
            raise no_row(expr, "symlstm.expr.written._HANDLERS")
        if handler is None:
            return (sp.latex(expr) if self.latex else str(expr)), SUM
        return handler(self, expr)

    def inside(self, expr: Any, at_least: int) -> str:
        text, holds = self.piece(expr)
        return text if holds >= at_least else self.bracket(text)

    def bracket(self, content: str, opening: str = "(", closing: str = ")") -> str:
        return bracketed(content, opening, closing, self.latex)

    def sign(self, latex: str, text: str) -> str:
        return latex if self.latex else text

    def number(self, value: sp.Expr) -> str:
        return number_latex(value) if self.latex else number_text(value)

    def quantity(self, q: x.Quantity) -> Piece:
        sign, raised = (quantity_latex if self.latex else quantity_text)(q, self.notation)
        return sign, POWER if raised else ATOM

    def ones(self, expr: Any) -> Piece:
        one = self.sign(r"\mathbf{1}", "1")
        if expr.shape[0] == 1 and expr.shape[1] != 1:
            return self.sign(fill(self.notation.transpose, one), "1ᵀ"), POWER
        return one, ATOM

    def marked(self, expr: Any) -> Piece:
        text, holds = self.piece(expr.args[0])
        return self._pointed(text, expr.kind), holds

    def _pointed(self, text: str, kind: str) -> str:
        if self.latex:
            return rf"\textcolor{{{COLORS[kind]}}}{{{unmarked(text)}}}"
        return text.join(SIGNS[kind])

    def zeros(self, expr: Any) -> Piece:
        return "0", ATOM

    def eye(self, expr: Any) -> Piece:
        return "I", ATOM

    def add(self, expr: Any) -> Piece:
        pointwise = all(_is_vector_product(term) for term in expr.args)
        plus = (self.notation.plus if self.latex else self.notation.text_plus) if pointwise else "+"
        out = ""
        for term in expr.args:
            kind = term.kind if isinstance(term, Marked) else ""
            number, rest = split_number(term.args[0] if kind else term)
            minus = number.could_extract_minus_sign()
            text = self._term(-number if minus else number, rest)
            text = self._pointed(text, kind) if kind else text
            if not out:
                out = f"-{text}" if minus else text
            else:
                out += f"{BREAK_SUM} {'-' if minus else plus} {text}"
        return out, SUM

    def _term(self, number: sp.Expr, rest: Any) -> str:
        if isinstance(rest, x.Ones) and 1 in rest.shape:
            return self.number(number)
        if number == 1:
            return self.inside(rest, PRODUCT)
        return self._times(number, self.inside(rest, PRODUCT))

    def _times(self, number: sp.Expr, text: str) -> str:
        shown = self.number(number)
        if number.is_Add:
            shown = self.bracket(shown)
        return f"{shown}{self.sign(chr(92) + ', ', ' ')}{text}"

    def scale(self, expr: Any) -> Piece:
        number, rest = expr.args
        if isinstance(rest, x.Ones) and 1 in rest.shape:
            shown = self.number(number)
            return shown, SUM if number.could_extract_minus_sign() or "/" in shown else ATOM
        if number == -1:
            return f"-{self.inside(rest, PRODUCT)}", SUM
        if number.could_extract_minus_sign():
            return "-" + self._times(-number, self.inside(rest, PRODUCT)), SUM
        return self._times(number, self.inside(rest, PRODUCT)), PRODUCT

    def hadamard(self, expr: Any) -> Piece:
        numbers = [f for f in expr.args if isinstance(f, x.Spread) or f.shape == (1, 1)]
        arrays = [f for f in expr.args if f not in numbers]
        product = f"{BREAK_PRODUCT} {self.notation.product if self.latex else self.notation.text_product} "
        beside = self.sign(r"\, ", " ")
        front = beside.join(self.inside(f, POWER) for f in numbers)
        back = product.join(self.inside(f, POWER) for f in arrays)
        return f"{BREAK_FACTOR}{beside}".join(s for s in (front, back) if s), PRODUCT

    def apply(self, expr: Any) -> Piece:
        name, arrays = expr.function, expr.arrays
        if name == "power":
            return self._power(arrays[0], expr.constants[0])
        if name == "divide":
            if self.latex:
                above, below = (self.piece(a)[0] for a in arrays)
                return rf"\frac{{{above}}}{{{below}}}", POWER
            return f"{self.inside(arrays[0], PRODUCT)} / {self.inside(arrays[1], POWER)}", PRODUCT
        indicator = as_indicator(expr)
        if indicator is not None:
            return self.piece(indicator)
        inner = self._choice(*arrays) if name == "where" else [self.piece(a)[0] for a in arrays]
        if self.latex:
            own = self.notation.functions.get(name)
            return self._called(own or _numbered(ELEMENTWISE[name].latex), inner), ATOM if name == "expm1" else POWER
        return _TEXT_NAMES.get(name, name) + self.bracket(", ".join(inner)), ATOM

    def _choice(self, condition: Any, *sides: Any) -> list[str]:
        return [self.condition(condition), *[self._side(e) for e in sides]]

    def condition(self, expr: Any) -> str:
        """A condition as a comparison: 1[a - b > 0] as a > b, products as "and"; what else it may be, as itself."""
        if isinstance(expr, x.Hadamard):
            return self.sign(r" \land ", " ∧ ").join(self.condition(f) for f in expr.args)
        if not isinstance(expr, x.Apply) or expr.function != "step":
            return self.piece(expr)[0]
        left, right = _compared(expr.arrays[0])
        numbers = isinstance(split_number(left)[1], x.Ones), isinstance(left, x.Zeros)
        left, sign, right = (right, "<", left) if any(numbers) else (left, ">", right)
        return f"{self._side(left)} {sign} {self._side(right)}"

    def _side(self, expr: Any) -> str:
        """What is compared or chosen; an array of one number is written as the number."""
        number, rest = split_number(expr)
        return self.number(number) if isinstance(rest, x.Ones) else self.piece(expr)[0]

    def _called(self, template: str, inner: list[str]) -> str:
        around = _AROUND.match(template)
        if around is None:
            return fill(template, *inner)
        closing = ")" if around["open"] == "(" else "]"
        return around["before"] + self.bracket(fill(around["inside"], *inner), around["open"], closing)

    def _power(self, base: Any, exponent: sp.Expr) -> Piece:
        shown = self.number(exponent)
        raised = f"^{{{shown}}}" if len(shown) > 1 else f"^{shown}"
        if not self.latex and exponent.is_Integer:
            raised = shown.translate(_SUPERSCRIPTS)
        if isinstance(base, x.Apply) and base.function in _RAISED:
            inner = self.bracket(self.piece(base.arrays[0])[0])
            return self.sign("\\", "") + base.function + raised + inner, POWER
        return self.inside(base, ATOM) + raised, POWER

    def whole(self, expr: Any) -> Piece:
        inner = self.piece(expr.args[1])[0]
        if self.latex:
            own = self.notation.functions.get(expr.function)
            return self._called(own or _numbered(WHOLE[expr.function].latex), [inner]), POWER
        return expr.function + self.bracket(inner), ATOM

    def spread(self, expr: Any) -> Piece:
        return self.piece(expr.args[0])

    def matmul(self, expr: Any) -> Piece:
        factors = [self._factor(f) for f in expr.args]
        out = factors[0]
        for before, after in itertools.pairwise(factors):
            mark = BREAK_PRODUCT if self.latex and self.notation.matrix_product else BREAK_FACTOR
            out += mark + self._between(before, after) + after
        return out, PRODUCT

    def _factor(self, factor: Any) -> str:
        if isinstance(factor, x.Diag) and isinstance(split_number(factor.args[0])[1], x.Spread):
            return self.inside(factor.args[0], POWER)  # a number times the identity: the number
        text, holds = self.piece(factor)
        quotient = isinstance(factor, x.Apply) and holds == PRODUCT
        return self.bracket(text) if holds < PRODUCT or quotient or isinstance(factor, (x.Hadamard, OverTime)) else text

    def _between(self, before: str, after: str) -> str:
        return between(before, after, self.notation) if self.latex else " "

    def transposed(self, expr: Any) -> Piece:
        beside = _beside(expr)
        if beside:
            return self._grid([beside])
        inner = self.inside(expr.args[0], ATOM)
        return self.sign(fill(self.notation.transpose, inner), f"{inner}ᵀ"), POWER

    def det(self, expr: Any) -> Piece:
        inside = self.bracket(self.piece(expr.args[0])[0])
        return f"{self.sign(chr(92) + 'det', 'det')}{inside}", ATOM

    def diag(self, expr: Any) -> Piece:
        vector = expr.args[0]
        number, rest = split_number(vector)
        if isinstance(rest, x.Spread):
            scalar = self._times(number, self.inside(rest, POWER)) if number != 1 else self.inside(rest, POWER)
            return f"{scalar}{self.sign(chr(92) + ',', '')} I", PRODUCT
        if isinstance(rest, x.Ones):
            return f"{self.number(number)} I", PRODUCT
        inside = self.bracket(self.piece(vector)[0])
        close = r"\!" if inside.startswith(r"\left") else ""  # \left sets a space before itself
        return self.sign(rf"\mathrm{{diag}}{close}", "diag") + inside, ATOM

    def _grid(self, rows: list[list[Any]]) -> Piece:
        """Blocks beside and above each other."""
        pieces = [[self.piece(block)[0] for block in row] for row in rows]
        if not self.latex:
            return self.bracket("; ".join(", ".join(row) for row in pieces), "[", "]"), ATOM
        lines = [" & ".join(unmarked(p) for p in row) for row in pieces]
        return column(lines), ATOM

    def concat(self, expr: Any) -> Piece:
        beside = [_beside(part) for part in expr.args]
        if all(beside):
            return self._grid([row for row in beside if row])
        parts = [self.piece(p)[0] for p in expr.args]
        if not self.latex:
            return self.bracket(self.notation.text_concat_separator.join(parts), "[", "]"), ATOM
        if expr.shape[1] != 1:
            return column(parts), ATOM
        template = self.notation.concat
        if template == "[#1]":
            return self.bracket(self.notation.concat_separator.join(parts), "[", "]"), ATOM
        return fill(template, self.notation.concat_separator.join(unmarked(p) for p in parts)), ATOM

    def block(self, expr: Any) -> Piece:
        whole, row, rows, col, cols = expr.args
        named = self.notation.blocks.get((whole, col, cols))
        if named and (row, rows) == (0, whole.shape[0]):
            return named[0 if self.latex else 1], ATOM
        ranges = [self._range(row, rows, whole.shape[0])]
        if whole.shape[1] != 1:
            ranges.append(self._range(col, cols, whole.shape[1]))
        inner = self.inside(whole, ATOM)
        if self.latex:
            inner = inner if inner.endswith(")") else self.bracket(inner)
            return f"{inner}_{{{(',' + chr(92) + ', ').join(ranges)}}}", ATOM
        return f"{inner}[{', '.join(ranges)}]", ATOM

    def _range(self, start: sp.Expr, count: sp.Expr, full: sp.Expr) -> str:
        if start == 0 and sp.expand(count - full) == 0:
            return ":"
        order = self.notation.sizes
        return f"{size_text(start + 1, order)}:{size_text(start + count, order)}"

    def partial(self, expr: Any) -> Piece:
        of, wrt = expr.args
        below = unmarked(self.piece(wrt)[0])
        above, holds = self.piece(of)
        bare = holds >= POWER and isinstance(of, x.Quantity)
        if not self.latex:
            return (f"∂{unmarked(above)}/∂{below}" if bare else f"∂{self.bracket(above)}/∂{below}"), POWER
        if bare:
            return rf"\frac{{\partial {unmarked(above)}}}{{\partial {below}}}", POWER
        return rf"\frac{{\partial}}{{\partial {below}}} {self.bracket(above)}", POWER

    def total(self, expr: Any) -> Piece:
        of, wrt = (unmarked(self.piece(a)[0]) for a in expr.args)
        return self.sign(rf"\frac{{\mathrm{{d}} {of}}}{{\mathrm{{d}} {wrt}}}", f"d{of}/d{wrt}"), POWER

    def rate(self, expr: Any) -> Piece:
        inner = self.bracket(self.piece(expr.args[0])[0])
        return self.sign(rf"\frac{{\mathrm{{d}}}}{{\mathrm{{d}} \varepsilon}} {inner}", f"d/dε{inner}"), POWER

    def entry(self, expr: Any) -> Piece:
        parent, i, j = expr.args
        inner = self.piece(parent)[0]
        inner = inner if inner.endswith("]") and isinstance(parent, (x.Quantity, x.Concat)) else self.bracket(inner)
        at = f"{i}" if parent.shape[1] == 1 else f"{i}{j}" if len(f"{i}{j}") == 2 else f"{i},{j}"
        return inner + lowered(at), ATOM


def between(before: str, after: str, notation: Notation) -> str:
    """What stands between two factors of a matrix product, in LaTeX: a thin space where brackets meet."""
    if notation.matrix_product:
        return f" {notation.matrix_product} "
    bracket = before[-1] in ")]" or after[0] in "([" or after.startswith(("\\m", "\\f", "\\b"))
    return r" \, " if bracket else " "


def _beside(expr: Any) -> list[Any] | None:
    """The blocks of a row [A B], which is the transpose of A^T above B^T; None for anything else."""
    inner = expr.args[0] if isinstance(expr, x.Transposed) else None
    if not isinstance(inner, x.Concat) or inner.shape[1] == 1:
        return None
    return [transpose(part) for part in inner.args]


def column(parts: list[str]) -> str:
    """LaTeX of arrays one above the other."""
    rows = r" \\ ".join(unmarked(p) for p in parts)
    return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"


def _numbered(template: str) -> str:
    """A template of the function table, with #1, #2 and #3 for its {0}, {1} and {2}."""
    return template.format("#1", "#2", "#3")


def _compared(expr: Any) -> tuple[Any, Any]:
    """(a, b) where the expression is a - b, so that it is positive where a > b; b may be 0."""
    nothing = zeros(*expr.shape)
    if isinstance(expr, x.Add) and len(expr.args) == 2:
        number, rest = split_number(expr.args[1])
        if number.could_extract_minus_sign() or isinstance(rest, x.Ones):
            return expr.args[0], scale(-number, rest)
    number, rest = split_number(expr)
    return (nothing, scale(-number, rest)) if number.could_extract_minus_sign() else (expr, nothing)


def _is_vector_product(term: Any) -> bool:
    rest = split_number(term)[1]
    return rest.shape[1] == 1 and isinstance(rest, (x.Quantity, x.Hadamard)) and getattr(rest, "time", 0) is not None


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
    x.Det: _Writer.det,
    x.Concat: _Writer.concat,
    x.Block: _Writer.block,
    x.Partial: _Writer.partial,
    x.Total: _Writer.total,
    x.Rate: _Writer.rate,
    Marked: _Writer.marked,
    **dict.fromkeys(MAKE, over_time),
}
