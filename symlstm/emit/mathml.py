"""Our LaTeX as MathML, by latex2mathml; what it gets wrong, or browsers do not draw, is put right before and after."""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape

from symlstm.errors import SymlstmError
from symlstm.expr.marked import COLORS


class ConverterMissing(SymlstmError):
    """latex2mathml is not installed."""

    code = "missing"


_ROW_GAP = re.compile(r"(\\\\)\[[\d.]+\w\w\]")
_UPRIGHT = re.compile(r'<mrow>((?:<mi mathvariant="normal">[^<]+</mi>)+)</mrow>')
_LETTER = re.compile(r"<mi[^>]*>([^<]+)</mi>")
_SIZED_BRACKET = re.compile(r'(<mo stretchy="true" fence="true")( minsize="[^"]+" maxsize="[^"]+")>([][(){}])<')
_LONE_LETTER = re.compile(r"<mi>(&#x000[4-7][0-9A-F];)</mi>")  # what is left of \mathrm{d}
_BARE_BRACKETS = re.compile(r"<mo>(&#x0005B;|&#x0005D;)</mo>")


@lru_cache(maxsize=8192)
def mathml(latex: str, display: bool = False, goes_on: bool = False) -> str:
    """A formula as <math>; display: fractions at full size; goes_on: it begins with an operator between two terms.

    Raises ConverterMissing.
    """
    try:
        from latex2mathml.converter import convert
    except ImportError:
        raise ConverterMissing(
            "HTML needs latex2mathml, which is not installed", "install it: pip install 'symlstm[html]'"
        ) from None
    latex = _ROW_GAP.sub(r"\1", latex).replace(r"\!", "").replace("{} ", "")
    made = str(convert(latex))
    made = _UPRIGHT.sub(lambda m: _word(_LETTER.findall(m[1])), made)
    made = _LONE_LETTER.sub(lambda m: _word([m[1]]), made)
    made = _BARE_BRACKETS.sub(r'<mo stretchy="true" fence="true">\1</mo>', made)
    made = _SIZED_BRACKET.sub(lambda m: f'{m[1]} form="{"prefix" if m[3] in "([{" else "postfix"}"{m[2]}>{m[3]}<', made)
    made = made.replace('<mo stretchy="true">&#x000AF;</mo>', '<mo stretchy="false">&#x000AF;</mo>')
    for kind, color in COLORS.items():
        made = made.replace(f'<mstyle mathcolor="{color}">', f'<mstyle class="{kind}">')
    if goes_on:
        made = made.replace("<mrow><mo>", '<mrow><mo form="infix">', 1)
    style = ' displaystyle="true"' if display else ""
    return made.replace(' display="inline"', style, 1).replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "", 1)


def _word(letters: list[str]) -> str:
    """Upright letters as one identifier; browsers slant a single letter unless told not to."""
    upright = ' mathvariant="normal"' if len(letters) == 1 else ""
    return f"<mi{upright}>{unescape(''.join(letters))}</mi>"
