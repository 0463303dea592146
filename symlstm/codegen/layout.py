"""How lines of generated code are laid out: within 120 columns, as a formatter would leave them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

WIDTH = 116
"""Columns for a line inside a function (120 less its indentation)."""

_ASSIGNMENT = re.compile(r"(.*?)( \+?= )(.*)")
SUMS, PRODUCTS = (" + ", " - "), (" * ", " / ", " @ ")


def commented(lines: Sequence[str], comment: str, width: int = WIDTH) -> list[str]:
    """The lines with their comment: beside a single line if there is room, else above."""
    wrapped = [part for line in lines for part in fitted(line, width)]
    if not comment:
        return wrapped
    if len(wrapped) == 1 and len(wrapped[0]) + len(comment) + 4 <= width:
        return [f"{wrapped[0]}  # {comment}"]
    above = textwrap.wrap(comment, width - 2, break_long_words=False, break_on_hyphens=False)
    return [*[f"# {line}" for line in above], *wrapped]


def fitted(line: str, width: int = WIDTH) -> list[str]:
    """A statement broken at its outermost commas or signs where it is too long."""
    if len(line) <= width or line.startswith(" "):
        return [line]
    target, equals, value = "", "", line
    if line.startswith("return "):
        equals, value = "return ", line.removeprefix("return ")
    elif assigned := _ASSIGNMENT.match(line):
        target, equals, value = assigned.groups()
    head, inside, tail = _call(value)
    if _only_brackets(head, inside):
        value = value[1:-1]
    elif inside is not None:
        inner = [f"    {part}," for part in _split(inside, ", ")]
        return [f"{target}{equals}{head}", *[p for one in inner for p in _shorter(one, width)], tail]
    if opened := _last_opened(f"{target}{equals}", value, width):
        return opened
    operands = _broken(value, 4, width)
    return [f"{target}{equals}(", *operands, ")"] if len(operands) > 1 else [line]


def _last_opened(start: str, value: str, width: int) -> list[str]:
    """Two factors of which the last is a bracket: that bracket is opened, where what it holds then fits; else []."""
    operands = _operands(value, PRODUCTS)
    if len(_operands(value, SUMS)) > 1 or len(operands) != 2:
        return []
    (_, first), (sign, last) = operands
    body = f"    {last[1:-1]}"
    if not last.startswith("(") or _closes(last) != len(last) - 1 or "(" in first or len(body) > width:
        return []
    return [f"{start}{first} {sign}(", body, ")"]


def filled(line: str, width: int = WIDTH) -> list[str]:
    """A call or the head of a function, broken where it is too long, as many arguments on a line as fit."""
    text = line.removesuffix(":")
    define = "def " if text.startswith("def ") else ""
    head, inside, tail = _call(text.removeprefix("def "))
    if len(line) <= width or inside is None:
        return fitted(line, width)
    lines: list[str] = []
    for part in _split(inside, ", "):
        if lines and len(lines[-1]) + len(part) + 2 <= width:
            lines[-1] += f" {part},"
        else:
            lines.append(f"    {part},")
    return [f"{define}{head}", *lines, f"{tail}{line[len(text) :]}"]


def _broken(text: str, indent: int, width: int) -> list[str]:
    """The operands of an expression on lines of their own; brackets that are still too long are opened."""
    margin = " " * indent
    operands = next((o for o in (_operands(text, SUMS), _operands(text, PRODUCTS)) if len(o) > 1), [("", text)])
    lines: list[str] = []
    for sign, operand in operands:
        if len(margin + sign + operand) <= width or not (
            operand.startswith("(") and _closes(operand) == len(operand) - 1
        ):
            lines.append(f"{margin}{sign}{operand}")
        else:
            lines += [f"{margin}{sign}(", *_broken(operand[1:-1], indent + 4, width), f"{margin})"]
    return lines


def _closes(text: str) -> int:
    """Where the bracket that opens first closes."""
    opened = False
    for k, depth in _depths(text):
        opened = opened or depth > 0
        if opened and depth == 0:
            return k
    return -1


def _operands(text: str, signs: Sequence[str]) -> list[tuple[str, str]]:
    """The operands outside all brackets, each with the sign before it."""
    parts, start, sign = [], 0, ""
    for k, depth in _depths(text):
        found = next((s for s in signs if depth == 0 and k >= start and text.startswith(s, k)), None)
        if found:
            parts.append((sign, text[start:k]))
            start, sign = k + len(found), found.lstrip()
    return [*parts, (sign, text[start:])]


def _shorter(line: str, width: int) -> list[str]:
    """One argument on its own line, broken once more if it is a call or a tuple that is still too long."""
    if len(line) <= width:
        return [line]
    head, inside, tail = _call(line.strip().removesuffix(","))
    if inside is None or _only_brackets(head, inside):
        return [line]
    return [f"    {head}", *[f"        {part}," for part in _split(inside, ", ")], f"    {tail},"]


def _call(text: str) -> tuple[str, str | None, str]:
    """("f(", arguments, ")") for a call or a bracket that spans the text."""
    opening = next((k for k, c in enumerate(text) if c in "([{"), None)
    if opening is None or text[-1] not in ")]}" or any(depth == 0 for _, depth in _depths(text[opening:-1])):
        return "", None, ""
    if not text[:opening].replace(".", "").replace("_", "").isalnum() and text[:opening]:
        return "", None, ""
    return text[: opening + 1], text[opening + 1 : -1], text[-1]


def _only_brackets(head: str, inside: str | None) -> bool:
    """Whether a bracket is around one expression, of which a comma would make a tuple."""
    return head == "(" and inside is not None and len(_split(inside, ", ")) == 1 and not inside.endswith(",")


def _depths(text: str) -> Iterator[tuple[int, int]]:
    """(position, bracket depth after the character)."""
    depth = 0
    for k, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        yield k, depth


def _split(text: str, separator: str) -> list[str]:
    """Split at the separators outside all brackets; a comma at the end is left out."""
    text = text.removesuffix(",")
    parts, start = [], 0
    for k, depth in _depths(text):
        if depth == 0 and k >= start and text.startswith(separator, k):
            parts.append(text[start:k])
            start = k + len(separator)
    return [part for part in [*parts, text[start:]] if part]


def unpacked(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """a, b = from_a, from_b, as many as fit on a line."""
    lines: list[str] = []
    few: list[tuple[str, str]] = []
    for pair in pairs:
        if len(_assignment([*few, pair])) > 100:
            lines.append(_assignment(few))
            few = []
        few.append(pair)
    return [*lines, _assignment(few)] if few else lines


def _assignment(pairs: Sequence[tuple[str, str]]) -> str:
    return f"{', '.join(a for a, _ in pairs)} = {', '.join(b for _, b in pairs)}"
