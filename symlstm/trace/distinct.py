"""Different quantities get different signs, also where their names differ only in what a sign leaves out; pi or p_i."""

from __future__ import annotations

from dataclasses import replace as changed

from symlstm.equations import Cell, Equation, State
from symlstm.expr.nodes import Quantity, quantity
from symlstm.expr.text import text
from symlstm.expr.tree import replace


def with_distinct_signs(cell: Cell) -> Cell:
    """The cell, with primes added to signs until no two quantities are written alike: h and ht, i and i_."""
    ordered = [
        *(s.previous for s in cell.states), *(s.current for s in cell.states), *cell.inputs,
        *(e.quantity for e in cell.equations), *cell.parameters,
    ]  # fmt: skip
    gates = _peepholes(cell)
    written: dict[str, Quantity] = {}
    new: dict[Quantity, Quantity] = {}
    for q in dict.fromkeys(ordered):
        sign = q if q not in gates else quantity(q.name, q.shape, q.time, q.role, "p_i")
        while written.setdefault(text(sign), q) != q:
            sign = quantity(q.name, q.shape, q.time, q.role, f"{sign.base}_prime")
        if sign != q:
            new[q] = sign
    if not new:
        return cell

    def of(q: Quantity) -> Quantity:
        return new.get(q, q)

    return changed(
        cell,
        equations=tuple(Equation(of(e.quantity), replace(e.expr, new), e.note) for e in cell.equations),
        inputs=tuple(map(of, cell.inputs)),
        states=tuple(State(of(s.current), of(s.previous)) for s in cell.states),
        parameters=tuple(map(of, cell.parameters)),
        outputs=tuple(map(of, cell.outputs)),
    )


def _peepholes(cell: Cell) -> list[Quantity]:
    """A parameter pi beside pf or po is p of the gate i, not the Greek letter."""
    siblings = [q for q in cell.parameters if len(q.base) == 2 and q.base[0] == "p" and q.base[1].islower()]
    return [q for q in siblings if q.base == "pi"] if len(siblings) > 1 else []
