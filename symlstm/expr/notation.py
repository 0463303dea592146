"""How symbols are written: a table from names to signs, and the few choices that differ between sources."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import sympy as sp

from symlstm.expr.scripts import without_subscript

_LETTERS = """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho final sigma tau
upsilon phi chi psi omega""".split()
_CAPITALS = "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()
GREEK = frozenset([*_LETTERS, *_CAPITALS]) - {"final", "omicron"}
ACCENTS = {"tilde": "tilde", "hat": "hat", "bar": "bar", "dot": "dot", "prime": "prime"}
_COMBINING = {"tilde": "\u0303", "hat": "\u0302", "bar": "\u0304", "dot": "\u0307", "prime": "'"}
_GREEK_TEXT = {name: chr(0x3B1 + k) for k, name in enumerate(_LETTERS)}
_GREEK_TEXT |= {name.capitalize(): sign.upper() for name, sign in _GREEK_TEXT.items()}
_COMBINED = {sign: name for name, sign in _COMBINING.items() if name != "prime"}
_GREEK_NAMES = {sign: name for name, sign in _GREEK_TEXT.items() if name not in ("final", "omicron")}
SIDES = ("next", "new", "prev", "old", "t")
EARLIER = ("_tm1", "_t_1", "_t_minus_1", "_tminus1", "_t_m1", "_last", "_previous", "_past", "_before")
"""Ways of writing "of the step before" besides h_prev and h_old."""


@dataclass(frozen=True)
class Notation:
    """A way of writing. Templates are written as TeX macros are: #1, #2 stand for what is filled in.

    symbols: name -> LaTeX of the sign, without time ("c_tilde": r"\\tilde{c}"). verbatim: name -> LaTeX used as it is.
    functions: function name -> template, where it differs from the default.
    product, plus, matrix_product: the signs of elementwise products, of pointwise sums and of matrix products (empty:
    side by side). time: template of a sign (#1) at a time (#2). concat, concat_separator: how [h; x] is written.
    adjoint, upstream, delta: templates of dL/dq, of its part from outside the step, and of dL/d(pre-activation of q).
    change: template of how q changes.
    text_*: the same for plain text.

    What belongs to one cell (see symlstm.emit.cell_notation): inline, quantity -> the expression written in its place;
    blocks, (matrix, first column, columns) -> (LaTeX, text) of that block of columns; sizes, the order of n, m.
    """

    name: str = "default"
    symbols: Mapping[str, str] = field(default_factory=dict)
    text_symbols: Mapping[str, str] = field(default_factory=dict)
    verbatim: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    product: str = r"\odot"
    text_product: str = "⊙"
    plus: str = "+"
    text_plus: str = "+"
    matrix_product: str = ""
    time: str = "#1_{#2}"
    text_time: str = ""
    concat: str = "[#1]"
    concat_separator: str = r";\, "
    text_concat_separator: str = "; "
    adjoint: str = r"\bar{#1}"
    upstream: str = r"\Delta #1"
    delta: str = r"\delta^{#1}"
    change: str = r"\dot{#1}"
    transpose: str = r"#1^{\top}"
    inline: Mapping[Any, Any] = field(default_factory=dict)
    blocks: Mapping[tuple[Any, Any, Any], tuple[str, str]] = field(default_factory=dict)
    sizes: tuple[sp.Symbol, ...] = ()

    def with_(self, **changes: Any) -> Notation:
        """The same notation with some choices changed; tables are added to, not replaced."""
        merged: dict[str, Any] = {
            k: {**getattr(self, k), **v} if isinstance(v, Mapping) else v for k, v in changes.items()
        }
        return replace(self, **merged)


DEFAULT = Notation()


def fill(template: str, *values: str) -> str:
    """A template with #1, #2, ... replaced."""
    for k, value in enumerate(values, 1):
        template = template.replace(f"#{k}", value)
    return template


def base_of(name: str) -> str:
    """The sign that a variable stands for, without its side in time: "h_prev", "prev_h", "h_next" -> "h"."""
    for side in EARLIER:
        if name.endswith(side) and len(name) > len(side):
            return name[: -len(side)]
    parts = name.split("_")
    if len(parts) > 1:
        if parts[-1] in SIDES:
            return "_".join(parts[:-1])
        if parts[0] in SIDES and parts[0] != "t":
            return "_".join(parts[1:])
    if len(name) == 2 and name[1] == "t" and name[0].isalpha():
        return name[0]
    for side in ("prev", "next"):
        if name.endswith(side) and len(name) > len(side):
            return name[: -len(side)]
        if name.startswith(side) and len(name) > len(side):
            return name[len(side) :]
    return name


@lru_cache(maxsize=512)
def _split(base: str) -> tuple[str, list[str], list[str]]:
    """Sign, accents, subscripts: "c_tilde" -> ("c", ["tilde"], []), "W_f" and "Wf" -> ("W", [], ["f"])."""
    head, *rest = [part for part in base.split("_") if part] or [base]
    accents = [part for part in rest if part in ACCENTS]
    subscripts = [part for part in rest if part not in ACCENTS]
    letters = {"W": 3, "U": 3, "V": 3, "R": 3, "P": 2, "b": 2, "p": 2}
    if head not in GREEK and not rest and 1 < len(head) <= letters.get(head[0], 0) and head[1:].isalnum():
        return head[0], accents, [head[1:]]
    for greek in GREEK:
        if head != greek and head.startswith(greek) and head[len(greek) :].isdigit():
            return greek, accents, [head[len(greek) :], *subscripts]
    if head not in GREEK and len(head) > 1 and head[0].isalpha() and head[1:].isdigit():
        return head[0], accents, [head[1:], *subscripts]
    return head, accents, subscripts


def _word_latex(word: str) -> str:
    if word in GREEK:
        return "\\" + word
    if not word.isascii():
        return "".join(_letters_latex(unicodedata.normalize("NFD", word)))
    if len(word) == 1 or word.isdigit():
        return word
    return r"\mathrm{" + word + "}"


def _letters_latex(letters: str) -> list[str]:
    """Letters beyond ASCII one by one, as TeX knows them: σ as \\sigma, ĥ as \\hat{h}."""
    out: list[str] = []
    for letter in letters:
        if letter in _COMBINED and out:
            out[-1] = rf"\{_COMBINED[letter]}{{{out[-1]}}}"
        elif letter in _GREEK_NAMES:
            out.append(rf"{{\{_GREEK_NAMES[letter]}}}")
        elif letter.isascii():
            out.append(letter)
        else:
            out.append(rf"\mathrm{{u{ord(letter):x}}}")
    return out


def _listed(base: str, table: Mapping[str, str]) -> str | None:
    """What a table says about a name, however it is spelt: "W_f" also stands for "Wf"."""
    if base in table or not table:
        return table.get(base)
    head, accents, subscripts = _split(base)
    return table.get("_".join([head, *accents, *subscripts]))


def symbol_latex(base: str, notation: Notation) -> tuple[str, str]:
    """LaTeX of a sign and its subscript, both without time."""
    listed = _listed(base, notation.symbols)
    if listed is not None:
        return without_subscript(listed)
    head, accents, subscripts = _split(base)
    sign = _word_latex(head)
    for accent in accents:
        sign = sign + "'" if accent == "prime" else rf"\{accent}{{{sign}}}"
    return sign, ",".join(_word_latex(s) for s in subscripts)


def symbol_text(base: str, notation: Notation) -> tuple[str, str]:
    """Plain text of a sign and its subscript, both without time."""
    listed = _listed(base, notation.text_symbols)
    if listed is not None:
        return without_subscript(listed)
    head, accents, subscripts = _split(base)
    sign = _GREEK_TEXT.get(head, head)
    for accent in accents:
        sign += _COMBINING[accent]
    return sign, ",".join(_GREEK_TEXT.get(s, s) for s in subscripts)


LARGEST_FRACTION = 1000
"""Numbers with a larger denominator came from a decimal, and are shown as one."""


@lru_cache(maxsize=256)
def show_time(time: Any) -> str:
    """t-k+1, k-1, T: what is added first, t before the others; then what is taken away; numbers last."""
    terms = sp.Add.make_args(sp.expand(time))
    ordered = sorted(terms, key=lambda u: (u.is_number, u.could_extract_minus_sign(), str(u) != "t", str(u)))
    shown = "".join(("" if str(u).startswith("-") else "+") + str(u) for u in ordered)
    return shown.removeprefix("+").replace("*", "").replace(" ", "")


def _of_time(value: sp.Expr) -> bool:
    """Whether a number depends on time: sizes are known to be positive, times are not."""
    return any(not s.is_positive for s in value.free_symbols)


def _raised(value: sp.Expr, times: str) -> str:
    """0.1 · 0.9^{t-k}: plain numbers first, powers of them by a time after."""
    powers = [f for f in sp.Mul.make_args(value) if f.free_symbols]
    number = sp.Mul(*[f for f in sp.Mul.make_args(value) if not f.free_symbols])
    shown = [number_text(number)] if number != 1 else []
    for power in powers:
        base, exponent = power.args if power.is_Pow else (power, sp.S.One)
        base_text = number_text(base)
        raised = show_time(exponent)
        base_text = base_text if base_text.replace(".", "").isalnum() else f"({base_text})"
        shown.append(f"{base_text}^{raised}" if len(raised) == 1 else f"{base_text}^{{{raised}}}")
    return times.join(shown)


@lru_cache(maxsize=512)
def number_text(value: sp.Expr) -> str:
    """A plain number the way a person wrote it: 1/2 as 0.5, 1/3 as 1/3, sizes as they are."""
    if isinstance(value, sp.Rational) and not value.is_Integer:
        decimal = repr(float(value))
        if (len(decimal) <= 8 or value.q > LARGEST_FRACTION) and sp.Rational(decimal) == value:
            return decimal
    if _of_time(value):
        return show_time(value) if not value.has(sp.Pow) else _raised(value, " · ")
    return str(value).replace(" ", "")


@lru_cache(maxsize=512)
def number_latex(value: sp.Expr) -> str:
    if _of_time(value):
        return show_time(value) if not value.has(sp.Pow) else _raised(value, r" \cdot ")
    text = number_text(value)
    if "e-" in text or "e+" in text:
        mantissa, exponent = text.split("e")
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if mantissa != "1" else rf"10^{{{int(exponent)}}}"
    return sp.latex(value) if "/" in text or value.free_symbols else text


@lru_cache(maxsize=512)
def size_text(value: sp.Expr, order: tuple[sp.Symbol, ...] = ()) -> str:
    """A size with its symbols in the order given: n+m, 4n."""
    places = {symbol: k for k, symbol in enumerate(order)}
    terms = sp.Add.make_args(sp.expand(value))
    ordered = sorted(
        terms, key=lambda u: (not u.free_symbols, min((places.get(s, 99) for s in u.free_symbols), default=0))
    )
    shown = "".join(f"{'' if str(u).startswith('-') else '+'}{u}" for u in ordered)
    return shown.removeprefix("+").replace("*", "").replace(" ", "")
