"""Every formula that any test emits is parsed by KaTeX, and every LaTeX text is compiled by TeX, when the run ends.

The Markdown and the LaTeX emitter are wrapped for the session. What they gave is gathered from all processes of the
run, each formula and each text once; what is refused fails the run, with the test that emitted it.
"""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.github import markdown_formulas
from tests.support.katex import ACCEPTED, Formula, parse_all
from tests.support.tex import error_lines

TEXTS = 60
"""How many texts are compiled in one document."""

formulas: dict[tuple[str, bool], str] = {}
texts: dict[str, str] = {}
"""What was emitted: (LaTeX, whether displayed) -> test, LaTeX text -> test."""
said: list[str] = []
"""What is to be told when the run ends."""


def wrap_emitters() -> None:
    """From now on, what these emitters give is kept."""
    from symlstm.emit import latex, markdown

    for module, keep in ((markdown, _keep_markdown), (latex, _keep_latex)):
        module.emit = _kept(module.emit, keep)  # type: ignore[attr-defined]


def _kept(emit: Any, keep: Any) -> Any:
    @functools.wraps(emit)
    def emit_and_keep(*arguments: Any, **options: Any) -> str:
        text = emit(*arguments, **options)
        keep(text, os.environ.get("PYTEST_CURRENT_TEST", "a test").partition(" (")[0])
        return text

    return emit_and_keep


def _keep_markdown(text: str, label: str) -> None:
    for formula in markdown_formulas(text):
        formulas.setdefault((formula.latex, formula.display), label)


def _keep_latex(text: str, label: str) -> None:
    body = text.partition("\\begin{document}")[2].rpartition("\\end{document}")[0]
    texts.setdefault(body or text, label)
    if not body:
        for display in displays(text):
            formulas.setdefault((display, True), label)


def displays(fragment: str) -> list[str]:
    """The formulas of pasteable LaTeX: KaTeX takes what stands inside \\[ \\] and whole align* environments."""
    lines = "\n".join(line for line in fragment.splitlines() if not line.startswith("%"))
    for bracket in ("\\[\n", "\n\\]"):
        lines = lines.replace(bracket, "\0")
    pieces = lines.replace("\\begin{align*}", "\0\\begin{align*}").split("\0")
    return [piece.strip() for piece in pieces if piece.strip() and not piece.strip().startswith("\\textbf{Not shown")]


def output() -> dict[str, Any]:
    """What one process of a parallel run hands to the one that started it."""
    return {
        "formulas": [(latex, display, label) for (latex, display), label in formulas.items()],
        "texts": list(texts.items()),
        "accepted": list(ACCEPTED),
    }


def take(given: dict[str, Any]) -> None:
    """What another process handed over."""
    for latex, display, label in given["formulas"]:
        formulas.setdefault((latex, display), label)
    for text, label in given["texts"]:
        texts.setdefault(text, label)
    ACCEPTED.update(tuple(each) for each in given["accepted"])


def check() -> list[str]:
    """What KaTeX or TeX refuses, each with its test; where one of them is missing, that is said (see `said`)."""
    wrong: list[str] = []
    for what, of, refused in (("formulas", formulas, _refused_by_katex), ("LaTeX texts", texts, _refused_by_tex)):
        if not of:
            continue
        try:
            found = refused()
        except pytest.skip.Exception as missing:
            said.append(f"{len(of)} emitted {what} were not checked: {missing}")
        except pytest.fail.Exception as missing:
            wrong.append(f"{len(of)} emitted {what} were not checked: {missing}")
        else:
            wrong += found
            said.append(f"{len(of)} emitted {what}: {len(found) or 'none'} refused")
    return wrong


def _refused_by_katex() -> list[str]:
    new = [Formula(label, *key) for key, label in formulas.items() if key not in ACCEPTED]
    wrong = [each for k in range(0, len(new), 4000) for each in parse_all(new[k : k + 4000])]
    return [f"{each.label}: KaTeX: {each.message}\n{each.latex}" for each in wrong]


def _refused_by_tex() -> list[str]:
    items = list(texts.items())
    return [each for k in range(0, len(items), TEXTS) for each in _compiled(items[k : k + TEXTS])]


def _compiled(items: list[tuple[str, str]]) -> list[str]:
    """What TeX refuses of some texts in one document; after a refusal the others are tried again without it."""
    from symlstm.emit.latex import PREAMBLE
    from tests.support.frameworks import require_tool

    pdflatex = require_tool("pdflatex")
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="symlstm-emitted-") as folder:
        while items and len(wrong) < 5:
            bodies = "\n\n".join(f"\\typeout{{text {k}.}}\n{text}\n\\par" for k, (text, _) in enumerate(items))
            source = f"{PREAMBLE}\n\\begin{{document}}\n{bodies}\n\\end{{document}}\n"
            Path(folder, "all.tex").write_text(source, "utf-8")
            command = [pdflatex, "-draftmode", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "all"]
            run = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
            if run.returncode == 0:
                break
            log = run.stdout.decode("utf-8", "replace")
            at = int(log.rpartition("\ntext ")[2].partition(".")[0] or 0)
            wrong.append(f"{items[at][1]}: TeX: {error_lines(log)}")
            del items[at]
    return wrong
