"""What a picture is: a title, what is said of it with its number, and panels that matplotlib draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symlstm.expr.nodes import Quantity, quantity, t
from symlstm.expr.notation import DEFAULT, base_of
from symlstm.expr.signs import quantity_text

WIDTH, HEIGHT = 4.4, 3.1
"""Of a panel, in inches: two stand side by side on a page, one fills the width of a telephone."""

Said = tuple[str | Quantity, ...]
"""Words, and quantities that a page shows as formulas."""


@dataclass(frozen=True)
class Panel:
    """One drawing. draw: fills a matplotlib figure (or a part of one). alt: what is to be seen, in words."""

    name: str
    alt: str
    draw: Callable[[Any], None]
    height: float = HEIGHT


@dataclass(frozen=True)
class Picture:
    """Panels under one title. said: what they show and the number beside them, or why there is none."""

    name: str
    title: str
    said: Said
    panels: tuple[Panel, ...]


def named(name: str, time: Any = t) -> Quantity:
    """A quantity by its name alone, at a time."""
    return quantity(name, (1, 1), time, base=base_of(name))


def in_words(said: Said) -> str:
    """The same as plain text."""
    return "".join(p if isinstance(p, str) else quantity_text(p, DEFAULT)[0] for p in said)


def joined(parts: list[Said], between: str) -> Said:
    """Several pieces, one after the other."""
    out: list[str | Quantity] = []
    for k, part in enumerate(parts):
        out += [between] * bool(k) + list(part)
    return tuple(out)
