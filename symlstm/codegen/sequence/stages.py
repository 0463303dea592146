"""The equations of a cell while passes rewrite them, and which quantities depend on what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symlstm.codegen.sequence.naming import Namer, live, sizes_in, told_by_parameters
from symlstm.equations import Cell, Equation
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity
from symlstm.expr.tree import quantities, replace


def constant_in(cell: Cell, equations: tuple[Equation, ...]) -> set[Quantity]:
    """Parameters, and the quantities made of parameters alone; states and outputs always have a batch.

    What has a size that no parameter tells is left for the steps.
    """
    found, told = set(cell.parameters), told_by_parameters(cell)
    results = {s.current for s in cell.states} | set(cell.outputs)
    for e in equations:
        if e.quantity not in results and all(q in found for q in quantities(e.expr)) and sizes_in(e.expr) <= told:
            found.add(e.quantity)
    return found


@dataclass
class Stages:
    """The equations while they are rewritten; constant: of parameters alone; recurrent: of previous states."""

    cell: Cell
    namer: Namer
    equations: tuple[Equation, ...]

    def __post_init__(self) -> None:
        self.look()

    def look(self) -> None:
        """Which quantities are constant, and which depend on previous states."""
        self.constant = constant_in(self.cell, self.equations)
        self.recurrent: set[Quantity] = {s.previous for s in self.cell.states}
        held = {s.current for s in self.cell.states} | set(self.cell.outputs)
        for e in self.equations:
            if e.quantity in held or any(q in self.recurrent for q in quantities(e.expr)):
                self.recurrent.add(e.quantity)

    def is_recurrent(self, expr: Matrix) -> bool:
        return any(q in self.recurrent for q in quantities(expr))

    def is_constant(self, expr: Matrix) -> bool:
        return all(q in self.constant for q in quantities(expr))

    def downstream(self, found: set[Quantity]) -> set[Quantity]:
        """The quantities that depend on some, those included."""
        for e in self.equations:
            if any(q in found for q in quantities(e.expr)):
                found.add(e.quantity)
        return found

    def insert(self, made: list[Equation], gone: set[Quantity], blocks: dict[Matrix, Matrix]) -> None:
        """The new equations where the first of the old ones stood; the old names replaced everywhere."""
        out: list[Equation] = []
        for e in self.equations:
            if e.quantity in gone:
                out += made
                made = []
            else:
                out.append(Equation(e.quantity, replace(e.expr, blocks), e.note))
        self.equations = in_order(out)
        self.equations = live(self.cell, self.equations)


def is_product(expr: Matrix, constant: set[Quantity]) -> bool:
    """Whether an expression is a constant matrix times a quantity."""
    return (
        isinstance(expr, x.Matmul)
        and len(expr.args) == 2
        and isinstance(expr.args[1], Quantity)
        and expr.args[1] not in constant
        and all(q in constant for q in quantities(expr.args[0]))
    )


def subnodes(expr: Any) -> list[Any]:
    if isinstance(expr, Quantity):
        return [expr]
    return [expr, *(n for a in expr.args if hasattr(a, "shape") for n in subnodes(a))]


def in_order(equations: list[Equation]) -> tuple[Equation, ...]:
    """The equations so that each comes after those that it needs, otherwise in their order."""
    known = {e.quantity for e in equations}
    done: set[Quantity] = set()
    out: list[Equation] = []
    waiting = list(equations)
    while waiting:
        ready = next(e for e in waiting if all(q in done or q not in known for q in quantities(e.expr)))
        waiting.remove(ready)
        done.add(ready.quantity)
        out.append(ready)
    return tuple(out)
