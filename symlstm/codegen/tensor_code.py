"""The Jacobian by a matrix as code: three indices, from the index form d of_i / d W_jk = sum of M_ij v_k."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symlstm.calculus.graph import graph
from symlstm.calculus.indexform import IndexTerm, index_form
from symlstm.codegen.arrays import MATRIX, ROW, SCALAR, VECTOR, ArrayWriter, kind
from symlstm.codegen.body import Body, Statement
from symlstm.codegen.comments import in_comment
from symlstm.codegen.rows import terms_of
from symlstm.codegen.sizes import ATOM
from symlstm.equations import Cell
from symlstm.expr.build import Matrix


def tensor_function(cell: Cell, of: Any, wrt: Any, reserved: Sequence[str]) -> tuple[str, set[str]]:
    """The text of `jacobian` for a vector by a matrix, and the helper functions that it calls."""
    body = Body(cell, reserved)
    out = body.writer.names.new("J")
    terms = index_form(graph(cell, wrt, "partial"), of)

    def allocate(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        sizes = ", ".join(writer.sizes.text(s) for s in (of.shape[0], *wrt.shape))
        return [f"{out} = np.zeros(({writer.batch()}, {sizes}), {writer.spell(of)}.dtype)"]

    body.add(Statement((), allocate))
    for term in terms:
        for vector, matrix in _diagonal_or_dense(term):
            body.add(_term(out, vector, matrix, term))
    doc = f"The derivative of {of.name} by the matrix {wrt.name}: (..., i, j, k), d {of.name}_i / d {wrt.name}_jk."
    return body.write("jacobian", doc, lambda w, e: [f"return {out}"], with_values=True), body.writer.helpers


def _diagonal_or_dense(term: IndexTerm) -> list[tuple[Matrix | None, Matrix | None]]:
    """The first factor as (diagonal, None) and (None, matrix) terms."""
    if kind(term.matrix) != MATRIX:
        return [(None, term.matrix)]
    rows = term.matrix.shape[0]
    return [(t.vector_of(rows), None) if t.matrix is None else (None, t.expr(rows)) for t in terms_of(term.matrix)]


def _term(out: str, diagonal: Matrix | None, matrix: Matrix | None, term: IndexTerm) -> Statement:
    letters = ("k", "j") if term.turned else ("j", "k")
    first = f"diag({in_comment(diagonal)})" if diagonal is not None else in_comment(matrix)
    comment = f"+ ({first})_i{letters[0]} ({in_comment(term.vector)})_{letters[1]}"

    def render(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        left, vector = exprs
        if diagonal is None:
            return [f"{out} += {_matrix(writer, left, term.turned)} * {_vector(writer, vector, term.turned)}"]
        place = f"{out}.swapaxes(-1, -2)" if term.turned else out
        entries = writer.indexed(left, "None, :", writer.full(left, ATOM))
        along = (
            writer.indexed(vector, ":, None", writer.full(vector, ATOM))
            if kind(vector) == VECTOR
            else _number(writer, vector)
        )
        return [f'np.einsum("...iik->...ki", {place})[...] += {entries} * {along}']

    return Statement((matrix if diagonal is None else diagonal, term.vector), render, comment)


def _number(writer: ArrayWriter, expr: Matrix) -> str:
    return writer.indexed(expr, "None, None", writer.full(expr, ATOM))


def _matrix(writer: ArrayWriter, matrix: Matrix, turned: bool) -> str:
    """M_ij with a free last index k (turned: M_ik with a free index j between)."""
    code = writer.full(matrix, ATOM)
    index = {
        MATRIX: ":, None, :" if turned else ":, :, None",
        ROW: "None, None, :" if turned else "None, :, None",
        VECTOR: ":, None, None",
        SCALAR: "None, None, None",
    }[kind(matrix)]
    return writer.indexed(matrix, index, code)


def _vector(writer: ArrayWriter, vector: Matrix, turned: bool) -> str:
    if kind(vector) == SCALAR:
        return writer.indexed(vector, "None, None, None", writer.full(vector, ATOM))
    return writer.indexed(vector, "None, :, None" if turned else "None, None, :", writer.full(vector, ATOM))
