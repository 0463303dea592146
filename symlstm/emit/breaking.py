"""Where one long formula is broken: the cheapest marks first; what is too wide even so has its fractions flattened."""

from __future__ import annotations

import re
from collections.abc import Callable

from symlstm.expr.brackets import BREAK_FACTOR, BREAK_PRODUCT, BREAK_SUM, bracketed, unmarked

Piece = tuple[int, int, str]  # cost of breaking before it, depth of brackets, what is written
Length = Callable[[str], float]

_MARK = re.compile(f"([{BREAK_SUM}{BREAK_PRODUCT}{BREAK_FACTOR}])")
_STRETCHED = re.compile(r"\\(left|right)(?![A-Za-z])")
_FRACTION, _ROOT = r"\frac{", r"\sqrt{"


def broken(marked: str, width: float, measure: Length, latex: bool = True) -> list[tuple[int, str]]:
    """A formula as lines of at most that width where possible, each with the depth of brackets that it starts in."""
    width += 0.01  # sums of widths are rounded

    def fits(lines: list[tuple[int, str]]) -> bool:
        return not latex or max(measure(line) + (at >= 0) + (at > 0) for at, line in lines) <= width

    if measure(unmarked(marked)) <= width:
        return [(-1, unmarked(marked))]
    lines = _lines(_outside_braces(marked), width, measure, latex)
    while not fits(lines):
        lines = _lines(_outside_braces(marked), width - 2, measure, latex)  # room for the indentation
        flatter = _flattened(marked, width, measure)
        if fits(lines) or flatter is None:
            break
        marked = flatter
        lines = _lines(_outside_braces(marked), width, measure, latex)
    return _closed(lines) if latex else lines


def breakable(marked: str) -> str:
    """LaTeX for running text, where TeX itself may break the line at every mark that is in no argument."""
    return _MARK.sub(r"\\allowbreak{}", _outside_braces(marked))


def _lines(marked: str, width: float, measure: Length, latex: bool) -> list[tuple[int, str]]:
    parts = _MARK.split(marked)
    pieces: list[Piece] = [(0, 0, parts[0])]
    depth = _opened(parts[0])
    times = r"\cdot " if latex else "· "
    beside: set[int] = set()
    for mark, part in zip(parts[1::2], parts[2::2], strict=True):
        if mark == BREAK_FACTOR:
            beside.add(len(pieces))
        pieces.append((2 * depth + (mark != BREAK_SUM), depth, part))
        depth += _opened(part)
    out: list[tuple[int, str]] = []
    for k, (first, at, line) in enumerate(_filled(list(enumerate(pieces)), width, measure)):
        line = line.strip().removeprefix(r"\, ")
        out.append((at if k else -1, times + line if first in beside and k else line))
    return out


def _filled(pieces: list[tuple[int, Piece]], width: float, measure: Length) -> list[tuple[int, int, str]]:
    """Lines as (number of the first piece, depth, what is written)."""
    whole = "".join(p for _, (_, _, p) in pieces)
    first, (_, depth, _) = pieces[0]
    if len(pieces) == 1 or measure(whole) <= width:
        return [(first, depth, whole)]
    cheapest = min(cost for _, (cost, _, _) in pieces[1:])
    groups = [[pieces[0]]]
    for piece in pieces[1:]:
        if piece[1][0] == cheapest:
            groups.append([piece])
        else:
            groups[-1].append(piece)
    lines: list[tuple[int, int, str]] = []
    one_a_line = cheapest in (0, 2, 4)  # a sum, if not deep inside: once it is broken, every term has a line of its own
    was_broken = False
    for group in groups:
        sub = _filled(group, width, measure)
        apart = one_a_line or (was_broken and measure(sub[0][2]) > width / 8)
        fits = lines and not apart and measure(lines[-1][2] + sub[0][2]) <= width
        was_broken = len(sub) > 1
        if fits:
            lines[-1] = (*lines[-1][:2], lines[-1][2] + sub[0][2])
            sub = sub[1:]
        lines += sub
    return lines


def _opened(piece: str) -> int:
    return sum((c in "([") - (c in ")]") for c in piece)


def _outside_braces(marked: str) -> str:
    """The formula with only those marks that are in no argument of a command: no line can end there."""
    out, depth = "", 0
    for piece in re.split(r"(\\.|[{}])", marked):
        depth += (piece == "{") - (piece == "}")
        out += unmarked(piece) if depth else piece
    return out


def _flattened(marked: str, width: float, measure: Length) -> str | None:
    """The formula with the widest fraction as (above) / (below), or root as a power; None where none is wide."""
    wide: list[tuple[float, int, int, str]] = []
    for start, depth in _depths(marked):
        if depth or not marked.startswith((_FRACTION, _ROOT), start):
            continue
        middle = _end(marked, marked.index("{", start))
        end = _end(marked, middle)
        if marked.startswith(_ROOT, start):
            power = rf"{bracketed(marked[start + len(_ROOT) : middle - 1], '(', ')', True)}^{{1/2}}"
            wide.append((measure(unmarked(marked[start:middle])), start, middle, power))
            continue
        above, below = marked[start + len(_FRACTION) : middle - 1], marked[middle + 1 : end - 1]
        flat = f"{_held(above)}{BREAK_PRODUCT} / {_held(below)}"
        alone = not marked[:start].strip() and not marked[end:].strip()
        wide.append(
            (measure(unmarked(marked[start:end])), start, end, flat if alone else bracketed(flat, "(", ")", True))
        )
    breakable = [
        each for each in wide if each[0] > width / 4 and _MARK.search(each[3].replace(BREAK_PRODUCT + " /", ""))
    ]
    if not breakable:
        return None
    _, start, end, flat = max(breakable)
    return marked[:start] + flat + marked[end:]


def _held(part: str) -> str:
    return bracketed(part, "(", ")", True) if _MARK.search(part) else part


def _depths(latex: str) -> list[tuple[int, int]]:
    """Every place with the number of braces that are open there."""
    out, depth, escaped = [], 0, False
    for place, c in enumerate(latex):
        out.append((place, depth))
        depth += 0 if escaped else (c == "{") - (c == "}")
        escaped = c == "\\" and not escaped
    return out


def _end(latex: str, opening: int) -> int:
    """The place after the brace that closes the one at `opening`."""
    depth = 0
    for place in range(opening, len(latex)):
        depth += 0 if latex[place - 1] == "\\" else (latex[place] == "{") - (latex[place] == "}")
        if not depth:
            return place + 1
    return len(latex)


def _closed(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    r"""Brackets that open on one line and close on another: \left and \right cannot, \biggl and \biggr can."""
    opened: list[tuple[int, int]] = []
    apart: set[tuple[int, int]] = set()
    for k, (_, line) in enumerate(lines):
        for match in _STRETCHED.finditer(line):
            if match[1] == "left":
                opened.append((k, match.start()))
            elif opened:
                start = opened.pop()
                apart |= {start, (k, match.start())} if start[0] != k else set()
    out = []
    for k, (at, line) in enumerate(lines):
        size = lambda match, k=k: rf"\bigg{match[1][0]}" if (k, match.start()) in apart else match[0]  # noqa: E731
        out.append((at, _STRETCHED.sub(size, line)))
    return out
