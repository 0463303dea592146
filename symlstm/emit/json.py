"""JSON with a versioned schema (symlstm/emit/schema/derivation-1.json): the document as plain data."""

from __future__ import annotations

import json
from typing import Any

from symlstm.emit.document import (
    Block,
    Code,
    Document,
    Equations,
    Evidence,
    Figure,
    Formula,
    Link,
    Listing,
    Paragraph,
    Prose,
    Refused,
    Result,
    Row,
    Rung,
    Table,
    plain,
)

SCHEMA, VERSION = "symlstm/derivation", 1


def emit(document: Document) -> str:
    """The document as JSON; see the schema for what is where."""
    return json.dumps(data(document), ensure_ascii=False, indent=2) + "\n"


def data(document: Document) -> dict[str, Any]:
    """The document as dictionaries and lists."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "title": plain(document.title),
        "about": dict(document.about),
        "sections": [
            {"title": plain(s.title), "about": dict(s.about), "blocks": [_block(b) for b in s.blocks]}
            for s in document.sections
        ],
    }


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Paragraph):
        return {"type": "text", "text": _prose(block.prose)}
    if isinstance(block, Figure):
        return {"type": "text", "text": _prose(block.said)}
    if isinstance(block, Equations):
        return {"type": "equations", "label": block.label, "rows": _rows(block.rows)}
    if isinstance(block, Result):
        return {"type": "result", "rows": _rows(block.rows)}
    if isinstance(block, Table):
        rows = [[_prose(c) for c in row] for row in block.rows]
        return {"type": "table", "headers": [_prose(h) for h in block.headers], "rows": rows}
    if isinstance(block, Listing):
        return {"type": "code", "language": block.language, "code": block.code}
    rungs = [_rung(r) for r in block.rungs]
    if isinstance(block, Evidence):
        return {"type": "evidence", "ok": block.ok, "rungs": rungs}
    assert isinstance(block, Refused)
    return {"type": "refused", "what": _formula(block.what), "rungs": rungs}


def _rows(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    return [
        {
            "left": None if row.left is None else _formula(row.left),
            "relation": row.relation,
            "right": _formula(row.right),
            "reason": _prose(row.reason),
        }
        for row in rows
    ]


def _rung(rung: Rung) -> dict[str, Any]:
    return {"name": rung.name, "held": rung.held, "figure": rung.figure, "detail": rung.detail}


def _formula(formula: Formula) -> dict[str, str]:
    return {"latex": formula.latex, "text": formula.text}


def _prose(prose: Prose) -> dict[str, str]:
    return {"latex": "".join(_markup(p) for p in prose), "text": plain(prose)}


def _markup(part: str | Formula | Code | Link) -> str:
    if isinstance(part, Formula):
        return f"${part.latex}$"
    return part.code if isinstance(part, Code) else part.text if isinstance(part, Link) else part
