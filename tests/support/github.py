"""Mathematics in Markdown as GitHub reads it: where the formulas are, what it would refuse or mangle."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate

from tests.support.katex import Formula

# Macros that GitHub answers with "The following macros are not allowed".
BLOCKED = (
    *("operatorname", "mbox", "phantom", "hphantom", "vphantom", "href", "url", "class", "cssId", "style"),
    *("newcommand", "renewcommand", "providecommand", "newenvironment", "renewenvironment"),
    *("def", "gdef", "edef", "xdef", "let", "DeclareMathOperator", "require", "unicode", "includegraphics"),
)
_BLOCKED = re.compile(r"\\(" + "|".join(BLOCKED) + r")(?![A-Za-z])")

# Markdown's own backslash escapes: in $...$ and $$...$$ they lose the backslash before the formula is read.
# A ```math fence and $`...`$ are code, and safe.
_MANGLED = re.compile(r"\\[!-/:-@\[-`{-~]")

_FENCE = re.compile(
    r"^(?P<indent>[ ]*)(?P<mark>`{3,}|~{3,})[ ]*(?P<kind>[^\n`]*)\n(?P<body>.*?)^[ ]*(?P=mark)[ ]*$",
    re.DOTALL | re.MULTILINE,
)
_INLINE = re.compile(
    r"\$`(?P<code>[^`\n]+)`\$"
    r"|(?P<ticks>`+)(?!`)(?:(?!\n[ ]*\n).)*?(?<!`)(?P=ticks)(?!`)"  # a code span, no formula
    r"|(?<!\\)\$\$(?P<block>(?:(?!\n[ ]*\n).)+?)\$\$"
    r"|(?<![\\$\w])\$(?=[^\s$])(?P<dollars>[^$\n]*[^\s$\\])\$(?![\w$])",
    re.DOTALL,
)


def _found(text: str) -> list[tuple[int, Formula, bool]]:
    """(offset, formula, safe from Markdown's escapes) for every formula in `text`."""
    starts = list(accumulate((len(line) for line in text.splitlines(keepends=True)), initial=0))
    found = []

    def take(offset: int, kind: str, latex: str, display: bool, safe: bool) -> None:
        label = f"line {bisect_right(starts, offset)}, {kind}"
        found.append((offset, Formula(label, latex.strip(), display), safe))

    def fence(match: re.Match[str]) -> str:
        if match["kind"].strip() == "math":
            take(match.start(), "```math", match["body"], True, True)
        return re.sub(r"[^\n]", " ", match[0])  # blanked, so that offsets stay

    for match in _INLINE.finditer(_FENCE.sub(fence, text)):
        if match["code"] is not None:
            take(match.start(), "$`...`$", match["code"], False, True)
        elif match["block"] is not None:
            take(match.start(), "$$...$$", match["block"], True, False)
        elif match["dollars"] is not None:
            take(match.start(), "$...$", match["dollars"], False, False)
    return sorted(found, key=lambda item: item[0])


def markdown_formulas(text: str) -> list[Formula]:
    """Every formula in a Markdown text, in order: ```math fences, $$...$$, $...$ and $`...`$."""
    return [formula for _, formula, _ in _found(text)]


def blocked_macros(latex: str) -> list[str]:
    """The macros in `latex` that GitHub refuses, each once, in order."""
    return list(dict.fromkeys(match[0] for match in _BLOCKED.finditer(latex)))


def github_problems(text: str) -> list[str]:
    """What GitHub would refuse or mangle in the formulas of a Markdown text, one sentence each."""
    problems = []
    for _, formula, safe in _found(text):
        problems += [f"{formula.label}: GitHub blocks {macro}" for macro in blocked_macros(formula.latex)]
        if not safe:
            problems += [
                f"{formula.label}: Markdown eats the backslash of {escape}; use ```math or $`...`$"
                for escape in dict.fromkeys(_MANGLED.findall(formula.latex))
            ]
    return problems
