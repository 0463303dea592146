"""What the code of a cell says, read by latexify-py: a second reading beside the equations, independent of them.

latexify turns identifiers into upright words and prints `@`, `*` between vectors and `*` by a number alike. So the
syntax tree is rewritten before it sees it: names become placeholders, products get a marker between their factors
(which kind of product it is follows from the shapes), and both are replaced in what it prints.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable
from typing import Any

from symlstm.emit.document import Block, Equations, Formula, Paragraph, Prose, Row, Section, Table, formula
from symlstm.emit.rewriting import CannotSay, Rewriter, replaced
from symlstm.emit.untex import untex
from symlstm.equations import Cell
from symlstm.expr.brackets import unmarked
from symlstm.expr.latex import latex
from symlstm.expr.nodes import Quantity
from symlstm.expr.notation import Notation
from symlstm.expr.parsing import parsed

TITLE = ("What the code says",)


def source_aside(cell: Cell, notation: Notation, only: Iterable[Quantity] | None = None) -> tuple[Section, ...]:
    """What latexify-py reads in the code, one row an equation, to stand beside equations that are shown already.

    only: these quantities. Nothing where nothing can be read.
    """
    wanted = None if only is None else set(only)
    try:
        readings = read_source(cell, notation, marks=True)
    except Exception:  # `source_section` of the cell says why
        return ()
    rows = [
        Row(formula(e.quantity, notation), Formula(readings[e.name], untex(unmarked(readings[e.name]))))
        for e in cell.equations
        if e.name in readings and e.quantity not in notation.inline and (wanted is None or e.quantity in wanted)
    ]
    title = (*TITLE, ", read by latexify-py")
    return (Section(title, (Equations(tuple(rows)),), {"kind": "source"}, aside=True),) if rows else ()


def source_section(cell: Cell, notation: Notation) -> Section:
    """Each equation beside what latexify-py reads in the line of code that computes it."""
    about = {"kind": "source"}
    try:
        readings = read_source(cell, notation, marks=True)
    except CannotSay as error:
        return Section(TITLE, (Paragraph((f"Left out: {error}.",)),), about, aside=True)
    except Exception as error:  # latexify fails in many ways on code that it does not know
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Section(TITLE, (Paragraph((f"Left out: latexify-py cannot read this code ({said}).",)),), about, True)
    rows = []
    for e in cell.equations:
        if e.quantity.name in readings:
            left = latex(e.quantity, notation)
            right = formula(e.expr, notation)
            traced = Formula(f"{left} = {right.marked_latex}", f"{_text(e.quantity, notation)} = {right.marked_text}")
            said = f"{left} = {readings[e.quantity.name]}"
            if e.quantity not in notation.inline:
                rows.append(((traced,), (Formula(said, untex(unmarked(said))),)))
    if not rows:
        return Section(TITLE, (Paragraph(("Left out: no line of the code stands for one equation.",)),), about, True)
    headers: tuple[Prose, ...] = (("traced",), ("read in the source by latexify-py",))
    blocks: list[Block] = [Table(headers, tuple(rows))]
    missing = [e.quantity for e in cell.equations if e.quantity.name not in readings]
    if missing:
        blocks.append(Paragraph((*_named(missing, notation), " cannot be read from the source line by line.")))
    return Section(TITLE, tuple(blocks), about, aside=True)


def _named(missing: Iterable[Quantity], notation: Notation) -> Prose:
    out: list[Any] = []
    for q in missing:
        out += [", " if out else "", formula(q, notation)]
    return tuple(p for p in out if p != "")


def _text(expr: Any, notation: Notation) -> str:
    return formula(expr, notation).text


def read_source(cell: Cell, notation: Notation, marks: bool = False) -> dict[str, str]:
    """LaTeX of the right-hand sides in the source, by the name of the quantity. Raises CannotSay.

    marks=True keeps the places where lines may break.
    """
    from latexify.codegen import ExpressionCodegen

    function = _function(cell)
    rewriter = Rewriter(cell, notation)
    readings: dict[str, str] = {}
    for name, value in _assignments(function.body, rewriter):
        quantity = cell.by_name.get(name)
        if quantity is None or cell.equation(quantity) is None or quantity.name in readings:
            continue
        try:
            said = ExpressionCodegen().visit(rewriter.visit(value))
            reading = replaced(said, rewriter.signs, notation)
            readings[quantity.name] = reading if marks else unmarked(reading)
        except CannotSay:
            raise
        except Exception:  # this line is left out; the others may still be read
            continue
    return readings


def _function(cell: Cell) -> ast.FunctionDef:
    try:
        tree = parsed(textwrap.dedent(inspect.getsource(inspect.unwrap(cell.function))))
    except (OSError, TypeError, SyntaxError, IndentationError) as error:
        raise CannotSay(f"the source of {cell.name} is not at hand") from error
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            return node
    raise CannotSay(f"{cell.name} is not a function definition")


def _assignments(body: list[ast.stmt], rewriter: Rewriter) -> list[tuple[str, ast.expr]]:
    """(name, value) of every assignment to one name, in order; a name assigned twice says nothing."""
    found: list[tuple[str, ast.expr]] = []
    for statement in body:
        if isinstance(statement, (ast.For, ast.While)):
            raise CannotSay("the code has a loop, which latexify-py does not read")
        if isinstance(statement, ast.With):
            found += _assignments(statement.body, rewriter)
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        elif isinstance(statement, ast.Assign):
            value = statement.value
        else:
            continue
        if len(targets) == 1 and isinstance(targets[0], ast.Name):
            if not rewriter.alias(targets[0].id, value):
                found.append((targets[0].id, value))
        elif len(targets) == 1 and isinstance(targets[0], ast.Tuple) and isinstance(value, ast.Tuple):
            for target, part in zip(targets[0].elts, value.elts, strict=False):
                if isinstance(target, ast.Name) and not rewriter.alias(target.id, part):
                    found.append((target.id, part))
    names = [name for name, _ in found]
    return [(name, value) for name, value in found if names.count(name) == 1 and re.match(r"[^\W\d]", name)]
