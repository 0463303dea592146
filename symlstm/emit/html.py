"""HTML: one file that needs nothing else, its formulas as MathML, light or dark as the reader's system is.

Formulas are converted from our LaTeX by latex2mathml (`pip install 'symlstm[html]'`); browsers lay MathML out without
any script.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import Any

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
    Refused,
    Result,
    Row,
    Rung,
    Section,
    Table,
    plain,
    verdict,
)
from symlstm.emit.layout import LATEX, lay_out
from symlstm.emit.mathml import mathml

ENDINGS = (".html", ".htm")
WIDTH = 46.0
"""In em: how wide a row of equations may be, with its reason."""


def emit(document: Document) -> str:
    """The document as one HTML file: no script, no request to anywhere."""
    sections = [
        {"title": _prose(s.title), "level": s.level, "blocks": [_block(b) for b in s.blocks], "folded": _is_steps(s)}
        for s in document.sections
    ]
    return str(_template().render(title=plain(document.title), heading=_prose(document.title), sections=sections))


@lru_cache(maxsize=1)
def _template() -> Any:
    from jinja2 import Environment

    source = files("symlstm.emit").joinpath("page.html.j2").read_text("utf-8")
    return Environment(trim_blocks=True, lstrip_blocks=True).from_string(source)


def _is_steps(section: Section) -> bool:
    return section.about.get("kind") == "steps"


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return f"<p>{_prose(block.prose)}</p>"
    if isinstance(block, Equations):
        return _equations(block.rows)
    if isinstance(block, Result):
        return f'<div class="result">{_equations(block.rows)}</div>'
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        return _figure(block)
    if isinstance(block, Listing):
        return f'<pre><code class="language-{escape(block.language)}">{escape(block.code)}</code></pre>'
    if isinstance(block, Evidence):
        return _rungs(block.rungs)
    if isinstance(block, Refused):
        said = f"Not shown: {_part(block.what)} did not pass its evidence."
        return f'<div class="refused"><p>{said}</p>{_rungs(block.rungs)}</div>'
    raise TypeError(f"symlstm.emit.html cannot show a {type(block).__name__}")


def _equations(rows: tuple[Row, ...]) -> str:
    """Rows with their relations one above the other: a table of left-hand side, formula and reason."""
    out = []
    for row, lines in zip(rows, lay_out(rows, WIDTH, LATEX), strict=True):
        beneath = any(line.beneath for line in lines)
        shown = [line for line in lines if line.right is not None]
        for k, line in enumerate(shown):
            left = mathml(line.left.latex, display=True) if line.left is not None else ""
            sign = line.relation if line.indent < 0 else ""
            indent = f' style="padding-left: {min(line.indent, 1) + 1.4}em"' if line.indent >= 0 else ""
            piece = mathml(line.right or "", display=True, goes_on=line.indent >= 0)
            start = ' class="first"' if k == 0 else ""
            cells = f'<td class="left">{left}</td><td class="sign">{sign}</td><td{indent}>{piece}</td>'
            if k == 0 and row.reason and not beneath:
                cells += f'<td class="reason" rowspan="{len(shown)}">{_prose(row.reason)}</td>'
            out.append(f"<tr{start}>{cells}</tr>")
        if beneath:
            out.append(f'<tr><td></td><td></td><td class="beneath">{_prose(row.reason)}</td></tr>')
    return '<div class="scroll"><table class="equations">' + "\n".join(out) + "</table></div>"


WIDE = 4
"""A table of words with more columns than this is scrolled on a narrow screen rather than squeezed."""


def _table(table: Table) -> str:
    kind = ' class="numeric"' if table.numeric else ' class="wide"' if len(table.headers) > WIDE else ""
    head = "".join(f"<th>{_prose(h)}</th>" for h in table.headers)
    rows = "\n".join("<tr>" + "".join(f"<td>{_prose(c)}</td>" for c in row) + "</tr>" for row in table.rows)
    made = f'<div class="scroll"><table{kind}><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'
    if table.folded:
        return f"<details><summary>{escape(table.folded)}</summary>\n{made}\n</details>"
    return made


def _figure(figure: Figure) -> str:
    panels = "\n".join(f'<div class="panel">{svg()}</div>' for svg in figure.svg)
    return (
        f'<figure>\n<div class="panels">\n{panels}\n</div>\n<figcaption>{_prose(figure.said)}</figcaption>\n</figure>'
    )


_HELD = {True: "held", False: "failed", None: "open"}


def _rungs(rungs: tuple[Rung, ...]) -> str:
    items = "".join(
        f'<li class="{_HELD[r.held]}"><span>{MARKS[r.held]}</span> {escape(verdict(r))}</li>' for r in rungs
    )
    return f'<ul class="evidence">{items}</ul>'


def _prose(prose: Prose) -> str:
    return "".join(_part(p) for p in prose)


def _part(part: str | Formula | Code | Link) -> str:
    if isinstance(part, Formula):
        return mathml(part.latex)
    if isinstance(part, Code):
        return f"<code>{escape(part.code)}</code>"
    if isinstance(part, Link):
        return f'<a href="{escape(part.target)}">{escape(part.text)}</a>'
    return escape(part)
