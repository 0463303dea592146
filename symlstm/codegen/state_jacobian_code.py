"""The function `state_jacobian`: the Jacobians of all states by all previous states, as blocks of one array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from symlstm.calculus.forward import forward
from symlstm.calculus.graph import graph
from symlstm.codegen.arrays import ArrayWriter
from symlstm.codegen.body import Body, Statement
from symlstm.codegen.change_code import add_batch, add_changes
from symlstm.codegen.jacobian_code import Derivatives
from symlstm.equations import Cell
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity

Place = tuple[Quantity, Quantity]


def state_jacobian_function(cell: Cell, reserved: Sequence[str]) -> tuple[str, set[str]]:
    """The text of `state_jacobian`, and the helper functions that it calls."""
    if not all(_is_jacobian(cell, s.current, other.previous) for s in cell.states for other in cell.states):
        return _by_columns(cell, reserved)
    body = Body(cell, reserved, "out", may_miss=True)
    names = body.writer.names
    out = names.new("J")
    places: dict[Place, str] = {}
    for state in cell.states:
        for other in cell.states:
            wish = f"d{state.current.name}_d{other.previous.name}"
            places[state.current, other.previous] = out if len(cell.states) == 1 else names.new(wish)
    written, filled = set[Place](), set[Place]()
    for other in cell.states:
        wanted = {s.current: places[s.current, other.previous] for s in cell.states}
        made = Derivatives(body, other.previous, wanted)
        made.add()
        written |= {(q, other.previous) for q in made.written}
        filled |= {(q, other.previous) for q in made.filled}
    rest = [[places[s.current, o.previous] for o in cell.states if (s.current, o.previous) not in filled]
            for s in cell.states]  # fmt: skip
    named = {place: name for place, name in places.items() if place in written or place not in filled}
    body.statements.insert(0, _blocks(cell, out, body.extra, named, _cleared(body.extra, rest)))
    text = body.write("state_jacobian", _doc(cell), lambda w, e: [f"return {out}"], with_values=True)
    return text, body.writer.helpers


def _is_jacobian(cell: Cell, of: Quantity, wrt: Quantity) -> bool:
    return of in forward(graph(cell, wrt, "partial"), of).results


def _doc(cell: Cell) -> str:
    current = ", ".join(s.current.name for s in cell.states)
    previous = ", ".join(s.previous.name for s in cell.states)
    first = f"The Jacobian of the new states ({current}) by the previous ones ({previous}): (..., rows, columns)."
    return f"{first}\n\nout: where it is written; a new array where it is None."


def _cleared(given: str, places: list[list[str]]) -> list[str]:
    """The lines that clear, of an array that is given, what is not written otherwise; a new one has zeros there."""
    lines = [f"    {' = '.join(f'{place}[...]' for place in some)} = 0" for some in places if some]
    return [f"if {given} is not None:", *lines] if lines else []


def _by_columns(cell: Cell, reserved: Sequence[str]) -> tuple[str, set[str]]:
    """Where a state is a matrix: every entry of every state changed by one in turn."""
    body = Body(cell, reserved, "out", may_miss=True)
    out, batch = body.writer.names.new("J"), add_batch(body)
    rows = [sp.expand(sp.Mul(*s.current.shape)) for s in cell.states]
    total = sp.expand(sp.Add(*rows))

    def allocate(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        size, types = writer.sizes.text(total), ", ".join(writer.spell(s.current) for s in cell.states)
        new = f"np.zeros((*{batch}, {size}, {size}), np.result_type({types}))"
        return [f"{out} = {new} if {body.extra} is None else {body.extra}", *_cleared(body.extra, [[out]])]

    body.add(Statement((), allocate))
    starts = [sp.expand(sp.Add(*rows[:k])) for k in range(len(rows))]
    for across, other in enumerate(cell.states):
        columns = add_changes(body, other.previous, [s.current for s in cell.states], batch)
        for down, state in enumerate(cell.states):

            def fill(
                writer: ArrayWriter,
                exprs: tuple[Matrix, ...],
                of: Quantity = state.current,
                places: tuple[int, int] = (down, across),
                columns: Callable[..., str] = columns,
            ) -> list[str]:
                sizes = ", ".join(writer.sizes.text(rows[k]) for k in places)
                ranges = ", ".join(block_range(writer, starts[k], rows[k], total) for k in places)
                found = columns(of, f"(*{batch}, {sizes})")
                return [f"{out}[..., {ranges}] = {found}"] if found else []

            body.add(Statement((), fill))
    text = body.write("state_jacobian", _doc(cell), lambda w, e: [f"return {out}"], with_values=True)
    return text, body.writer.helpers


def _blocks(cell: Cell, out: str, given: str, places: dict[Place, str], cleared: list[str]) -> Statement:
    """The array for all blocks, which may be given, and a view of each block that is not zero, by its name."""
    rows = [s.current.shape[0] for s in cell.states]
    total = sp.expand(sp.Add(*rows))

    def render(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        size = writer.sizes.text(total)
        types = [writer.spell(s.current) for s in cell.states]
        dtype = f"{types[0]}.dtype" if len(types) == 1 else f"np.result_type({', '.join(types)})"
        new = f"np.zeros(({writer.batch()}, {size}, {size}), {dtype})"
        lines = [f"{out} = {new} if {given} is None else {given}"]
        if len(rows) == 1:
            return [*lines, *cleared]
        ranges = [block_range(writer, sp.expand(sp.Add(*rows[:k])), rows[k], total) for k in range(len(rows))]
        for state, down in zip(cell.states, ranges, strict=True):
            found = [
                (places[state.current, other.previous], f"{out}[..., {down}, {across}]")
                for other, across in zip(cell.states, ranges, strict=True)
                if (state.current, other.previous) in places
            ]
            if found:
                lines.append(f"{', '.join(name for name, _ in found)} = {', '.join(view for _, view in found)}")
        return [*lines, *cleared]

    return Statement((), render)


def block_range(writer: ArrayWriter, start: Any, count: Any, total: Any) -> str:
    """start:stop, a slice even where it has length one."""
    if count != 1:
        return writer.range(start, count, total)
    first = "" if start == 0 else writer.sizes.text(start)
    last = "" if sp.expand(start + 1 - total) == 0 else writer.sizes.text(sp.expand(start + 1))
    return f"{first} : {last}".strip() if " " in first + last else f"{first}:{last}"
