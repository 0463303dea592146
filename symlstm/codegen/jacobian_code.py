"""Jacobians as code: every intermediate one by name or inserted, written into one array, diagonals as diagonals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from symlstm.calculus.forward import forward
from symlstm.calculus.graph import graph
from symlstm.codegen.arrays import MATRIX, ArrayWriter, kind
from symlstm.codegen.body import Body, Statement
from symlstm.codegen.comments import in_comment
from symlstm.codegen.rows import Term, row_by_terms, terms_of
from symlstm.codegen.sizes import ATOM, Piece
from symlstm.equations import Cell
from symlstm.expr.build import Matrix, diag, eye, partial
from symlstm.expr.choices import leaves_out
from symlstm.expr.nodes import Concat, Diag, Matmul, Partial, Quantity, Zeros, quantity, t
from symlstm.expr.text import text
from symlstm.expr.tree import replace

LONGEST = 55
"""What is longer does not stand between the arguments of a call, but on a line of its own."""


@dataclass
class Derivatives:
    """The statements for the Jacobians of some quantities by one vector.

    places: for each wanted quantity, the text of the array (..., rows, columns) that takes its Jacobian. known: what
    has been found for a quantity, to be put into later Jacobians; shown: the same for comments. written: the wanted
    quantities whose Jacobians are not zero; filled: of these, those of which every entry is written; the places of the
    others must have zeros. left_out: those behind a choice, which are inserted, so that they are not multiplied by
    zeros where they are infinite.
    """

    body: Body
    wrt: Quantity
    places: dict[Quantity, str]
    known: dict[Quantity, Matrix] = field(default_factory=dict)
    shown: dict[Quantity, Matrix] = field(default_factory=dict)
    written: set[Quantity] = field(default_factory=set)
    filled: set[Quantity] = field(default_factory=set)
    left_out: set[Quantity] = field(default_factory=set)

    def add(self) -> None:
        """Add the statements to the body."""
        cell, wrt = self.body.cell, self.wrt
        local = self._local()
        uses = _uses(local)
        self.left_out = _left_out(local)
        self.known[wrt] = self.shown[wrt] = eye(wrt.shape[0])
        order = [e.quantity for e in cell.equations if e.quantity in local or e.quantity in self.places]
        for q in [*(q for q in self.places if q not in order), *order]:
            if q in local:
                expr = replace(local[q], {partial(r, wrt): j for r, j in self.known.items()})
                shown = replace(local[q], {partial(r, wrt): j for r, j in self.shown.items()})
            else:
                expr = shown = eye(wrt.shape[0]) if q == wrt else Zeros(q.shape[0], wrt.shape[0])
            self._one(q, expr, shown, uses.get(q, 0))

    def _local(self) -> dict[Quantity, Matrix]:
        """The Jacobians of all quantities on the way, in terms of earlier ones; without an equation there is none."""
        cell, wrt = self.body.cell, self.wrt
        found: dict[Quantity, Matrix] = {}
        for of in self.places:
            if of == wrt:
                continue
            for q, expr in forward(graph(cell, wrt, "partial"), of).local.items():
                if not isinstance(expr, Zeros):
                    found[q] = expr
        return found

    def _one(self, q: Quantity, expr: Matrix, shown: Matrix, uses: int) -> None:
        comment = f"{text(partial(q, self.wrt))} = {in_comment(shown)}"
        self.known[q], self.shown[q] = expr, shown
        if isinstance(expr, Zeros):
            return
        if q in self.places:
            self.written.add(q)
        if kind(expr) != MATRIX:
            self._small(q, expr, comment, uses)
            return
        terms = terms_of(expr)
        if all(term.matrix is None for term in terms):
            self._diagonal(q, terms, comment, uses)
        elif q in self.places:
            symbol = self._symbol(q, expr.shape)
            self.body.writer.spelled[symbol] = self.places[q]
            self.filled.add(q)
            self.body.add(*_filled(symbol, terms, comment))
            self._stands(q, symbol)
        elif (
            uses > 1
            and q not in self.left_out
            and not isinstance(expr, Concat)
            and (len(terms) > 1 or _product_inside(terms))
        ):
            symbol = self._symbol(q, expr.shape)
            name = self.body.writer.names.of(symbol, symbol.name)
            self.body.add(_allocated(name, symbol, self.body.cell.states[0].current), *_filled(symbol, terms, comment))
            self._stands(q, symbol)

    def _stands(self, q: Quantity, symbol: Quantity) -> None:
        self.known[q], self.shown[q] = symbol, partial(q, self.wrt)

    def _symbol(self, q: Quantity, shape: tuple[Any, Any]) -> Quantity:
        return quantity(f"d{q.name}_d{self.wrt.name}", shape, t, "jacobian")

    def _diagonal(self, q: Quantity, terms: list[Term], comment: str, uses: int) -> None:
        """A diagonal Jacobian is kept as its diagonal."""
        vector = terms[0].vector_of(q.shape[0])
        if (
            uses > (0 if q in self.places else 1)
            and not isinstance(vector, Quantity)
            and isinstance(diag(vector), Diag)
        ):
            symbol = quantity(f"d{q.name}_d{self.wrt.name}_diagonal", vector.shape, t, "jacobian")
            self.body.add(_vector_named(symbol, vector, comment))
            vector, comment = symbol, ""
            self.known[q] = diag(symbol)
        if q in self.places:
            self.body.add(_on_diagonal(self.places[q], vector, comment))

    def _small(self, q: Quantity, expr: Matrix, comment: str, uses: int) -> None:
        """A Jacobian with one row or one column."""
        expr = self.known[q] = row_by_terms(expr)
        if uses > (0 if q in self.places else 1) and not isinstance(expr, Quantity):
            symbol = self._symbol(q, expr.shape)
            self.body.add(_vector_named(symbol, expr, comment))
            self._stands(q, symbol)
            expr, comment = symbol, ""
        if q in self.places:
            self.filled.add(q)
            index = "".join([", 0" if expr.shape[0] == 1 else ", :", ", 0" if expr.shape[1] == 1 else ", :"])
            self.body.add(Statement((expr,), lambda w, e: [f"{self.places[q]}[...{index}] = {w.text(e[0])}"], comment))


def _uses(local: dict[Quantity, Matrix]) -> dict[Quantity, int]:
    counts: dict[Quantity, int] = {}

    def visit(node: Any) -> None:
        if isinstance(node, Partial):
            counts[node.args[0]] = counts.get(node.args[0], 0) + 1
        elif not isinstance(node, Quantity):
            for a in node.args:
                visit(a)

    for expr in local.values():
        visit(expr)
    return counts


def _left_out(local: dict[Quantity, Matrix]) -> set[Quantity]:
    """The quantities whose Jacobians are multiplied, entry by entry, by a choice that leaves some out."""
    found: set[Quantity] = set()

    def visit(node: Any, behind: bool) -> None:
        if isinstance(node, Partial):
            found.update([node.args[0]] if behind else [])
        elif not isinstance(node, Quantity):
            for a in node.args:
                visit(a, behind)
                behind = behind or (isinstance(a, Diag) and leaves_out(a.args[0]))

    before = None
    while before != len(found):  # what is inserted into a Jacobian behind a choice is behind it too
        before = len(found)
        for q, expr in local.items():
            visit(expr, q in found)
    return found


def _product_inside(terms: Sequence[Term]) -> bool:
    """Whether inserting the terms several times would repeat products of large matrices."""
    return any(t.matrix is not None and t.matrix.has(Matmul) for t in terms)


def _vector_named(symbol: Quantity, vector: Matrix, comment: str) -> Statement:
    def render(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        if not writer.batched(exprs[0]):  # a constant, such as the 2 of d(h + h)/dh, has no leading axes
            writer.unbatched.add(symbol)
        return [f"{writer.names.of(symbol, symbol.name)} = {writer.full(exprs[0])}"]

    return Statement((vector,), render, comment)


def _on_diagonal(place: str, vector: Matrix, comment: str) -> Statement:
    return Statement((vector,), lambda w, e: [f"{w.helper('diagonal')}({place})[...] = {w.text(e[0])}"], comment)


def _allocated(name: str, symbol: Quantity, like: Quantity) -> Statement:
    def render(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        rows, cols = (writer.sizes.text(s) for s in symbol.shape)
        return [f"{name} = np.zeros(({writer.batch()}, {rows}, {cols}), {writer.spell(like)}.dtype)"]

    return Statement((), render)


def _filled(symbol: Quantity, terms: Sequence[Term], comment: str) -> list[Statement]:
    """The statements that write a sum of terms into its array: the dense ones in one sweep, then the diagonal."""
    dense = [term for term in terms if term.matrix is not None]
    diagonals = [term for term in terms if term.matrix is None]
    vectors = [term.vector for term in dense]
    exprs = tuple(e for term in dense for e in (term.vector, term.matrix) if e is not None)

    def render(writer: ArrayWriter, given: tuple[Matrix, ...]) -> list[str]:
        left = list(given)
        lines: list[str] = []
        arguments = [writer.spelled.get(symbol) or writer.names.of(symbol, symbol.name)]
        for vector in vectors:
            shown = "None" if vector is None else _short(writer, writer.full_piece(left.pop(0)), "scale", lines).text
            matrix = left.pop(0)
            if matrix.shape[0] == 1:
                row = _short(writer, writer.full_piece(matrix), "row", lines)
                inner = writer.indexed(matrix, "None, :", row.at_least(ATOM))
            else:
                inner = _short(writer, writer.full_piece(matrix), "factor", lines).text
            arguments.append(f"({shown}, {inner})")
        return [*lines, f"{writer.helper('fill_rows')}({', '.join(arguments)})"]

    statements = [Statement(exprs, render, comment)]
    for term in diagonals:
        vector = term.vector_of(symbol.shape[0])

        def add_diagonal(writer: ArrayWriter, given: tuple[Matrix, ...]) -> list[str]:
            place = writer.spelled.get(symbol) or writer.names.of(symbol, symbol.name)
            return [f"{writer.helper('diagonal')}({place})[...] += {writer.text(given[0])}"]

        statements.append(Statement((vector,), add_diagonal))
    return statements


def _short(writer: ArrayWriter, piece: Piece, name: str, lines: list[str]) -> Piece:
    """The text, or, where it is long, a name that a line before stands for."""
    if len(piece.text) <= LONGEST:
        return piece
    short = writer.names.numbered(name)
    lines.append(f"{short} = {piece.text}")
    return Piece(short)


def jacobian_function(cell: Cell, of: Quantity, wrt: Quantity, reserved: Sequence[str]) -> tuple[str, set[str]]:
    """The text of `jacobian` for one pair, and the helper functions that it calls."""
    body = Body(cell, reserved)
    out = body.writer.names.new("J")
    body.add(_allocated(out, Quantity("J", of.shape[0], wrt.shape[0]), of))
    Derivatives(body, wrt, {of: out}).add()
    doc = f"The Jacobian of {of.name} by {wrt.name}, the other arguments held fixed: (..., rows, columns)."
    return body.write("jacobian", doc, lambda w, e: [f"return {out}"], with_values=True), body.writer.helpers
