"""What needs no previous state moves in front of the loop; a product that stands alone goes where it is used."""

from __future__ import annotations

from typing import Any

from symlstm.codegen.sequence.naming import sizes_in, told_by_parameters
from symlstm.codegen.sequence.stages import Stages, is_product, subnodes
from symlstm.equations import Equation
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, add, hadamard
from symlstm.expr.nodes import Quantity
from symlstm.expr.tree import quantities, replace


def hoist(s: Stages) -> None:
    """Name the largest parts of recurrent equations that do not depend on previous states."""
    out: list[Equation] = []
    for e in s.equations:
        if e.quantity in s.recurrent:
            made: list[Equation] = []
            expr = _hoisted(s, e.expr, e.quantity, made)
            e = Equation(e.quantity, expr, e.note)
            there = {o.quantity for o in out}
            out += [m for m in made if m.quantity not in there]
        out.append(e)
    s.equations = tuple(out)
    s.look()


def _hoisted(s: Stages, expr: Matrix, owner: Quantity, made: list[Equation]) -> Matrix:
    if isinstance(expr, Quantity) or not quantities(expr):
        return expr
    if not s.is_recurrent(expr):
        return _named(s, expr, owner, made)
    if isinstance(expr, (x.Add, x.Hadamard)):
        free = [a for a in expr.args if not s.is_recurrent(a)]
        join = add if isinstance(expr, x.Add) else hadamard
        if len([a for a in free if quantities(a)]) > 1 and any(not s.is_constant(a) for a in free):
            together = _named(s, join(*free), owner, made)
            rest = [_hoisted(s, a, owner, made) for a in expr.args if a not in free]
            return join(*rest, together) if isinstance(expr, x.Add) else join(together, *rest)
    args = tuple(_hoisted(s, a, owner, made) if hasattr(a, "shape") else a for a in expr.args)
    return expr if args == expr.args else type(expr)(*args)


def _named(s: Stages, expr: Matrix, owner: Quantity, made: list[Equation]) -> Matrix:
    if s.is_constant(expr) and not _worth_naming(expr):
        return expr
    q = s.namer.named(expr, f"a_{owner.base}", None if s.is_constant(expr) else x.t)
    if all(e.quantity != q for e in (*made, *s.equations)):
        made.append(Equation(q, expr))
    return q


def _worth_naming(expr: Matrix) -> bool:
    return any(isinstance(a, (x.Apply, x.Whole, x.Matmul, x.Hadamard)) for a in subnodes(expr))


def inline(s: Stages) -> None:
    """What is only another name, and products that are used once and stand alone, go where they are used."""
    while True:
        uses: dict[Quantity, list[Quantity]] = {}
        for e in s.equations:
            for node in subnodes(e.expr):
                if isinstance(node, Quantity):
                    uses.setdefault(node, []).append(e.quantity)
        held = {s.current for s in s.cell.states} | set(s.cell.outputs)
        kept = {e.quantity for e in s.cell.equations} | held
        found = next((e for e in s.equations if _goes(s, e, uses.get(e.quantity, []), kept)), None)
        if found is None:
            return
        put = {found.quantity: found.expr}
        s.equations = tuple(Equation(e.quantity, replace(e.expr, put), e.note) for e in s.equations if e is not found)
        s.look()


def _goes(s: Stages, e: Equation, uses: list[Quantity], kept: set[Quantity]) -> bool:
    if e.quantity in kept or not uses:
        return False
    if isinstance(e.expr, x.Block) and isinstance(e.expr.args[0], Quantity):
        return True
    same_stage = len(uses) == 1 and (uses[0] in s.recurrent) == (e.quantity in s.recurrent)
    return same_stage and is_product(e.expr, s.constant)


def name_blocks(s: Stages) -> None:
    """W[:, :n] in a product of the loop as a matrix of its own: its gradient has its size, not that of W."""
    made: list[Equation] = []

    def visit(node: Any) -> Any:
        if isinstance(node, Quantity) or not hasattr(node, "shape"):
            return node
        args = tuple(visit(a) for a in node.args)
        node = node if args == node.args else type(node)(*args)
        if not isinstance(node, x.Matmul):
            return node
        *left, matrix, vector = node.args
        inside = quantities(vector)
        told = sizes_in(matrix) <= told_by_parameters(s.cell)
        if isinstance(matrix, x.Block) and matrix.args[0] in s.constant and inside and told:
            q = s.namer.named(matrix, f"{matrix.args[0].base}_{inside[0].base}", None)
            if all(e.quantity != q for e in made):
                made.append(Equation(q, matrix))
            return x.Matmul(*left, q, vector)
        return node

    rewritten = [e if e.quantity in s.constant else Equation(e.quantity, visit(e.expr), e.note) for e in s.equations]
    s.equations = (*made, *rewritten)
    s.look()
