"""What a picture is: a title, what is said of it with its number, and panels that matplotlib draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 4.4, 3.1
"""Of a panel, in inches: two stand side by side on a page, one fills the width of a telephone."""


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
    said: str
    panels: tuple[Panel, ...]
