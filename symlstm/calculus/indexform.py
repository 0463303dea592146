"""The derivative of a vector by a matrix: three indices, kept as a sum of terms M_ij v_k.

d z_i / d W_jk = delta_ij v_k for z = W v; every later rule multiplies the first factor from the left.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symlstm.calculus.graph import Graph
from symlstm.calculus.linear import _padded
from symlstm.calculus.rules import differential
from symlstm.errors import RuleMissing
from symlstm.expr.build import Matrix, add, eye, matmul, scale, split_number
from symlstm.expr.nodes import Block, Diag, Eye, Matmul, Quantity, Transposed
from symlstm.expr.tree import quantities

ROW, J, K = sp.symbols("i j k", integer=True)


@dataclass(frozen=True)
class IndexTerm:
    """M_ij v_k (or, for a transposed matrix, M_ik v_j)."""

    matrix: Matrix
    vector: Matrix
    turned: bool = False

    @property
    def expr(self) -> sp.Expr:
        """The term as a SymPy number with free indices i, j, k."""
        j, k = (K, J) if self.turned else (J, K)
        return self.matrix._entry(ROW, j) * self.vector._entry(k, 0)

    @property
    def diagonal(self) -> Matrix | None:
        """The vector on the diagonal of M, where M is diagonal."""
        if isinstance(self.matrix, Diag):
            return self.matrix.args[0]
        return None

    @property
    def identity(self) -> bool:
        return isinstance(split_number(self.matrix)[1], Eye)


def index_form(graph: Graph, of: Quantity) -> tuple[IndexTerm, ...]:
    """d of_i / d W_jk as a sum of terms, for the matrix W = graph.wrt."""
    known: dict[Quantity, tuple[IndexTerm, ...]] = {}
    for equation in graph.relevant(of):
        known[equation.quantity] = _terms(equation.expr, equation.quantity, graph.wrt, known)
    return known.get(of, ())


def _terms(
    expr: Matrix, output: Matrix, wrt: Quantity, known: dict[Quantity, tuple[IndexTerm, ...]]
) -> tuple[IndexTerm, ...]:
    if expr in known:
        return known[expr]
    if isinstance(expr, Quantity):
        return ()
    found: list[IndexTerm] = []
    for argument, linear in differential(expr, output):
        if isinstance(expr, Matmul) and _occurrence(argument, wrt) is not None:
            found.append(_seed(argument, linear, wrt))
            continue
        if not any(q == wrt or q in known for q in quantities(argument)):
            continue
        if argument == wrt or argument.shape[1] != 1:
            raise RuleMissing(
                f"{wrt.name} does not enter as a matrix times a vector, so there is no index form",
                "the action on an upstream gradient is still given",
            )
        found += [
            IndexTerm(linear.push(term.matrix), term.vector, term.turned)
            for term in _terms(argument, argument, wrt, known)
        ]
    return _collected(found)


def _collected(terms: list[IndexTerm]) -> tuple[IndexTerm, ...]:
    """Terms with the same vector together."""
    together: dict[tuple[Matrix, bool], list[Matrix]] = {}
    for term in terms:
        together.setdefault((term.vector, term.turned), []).append(term.matrix)
    return tuple(IndexTerm(add(*matrices), vector, turned) for (vector, turned), matrices in together.items())


def _occurrence(node: Matrix, wrt: Quantity) -> tuple[Matrix, bool] | None:
    """W itself, its transpose or a block of it: (that, turned)."""
    turned = isinstance(node, Transposed)
    inner = node.args[0] if turned else node
    if inner == wrt or (isinstance(inner, Block) and inner.args[0] == wrt):
        return inner, turned
    return None


def _seed(argument: Matrix, linear: object, wrt: Quantity) -> IndexTerm:
    """d(L W v)_i / dW_jk = L_ij v_k."""
    occurrence = _occurrence(argument, wrt)
    assert occurrence is not None
    inner, turned = occurrence
    left, vector = linear.left, linear.right  # type: ignore[attr-defined]
    if vector is None or vector.shape[1] != 1:
        raise RuleMissing(f"{wrt.name} is not multiplied by a vector, so there is no index form")
    rows = argument.shape[0]
    matrix = eye(rows) if left is None else left
    if isinstance(inner, Block):
        _, row, _, col, _ = inner.args
        along, across = (col, row) if turned else (row, col)
        full_along, full_across = wrt.shape[::-1] if turned else wrt.shape
        matrix = _columns_padded(matrix, along, full_along)
        vector = _padded(vector, across, full_across)
    number, vector = split_number(vector)
    return IndexTerm(scale(number, matrix), vector, turned)


def _columns_padded(matrix: Matrix, before: sp.Expr, full: sp.Expr) -> Matrix:
    rows = matrix.shape[1]
    return matrix if rows == full else matmul(matrix, _selection(before, rows, full))


def _selection(before: sp.Expr, rows: sp.Expr, full: sp.Expr) -> Matrix:
    """The rows before.. of the identity: picks `rows` entries out of `full`."""
    return Block(Eye(full), before, rows, sp.S.Zero, full)
