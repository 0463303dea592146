"""The function `state_jacobian`: the Jacobians of all states by all previous states, as blocks of one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symlstm.codegen.arrays import ArrayWriter
from symlstm.codegen.body import Body, Statement
from symlstm.codegen.jacobian_code import Derivatives
from symlstm.equations import Cell
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity

Place = tuple[Quantity, Quantity]


def state_jacobian_function(cell: Cell, reserved: Sequence[str]) -> tuple[str, set[str]]:
    """The text of `state_jacobian`, and the helper functions that it calls."""
    body = Body(cell, reserved)
    names = body.writer.names
    out = names.new("J")
    places: dict[Place, str] = {}
    for state in cell.states:
        for other in cell.states:
            wish = f"d{state.current.name}_d{other.previous.name}"
            places[state.current, other.previous] = out if len(cell.states) == 1 else names.new(wish)
    written: set[Place] = set()
    for other in cell.states:
        wanted = {s.current: places[s.current, other.previous] for s in cell.states}
        made = Derivatives(body, other.previous, wanted)
        made.add()
        written |= {(q, other.previous) for q in made.written}
    body.statements.insert(0, _blocks(cell, out, {place: name for place, name in places.items() if place in written}))
    current = ", ".join(s.current.name for s in cell.states)
    previous = ", ".join(s.previous.name for s in cell.states)
    doc = f"The Jacobian of the new states ({current}) by the previous ones ({previous}): (..., rows, columns)."
    return body.write("state_jacobian", doc, lambda w, e: [f"return {out}"], with_values=True), body.writer.helpers


def _blocks(cell: Cell, out: str, places: dict[Place, str]) -> Statement:
    """The array for all blocks, and a view of each block that is not zero, by its name."""
    rows = [s.current.shape[0] for s in cell.states]
    total = sp.expand(sp.Add(*rows))

    def render(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        size = writer.sizes.text(total)
        types = [writer.spell(s.current) for s in cell.states]
        dtype = f"{types[0]}.dtype" if len(types) == 1 else f"np.result_type({', '.join(types)})"
        lines = [f"{out} = np.zeros(({writer.batch()}, {size}, {size}), {dtype})"]
        if len(rows) == 1:
            return lines
        ranges = [block_range(writer, sp.expand(sp.Add(*rows[:k])), rows[k], total) for k in range(len(rows))]
        for state, down in zip(cell.states, ranges, strict=True):
            found = [
                (places[state.current, other.previous], f"{out}[..., {down}, {across}]")
                for other, across in zip(cell.states, ranges, strict=True)
                if (state.current, other.previous) in places
            ]
            if found:
                lines.append(f"{', '.join(name for name, _ in found)} = {', '.join(view for _, view in found)}")
        return lines

    return Statement((), render)


def block_range(writer: ArrayWriter, start: Any, count: Any, total: Any) -> str:
    """start:stop, a slice even where it has length one."""
    if count != 1:
        return writer.range(start, count, total)
    first = "" if start == 0 else writer.sizes.text(start)
    last = "" if sp.expand(start + 1 - total) == 0 else writer.sizes.text(sp.expand(start + 1))
    return f"{first} : {last}".strip() if " " in first + last else f"{first}:{last}"
