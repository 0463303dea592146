"""A backward pass with fewer names, as a person writes it.

- The adjoint of a column [a; b] is taken apart, each part with the block of every weight that multiplies it:
  d[h; x] = W_f^T delta_f + W_i^T delta_i gives dh = W_fh^T delta_f + W_ih^T delta_i.
- The adjoint of a gate is put into the delta of the gate, where that is its only use: delta_f = dc c_{t-1} f (1 - f).
- What is only a copy of another adjoint has its name.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace as changed

import sympy as sp

from symlstm.calculus.backward import Adjoint, occurrences
from symlstm.equations import Cell
from symlstm.expr.build import Matrix, add, block, hadamard, matmul, scale, spread
from symlstm.expr.nodes import Add, Apply, Block, Concat, Hadamard, Matmul, Quantity, Scale, Spread
from symlstm.expr.tree import outermost, replace


def fewer_names(cell: Cell, adjoints: tuple[Adjoint, ...], unneeded: set[Quantity]) -> tuple[Adjoint, ...]:
    """The adjoints without those of columns and without the `unneeded` ones, which are put in where they occur."""
    known: dict[Matrix, Matrix] = {}
    kept = []
    for a in _columns_taken_apart(cell, adjoints):
        expr = replace(a.expr, known)
        if a.quantity in unneeded:
            known[a.quantity] = expr
        else:
            kept.append(changed(a, expr=expr))
    return tuple(kept)


def unneeded_names(cell: Cell, adjoints: tuple[Adjoint, ...]) -> set[Quantity]:
    """Adjoints that need no name: used once, in the delta of their own quantity, or only a copy of another."""
    apart = _columns_taken_apart(cell, adjoints)
    uses = Counter(q for a in apart for q in occurrences(a.expr))
    deltas = {(a.of, q) for a in apart if a.quantity.role == "delta" for q in occurrences(a.expr)}
    found = set()
    for a in apart:
        inside = cell.equation(a.of) is not None and all(a.of != s.current for s in cell.states)
        if a.quantity.role == "adjoint" and inside:
            once = uses[a.quantity] == 1 and (a.of, a.quantity) in deltas
            if once or isinstance(a.expr, Quantity):
                found.add(a.quantity)
    return found


def _columns_taken_apart(cell: Cell, adjoints: tuple[Adjoint, ...]) -> tuple[Adjoint, ...]:
    """The adjoints without those of columns, where the rows of a part can be taken from what the column is made of."""
    columns: dict[Quantity, Matrix] = {}
    kept: list[Adjoint] = []
    for a in adjoints:
        expr = _parts_written_out(a.expr, columns, cell)
        if _splits(a, expr, cell):
            columns[a.quantity] = expr
        else:
            kept.append(changed(a, expr=expr))
    return tuple(kept)


def _splits(a: Adjoint, expr: Matrix, cell: Cell) -> bool:
    """Whether this is the adjoint of a column, and its parts are made of quantities and parts of them."""
    equation = cell.equation(a.of)
    if equation is None or not isinstance(equation.expr, Concat) or a.quantity.role != "adjoint":
        return False
    if a.of in cell.outputs or any(s.current == a.of for s in cell.states):
        return False
    start = sp.S.Zero
    for part in equation.expr.args:
        found = rows_of(expr, start, part.shape[0], cell)
        if not all(isinstance(b.args[0], Quantity) for b in outermost(found, Block)):
            return False
        start = sp.expand(start + part.shape[0])
    return True


def _parts_written_out(expr: Matrix, columns: dict[Quantity, Matrix], cell: Cell) -> Matrix:
    """The expression with the parts of columns written out."""
    parts = {
        b: rows_of(columns[b.args[0]], b.args[1], b.args[2], cell)
        for b in outermost(expr, Block)
        if b.args[0] in columns
    }
    return replace(replace(expr, parts), columns)


def rows_of(expr: Matrix, start: sp.Expr, rows: sp.Expr, cell: Cell) -> Matrix:
    """Some rows of an array, carried inward to what the array is made of."""

    def inside(part: Matrix) -> Matrix:
        return rows_of(part, start, rows, cell)

    if isinstance(expr, Add):
        return add(*map(inside, expr.args))
    if isinstance(expr, Scale):
        return scale(expr.args[0], inside(expr.args[1]))
    if isinstance(expr, Hadamard):
        return hadamard(*map(inside, expr.args))
    if isinstance(expr, Matmul):
        return matmul(inside(expr.args[0]), *expr.args[1:])
    if isinstance(expr, Apply):
        return Apply(expr.function, *map(inside, expr.arrays), *expr.constants)
    if isinstance(expr, Spread):
        return spread(expr.args[0], rows, expr.shape[1])
    equation = cell.equation(expr) if isinstance(expr, Quantity) else None
    if equation is not None and isinstance(equation.expr, Concat):
        part = block(equation.expr, start, rows, 0, expr.shape[1])
        if isinstance(part, Quantity):
            return part
    return block(expr, start, rows, 0, expr.shape[1])
