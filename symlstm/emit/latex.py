"""LaTeX: a whole document for pdflatex, or the formulas alone, ready to paste."""

from __future__ import annotations

from symlstm.emit.breaking import breakable
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
    Rung,
    Section,
    Table,
    plain,
    verdict,
)
from symlstm.emit.layout import LATEX
from symlstm.emit.mathblocks import AMS, BOXED, aligned, boxed, escaped

ENDINGS = (".tex",)
PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[a4paper, margin=2.5cm]{geometry}
\usepackage{amsmath, amssymb, mathtools}
\usepackage{array, xcolor}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.6ex plus 0.2ex}
\sloppy
"""
_HEADINGS = {1: "section", 2: "section", 3: "subsection", 4: "subsubsection"}


def emit(document: Document, standalone: bool = False) -> str:
    """LaTeX of the formulas, ready to paste where amsmath is loaded; standalone=True: a document that compiles."""
    if not standalone:
        return _fragment(document)
    body = "\n\n".join(_section(s) for s in document.sections)
    title = _prose(document.title)
    heading = rf"{{\LARGE\bfseries\boldmath {title}\par}}" + "\n\\medskip\n"
    return f"{PREAMBLE}\n\\begin{{document}}\n{heading}\n{body}\n\n\\end{{document}}\n"


def _fragment(document: Document) -> str:
    """Only the formulas of the sections that are not asides."""
    sections = [s for s in document.sections if not s.aside]
    parts = []
    for section in sections:
        shown = [b for b in section.blocks if isinstance(b, (Equations, Result, Refused))]
        if shown and len(sections) > 1:
            parts.append(f"% {plain(section.title)}".encode("ascii", "replace").decode())
        parts += [_block(b) for b in shown]
    return "\n".join(parts) + "\n"


def _section(section: Section) -> str:
    title = _prose(section.title)
    heading = [rf"\{_HEADINGS.get(section.level, 'paragraph')}*{{\boldmath {title}}}"] if section.title else []
    return "\n\n".join([*heading, *(_block(b) for b in section.blocks)])


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return _prose(block.prose)
    if isinstance(block, Figure):
        return _prose(block.said)
    if isinstance(block, Equations):
        return aligned(block.rows, AMS)
    if isinstance(block, Result):
        return f"\\[\n{boxed(block.rows, BOXED)}\n\\]"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Listing):
        return _listing(block)
    if isinstance(block, Evidence):
        return (
            "\\begin{flushright}\\footnotesize\n"
            + " \\\\\n".join(_rung(r) for r in block.rungs)
            + "\n\\end{flushright}"
        )
    failed = " \\\\\n".join(_rung(r) for r in block.rungs)
    return (
        f"\\textbf{{Not shown: ${block.what.latex}$ did not pass its evidence.}}\n\n"
        f"\\begin{{flushleft}}\\footnotesize\n{failed}\n\\end{{flushleft}}"
    )


_CODE_SIZES = ((78, ""), (94, "\\footnotesize"), (105, "\\scriptsize"), (138, "\\tiny"))
"""How many characters of code a line holds, by size."""


def _listing(listing: Listing) -> str:
    """Code as small as its longest line needs; what is longer still is folded."""
    code = listing.code.encode("ascii", "replace").decode()
    longest = max(map(len, code.splitlines()), default=0)
    room, size = next(((n, s) for n, s in _CODE_SIZES if longest <= n), _CODE_SIZES[-1])
    lines = [line[k : k + room] for line in code.splitlines() for k in range(0, max(len(line), 1), room)]
    return "\n".join([f"{{{size}", "\\begin{verbatim}", *lines, "\\end{verbatim}", "}"])


_LONG = 15.0
"""In em: longer formulas in running text may be broken where a display may."""
_MARKS = {True: r"$\checkmark$", False: r"$\times$", None: "--"}


def _rung(rung: Rung) -> str:
    return f"{_MARKS[rung.held]} {escaped(verdict(rung))}"


def _table(table: Table) -> str:
    columns = "r" * len(table.headers) if table.numeric else _columns(table)
    head = " & ".join(rf"\textbf{{{_prose(h)}}}" for h in table.headers)
    rows = " \\\\\n".join(" & ".join(_prose(c) for c in row) for row in table.rows)
    return (
        "\\begin{center}\\small\\renewcommand{\\arraystretch}{1.25}\n"
        f"\\begin{{tabular}}{{{columns}}}\n{head} \\\\ \\hline\n{rows}\n\\end{{tabular}}\n\\end{{center}}"
    )


def _columns(table: Table) -> str:
    """Columns as wide as they are; where the page is too narrow, the widest one becomes a paragraph."""
    every = (table.headers, *table.rows)
    widths = [max(LATEX.prose(row[k]) for row in every) for k in range(len(table.headers))]
    spare = 41.0 - 1.2 * len(widths)  # in em: the page without the gaps
    kinds = ["l"] * len(widths)
    for k in sorted(range(len(widths)), key=lambda k: -widths[k]):
        if sum(widths) <= spare + 0.01:
            break
        widths[k] = max(spare - sum(widths) + widths[k], 0.3 * spare)
        kinds[k] = rf">{{\raggedright\arraybackslash}}p{{{widths[k]:.1f}em}}"
    return "".join(kinds)


def _prose(prose: Prose) -> str:
    return "".join(_part(p) for p in prose)


def _part(part: str | Formula | Code | Link) -> str:
    if isinstance(part, Formula):
        return f"${breakable(part.marked_latex) if LATEX.formula(part.latex) > _LONG else part.latex}$"
    if isinstance(part, Code):
        return rf"\texttt{{{escaped(part.code)}}}"
    if isinstance(part, Link):
        return rf"{escaped(part.text)} (\texttt{{{escaped(part.target)}}})"
    return escaped(part)
