"""LaTeX as plain text, near enough to read in a terminal: \\tilde{c}_t as c̃_t, W_f^{\\top} as W_fᵀ."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SIGNS = {
    "odot": "⊙", "otimes": "⊗", "oplus": "⊕", "cdot": "·", "times": "×", "partial": "∂", "top": "ᵀ", "intercal": "ᵀ",
    "langle": "⟨", "rangle": "⟩", "to": "→", "rightarrow": "→", "mapsto": "↦", "approx": "≈", "le": "≤", "leq": "≤",
    "ge": "≥", "geq": "≥", "neq": "≠", "ne": "≠", "in": "∈", "sum": "Σ", "prod": "Π", "infty": "∞", "dots": "…",
    "ldots": "…", "cdots": "…", "pm": "±", "circ": "∘", "ast": "*", "star": "⋆", "prime": "'", "ell": "ℓ",
    "nabla": "∇", "mid": "|", "vert": "|", "lvert": "|", "rvert": "|", "Vert": "‖", "lVert": "‖", "rVert": "‖",
    "quad": "  ", "qquad": "    ",
}  # fmt: skip
_ACCENTS = {
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "hat": "\u0302",
    "bar": "\u0304",
    "overline": "\u0304",
    "dot": "\u0307",
}
_DROPPED = re.compile(r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|limits|mathopen|mathclose|mathbin|,|;|:|!)|[{}]")
_GROUP = re.compile(r"\\(?P<command>\w+)\s*\{(?P<inside>[^{}]*)\}")
_FRACTION = re.compile(r"\\d?frac\{(?P<above>[^{}]*)\}\{(?P<below>[^{}]*)\}")
_SUPERSCRIPTS = str.maketrans("0123456789-+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺")


@lru_cache(maxsize=2048)
def untex(latex: str) -> str:
    """Plain text of a LaTeX formula."""
    text = re.sub(r"\\(?:,|;|:|!|quad|qquad)\s*", " ", latex)
    text = re.sub(r"(?<=[_^])\{([^{}])\}", r"\1", text)
    text = re.sub(r"\^\{?\\(?:top|intercal)\}?", "ᵀ", text)
    while True:
        shorter = _FRACTION.sub(_fraction, _GROUP.sub(_group, text))
        shorter = re.sub(r"\^\{([-+\d]+)\}|\^(\d)", lambda m: (m[1] or m[2]).translate(_SUPERSCRIPTS), shorter)
        shorter = re.sub(r"([_^])\{([^{}]*)\}", lambda m: f"{m[1]}\ue000{m[2]}\ue001", shorter)
        if shorter == text and r"\frac" in text:  # operators with braces of their own inside
            shorter = re.sub(r"\{([^{}]*)\}(?=[^{}]*\})", "\ue000\\1\ue001", text)
        if shorter == text:
            break
        text = shorter
    text = re.sub(r"\\(?P<name>[A-Za-z]+)\s?", _sign, text)
    text = _DROPPED.sub("", text).replace("\\", "").replace("\ue000", "{").replace("\ue001", "}")
    text = re.sub(r"\^\{(⟨[^{}]*⟩)\}", r"\1", text)
    text = re.sub(r"(?<=⟨) +| +(?=⟩)", "", text)
    return unicodedata.normalize("NFC", re.sub(r" +", " ", text).strip())


def _group(match: re.Match[str]) -> str:
    command, inside = match["command"], match["inside"]
    if command in _ACCENTS:
        return inside + _ACCENTS[command]
    if command == "sqrt":
        return f"√{inside}" if len(inside) == 1 else f"√({inside})"
    if command in (
        "mathrm",
        "mathtt",
        "mathbf",
        "mathit",
        "mathsf",
        "mathcal",
        "text",
        "boldsymbol",
        "operatorname",
        "mathbb",
    ):
        return inside
    return match[0]


def _fraction(match: re.Match[str]) -> str:
    single = re.compile(r"(?:\\partial |\\?\w|[\ue000\u0300-\u036f][^\ue001]*\ue001|[\u0300-\u036f'_])*")
    above, below = (part if single.fullmatch(part) else f"({part})" for part in match.groups())
    return f"{above}/{below}"


def _sign(match: re.Match[str]) -> str:
    name = match["name"]
    if name in _SIGNS:
        return _SIGNS[name] + (" " if match[0].endswith(" ") and name not in ("partial", "langle") else "")
    if name in ("left", "right", "mathopen", "mathclose", "displaystyle", "bigl", "bigr", "Bigl", "Bigr", "big", "Big"):
        return ""
    try:
        kind = "CAPITAL" if name[0].isupper() else "SMALL"
        greek = unicodedata.lookup(f"GREEK {kind} LETTER {'LAMDA' if name.lower() == 'lambda' else name.upper()}")
        return greek
    except KeyError:
        return name
