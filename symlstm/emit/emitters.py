"""The emitters that are installed: the function of a format, its options, and the endings of its files.

An emitter is `emit(document, **options) -> str`, declared in the entry-point group `symlstm.emitters`. The endings of
its files are `ENDINGS` of its module, such as (".md",); without them, the name of the format (json: .json).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

from symlstm.errors import unknown
from symlstm.plugins import EMITTERS, registered


def emitter(format: str) -> tuple[Callable[..., Any], tuple[str, ...] | None]:
    """The function of a format and the names of its options (None: it takes any). Raises NameUnknown."""
    emitters = registered(EMITTERS)
    if format not in emitters:
        raise unknown("format", format, emitters)
    found = emitters[format].load()
    _, *parameters = inspect.signature(found).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return found, None
    return found, tuple(p.name for p in parameters)


def endings() -> dict[str, str]:
    """Ending -> format, of every emitter that can be loaded."""
    found: dict[str, str] = {}
    for name, point in registered(EMITTERS).items():
        try:
            made = point.load()
        except ImportError:  # somebody else's, broken: `emit` in that format says how
            continue
        module = sys.modules.get(getattr(made, "__module__", ""))
        for ending in getattr(module, "ENDINGS", (f".{name}",)):
            found.setdefault(ending, name)
    return found
