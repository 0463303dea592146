"""The function `vjp`: the backward pass of one step, from `symlstm.calculus.backward`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symlstm.calculus.backward import Adjoint
from symlstm.calculus.backward_pass import backward
from symlstm.codegen.arrays import ArrayWriter
from symlstm.codegen.body import Body, Statement, leaves, restored, unbatched
from symlstm.codegen.comments import in_comment
from symlstm.codegen.sums import batch_total
from symlstm.equations import Cell
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Zeros
from symlstm.expr.text import text
from symlstm.expr.tree import quantities


def vjp_function(cell: Cell, reserved: Sequence[str]) -> tuple[str, set[str]]:
    """The text of `vjp`, and the helper functions that it calls."""
    body = Body(cell, reserved, "upstream")
    writer = body.writer
    found = backward(cell)
    summed = unbatched(cell)
    outside = {symbol: q for q, symbol in found.upstream.items()}
    results: dict[str, tuple[Any, Matrix]] = {}
    for adjoint in found.adjoints:
        if _is_summed(adjoint, summed, writer):
            writer.unbatched.add(adjoint.quantity)
        for symbol in quantities(adjoint.expr):
            if symbol in outside and symbol != adjoint.expr:
                body.add(_from_outside(symbol, symbol, outside[symbol], body))
        if adjoint.expr in outside:
            body.add(_from_outside(adjoint.quantity, adjoint.expr, adjoint.of, body))
        else:
            body.add(_adjoint(cell, adjoint))
        if cell.equation(adjoint.of) is None and adjoint.quantity.role == "adjoint":
            results[adjoint.of.name] = (adjoint.of, adjoint.quantity)

    def returns(writer: ArrayWriter, given: tuple[Matrix, ...]) -> list[str]:
        pairs = []
        for q in (*cell.parameters, *leaves(cell)):
            _, symbol = results[q.name]
            name = writer.names.of(symbol, symbol.name)
            pairs.append(f'"{q.name}": {restored(cell, q, name, q not in cell.parameters)}')
        return [f"return {{{', '.join(pairs)}}}"]

    states = ", ".join(q.name for q in found.upstream)
    doc = (
        "Gradients of a loss by name: parameters (summed over the batch), inputs and previous states.\n\n"
        f"upstream: the gradients of the loss by {states} that come from outside the step, by name; what is missing\n"
        "counts as zero."
    )
    return body.write("vjp", doc, returns, with_values=True), writer.helpers


def _is_summed(adjoint: Adjoint, summed: set[Any], writer: ArrayWriter) -> bool:
    """Whether a gradient has no batch axes: that of a parameter, or one made of such gradients alone."""
    if adjoint.quantity.role == "adjoint":
        return adjoint.of in summed
    return not writer.batched(adjoint.expr)


def _from_outside(target: Any, symbol: Any, of: Any, body: Body) -> Statement:
    comment = f"{text(target)} comes from outside the step"

    def render(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        value = f'{writer.helper("from_outside")}({body.extra}, "{of.name}", {body.value(of)})'
        return [f"{writer.names.of(target, target.name)} = {body.in_layout(of, value)}"]

    return Statement((), render, comment)


def _adjoint(cell: Cell, adjoint: Adjoint) -> Statement:
    symbol, comment = adjoint.quantity, f"{text(adjoint.quantity)} = {in_comment(adjoint.expr)}"

    def render(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        name = writer.names.of(symbol, symbol.name)
        expr = exprs[0]
        if isinstance(expr, Zeros) and adjoint.of in (*cell.parameters, *leaves(cell)):
            return [f"{name} = np.zeros_like({writer.spell(adjoint.of)})"]
        if writer.batched(symbol):
            return [f"{name} = {writer.full(expr)}"]
        return [f"{name} = {batch_total(writer, expr)}"]

    return Statement((adjoint.expr,), render, comment)
