"""What symlstm shows: a result as terminal text, Markdown for GitHub, LaTeX, or JSON.

`emit` gives a string, `save` a file. A result becomes a `Document` once (symlstm.emit.build), and an emitter renders
it; pages by hand are made with `Page`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from symlstm.emit.build import document
from symlstm.emit.document import Document
from symlstm.emit.files import write
from symlstm.emit.inline import cell_notation
from symlstm.emit.page import Page
from symlstm.emit.readynotations import notation
from symlstm.emit.report import Report, report
from symlstm.errors import OutputUnwritable, unknown
from symlstm.plugins import EMITTERS, registered

__all__ = [
    "Document",
    "Page",
    "Report",
    "cell_notation",
    "document",
    "emit",
    "notation",
    "report",
    "save",
    "write",
]

ENDINGS = {".tex": "latex", ".md": "markdown", ".txt": "terminal", ".json": "json"}
_OF_DOCUMENT = ("notation", "steps", "evidence", "source", "paths")


def emit(result: Any, format: str, **options: Any) -> str:
    """A result as text in a format: terminal, markdown, latex, json, or one that a plugin brings.

    result: a cell, a derivation, a backward pass, `report(cell)`, a `Page`, or a `Document`.
    notation: a name, a .toml file or a dictionary. steps: show every step. paths: list the single paths.
    evidence: True to check now, or an evidence object; a formula that fails is not shown.
    source: beside a cell's equations, what latexify-py reads in its code.
    Further options go to the emitter: standalone (latex), width and color (terminal).
    """
    emitters = registered(EMITTERS)
    if format not in emitters:
        raise unknown("format", format, emitters)
    emitter = emitters[format].load()
    known = {k: v for k, v in options.items() if k in _OF_DOCUMENT}
    return str(emitter(document(result, **known), **{k: v for k, v in options.items() if k not in _OF_DOCUMENT}))


def save(result: Any, path: str | os.PathLike[str], **options: Any) -> None:
    """Write a result to a file, whole or not at all; the format follows the ending: .tex, .md, .txt, .json.

    Raises OutputUnwritable for another ending and for a place that cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise OutputUnwritable(
            f"{path}: no format has the ending {ending!r}" if ending else f"{path} has no ending",
            f"the format follows the ending, one of {', '.join(ENDINGS)}",
        )
    if ending == ".tex":
        options.setdefault("standalone", True)
    write(path, emit(result, ENDINGS[ending], **options))
