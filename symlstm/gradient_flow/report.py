"""The report of a flow of gradients as a file: a page, text, data, or all pictures on one sheet."""

from __future__ import annotations

import json
import os
from typing import Any

from symlstm.plugins import service

SHEETS = (".svg", ".pdf", ".png")


def save(flow: Any, path: str | os.PathLike[str]) -> None:
    """Write the report, whole or not at all; the format follows the ending.

    .html: one page that works offline, pictures and tables; .txt, .md, .tex: the tables; .json: every number
    (symlstm/gradient_flow/schema/flow-1.json); .svg, .pdf, .png: the pictures on one sheet. Of a batch, pictures and
    tables are of the first example. Raises OutputUnwritable, and ExtraMissing where a picture needs matplotlib.
    """
    ending = os.path.splitext(path)[1].lower()
    if ending == ".json":
        service("write")(path, json.dumps(flow.to_json(), allow_nan=False) + "\n")
    elif ending in SHEETS:
        service("write")(path, sheet(flow, ending[1:]))
    else:
        service("save")(flow, path)


def sheet(flow: Any, format: str) -> bytes:
    """All pictures on one sheet, as "svg", "pdf" or "png"."""
    from symlstm.gradient_flow.pictures import drawing, pictures

    made = drawing.page(list(pictures(flow)), f"Flow of gradients through {flow.cell}, {flow.steps:,} steps")
    return drawing.content(made, format)
