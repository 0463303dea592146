"""Expressions as NumPy text in array layout: a vector is the last axis, batches are leading axes.

A column (n x 1) and a row (1 x n) are one axis, a number (1 x 1) is none, a matrix is two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sympy as sp

from symlstm.codegen import helpers
from symlstm.codegen.names import Names
from symlstm.codegen.products import product
from symlstm.codegen.sizes import ATOM, MATMUL, POWER, PRODUCT, SUM, Axis, Piece, Sizes
from symlstm.expr import nodes as x
from symlstm.expr import time
from symlstm.expr.build import Matrix, split_number
from symlstm.expr.choices import as_indicator, is_choice
from symlstm.expr.functions import ELEMENTWISE, WHOLE
from symlstm.expr.missing import no_row
from symlstm.expr.tree import quantities

SCALAR, VECTOR, ROW, MATRIX = "scalar", "vector", "row", "matrix"


def kind(expr: Matrix) -> str:
    rows, cols = expr.shape
    if cols == 1:
        return SCALAR if rows == 1 else VECTOR
    return ROW if rows == 1 else MATRIX


def core_axes(expr: Matrix) -> int:
    """How many axes belong to the value itself, after those of the batch."""
    return {SCALAR: 0, VECTOR: 1, ROW: 1, MATRIX: 2}[kind(expr)]


def thin(expr: Matrix) -> bool:
    """Whether the text of an expression may lack the full shape (a number that stands for a whole array)."""
    if isinstance(expr, (x.Ones, x.Spread)):
        return expr.shape != (1, 1)
    if isinstance(expr, x.Scale):
        return thin(expr.args[1])
    if isinstance(expr, (x.Add, x.Hadamard)):
        return all(thin(a) for a in expr.args)
    if is_choice(expr):
        condition, *sides = expr.arrays
        return thin(condition) and all(thin(a) or isinstance(a, x.Zeros) for a in sides)
    return isinstance(expr, x.Apply) and all(thin(a) for a in expr.arrays)


CARRIED_AS = {"step": "unit_step"}
"""Functions of symlstm.expr.numeric whose names mean something else in a generated module."""


class ArrayWriter:
    """Writes expressions; notes which quantities, sizes and helper functions the text uses.

    unbatched: quantities without leading axes (parameters and what is made of them alone). axes: where sizes can be
    read. like: the quantity whose dtype and leading axes new arrays take.
    """

    def __init__(
        self, names: Names, axes: Iterable[Axis] = (), unbatched: Iterable[Any] = (), like: Any = None
    ) -> None:
        self.names = names
        self.unbatched = set(unbatched)
        self.like = like
        self.used: dict[Any, None] = {}
        self.helpers: set[str] = set()
        self.spelled: dict[Any, str] = {}
        self.sizes = Sizes(names, tuple(axes), self.spell)

    def spell(self, q: Any) -> str:
        """The text of a quantity."""
        self.used.setdefault(q)
        return self.spelled.get(q) or self.names.of(q, q.name)

    def helper(self, name: str) -> str:
        self.helpers.add(name)
        return name

    def batched(self, expr: Matrix) -> bool:
        return any(q not in self.unbatched for q in quantities(expr))

    def batch(self) -> str:
        """The leading axes, as text."""
        return f"*{self.spell(self.like)}.shape[:-1]" if core_axes(self.like) == 1 else self._odd_batch()

    def _odd_batch(self) -> str:
        axes = core_axes(self.like)
        return f"*{self.spell(self.like)}.shape" + (f"[:-{axes}]" if axes else "")

    def dtype(self) -> str:
        return f"{self.spell(self.like)}.dtype"

    def text(self, expr: Matrix, at_least: int = SUM) -> str:
        return self.piece(expr).at_least(at_least)

    def piece(self, expr: Matrix) -> Piece:
        """The text of an expression; a number may stand for a whole array of it."""
        write = _HANDLERS.get(type(expr))
        if write is None:
            raise no_row(expr, "symlstm.codegen.arrays._HANDLERS")
        return write(self, expr)

    def full(self, expr: Matrix, at_least: int = SUM) -> str:
        """The text of an expression, with the full shape."""
        return self.full_piece(expr).at_least(at_least)

    def full_piece(self, expr: Matrix) -> Piece:
        return Piece(self._spread_out(expr)) if thin(expr) else self.piece(expr)

    def _spread_out(self, expr: Matrix) -> str:
        number, rest = split_number(expr)
        own = [self.sizes.text(s) for s in expr.shape if s != 1]
        if not self.batched(expr) and isinstance(rest, x.Ones):
            shape = own[0] if len(own) == 1 else f"({', '.join(own)})"
            if number == 1:
                return f"np.ones({shape}, {self.dtype()})"
            return f"np.full({shape}, {self.sizes.piece(number).text}, {self.dtype()})"
        lead = [self.batch()] if self.batched(expr) else []
        shape = ", ".join([*lead, *own]) + ("," if len(lead + own) == 1 else "")
        return f"np.broadcast_to({self.text(expr)}, ({shape}))"

    def indexed(self, expr: Matrix, index: str, text: str | None = None) -> str:
        """expr[..., index], without the dots where there is no batch."""
        dots = "..., " if self.batched(expr) else ""
        return f"{self.full(expr, ATOM) if text is None else text}[{dots}{index}]"

    # One method a node type.

    def _quantity(self, expr: Any) -> Piece:
        return Piece(self.spell(expr))

    def _ones(self, expr: Any) -> Piece:
        return Piece("1")

    def _zeros(self, expr: Any) -> Piece:
        own = [self.sizes.text(s) for s in expr.shape if s != 1]
        return Piece(f"np.zeros({own[0] if len(own) == 1 else '(' + ', '.join(own) + ')'}, {self.dtype()})")

    def _eye(self, expr: Any) -> Piece:
        return Piece(f"np.eye({self.sizes.text(expr.shape[0])}, dtype={self.dtype()})")

    def _add(self, expr: Any) -> Piece:
        text = ""
        for term in expr.args:
            number, rest = split_number(term)
            minus = number.could_extract_minus_sign()
            piece = self._scaled(-number if minus else number, rest)
            if text:
                text += f" {'-' if minus else '+'} {piece.at_least(MATMUL)}"
            else:
                text = self._negative(piece).text if minus else piece.at_least(MATMUL)
        return Piece(text, SUM)

    def _scaled(self, number: sp.Expr, rest: Matrix) -> Piece:
        if isinstance(rest, x.Ones):
            return self.sizes.piece(number)
        if number == 1:
            return self.piece(rest)
        if number == -1:
            return self._negative(self.piece(rest))
        top, bottom = sp.fraction(number)
        shown = self.sizes.piece(number)
        if bottom == 1 or "/" not in shown.text:
            return Piece(f"{shown.at_least(PRODUCT)} * {self.text(rest, PRODUCT)}", PRODUCT)
        below = self.sizes.piece(bottom).at_least(POWER)
        return Piece(f"{self._scaled(top, rest).at_least(PRODUCT)} / {below}", PRODUCT)

    @staticmethod
    def _negative(piece: Piece) -> Piece:
        return Piece(f"-({piece.text})" if piece.holds == POWER else f"-{piece.at_least(PRODUCT)}", SUM)

    def _scale(self, expr: Any) -> Piece:
        number, rest = expr.args
        if number.could_extract_minus_sign():
            return self._negative(self._scaled(-number, rest))
        return self._scaled(number, rest)

    def _hadamard(self, expr: Any) -> Piece:
        first, *others = expr.args
        return Piece(" * ".join([self.text(first, PRODUCT), *[self.text(f, POWER) for f in others]]), PRODUCT)

    def _apply(self, expr: Any) -> Piece:
        row = ELEMENTWISE[expr.function]
        if expr.function == "divide":
            above, below = expr.arrays
            return Piece(f"{self.text(above, PRODUCT)} / {self.text(below, POWER)}", PRODUCT)
        if expr.function == "power":
            base = self.text(expr.arrays[0], ATOM)
            exponent = self.sizes.piece(expr.constants[0]).at_least(ATOM)
            sign = "**" if (base + exponent).replace("_", "").replace(".", "").isalnum() else " ** "
            return Piece(f"{base}{sign}{exponent}", POWER)
        indicator = as_indicator(expr)
        if indicator is not None:
            return self.piece(indicator)
        template = row.numpy
        if row.helper:
            name = CARRIED_AS.get(self.helper(row.helper), row.helper)
            template = template.replace(f"{row.helper}(", f"{name}(", 1)
        zero = is_choice(expr)  # beside the condition, a number has the dtype of the other side
        given = ["0" if zero and isinstance(a, x.Zeros) else self.text(a) for a in expr.arrays] + [
            self.sizes.piece(c).text for c in expr.constants
        ]
        return Piece(template.format(*given))

    def _whole(self, expr: Any) -> Piece:
        row, vector = WHOLE[expr.function], expr.args[1]
        if row.helper:
            self.helper(row.helper)
        if kind(vector) == SCALAR:
            value = row.numpy.format(self.indexed(vector, "None"))
            return Piece(f"{value}[..., 0]" if row.keeps_shape else value)
        return Piece(row.numpy.format(self.full(vector)))

    def _spread(self, expr: Any) -> Piece:
        number = expr.args[0]
        if not self.batched(number):
            return self.piece(number)
        return Piece(f"{self.text(number, ATOM)}[{', '.join(['...'] + ['None'] * core_axes(expr))}]")

    def _matmul(self, expr: Any) -> Piece:
        return product(self, expr.args)

    def _transposed(self, expr: Any) -> Piece:
        inner = expr.args[0]
        if kind(inner) != MATRIX:
            return self.full_piece(inner)
        return Piece(f"{self.full(inner, ATOM)}.{'mT' if self.batched(inner) else 'T'}")

    def _diag(self, expr: Any) -> Piece:
        return Piece(f"{self.helper('diagonal_matrix')}({self.full(expr.args[0])})")

    def _det(self, expr: Any) -> Piece:
        inner = expr.args[0]
        return self.piece(inner) if kind(inner) == SCALAR else Piece(f"np.linalg.det({self.full(inner)})")

    def _concat(self, expr: Any) -> Piece:
        axis = -2 if expr.shape[1] != 1 else -1
        parts = [self._part(p) for p in expr.args]
        same = len({self.batched(p) for p in expr.args}) == 1
        if same:
            return Piece(f"np.concatenate(({', '.join(parts)}), axis={axis})")
        return Piece(f"{self.helper('concat')}({', '.join(parts)}{'' if axis == -1 else ', axis=-2'})")

    def _part(self, part: Matrix) -> str:
        if isinstance(part, x.Zeros):
            own = [self.sizes.text(s) for s in (part.shape if part.shape[1] != 1 else part.shape[:1])]
            return f"np.zeros({own[0] if len(own) == 1 else '(' + ', '.join(own) + ')'}, {self.dtype()})"
        if kind(part) == SCALAR:
            return (
                f"np.ones(1, {self.dtype()})"
                if isinstance(part, x.Ones)
                else self.indexed(part, "None", self.text(part, ATOM))
            )
        if kind(part) == ROW:
            return self.indexed(part, "None, :")
        return self.full(part)

    def _block(self, expr: Any) -> Piece:
        inner, row, rows, col, cols = expr.args
        if kind(inner) == SCALAR:
            return self.piece(inner)
        index = []
        if inner.shape[0] != 1:
            index.append(self.range(row, rows, inner.shape[0]))
        if inner.shape[1] != 1:
            index.append(self.range(col, cols, inner.shape[1]))
        if not self.batched(inner) and index[-1] == ":" and len(index) == 2:
            index.pop()
        return Piece(self.indexed(inner, ", ".join(index)))

    def range(self, start: sp.Expr, count: sp.Expr, full: sp.Expr) -> str:
        """start:stop, as short as it can be written."""
        if count == 1 and full != 1:
            return self.sizes.text(start)
        stop = sp.expand(start + count)
        first = "" if start == 0 else self.sizes.text(start)
        last = "" if sp.expand(stop - full) == 0 else self.sizes.text(stop)
        if (first + last).replace("_", "").isalnum() or not first + last:
            return f"{first}:{last}"
        return f"{first} : {last}".strip()


_HANDLERS: dict[type, Callable[[ArrayWriter, Any], Piece]] = {
    x.Quantity: ArrayWriter._quantity,
    x.Ones: ArrayWriter._ones,
    x.Zeros: ArrayWriter._zeros,
    x.Eye: ArrayWriter._eye,
    x.Add: ArrayWriter._add,
    x.Scale: ArrayWriter._scale,
    x.Hadamard: ArrayWriter._hadamard,
    x.Apply: ArrayWriter._apply,
    x.Whole: ArrayWriter._whole,
    x.Spread: ArrayWriter._spread,
    x.Matmul: ArrayWriter._matmul,
    x.Transposed: ArrayWriter._transposed,
    x.Diag: ArrayWriter._diag,
    x.Det: ArrayWriter._det,
    x.Concat: ArrayWriter._concat,
    x.Block: ArrayWriter._block,
    **dict.fromkeys(time.MAKE, lambda writer, over: writer.piece(time.written_out(over))),
}

HELPERS = tuple(name for name, value in vars(helpers).items() if getattr(value, "__module__", "") == helpers.__name__)
"""The names of the helper functions that generated modules may carry."""
