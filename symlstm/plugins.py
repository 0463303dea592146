"""What is found by name at run time: cells, emitters, adapters, and the services of higher floors.

Everything is declared in entry-point groups, the built-in things through the same groups as anybody else's.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from symlstm.errors import ExtraMissing

CELLS = "symlstm.cells"
EMITTERS = "symlstm.emitters"
ADAPTERS = "symlstm.adapters"
SERVICES = "symlstm.services"
"""Functions of higher floors that lower ones offer as methods: emit, save, write, examine, conversion."""


@lru_cache(maxsize=8)
def registered(group: str) -> dict[str, EntryPoint]:
    """What this and other installed packages declare in a group, by name."""
    return {point.name: point for point in entry_points(group=group)}


@lru_cache(maxsize=64)
def service(name: str) -> Any:
    """A function of a higher floor, by name."""
    return registered(SERVICES)[name].load()


def library(name: str, extra: str) -> Any:
    """An optional library; ExtraMissing says how to install it."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ExtraMissing(f"this needs {error.name}", f"pip install 'symlstm[{extra}]'") from None
