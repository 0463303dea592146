"""A verdict on somebody's implementation as a document: the answer, each finding with its equations, the agreement."""

from __future__ import annotations

from typing import Any

from symlstm.checking.report import WRONG, Compared, Finding, Report
from symlstm.emit.document import (
    MARKS,
    Block,
    Code,
    Document,
    Equations,
    Evidence,
    Listing,
    Paragraph,
    Row,
    Rung,
    Section,
    Table,
    formula,
)
from symlstm.emit.inline import cell_notation
from symlstm.evidence.running import U
from symlstm.expr.notation import Notation

MOST_NAMES = 6
FEW_DIGITS_AGREE = 1e9
IN_THE_CELL, IN_THE_CODE = "expected", "found"


def check_document(report: Report, notation: Notation) -> Document:
    """The whole report."""
    about = {"kind": "check", "cell": report.cell, "ok": report.ok}
    sections = [Section((), _answer(report), {"kind": "verdict"})]
    after = [*[f.evidence for f in report.findings], ""][1:]
    sections += [_section(f, notation, f.evidence != then) for f, then in zip(report.findings, after, strict=True)]
    if report.ulps:
        sections.append(
            Section(("Agreement with 50 digits, in ulp",), _agreement(report), {"kind": "agreement"}, aside=True)
        )
    is_it = "is" if report.ok else "is not"
    return Document((Code(report.implementation), f" {is_it} {report.cell}"), tuple(sections), about)


def finding_document(finding: Finding, notation: Notation) -> Document:
    """One finding."""
    return Document((finding.name,), (_section(finding, notation),), {"kind": "finding"})


def _answer(report: Report) -> tuple[Block, ...]:
    said: list[Block] = []
    if report.ok and report.ulps:
        names = list(report.ulps)
        what = f"{len(names)} results" if len(names) > MOST_NAMES else _listed(names)
        said.append(Evidence((Rung(f"{what} agree with 50 digits within the bound of rounding errors", True),)))
    if report.convention:
        said.append(Paragraph((f"Convention: {report.convention}.",)))
    if report.reading:
        said.append(Paragraph((f"{report.reading[0].upper()}{report.reading[1:]}.",)))
    if report.ruled_out:
        said.append(Paragraph((f"Tried without success: {', '.join(report.ruled_out)}.",)))
    return tuple(said)


def _section(finding: Finding, notation: Notation, with_evidence: bool = True) -> Section:
    mark = MARKS[False if finding.severity == WRONG else None]
    about = {"kind": "finding", "name": finding.name, "severity": finding.severity}
    return Section((f"{mark} {finding.message}",), tuple(_blocks(finding, notation, with_evidence)), about)


def _blocks(finding: Finding, notation: Notation, with_evidence: bool) -> list[Block]:
    said: list[Block] = []
    if finding.code:
        said.append(Listing(finding.code))
    elif finding.where and finding.where not in finding.message:
        said.append(Paragraph(("at ", Code(finding.where))))
    if finding.compared:
        said.append(Equations(tuple(row for c in finding.compared for row in _rows(c, notation))))
    if finding.evidence and with_evidence:
        said.append(Paragraph((_sentence(finding.evidence),)))
    return said


def _rows(compared: Compared, notation: Notation) -> tuple[Row, Row]:
    own = cell_notation(compared.cell, notation)
    left = formula(compared.quantity, own)
    right, found = (formula(expr, own) for expr in compared.marked)
    return Row(left, right, (IN_THE_CELL,)), Row(left, found, (IN_THE_CODE,))


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _sentence(text: str) -> str:
    """The text with a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def _agreement(report: Report) -> tuple[Block, ...]:
    columns = {"scaled": "difference", "typical": "typical", "bound": "bound", "elementwise": "entry by entry"}
    kept = [k for k in columns if any(k in row for row in report.ulps.values())]
    headers = ("", *(columns[k] for k in kept))
    rows = [(name, *(_number(row[k]) if k in row else "" for k in kept)) for name, row in report.ulps.items()]
    table = Table(tuple((h,) for h in headers), tuple(tuple((cell,) for cell in row) for row in rows), numeric=True)
    said = "The largest difference, in units in the last place of the largest number of each array; typical is the "
    said += "standard deviation of rounding errors. Entry by entry: in those of each number."
    return (table, Paragraph((said,)))


def _number(value: Any) -> str:
    return f"{value:.3g}" if value < FEW_DIGITS_AGREE else f"{value * U * 2:.2g} of its size"
