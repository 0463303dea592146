"""Names for parts of equations: products of a constant matrix and a vector, functions inside of larger expressions."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

from symlstm.codegen.body import axes_of
from symlstm.codegen.names import Names
from symlstm.codegen.sizes import Sizes
from symlstm.equations import Cell, Equation
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, add, block, matmul
from symlstm.expr.dims import Shape
from symlstm.expr.nodes import Quantity, quantity
from symlstm.expr.tree import quantities, rebuild

CHEAP = ("power", "divide", "step", "sign", "maximum", "minimum", "abs", "relu", "where")
"""Elementwise functions that are as quickly computed again as kept."""


class Namer:
    """New quantities, with names that no quantity of the cell has; the same expression gets the same name."""

    def __init__(self, cell: Cell) -> None:
        self.taken = {*cell.by_name, *(str(d) for d in cell.dims)}
        self.given: dict[Matrix, Quantity] = {}

    def quantity(self, wish: str, shape: Shape, time: Any, otherwise: str = "") -> Quantity:
        """A new quantity; `otherwise` is its name where the wish is taken."""
        name = otherwise if otherwise and wish in self.taken else wish
        wish, k = name, 1
        while name in self.taken:
            k += 1
            name = f"{wish}_{k}"
        self.taken.add(name)
        return quantity(name, shape, time)

    def named(self, expr: Matrix, wish: str, time: Any) -> Quantity:
        """The quantity that stands for an expression."""
        if expr not in self.given:
            self.given[expr] = self.quantity(wish, expr.shape, time)
        return self.given[expr]


@lru_cache(maxsize=64)
def told_by_parameters(cell: Cell) -> frozenset[sp.Symbol]:
    """The sizes that the shapes of the parameters tell; `prepare` and `finish` know no others."""
    return Sizes(Names(), tuple(a for a in axes_of(cell) if a.array in cell.parameters), str).told()


def sizes_in(expr: Any) -> set[sp.Symbol]:
    """The sizes in the shapes of an expression and of its parts."""
    own = {s for size in expr.shape for s in size.free_symbols}
    if isinstance(expr, Quantity):
        return own
    return own.union(*(sizes_in(a) if hasattr(a, "shape") else getattr(a, "free_symbols", set()) for a in expr.args))


def live(cell: Cell, equations: tuple[Equation, ...]) -> tuple[Equation, ...]:
    """The equations that a state or an output needs."""
    needed = {s.current for s in cell.states} | set(cell.outputs)
    kept: list[Equation] = []
    for e in reversed(equations):
        if e.quantity in needed:
            needed.update(quantities(e.expr))
            kept.append(e)
    return tuple(reversed(kept))


def without_stacked_columns(
    equations: tuple[Equation, ...], constant: set[Any], told: frozenset[sp.Symbol]
) -> tuple[Equation, ...]:
    """W [h; x] as W[:, :n] h + W[:, n:] x, so that each part can be done at its own time; where the sizes are told."""
    columns = {e.quantity: e.expr for e in equations if isinstance(e.expr, x.Concat) and e.expr.shape[1] == 1}

    def visit(node: Any) -> Any:
        if isinstance(node, Quantity) or not hasattr(node, "shape"):
            return node
        args = tuple(visit(a) for a in node.args)
        node = node if args == node.args else rebuild(node, args)
        if not isinstance(node, x.Matmul):
            return node
        *before, matrix, column = node.args
        column = columns.get(column, column)
        if not isinstance(column, x.Concat) or not all(q in constant for q in quantities(matrix)):
            return node
        if any(size.free_symbols - told for part in column.args for size in part.shape):
            return node
        terms, start = [], sp.S.Zero
        for part in column.args:
            rows = part.shape[0]
            terms.append(visit(matmul(*before, block(matrix, 0, matrix.shape[0], start, rows), part)))
            start = sp.expand(start + rows)
        return add(*terms)

    return tuple(Equation(e.quantity, visit(e.expr), e.note) for e in equations)


def functions_named(equations: tuple[Equation, ...], namer: Namer) -> tuple[Equation, ...]:
    """tanh(c_t) inside of an expression as a quantity of its own: computed once, kept for the way back."""
    out: list[Equation] = []
    known: dict[Matrix, Quantity] = {e.expr: e.quantity for e in equations if _is_call(e.expr)}
    done: set[Quantity] = set()

    def visit(node: Any, top: bool) -> Any:
        if isinstance(node, Quantity) or not hasattr(node, "shape"):
            return node
        args = tuple(visit(a, False) for a in node.args)
        node = node if args == node.args else rebuild(node, args)
        if top or not _is_call(node) or not quantities(node):
            return node
        if node in known and known[node] in done:
            return known[node]
        inside = quantities(node)
        wish = f"{node.function}_{inside[0].base}" if len(inside) == 1 else node.function
        q = namer.named(node, wish, None if all(i.time is None for i in inside) else x.t)
        if q not in done:
            done.add(q)
            out.append(Equation(q, node))
        return q

    for e in equations:
        expr = visit(e.expr, True)
        out.append(Equation(e.quantity, expr, e.note))
        done.add(e.quantity)
        if _is_call(expr):
            known.setdefault(expr, e.quantity)
    return tuple(out)


def _is_call(node: Any) -> bool:
    return isinstance(node, x.Whole) or (isinstance(node, x.Apply) and node.function not in CHEAP)


def products_named(equations: tuple[Equation, ...], namer: Namer, constant: set[Quantity]) -> tuple[Equation, ...]:
    """Every product of a constant matrix and a vector that is not constant as a quantity of its own."""
    out: list[Equation] = []
    done: set[Quantity] = set()

    def named(expr: Matrix, wish: str) -> Quantity:
        q = namer.named(expr, wish, x.t)
        if q not in done:
            done.add(q)
            out.append(Equation(q, expr))
        return q

    def visit(node: Any, owner: Quantity) -> Any:
        if isinstance(node, Quantity) or not hasattr(node, "shape"):
            return node
        args = tuple(visit(a, owner) for a in node.args)
        node = node if args == node.args else rebuild(node, args)
        if not isinstance(node, x.Matmul):
            return node
        *before, matrix, vector = node.args
        if vector.shape[1] != 1 or not _is_dense(matrix, constant) or all(q in constant for q in quantities(vector)):
            return node
        if not isinstance(vector, Quantity):
            vector = named(vector, "_".join(q.base for q in quantities(vector)[:2]))
        y = named(x.Matmul(matrix, vector), f"z_{owner.base}")
        return visit(matmul(*before, y), owner) if before else y

    for e in equations:
        out.append(Equation(e.quantity, visit(e.expr, e.quantity), e.note))
        done.add(e.quantity)
    return tuple(out)


def _is_dense(matrix: Matrix, constant: set[Quantity]) -> bool:
    """Whether a factor is a matrix of constants that needs a real matrix product."""
    if 1 in matrix.shape or isinstance(matrix, (x.Diag, x.Eye, x.Ones, x.Spread)) or not quantities(matrix):
        return False
    return all(q in constant for q in quantities(matrix))
