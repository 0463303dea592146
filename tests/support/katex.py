"""Parse formulas with KaTeX, in one node process for all of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.support.frameworks import require_katex, require_tool

ACCEPTED: set[tuple[str, bool]] = set()
"""(LaTeX, whether displayed) of what was parsed already in this process."""
SCRIPT = Path(__file__).with_name("katex_check.mjs")


class Formula(NamedTuple):
    """A formula without its dollars, and where it came from."""

    label: str
    latex: str
    display: bool = True


class Failure(NamedTuple):
    """A formula that KaTeX does not accept, and KaTeX's reason."""

    label: str
    latex: str
    message: str


def parse_all(formulas: Iterable[tuple[str, str] | Formula]) -> list[Failure]:
    """Those of `formulas` ((label, latex), or Formula) that KaTeX rejects, strictly; [] when all parse."""
    katex, node = require_katex(), require_tool("node")
    asked = [Formula(*formula) for formula in formulas]
    if not asked:
        return []
    request = json.dumps([{"latex": each.latex, "display": each.display} for each in asked])
    answer = subprocess.run(
        [node, SCRIPT, katex], input=request, capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    if answer.returncode:
        raise RuntimeError(f"node could not run KaTeX:\n{answer.stderr}")
    messages = json.loads(answer.stdout)
    ACCEPTED.update((a.latex, a.display) for a, message in zip(asked, messages, strict=True) if message is None)
    return [
        Failure(each.label, each.latex, message)
        for each, message in zip(asked, messages, strict=True)
        if message is not None
    ]
