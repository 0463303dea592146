"""One step of a loop as operations that compile well: products, functions of rows, and chains of elementwise equations.

An equation is taken apart until every operation is one of these; what is not (a state that is a matrix, an outer
product) raises NotFast, and the loop stays as NumPy runs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import sympy as sp

from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, hadamard, matmul, whole
from symlstm.expr.nodes import Quantity, quantity
from symlstm.expr.tree import quantities, rebuild


class NotFast(Exception):
    """The loop has an operation that is not compiled."""


@dataclass(frozen=True)
class Product:
    """target = matrix vector (turned: matrix^T vector), for the whole batch."""

    target: Quantity
    matrix: Matrix
    vector: Quantity
    turned: bool


@dataclass(frozen=True)
class Row:
    """target = function of a whole row."""

    target: Quantity
    function: str
    vector: Quantity


@dataclass(frozen=True)
class Each:
    """target = expr, entry by entry; total: added up over batch and steps instead."""

    target: Quantity
    expr: Matrix
    total: bool = False

    @property
    def length(self) -> sp.Expr:
        return self.target.shape[0]


Operation = Product | Row | Each


@dataclass
class Taking:
    """Takes equations apart. constant: quantities without time and batch; carried: see `Kernel`.

    parts: quantities that lie in a row of another. joined: what is put together from parts, those with their starts.
    """

    constant: set[Quantity]
    carried: set[Quantity]
    parts: set[Quantity]
    joined: dict[Quantity, list[tuple[Quantity, sp.Expr]]] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    made: dict[Matrix, Quantity] = field(default_factory=dict)
    copies: dict[Quantity, Quantity] = field(default_factory=dict)
    count: int = 0

    def equation(self, target: Quantity, expr: Matrix, total: bool = False) -> None:
        """The operations of target = expr."""
        _vector(target)
        flat = self._flat(expr)
        last = self.operations[-1] if self.operations else None
        named = isinstance(last, Row) or (isinstance(last, Product) and target not in self.parts)
        if not total and named and last is not None and last.target == flat and flat.role == "temporary":
            self.operations[-1] = replace(last, target=target)  # what was just computed gets its own name
            # by the name of what is carried, others read the value of the step before
            again = {} if target in self.carried else {e: target for e, q in self.made.items() if q == flat}
            self.made = {e: q for e, q in self.made.items() if q != flat} | again
            return
        self.operations.append(Each(target, flat, total))

    def _new(self, expr: Matrix) -> Quantity:
        self.count += 1
        q = quantity(f"temporary_{self.count}", expr.shape, x.t, "temporary")
        self.made[expr] = q
        return q

    def _named(self, expr: Matrix) -> Quantity:
        """A quantity for a vector that an operation needs as a whole row."""
        if isinstance(expr, Quantity):
            return expr
        if expr not in self.made:
            _vector(expr)
            self.operations.append(Each(self._new(expr), expr))
        return self.made[expr]

    def _flat(self, expr: Matrix) -> Matrix:
        """The expression with only elementwise nodes left; products and functions of rows get names."""
        if isinstance(expr, Quantity) or not hasattr(expr, "shape"):
            return expr
        if isinstance(expr, x.Matmul):
            return self._product(expr)
        if isinstance(expr, x.Whole):
            vector = self._named(self._flat(expr.args[1]))
            key = whole(expr.function, vector)
            if key not in self.made:
                self.operations.append(Row(self._new(key), expr.function, vector))
            return self.made[key]
        if isinstance(expr, x.Block):
            inner, row, rows, col, cols = expr.args
            if inner.shape[1] != 1:
                raise NotFast("a part of a matrix")
            return x.Block(self._named(self._flat(inner)), row, rows, col, cols)
        if isinstance(expr, x.Concat):
            return self._joined(expr)
        if isinstance(expr, (x.Ones, x.Zeros)):
            _vector(expr)
            return expr
        if isinstance(expr, (x.Add, x.Scale, x.Hadamard, x.Apply, x.Spread)):
            _vector(expr)
            args = tuple(self._flat(a) for a in expr.args)
            return expr if args == expr.args else rebuild(expr, args)
        raise NotFast(type(expr).__name__)

    def _joined(self, expr: Matrix) -> Matrix:
        """[a; b]: each part is written where it belongs."""
        _vector(expr)
        if expr in self.made:
            return self.made[expr]
        parts: list[tuple[Quantity, sp.Expr]] = []
        start: sp.Expr = sp.S.Zero
        for a in expr.args:
            flat = self._flat(a)
            self.count += 1
            part = quantity(f"temporary_{self.count}", a.shape, x.t, "temporary")
            self.operations.append(Each(part, flat))
            parts.append((part, start))
            start = sp.expand(start + a.shape[0])
        whole_ = self._new(expr)
        self.joined[whole_] = parts
        return whole_

    def _apart(self, vector: Quantity) -> Quantity:
        """A vector with rows of its own, where it is a part of another's."""
        if vector not in self.parts:
            return vector
        if vector not in self.copies:
            self.count += 1
            self.copies[vector] = quantity(f"temporary_{self.count}", vector.shape, x.t, "temporary")
            self.operations.append(Each(self.copies[vector], vector))
        return self.copies[vector]

    def _product(self, expr: Matrix) -> Matrix:
        *left, right = expr.args
        if right.shape[1] != 1:
            raise NotFast("a matrix product")
        if not left:
            return self._flat(right)
        matrix = left[-1]
        if all(q in self.constant for q in quantities(matrix)) and 1 not in matrix.shape:
            vector = self._apart(self._named(self._flat(right)))
            turned = isinstance(matrix, x.Transposed)
            inner = matrix.args[0] if turned else matrix
            if not isinstance(inner, Quantity):
                raise NotFast("a product with a matrix that has no name")
            key = x.Matmul(matrix, vector)
            if key not in self.made:
                self.operations.append(Product(self._new(key), inner, vector, turned))
            return self._flat(matmul(*left[:-1], self.made[key])) if left[:-1] else self.made[key]
        if matrix.shape[0] == 1:  # a row times a column: a sum of products
            row = matrix.args[0] if isinstance(matrix, x.Transposed) else None
            if row is None or row.shape[1] != 1:
                raise NotFast("a row")
            number = self._flat(whole("sum", hadamard(row, right)))
            return self._flat(matmul(*left[:-1], number)) if left[:-1] else number
        raise NotFast("a product")


def _vector(expr: Matrix) -> None:
    if expr.shape[1] != 1:
        raise NotFast("a matrix")


def taken_apart(
    equations: Iterable[tuple[Quantity, Matrix, bool]],
    constant: set[Quantity],
    carried: set[Quantity],
    parts: set[Quantity],
) -> Taking:
    """The operations of one step, in order. Raises NotFast."""
    taking = Taking(constant, carried, parts)
    for target, expr, total in equations:
        taking.equation(target, expr, total)
    return taking
