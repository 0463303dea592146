"""A document from a result: a cell, a derivative, a backward pass, a report, a page, or anything that makes its own."""

from __future__ import annotations

import sys
from typing import Any

from symlstm.calculus.backward_pass import BackwardPass
from symlstm.calculus.derivation import Derivation
from symlstm.calculus.through_time import ThroughTime
from symlstm.checking.report import Finding
from symlstm.checking.report import Report as Verdict
from symlstm.emit.backwards import backward_sections
from symlstm.emit.checks import check_document, finding_document
from symlstm.emit.derivations import asked, derivation_sections
from symlstm.emit.document import Document, Section, formula
from symlstm.emit.equations import equations_section, shapes_section
from symlstm.emit.inline import cell_notation
from symlstm.emit.readynotations import notation as read_notation
from symlstm.emit.report import Report, report_sections
from symlstm.emit.results import titled
from symlstm.emit.source import source_section
from symlstm.equations import Cell
from symlstm.errors import SymlstmError, unknown
from symlstm.expr.notation import Notation


def document(
    result: Any,
    *,
    notation: Any = None,
    steps: bool = False,
    evidence: Any = None,
    source: bool = True,
    paths: bool = False,
    **others: Any,
) -> Document:
    """The document of a result; a Document is itself.

    Anything else with a method `document(notation=..., **options)` (a page, a walk with numbers) makes its own.
    """
    if isinstance(result, Document):
        return result
    of_flow = _of_flow(result)
    known = (Cell, Derivation, BackwardPass, ThroughTime, Report, Verdict)
    if others and (of_flow is not None or isinstance(result, known)):
        raise unknown("option", next(iter(others)), ("notation", "steps", "evidence", "source", "paths"))
    chosen = read_notation(notation)
    if isinstance(result, Cell):
        own = cell_notation(result, chosen)
        sections = (equations_section(result, own), shapes_section(result, own), *source_sections(result, own, source))
        return Document((result.name,), sections, about_cell(result, own) | {"kind": "cell"})
    if isinstance(result, Derivation):
        own = cell_notation(result.cell, chosen)
        sections = derivation_sections(result, own, steps=steps, paths=paths, evidence=evidence, source=source)
        title = (formula(asked(result), own), f" of {result.cell.name}")
        return Document(title, sections, about_cell(result.cell, own) | {"kind": "derivation"})
    if isinstance(result, BackwardPass):
        own = cell_notation(result.cell, chosen)
        sections = backward_sections(result, own, steps=steps, evidence=evidence, source=source)
        return Document(
            (f"Backward pass of {result.cell.name}",), sections, about_cell(result.cell, own) | {"kind": "backward"}
        )
    if isinstance(result, Report):
        own = cell_notation(result.cell, chosen)
        said = source_sections(result.cell, own, source)
        sections = report_sections(result.cell, own, steps=steps, evidence=evidence, source=said)
        return Document((result.cell.name,), sections, about_cell(result.cell, own) | {"kind": "report"})
    if isinstance(result, Verdict):
        return check_document(result, chosen)
    if isinstance(result, Finding):
        return finding_document(result, chosen)
    if of_flow is not None:
        return of_flow
    found = titled(result, chosen, steps=steps, evidence=evidence, source=source)
    if found is not None:
        about = about_cell(result.cell, cell_notation(result.cell, chosen))
        return Document(*found, about | {"kind": found[1][-1].about["kind"]})
    if hasattr(result, "document"):
        made = result.document(notation=chosen, steps=steps, evidence=evidence, source=source, paths=paths, **others)
        if isinstance(made, Document):
            return made
    raise SymlstmError(
        f"{type(result).__name__} cannot be shown", "give a cell, a derivation, a backward pass, a report or a document"
    )


def _of_flow(result: Any) -> Document | None:
    """Of a Flow or its summary; told without loading what makes one: where there is a Flow, its module is loaded."""
    made = sys.modules.get("symlstm.gradient_flow.flow")
    if made is None or not isinstance(result, (made.Flow, made.Summary)):
        return None
    from symlstm.emit.flow_summary import flow_summary
    from symlstm.emit.flows import flow_document

    return flow_document(result) if isinstance(result, made.Flow) else flow_summary(result.flow)


def source_sections(cell: Cell, notation: Notation, wanted: bool) -> tuple[Section, ...]:
    return (source_section(cell, notation),) if wanted else ()


def about_cell(cell: Cell, notation: Notation) -> dict[str, Any]:
    """The cell as plain data."""
    return {
        "cell": cell.name,
        "doc": cell.doc.splitlines()[0] if cell.doc else "",
        "notation": notation.name,
        "inputs": [q.name for q in cell.inputs],
        "states": [{"current": s.current.name, "previous": s.previous.name} for s in cell.states],
        "parameters": [q.name for q in cell.parameters],
        "outputs": [q.name for q in cell.outputs],
    }
