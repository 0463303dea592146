"""Reasons of the calculus as running text: the symbols in them become formulas in the reader's notation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from symlstm.calculus.rules import RULES
from symlstm.calculus.steps import Step
from symlstm.emit.document import Code, Formula, Link, Prose, formula
from symlstm.emit.prose import from_latex
from symlstm.equations import Cell
from symlstm.expr.brackets import BREAK_PRODUCT, BREAK_SUM
from symlstm.expr.functions import ELEMENTWISE, WHOLE
from symlstm.expr.nodes import Apply, Block, Partial, Quantity, Whole, quantity
from symlstm.expr.notation import Notation
from symlstm.expr.text import text
from symlstm.expr.tree import quantities

_SELF_EVIDENT = {"the derivative of a sum is the sum of the derivatives", "quotient rule"}
_SHORT = {"chain rule, elementwise function": "chain rule", "chain rule, insert": "chain rule"}
_OPERATORS = {name: "\\" + name for name in ("tanh", "exp", "log", "sin", "cos", "sinh", "cosh", "arctan", "max")}
_OPERATORS |= {"maximum": r"\max", "minimum": r"\min"}
_CALLED = "|".join(sorted({"diag", *ELEMENTWISE, *WHOLE}, key=len, reverse=True))
"""Names that stand before a bracket in formulas."""
_LETTER = "[^\\W⁰¹²³⁴-⁹ᵀ]"
"""What goes on with a name; a power or a transpose does not."""
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_ONCE = {"d(a ⊙ b) = diag(b) da + diag(a) db", "d(W v) = dW v + W dv", "each part has rows of its own"}
"""What is said the first time only."""


def reason_of(step: Step, notation: Notation, words: Words) -> Prose:
    """The rule of a step and why it applies, as one piece of running text."""
    if step.rule == "definition":
        return ("definition of ", formula(_defined(step.before), notation))
    if step.rule == "identity":
        return words(step.because)
    if step.rule.endswith("transposed"):
        rule, _, _ = _short(step.rule).rpartition(", ")
        return (f"{rule}, back to ", *words(step.because.partition(" back to ")[2]))
    why: list[Any] = []
    for clause in step.because.split("; "):
        if clause and clause not in _SELF_EVIDENT and words.first_time(clause):
            why += ["; ", *words(clause)] if why else words(clause)
    name = _short(step.rule)
    return (name, ": ", *why) if why else (name,)


def _defined(before: Any) -> Any:
    """The quantity whose derivative a definition opens."""
    if isinstance(before, Partial):
        return before.args[0]
    if before.role == "change":
        return quantity(before.name.removeprefix("dot_"), before.shape, before.time, "value", before.base)
    return before


def _fixed() -> dict[str, str]:
    """Reasons that name no quantity, from the tables of functions and of rules: text -> LaTeX of a formula."""
    said = {row.because: row.reason for row in ELEMENTWISE.values()} | {
        row.because: row.reason for row in WHOLE.values()
    }
    return said | {rule.because(None): rule.latex for kind, rule in RULES.items() if kind not in (Apply, Whole)}


def _upright(name: str) -> str:
    return rf"\mathrm{{{name}}}".replace("_", r"\_")


def _short(rule: str) -> str:
    for long, short in _SHORT.items():
        rule = rule.replace(long, short)
    return rule


def _breakable(formula: str) -> str:
    """Marks before the operators, where a line may be broken."""
    return re.sub(r" (⊙|⊗|\\o\w+)(?= )", rf"{BREAK_PRODUCT} \1", formula).replace(" + ", f"{BREAK_SUM} + ")


class Words:
    """Turns the plain symbols of a reason (f_t, ∂c_t/∂h_{t-1}) into formulas."""

    def __init__(self, cell: Cell, exprs: Iterable[Any], notation: Notation) -> None:
        found: dict[Quantity, None] = dict.fromkeys(cell.by_name.values())
        for expr in exprs:
            found.update(dict.fromkeys(quantities(expr)))
        self._notation = notation
        self._said: set[str] = set()
        self._fixed = _fixed()
        named = [Block(matrix, 0, matrix.shape[0], *columns) for matrix, *columns in notation.blocks]
        self._formulas = {text(q): formula(q, notation) for q in (*found, *named)}
        self._formulas |= {when: Formula(when, when) for when in ("t-1", "t+1")}
        symbols = "|".join(re.escape(s) for s in sorted(self._formulas, key=len, reverse=True)) or r"(?!)"
        symbol = f"(?:{symbols})(?!{_LETTER})"
        sign = rf"[∂δσ⊙()\[\];+=/ᵀ:,]|\d+|[-I](?![\w-])|-(?={symbol})"
        token = rf"(?:{symbol}|(?:{_CALLED})(?=[(⁰¹²³⁴-⁹⁻])|[⁰¹²³⁴-⁹⁻]+|{sign})"
        self._run = re.compile(rf"(?<![\w]){token}(?: ?{token})*")
        self._symbol = re.compile(rf"(?<![\w{{])(?:{symbols})(?!{_LETTER}|\[)|(?<=[∂δ])(?:{symbols})(?!{_LETTER})")

    def first_time(self, clause: str) -> bool:
        """Whether a clause is to be said: some are said only once in a derivation."""
        new = clause not in self._said
        self._said |= {clause} & _ONCE
        return new

    def __call__(self, sentence: str) -> Prose:
        if sentence in self._fixed:
            said = self._fixed[sentence]
            return (from_latex(said.replace(r"\odot", self._notation.product)) if said else sentence,)
        out: list[str | Formula | Code | Link] = []
        place = 0
        for match in self._run.finditer(sentence):
            run = match[0].rstrip(" ,;:")
            while run.count("(") < run.count(")") and run.endswith(")"):
                run = run[:-1].rstrip()
            if not self._symbol.search(run) or run.count("(") != run.count(")"):
                continue
            out += [sentence[place : match.start()], *self._pieces(run)]
            place = match.start() + len(run)
        out.append(sentence[place:])
        return tuple(p for p in out if p != "")

    def _pieces(self, run: str) -> list[str | Formula | Code | Link]:
        """A run of mathematics, cut at the commas of a list so that lines can break there."""
        out: list[str | Formula | Code | Link] = []
        for k, piece in enumerate(re.split(r", (?![^(\[]*[)\]])", run)):
            out += [", "] if k else []
            out.append(Formula(_breakable(self._latex(piece)), _breakable(self._plain(piece))))
        return out

    def _latex(self, run: str) -> str:
        run = re.sub(
            rf"∂({self._symbol.pattern})/∂({self._symbol.pattern})",
            lambda m: rf"\partial {self._formulas[m[1]].latex} / \partial {self._formulas[m[2]].latex}",
            run,
        )
        out = self._symbol.sub(self._sign, run)
        for sign, latex in (
            ("⊙", self._notation.product),
            ("σ", r"\sigma"),
            ("∂", r"\partial "),
            ("ᵀ", r"^{\top}"),
            ("δ", r"\delta "),
        ):
            out = out.replace(sign, latex)
        out = re.sub(r"(?<=[\w}]) (?=[\[(])", r" \\, ", out)
        out = re.sub(rf"(?<![\\{{\w])(?:{_CALLED})(?=[(⁰¹²³⁴-⁹⁻])", lambda m: _OPERATORS.get(m[0], _upright(m[0])), out)
        return re.sub(r"[⁰¹²³⁴-⁹⁻]+", lambda m: f"^{{{m[0].translate(_RAISED)}}}", out)

    def _sign(self, match: re.Match[str]) -> str:
        """A symbol in LaTeX, in brackets where a power or a transpose meets a superscript of its own."""
        sign = self._formulas[match[0]].latex
        raised = re.match("[⁰¹²³⁴-⁹⁻ᵀ]", match.string[match.end() :])
        return f"({sign})" if raised and ("^" in sign or "'" in sign) else sign

    def _plain(self, run: str) -> str:
        return self._symbol.sub(lambda m: self._formulas[m[0]].text, run).replace("⊙", self._notation.text_product)
