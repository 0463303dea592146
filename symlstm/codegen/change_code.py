"""Any derivative as code, column after column: every entry of one quantity is changed by one in turn.

The changes are one more leading axis, so that the lines are those of the changes themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symlstm.calculus.forward import local_changes
from symlstm.calculus.graph import graph
from symlstm.calculus.rewriting import change_symbol
from symlstm.codegen.arrays import ArrayWriter
from symlstm.codegen.body import Body, Statement
from symlstm.codegen.comments import in_comment
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity, quantity
from symlstm.expr.text import text
from symlstm.expr.tree import replace


def axes_of(q: Quantity) -> tuple[Any, ...]:
    """The sizes that a quantity has in a Jacobian: one of a vector, two of a matrix."""
    return q.shape if q.shape[1] != 1 else q.shape[:1]


def add_batch(body: Body) -> str:
    """A statement that names the leading axes; the name."""
    name = body.writer.names.new("batch")
    body.add(Statement((), lambda w, e: [f"{name} = ({w.batch()},)"]))
    return name


def add_changes(body: Body, wrt: Quantity, wanted: Sequence[Quantity], batch: str) -> Callable[..., str]:
    """The statements for how quantities change while wrt does; gives what writes the Jacobian of one of them."""
    writer, changes = body.writer, dict[Quantity, Matrix]()
    for of in wanted:
        changes |= local_changes(graph(body.cell, wrt, "partial"), of)
    own = {q: quantity(f"d{q.name}_d{wrt.name}", q.shape, q.time, "change", q.base) for q in (wrt, *changes)}
    names = {change_symbol(q): symbol for q, symbol in own.items()}

    def one_at_a_time(w: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        sizes = [w.sizes.text(s) for s in wrt.shape if s != 1]
        shape = f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
        dtype = f"{w.spell(wanted[0])}.dtype"
        w.like = own[wrt]  # from here on arrays have one more leading axis
        return [f"{w.spell(own[wrt])} = {w.helper('one_at_a_time')}({shape}, {batch}, {dtype})"]

    body.add(Statement((), one_at_a_time, f"{text(own[wrt])}: one entry changed by one at a time"))
    for equation in body.cell.equations:
        q = equation.quantity
        if q in changes:
            body.add(_assigned(own[q], replace(changes[q], names)))

    def columns(of: Quantity, shape: str) -> str:
        """The text of d of / d wrt in that shape; nothing where it is zero."""
        return f"np.moveaxis({writer.spell(own[of])}, 0, -1).reshape({shape})" if of in own else ""

    return columns


def _assigned(symbol: Quantity, change: Matrix) -> Statement:
    def render(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        return [f"{writer.spell(symbol)} = {writer.full(exprs[0])}"]

    return Statement((change,), render, f"{text(symbol)} = {in_comment(change)}")
