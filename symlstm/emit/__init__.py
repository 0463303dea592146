"""What symlstm shows: a result as terminal text, Markdown for GitHub, LaTeX, HTML, or JSON.

`emit` gives a string, `save` a file. A result becomes a `Document` once (symlstm.emit.build), and an emitter renders
it; pages by hand are made with `Page`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from symlstm.emit.build import document
from symlstm.emit.document import Document
from symlstm.emit.emitters import emitter, endings
from symlstm.emit.files import write
from symlstm.emit.inline import cell_notation
from symlstm.emit.page import Page
from symlstm.emit.readynotations import notation
from symlstm.emit.report import Report, report
from symlstm.errors import OutputUnwritable, unknown

__all__ = [
    "Document",
    "Page",
    "Report",
    "cell_notation",
    "document",
    "emit",
    "notation",
    "report",
    "require_ending",
    "save",
    "write",
]

_OF_DOCUMENT = ("notation", "steps", "evidence", "source", "paths")


def emit(result: Any, format: str, **options: Any) -> str:
    """A result as text in a format: terminal, markdown, latex, html, json, or one that a plugin brings.

    result: a cell, a derivation, a backward pass (of a step, through time), `report(cell)`, a `Page`, or a `Document`.
    notation: a name, a .toml file or a dictionary. steps: show every step. paths: list the single paths.
    evidence: True to check now, or an evidence object; a formula that fails is not shown.
    source: beside the equations, what latexify-py reads in the code (False: not).
    Further options go to the emitter: standalone (latex), width and color (terminal). Raises NameUnknown for a format
    or an option that does not exist.
    """
    emit_document, own = emitter(format)
    known = {k: v for k, v in options.items() if k in _OF_DOCUMENT}
    others = {k: v for k, v in options.items() if k not in _OF_DOCUMENT}
    for name in others:
        if own is not None and name not in own:
            raise unknown(f"option of {format}", name, (*_OF_DOCUMENT, *own))
    return str(emit_document(document(result, **known), **others))


def save(result: Any, path: str | os.PathLike[str], **options: Any) -> None:
    """Write a result to a file, whole or not at all; the format follows the ending: .tex, .md, .html, .txt, .json, ...

    A file is a whole document: an emitter with an option `standalone` gets standalone=True.
    Raises OutputUnwritable for another ending and for a place that cannot be written.
    """
    format = require_ending(path)
    if "standalone" in (emitter(format)[1] or ()):
        options.setdefault("standalone", True)
    write(path, emit(result, format, **options))


def require_ending(path: str | os.PathLike[str], only: str = "") -> str:
    """The format that the ending of a file says; only: the one ending that will do. Raises OutputUnwritable."""
    if not isinstance(path, (str, os.PathLike)):
        raise OutputUnwritable(f"{path!r} is no path", 'for example save(result, "c.tex")')
    ending = Path(path).suffix.lower()
    known = endings()
    if ending not in known:
        raise OutputUnwritable(
            f"{path}: no format has the ending {ending!r}" if ending else f"{path} has no ending",
            f"the format follows the ending, one of {', '.join(sorted(known))}",
        )
    if only and known[ending] != known[only]:
        raise OutputUnwritable(f"{path} does not end in {only}", f"for example {Path(path).stem}{only}")
    return known[ending]
