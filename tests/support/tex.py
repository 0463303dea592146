"""Compile .tex files with pdflatex, in a folder that is thrown away."""

from __future__ import annotations

import atexit
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.support.frameworks import require_tool

_OVERFULL = re.compile(r"^Overfull \\hbox \((?P<points>[\d.]+)pt too wide\).*$", re.MULTILINE)
_UNRESOLVED = re.compile(r"^LaTeX Warning: .*undefined.*$", re.MULTILINE)


class TexError(AssertionError):
    """pdflatex stopped; the message holds the log's error lines."""


class Compiled(NamedTuple):
    """The PDF, and the warnings that a reader of it would notice."""

    pdf: Path
    warnings: list[str]


def compile_tex(path: Path, overfull_points: float = 20.0) -> Compiled:
    """Compile `path` (twice, for references); raise TexError with the log's error lines.

    The PDF is in a temporary folder that goes away with the process. Warnings: lines wider than the page by
    more than `overfull_points`, undefined references.
    """
    pdflatex = require_tool("pdflatex")
    folder = Path(tempfile.mkdtemp(prefix="symlstm-tex-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = [
        *(pdflatex, "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape"),
        *(f"-output-directory={folder}", path.resolve().name),
    ]
    log = folder / f"{path.stem}.log"
    text = ""
    for _ in range(2):
        run = subprocess.run(
            command, cwd=path.resolve().parent, stdin=subprocess.DEVNULL, capture_output=True, timeout=120
        )
        text = log.read_text("utf-8", "replace") if log.exists() else run.stdout.decode("utf-8", "replace")
        if run.returncode:
            raise TexError(f"{path}: pdflatex stopped\n{error_lines(text)}")
    wide = [match[0] for match in _OVERFULL.finditer(text) if float(match["points"]) > overfull_points]
    return Compiled(folder / f"{path.stem}.pdf", wide + _UNRESOLVED.findall(text))


def error_lines(log: str) -> str:
    """Each `! ...` line of a TeX log with the lines after it, up to the `l.<number>` that locates it."""
    lines = log.splitlines()
    shown: list[str] = []
    for start, line in enumerate(lines):
        if line.startswith("!"):
            window = lines[start : start + 8]
            located = next((k for k, each in enumerate(window) if each.startswith("l.")), 2)
            shown += window[: located + 2]
    return "\n".join(shown) or "\n".join(lines[-20:])
