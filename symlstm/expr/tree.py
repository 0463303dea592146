"""Walking over expressions: making nodes again, replacing parts, finding the quantities."""

from __future__ import annotations

from typing import Any

from symlstm.errors import ShapeError
from symlstm.expr import nodes as x
from symlstm.expr import time
from symlstm.expr.build import Matrix, add, block, concat, det, diag, hadamard, matmul, scale, spread, transpose
from symlstm.expr.missing import no_row
from symlstm.expr.nodes import Quantity

REBUILD: dict[type, Any] = {
    x.Add: add,
    x.Scale: scale,
    x.Hadamard: hadamard,
    x.Matmul: matmul,
    x.Transposed: transpose,
    x.Diag: diag,
    x.Det: det,
    x.Concat: concat,
    x.Block: block,
    x.Spread: spread,
    x.Apply: x.Apply,
    x.Whole: x.Whole,
    x.Ones: x.Ones,
    x.Zeros: x.Zeros,
    x.Eye: x.Eye,
    x.Partial: x.Partial,
    x.Total: x.Total,
    x.Rate: x.Rate,
    **time.MAKE,
}
"""How a node is made again from changed arguments, so that it comes out simplified."""


def rebuild(node: Matrix, args: tuple[Any, ...]) -> Matrix:
    """The node again, from other arguments. Raises RuleMissing for a node type that REBUILD lacks."""
    make = REBUILD.get(type(node))
    if make is None and isinstance(node, x.Node):
        raise no_row(node, "symlstm.expr.tree.REBUILD")
    return (make or type(node))(*args)


def replace(expr: Matrix, mapping: dict[Matrix, Matrix]) -> Matrix:
    """The expression with quantities (or whole subexpressions) replaced, simplified on the way.

    Inside a sum or product over j, what is replaced for f_j holds for every j. Raises ShapeError where the new
    expression would be caught by the index of a sum or product.
    """
    if not mapping:
        return expr
    done: dict[Any, Any] = {}

    def visit(node: Any) -> Any:
        if node in mapping:
            return mapping[node]
        if isinstance(node, Quantity) or not node.args:
            return node
        if isinstance(node, time.OverTime) and time.caught(node, mapping):
            raise ShapeError(f"what is put in has the index {node.index} of a sum or product that it would come into")
        if node not in done:
            args = tuple(visit(a) for a in node.args)
            done[node] = node if args == node.args else rebuild(node, args)
        return done[node]

    return visit(expr)


def quantities(expr: Matrix) -> list[Quantity]:
    """The quantities in an expression, each once, in the order in which they are read."""
    return outermost(expr, Quantity)


def outermost(expr: Matrix, kind: type) -> list[Any]:
    """The nodes of one kind, each once, in the order in which they are read; what lies inside them is not looked at."""
    found: dict[Any, None] = {}

    def visit(node: Any) -> None:
        if isinstance(node, kind):
            found[node] = None
        else:
            for a in node.args:
                visit(a)

    visit(expr)
    return list(found)
