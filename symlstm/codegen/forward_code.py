"""The functions `values` and `step`: one line an equation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symlstm.codegen.arrays import ArrayWriter
from symlstm.codegen.body import Body, Statement, restored
from symlstm.codegen.comments import in_comment
from symlstm.equations import Cell, Equation
from symlstm.expr.build import Matrix
from symlstm.expr.text import text


def values_function(cell: Cell, reserved: Sequence[str]) -> tuple[str, set[str]]:
    """The text of `values`, and the helper functions that it calls."""
    body = Body(cell, reserved)
    for equation in cell.equations:
        body.add(_line(cell, equation))

    def returns(writer: ArrayWriter, given: tuple[Matrix, ...]) -> list[str]:
        pairs = [
            f'"{e.name}": {restored(cell, e.quantity, writer.spell(e.quantity), writer.batched(e.quantity))}'
            for e in cell.equations
        ]
        return [f"return {{{', '.join(pairs)}}}"]

    doc = "Every named quantity of one step, by name."
    return body.write("values", doc, returns, with_values=False), body.writer.helpers


def comment_of(equation: Equation) -> str:
    note = f": {equation.note}" if equation.note else ""
    return f"{text(equation.quantity)} = {in_comment(equation.expr)}{note}"


def _line(cell: Cell, equation: Equation) -> Statement:
    q = equation.quantity

    def render(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        value = writer.full(exprs[0])
        if writer.batched(q) and not writer.batched(exprs[0]):
            own = [writer.sizes.text(s) for s in q.shape if s != 1]
            shape = ", ".join([writer.batch(), *own]) + ("" if own else ",")
            value = f"np.broadcast_to({value}, ({shape}))"
        return [f"{writer.names.of(q, q.name)} = {value}"]

    return Statement((equation.expr,), render, comment_of(equation))


def step_function(cell: Cell, reserved: Sequence[str]) -> str:
    """The text of `step`."""
    body = Body(cell, reserved)
    names = [s.current.name for s in cell.states]

    def returns(writer: Any, given: tuple[Matrix, ...]) -> list[str]:
        results = ", ".join(f'{body.values_name}["{name}"]' for name in names)
        return [f"return ({results},)" if len(names) == 1 else f"return {results}"]

    doc = f"One step: the new states ({', '.join(names)}{',' if len(names) == 1 else ''}) from the previous ones."
    return body.write("step", doc, returns, with_values=True)
