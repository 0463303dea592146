"""Sums and products over time: the sum over t = 1..T of a term, the product over j = t-k+1..t of factors.

The term is written at the index: its quantities have a `time` in that index (f_j, h_{j-1}). Three nodes:
SumOver, ProductOver (entry by entry) and MatmulOver (matrices, the latest factor on the left: A_t A_{t-1} ...).
They occur in results, not in the equations of a cell, so they have no rule of differentiation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement

from symlstm.errors import ShapeError
from symlstm.expr.build import Matrix, add, eye, hadamard, matmul, ones, zeros
from symlstm.expr.dims import equal_sizes, show_shape
from symlstm.expr.nodes import Eye, Node, Ones, Quantity, Zeros, quantity, t

MOST = 1000
"""More terms than this are never written out."""


class OverTime(Node):
    """Base of the three: Over(term, index, first, last), the index running from first to last in steps of one.

    A range with last = first - 1 is empty. Two such nodes are equal if they are written alike, index and all.
    """

    def __new__(cls, term: Any, index: Any, first: Any, last: Any) -> OverTime:
        first, last = sp.sympify(first), sp.sympify(last)
        if not isinstance(index, sp.Symbol) or not index.is_integer:
            raise ShapeError(
                f"{index} is not an index of time", "give an integer symbol, such as Symbol('j', integer=True)"
            )
        if index in first.free_symbols | last.free_symbols:
            raise ShapeError(f"the range from {first} to {last} depends on its own index {index}")
        cls._require(term)
        return Node.__new__(cls, term, index, first, last)

    @classmethod
    def _require(cls, term: Any) -> None:
        pass

    term = property(lambda self: self.args[0])
    index = property(lambda self: self.args[1])
    first = property(lambda self: self.args[2])
    last = property(lambda self: self.args[3])
    shape = property(lambda self: self.args[0].shape)

    @property
    def count(self) -> int | None:
        """How many terms there are; None while that is not a number."""
        length = sp.expand(self.last - self.first + 1)
        return int(length) if length.is_Integer else None

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return MatrixElement(self, i, j) if self.count is None else expand(self)._entry(i, j)


class SumOver(OverTime):
    """The sum of the term over a range of times."""


class ProductOver(OverTime):
    """The product, entry by entry, of the term over a range of times."""


class MatmulOver(OverTime):
    """The matrix product of the term over a range of times, the latest on the left: A_last ... A_first."""

    @classmethod
    def _require(cls, term: Any) -> None:
        if not equal_sizes(*term.shape):
            raise ShapeError(f"a power over time takes square matrices, not {show_shape(term.shape)}")


def sum_over(term: Matrix, index: Any, first: Any, last: Any) -> Matrix:
    """The sum over a range; zeros add up to zeros."""
    over = SumOver(term, index, first, last)
    return zeros(*term.shape) if isinstance(term, Zeros) or over.count == 0 else over


def product_over(term: Matrix, index: Any, first: Any, last: Any) -> Matrix:
    """The product over a range, entry by entry; of ones, and of nothing, it is one."""
    over = ProductOver(term, index, first, last)
    return ones(*term.shape) if isinstance(term, Ones) or over.count == 0 else over


def matmul_over(term: Matrix, index: Any, first: Any, last: Any) -> Matrix:
    """The matrix product over a range; of identities, and of nothing, it is the identity."""
    over = MatmulOver(term, index, first, last)
    return eye(term.shape[0]) if isinstance(term, Eye) or over.count == 0 else over


MAKE: dict[type, Any] = {SumOver: sum_over, ProductOver: product_over, MatmulOver: matmul_over}

Moved = Callable[[Quantity, Any], Quantity]


def moved(q: Quantity, time: Any) -> Quantity:
    """The quantity at another time, under a name of its own: f at t-2 is f_prev_prev, f at 3 is f_3, f at j is f."""
    time = sp.sympify(time)
    back = sp.expand(t - time)
    name = q.name
    if time.is_Integer:
        name = f"{name}_{time}"
    elif back.is_Integer and back > 0:
        name += "_prev" * int(back)
    return quantity(name, q.shape, time, q.role, q.base)


def at_times(expr: Matrix, times: Mapping[Any, Any], move: Moved = moved) -> Matrix:
    """The expression with symbols of time replaced ({j: t-1}, {T: 3}), in quantities and in ranges; sizes stay.

    move: how a quantity is called at another time (Cell.at knows the names of a cell). An index that is bound here
    is left alone. Raises ShapeError where a replacement would be caught by an index that it meets.
    """
    from symlstm.expr.tree import rebuild

    times = {symbol: sp.sympify(value) for symbol, value in times.items()}

    def visit(node: Any, known: Mapping[Any, Any]) -> Any:
        if isinstance(node, Quantity):
            if node.time is None:
                return node
            time = sp.expand(node.time.subs(known, simultaneous=True))
            return node if time == sp.expand(node.time) else move(node, time)
        if isinstance(node, OverTime):
            inner = {s: v for s, v in known.items() if s != node.index}
            if any(node.index in v.free_symbols for v in inner.values()):
                raise ShapeError(f"the index {node.index} of a sum or product would be taken for another {node.index}")
            first, last = (sp.expand(b.subs(known, simultaneous=True)) for b in (node.first, node.last))
            return MAKE[type(node)](visit(node.term, inner), node.index, first, last)
        if not hasattr(node, "shape"):  # a number, such as the exponent of a power
            return node.subs(known, simultaneous=True) if getattr(node, "free_symbols", ()) else node
        if not node.args:
            return node
        args = tuple(visit(a, known) for a in node.args)
        return node if args == node.args else rebuild(node, args)

    return visit(expr, times)


def free_times(expr: Any) -> set[Any]:
    """The symbols of time in an expression, those bound by a sum or product left out."""
    if isinstance(expr, Quantity):
        return set() if expr.time is None else set(expr.time.free_symbols)
    if isinstance(expr, OverTime):
        return (free_times(expr.term) - {expr.index}) | expr.first.free_symbols | expr.last.free_symbols
    return set().union(*(free_times(a) for a in getattr(expr, "args", ()) if hasattr(a, "shape")))


def caught(over: OverTime, mapping: Mapping[Any, Any]) -> bool:
    """Whether replacing inside the term would bring in the index under another meaning."""
    return any(over.index in free_times(new) - free_times(old) for old, new in mapping.items())


def terms_of(over: OverTime, move: Moved = moved) -> list[Matrix]:
    """The terms one by one: of a sum the earliest first, of a product the latest. The range must be a number long."""
    if over.count is None or not 0 <= over.count <= MOST:
        raise ShapeError(f"from {over.first} to {over.last} is not a number of terms", "give whole numbers as bounds")
    times = [sp.expand(over.first + k) for k in range(over.count)]
    found = [at_times(over.term, {over.index: time}, move) for time in times]
    return found if isinstance(over, SumOver) else found[::-1]


def written_out(over: OverTime, move: Moved = moved) -> Matrix:
    """The sum or product term by term; ShapeError where the range is not a number long."""
    terms = terms_of(over, move)
    if not terms:
        return MAKE[type(over)](*over.args)
    return {SumOver: add, ProductOver: hadamard, MatmulOver: matmul}[type(over)](*terms)


def expand(expr: Matrix, move: Moved = moved) -> Matrix:
    """The expression with every sum and product over time written out, where its range is a number long."""
    from symlstm.expr.tree import rebuild

    if isinstance(expr, Quantity) or not getattr(expr, "args", ()):
        return expr
    if isinstance(expr, OverTime):
        if expr.count is None:
            return MAKE[type(expr)](expand(expr.term, move), *expr.args[1:])
        return expand(written_out(expr, move), move)
    args = tuple(expand(a, move) for a in expr.args)
    return expr if args == expr.args else rebuild(expr, args)
