"""Markdown as GitHub renders it: mathematics in ```math fences and $`...`$, which Markdown leaves alone."""

from __future__ import annotations

import re

from symlstm.emit.document import (
    MARKS,
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
    Result,
    Rung,
    Section,
    Table,
    verdict,
)
from symlstm.emit.mathblocks import GITHUB, aligned, boxed

ENDINGS = (".md",)
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$~])")


def emit(document: Document) -> str:
    """The document in Markdown."""
    parts = [f"# {_prose(document.title)}", *(_section(s) for s in document.sections)]
    return "\n\n".join(p for p in parts if p) + "\n"


def _section(section: Section) -> str:
    heading = [f"{'#' * section.level} {_prose(section.title)}"] if section.title else []
    return "\n\n".join([*heading, *(_block(b) for b in section.blocks)])


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return _prose(block.prose)
    if isinstance(block, Figure):
        return _prose(block.said)
    if isinstance(block, Equations):
        return _display(aligned(block.rows, GITHUB))
    if isinstance(block, Result):
        return _display(boxed(block.rows, GITHUB))
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Listing):
        return f"```{block.language}\n{block.code}\n```"
    if isinstance(block, Evidence):
        return "<sub>" + "<br>".join(_rung(r) for r in block.rungs) + "</sub>"
    said = "<br>".join(_rung(r) for r in block.rungs)
    return f"**Not shown: {_part(block.what)} did not pass its evidence.**\n\n<sub>{said}</sub>"


def _display(latex: str) -> str:
    return f"```math\n{latex}\n```"


def _rung(rung: Rung) -> str:
    return f"{MARKS[rung.held]} {_words(verdict(rung))}"


def _table(table: Table) -> str:
    rule = "---:" if table.numeric else "---"
    head = [" | ".join(_prose(h) for h in table.headers), " | ".join(rule for _ in table.headers)]
    rows = [" | ".join(_cell(c) for c in row) for row in table.rows]
    return "\n".join(f"| {line} |" for line in (*head, *rows))


def _cell(prose: Prose) -> str:
    """Running text in a table, where a bare | would end the column; \\| in words is escaped already."""
    return "".join(_unbarred(p) for p in prose)


def _unbarred(part: str | Formula | Code | Link) -> str:
    if isinstance(part, Formula):
        latex = part.latex.replace(r"\|", r"\Vert ")
        return f"$`{latex.replace('|', chr(92) + 'vert ')}`$"
    return _part(part).replace("|", r"\|") if isinstance(part, Code) else _part(part)


def _prose(prose: Prose) -> str:
    return "".join(_part(p) for p in prose)


def _part(part: str | Formula | Code | Link) -> str:
    if isinstance(part, Formula):
        return f"$`{part.latex}`$"
    if isinstance(part, Code):
        return f"`{part.code}`"
    if isinstance(part, Link):
        return f"[{_words(part.text)}]({part.target})"
    return _words(part)


def _words(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
