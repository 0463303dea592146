"""Plain Unicode text for the terminal: as wide as it is, in colour where asked for."""

from __future__ import annotations

import io
import shutil
import sys
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
from symlstm.emit.layout import TERMINAL, lay_out, text_width
from symlstm.expr.marked import RIGHT, SIGNS

ENDINGS = (".txt",)
WIDTH = 100
_COLORS = {True: "green", False: "red", None: "yellow"}


def emit(document: Document, width: int | None = None, color: bool = False) -> str:
    """The document as text, at most `width` columns wide where it can be broken.

    width: by default the terminal's, and 100 where there is none (a pipe, a file, a notebook).
    """
    from rich.console import Console, Group
    from rich.text import Text

    columns = width or (shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH)
    console = Console(
        file=io.StringIO(), width=columns, force_terminal=color, color_system="standard" if color else None,
        no_color=not color, highlight=False, legacy_windows=False,
    )  # fmt: skip
    parts: list[Any] = [Text(plain(document.title), style="bold underline")]
    for section in document.sections:
        parts += [Text(), *_section(section, columns)]
    console.print(Group(*parts), soft_wrap=False)
    out = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in out.splitlines()) + "\n"


def _section(section: Section, width: int) -> list[Any]:
    from rich.padding import Padding
    from rich.text import Text

    parts: list[Any] = [_heading(plain(section.title))] if section.title else []
    for k, block in enumerate(section.blocks):
        if k and not isinstance(block, Evidence):
            parts.append(Text())
        parts.append(Padding(_block(block, width - 2), (0, 0, 0, 2)))
    return parts


def _heading(title: str) -> Any:
    """A heading; a mark at its start has its colour."""
    from rich.text import Text

    out = Text(title, style="bold")
    for held, mark in MARKS.items():
        out.highlight_regex(f"^{mark}", _COLORS[held])
    return out


def _block(block: Block, width: int) -> Any:
    from rich.text import Text

    if isinstance(block, Paragraph):
        return _prose(block.prose)
    if isinstance(block, Figure):
        return _prose(block.said)
    if isinstance(block, Equations):
        return _equations(block.rows, width)
    if isinstance(block, Result):
        return _boxed(_equations(block.rows, width - 4))
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Listing):
        return Text(block.code)
    if isinstance(block, Evidence):
        return Text("\n").join(_rung(r) for r in block.rungs)
    assert isinstance(block, Refused)
    said = Text(f"Not shown: {block.what.text} did not pass its evidence.", style="bold red")
    return Text("\n").join([said, *(_rung(r) for r in block.rungs)])


def _equations(rows: tuple[Row, ...], width: int) -> Any:
    """Equals signs one above the other, reasons in a column of their own."""
    from rich.text import Text

    left = int(max((text_width(r.left.text) for r in rows if r.left is not None), default=0.0))
    laid = [line for lines in lay_out(rows, width, TERMINAL) for line in lines]
    beside = [line for line in laid if line.reason and not line.beneath]
    right = int(max((text_width(line.right or "") + _indent(line.indent) for line in beside), default=0.0))
    out = Text()
    for k, line in enumerate(laid):
        name = "" if line.left is None else line.left.text
        if line.right is None:
            sign, piece = " ", ""
        elif line.indent < 0:
            sign, piece = line.relation, line.right
        else:
            sign, piece = " ", " " * _indent(line.indent) + line.right
        out.append("\n" if k else "").append(" " * int(left - text_width(name)) + name).append(f" {sign} ")
        out.append_text(_pointed(piece))
        if line.beneath:
            out.append(" " * _indent(4) + plain(line.reason), style="dim")
        elif line.reason:
            out.append(" " * int(right - text_width(piece) + 4)).append(plain(line.reason), style="dim")
    return out


def _pointed(formula: str) -> Any:
    """A formula with what is marked in it in colour."""
    from rich.text import Text

    out = Text(formula)
    for kind, (opening, closing) in SIGNS.items():
        out.highlight_regex(f"{opening}[^{opening}{closing}]*{closing}", f"bold {_COLORS[kind == RIGHT]}")
    return out


def _indent(depth: int) -> int:
    return 2 + 2 * min(depth, 4) if depth >= 0 else 0


def _boxed(content: Any) -> Any:
    from rich import box
    from rich.panel import Panel

    return Panel(content, box=box.SQUARE, expand=False, padding=(0, 1))


def _table(table: Table) -> Any:
    from rich import box
    from rich.table import Table as RichTable

    made = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for header in table.headers:
        made.add_column(_prose(header), justify="right" if table.numeric else "left")
    for row in table.rows:
        made.add_row(*(_prose(c) for c in row))
    return made


def _prose(prose: Prose) -> Any:
    from rich.text import Text

    out = Text()
    for part in prose:
        style = "italic" if isinstance(part, Formula) else "bold" if isinstance(part, Code) else ""
        out.append(plain((part,)), style=style)
    return out


def _rung(rung: Rung) -> Any:
    from rich.text import Text

    return Text.assemble((f"{MARKS[rung.held]} ", _COLORS[rung.held]), (verdict(rung), "dim"))
