"""The function `jvp`: the state Jacobian times k directions, without the Jacobian, from `symlstm.calculus.tangents`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symlstm.calculus.tangents import Tangent, tangents
from symlstm.codegen.arrays import ArrayWriter
from symlstm.codegen.body import Body, Statement
from symlstm.codegen.comments import in_comment
from symlstm.codegen.sizes import Axis, Sizes
from symlstm.codegen.state_jacobian_code import block_range
from symlstm.equations import Cell
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Matmul, Quantity, Zeros
from symlstm.expr.text import text


def jvp_function(cell: Cell, reserved: Sequence[str]) -> tuple[str, set[str]]:
    """The text of `jvp`, and the helper functions that it calls. Raises RuleMissing where a state is a matrix."""
    found = tangents(cell)
    body = Body(cell, reserved, "directions")
    writer = body.writer
    stack = Quantity(body.extra, sp.Symbol("rows", positive=True), found.count)
    writer.spelled[stack] = body.extra
    writer.sizes = Sizes(writer.names, (*writer.sizes.axes, Axis(stack, -1, found.count)), writer.spell)
    out = writer.names.new("out")
    for symbol in (*found.given.values(), *(e.quantity for e in found.equations)):
        writer.names.of(symbol, symbol.name)
    body.add(_given(cell, list(found.given.values()), body.extra))
    results = {s.current for s in cell.states}
    by_quantity = {e.of: e for e in found.equations}
    body.add(_allocated(cell, out, [by_quantity[s.current].quantity for s in cell.states], body.extra))
    for e in found.equations:
        body.add(_tangent(e, e.of in results))
    doc = (
        "The state Jacobian times directions, without forming the Jacobian: (..., rows, k).\n\n"
        "directions: (..., rows, k), in each column a change of the previous states, stacked in their order."
    )
    return body.write("jvp", doc, lambda w, e: [f"return {out}"], with_values=True), writer.helpers


def _views(writer: ArrayWriter, names: list[str], whole: str, sizes: list[Any]) -> str:
    """v_h, v_c = V[..., :n, :], V[..., n:, :]"""
    if len(names) == 1:
        return f"{names[0]} = {whole}"
    total = sp.expand(sp.Add(*sizes))
    parts = [block_range(writer, sp.expand(sp.Add(*sizes[:k])), sizes[k], total) for k in range(len(sizes))]
    return f"{', '.join(names)} = {', '.join(f'{whole}[..., {part}, :]' for part in parts)}"


def _split(writer: ArrayWriter, symbols: list[Quantity], whole: str) -> list[str]:
    """The rows of each state by name; one row has no axis of its own."""
    names, sizes = [writer.names.of(q, q.name) for q in symbols], [q.shape[0] for q in symbols]
    ones = [f"{n} = {n}[..., 0, :]" for n, size in zip(names, sizes, strict=True) if size == 1]
    return [_views(writer, names, whole, sizes), *ones]


def _given(cell: Cell, symbols: list[Quantity], stack: str) -> Statement:
    return Statement((), lambda w, e: _split(w, symbols, stack))


def _allocated(cell: Cell, out: str, symbols: list[Quantity], stack: str) -> Statement:
    """The result, and a view of the rows of each state by its name."""

    def render(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        rows = writer.sizes.text(sp.expand(sp.Add(*[q.shape[0] for q in symbols])))
        types = ", ".join([*[writer.spell(s.current) for s in cell.states], stack])
        shape = f"({writer.batch()}, {rows}, {stack}.shape[-1])"
        return [f"{out} = np.empty({shape}, np.result_type({types}))", *_split(writer, symbols, out)]

    return Statement((), render)


def _tangent(e: Tangent, into_view: bool) -> Statement:
    comment = f"{text(e.quantity)} = {in_comment(e.expr)}"

    def render(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        name = writer.names.of(e.quantity, e.quantity.name)
        value = "0" if isinstance(exprs[0], Zeros) else writer.full(_from_the_right(exprs[0]))
        return [f"{name}[...] = {value}" if into_view else f"{name} = {value}"]

    return Statement((e.expr,), render, comment)


def _from_the_right(expr: Matrix) -> Matrix:
    """Products with brackets from the right: diag(a) (W v), which is never (diag(a) W) v."""
    if isinstance(expr, Quantity) or not hasattr(expr, "shape") or not expr.args:
        return expr
    if isinstance(expr, Matmul) and len(expr.args) > 2 and expr.shape[1] != 1:
        first, *rest = expr.args
        return Matmul(first, _from_the_right(Matmul(*rest)))
    return type(expr)(*[_from_the_right(a) for a in expr.args])
