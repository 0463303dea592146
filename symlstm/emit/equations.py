"""A cell as sections: its equations, the shapes of its quantities, what its code says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from symlstm.emit.document import Equations, Formula, Paragraph, Prose, Row, Section, Table, formula
from symlstm.emit.prose import prose
from symlstm.equations import Cell, Equation
from symlstm.expr.latex import latex
from symlstm.expr.nodes import Apply, Quantity
from symlstm.expr.notation import Notation, size_text
from symlstm.expr.tree import quantities
from symlstm.expr.written import column


def equation_rows(equations: Iterable[Equation], notation: Notation) -> tuple[Row, ...]:
    """One row an equation, its note at the right; a concatenation is defined as a column."""
    rows = []
    for e in equations:
        right = formula(e.expr, notation)
        note = prose(e.note)
        if notation.inline.get(e.quantity) == e.expr:
            right = Formula(column([latex(p, notation) for p in e.expr.args]), right.marked_text)
            note = note or ("one column",)
            if right.text == formula(e.quantity, notation).text:
                note = ("one column: ", *_above([formula(p, notation) for p in e.expr.args]))
        rows.append(Row(formula(e.quantity, notation), right, note))
    return tuple(rows)


def _above(parts: list[Formula]) -> Prose:
    out: list[Any] = [parts[0]]
    for part in parts[1:]:
        out += [" above ", part]
    return tuple(out)


def equations_section(cell: Cell, notation: Notation) -> Section:
    """The equations, and the conventions that they use."""
    rows = equation_rows(cell.equations, notation)
    return Section(("Equations",), (Equations(rows), Paragraph(conventions(cell, notation))), {"kind": "equations"})


def conventions(cell: Cell, notation: Notation) -> Prose:
    """What the signs mean, as far as they occur."""
    sign = f"${notation.product}$"
    said = [f"{sign} is the product entry by entry"]
    functions = {f: None for e in cell.equations for f in functions_in(e.expr)}
    if "sigmoid" in functions:
        said.append(r"$\sigma(z) = 1 / (1 + e^{-z})$")
    return prose(", ".join(said) + "; functions and powers of vectors are taken entry by entry too.")


def functions_in(expr: Any) -> list[str]:
    own = [expr.function] if isinstance(expr, Apply) else []
    return own + [f for a in expr.args for f in functions_in(a)]


def shapes_section(cell: Cell, notation: Notation) -> Section:
    """The table of symbols, sizes and meanings; parameters of one kind share a row."""
    groups: dict[tuple[str, str], list[tuple[Quantity, str]]] = {}

    def put(kind: str, q: Quantity, meaning: str) -> None:
        groups.setdefault((kind, _size(q, notation)), []).append((q, meaning))

    for q in cell.inputs:
        put("input", q, "input")
    for state in cell.states:
        said = _note(cell, state.current) or "state"
        put("state", state.previous, f"previous {said}")
        put("state", state.current, said)
    current = {s.current for s in cell.states}
    for e in cell.equations:
        if e.quantity not in current and e.quantity not in notation.inline:
            put("value", e.quantity, _note(cell, e.quantity) or "intermediate value")
    for q in cell.parameters:
        put(_kind(cell, q), q, "")
    rows = []
    for (kind, size), members in groups.items():
        meanings = list(dict.fromkeys(m for _, m in members if m)) or [kind]
        rows.append((_symbols([q for q, _ in members], notation), (_formula_of_size(size),), (", ".join(meanings),)))
    table = Table((("symbol",), ("size",), ("meaning",)), tuple(rows))
    about = {
        "kind": "shapes",
        "shapes": {name: [size_text(s, cell.dims) for s in v] for name, v in cell.shapes.items()},
    }
    return Section(("Shapes",), (table,), about, aside=True)


def _symbols(members: list[Quantity], notation: Notation) -> Prose:
    out: list[Any] = []
    for q in members:
        out += [", " if out else "", formula(q, notation)]
    return tuple(p for p in out if p != "")


def _size(q: Quantity, notation: Notation) -> str:
    rows, cols = (size_text(s, notation.sizes) for s in q.shape)
    if cols == "1":
        return rows
    return " x ".join(f"({s})" if "+" in s else s for s in (rows, cols))


def _formula_of_size(size: str) -> Formula:
    return Formula(size.replace(" x ", r" \times "), size.replace(" x ", " × "))


def _note(cell: Cell, q: Quantity) -> str:
    equation = cell.equation(q)
    return re.sub(r"\s+", " ", equation.note) if equation else ""


def _kind(cell: Cell, q: Quantity) -> str:
    """Weights or biases: a vector that is only added is a bias."""
    if q.shape == (1, 1):
        return "number"
    if q.shape[1] != 1:
        return "weights"
    for e in cell.equations:
        if q in quantities(e.expr):
            return "biases" if _only_added(e.expr, q) else "elementwise weights"
    return "unused"


def _only_added(expr: Any, q: Quantity) -> bool:
    from symlstm.expr.nodes import Add

    if isinstance(expr, Add) and q in expr.args:
        return True
    return any(_only_added(a, q) for a in expr.args)
