"""Rows of equations as LaTeX: what the LaTeX and the Markdown emitter share."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from symlstm.emit.document import Code, Formula, Link, Prose, Row
from symlstm.emit.layout import LATEX, Line, lay_out


@dataclass(frozen=True)
class Target:
    """Who reads the LaTeX: width in em, the environment of a display, how small words are set beside formulas."""

    width: float
    environment: str
    small: str


AMS = Target(40.0, "align*", r"\text{{\small{{}}{0}}}")
GITHUB = Target(42.0, "aligned", r"{{\small \text{{{0}}}}}")
BOXED = Target(40.0, "aligned", r"\text{{\small{{}}{0}}}")

_RELATIONS = {"": "", "=": "=", "+": r"\quad {} +", "↦": r"\mapsto"}
_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
_LATEX_OF = {
    "σ": r"\sigma", "⊙": r"\odot", "⊗": r"\otimes", "⊕": r"\oplus", "∂": r"\partial", "δ": r"\delta", "Δ": r"\Delta",
    "×": r"\times", "→": r"\to", "≤": r"\le", "≥": r"\ge", "≈": r"\approx", "·": r"\cdot", "−": "-", "⁻": "^-",
    "∈": r"\in", "∞": r"\infty", "Γ": r"\Gamma", "ᵀ": r"^{\top}", "⟨": r"\langle", "⟩": r"\rangle",
}  # fmt: skip


def aligned(rows: Iterable[Row], target: Target) -> str:
    """The rows in an aligned environment."""
    rows = tuple(rows)
    lines = lay_out(rows, target.width, LATEX)
    with_reasons = any(line.reason for each in lines for line in each)
    tall = any(len(each) > 1 and each[-1].right is not None for each in lines)  # then rows need air between them
    body = (" \\\\[0.8ex]\n" if tall else " \\\\\n").join(
        " \\\\\n".join(_line(line, target, with_reasons) for line in each) for each in lines
    )
    return f"\\begin{{{target.environment}}}\n{body}\n\\end{{{target.environment}}}"


def _line(line: Line, target: Target, with_reasons: bool) -> str:
    left = line.left.latex + " " if line.left is not None else ""
    if line.beneath:
        return rf"  &\qquad\qquad {_folded(prose_in_math(line.reason, target.small))}"
    if line.right is None:
        middle = "&"
    elif line.indent < 0:
        middle = f"&{_RELATIONS[line.relation]} {_folded(line.right)}"
    else:
        start = "{} " if line.right[0] in "+-/" or line.right.startswith(("\\o", "\\cdot")) else ""
        indent = r"\qquad" if line.indent else r"\quad"
        middle = f"&{indent} {start}{_folded(line.right)}"
    if not line.reason:
        return f"{left}{middle}" if left else f"  {middle}"
    gap = "\n  && " if len(left) + len(middle) > 90 else " && "
    return f"{left}{middle}{gap}{prose_in_math(line.reason, target.small)}" if with_reasons else f"{left}{middle}"


def _folded(latex: str) -> str:
    """Long source on several lines; blanks mean nothing in a formula."""
    return "\n    ".join(textwrap.wrap(latex, 160, break_long_words=False, break_on_hyphens=False))


def prose_in_math(prose: Prose, small: str = r"\text{{{0}}}") -> str:
    """Running text inside a formula: words in \\text, formulas as they are."""
    out: list[str] = []
    for part in prose:
        if isinstance(part, Formula):
            out.append(part.latex)
        else:
            words = _words(part)
            out.append(words if isinstance(part, Code) else small.format(words))
    return " ".join(out)


def _words(part: str | Code | Link) -> str:
    if isinstance(part, Code):
        return rf"\mathtt{{{escaped(part.code, in_text=True)}}}"
    return escaped(part if isinstance(part, str) else part.text, in_text=True)


def escaped(text: str, in_text: bool = False) -> str:
    """Words for LaTeX; signs that are no letters become mathematics."""
    if in_text:  # KaTeX and MathJax know few text commands
        text = text.replace("\\", "/").replace("~", " ").replace("^", "**")
    return "".join(_sign(c) for c in unicodedata.normalize("NFC", text))


def _sign(c: str) -> str:
    if c in _ESCAPES:
        return _ESCAPES[c]
    if c in _RAISED:
        return f"$^{_RAISED[c]}$"
    if c in _LATEX_OF:
        return f"${_LATEX_OF[c]}$"
    if ord(c) < 0x180 or c in "–—‘’“”…":
        return {"–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": "..."}.get(c, c)
    return "".join(d for d in unicodedata.normalize("NFKD", c) if ord(d) < 0x80) or "?"


def boxed(rows: Iterable[Row], target: Target) -> str:
    """The rows in one box."""
    rows = tuple(rows)
    laid = [line for lines in lay_out(rows, target.width - 2, LATEX) for line in lines]
    if len(laid) == 1:
        left = rows[0].left.latex + " = " if rows[0].left is not None else ""
        return rf"\boxed{{{left}{laid[0].right}}}"
    inner = aligned(rows, Target(target.width - 2, "aligned", target.small))
    return f"\\boxed{{\n{inner}\n}}"
