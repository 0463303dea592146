"""What is wrong with a file of weights that is not of a cell: what it holds instead, what is missing or too many."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from symlstm.checkpoints.layers import Layer
from symlstm.conventions.table import CELLS, NAMES, OWN, layouts
from symlstm.equations import Cell

MOST = 8
"""So many names are listed."""


def amiss(
    path: Path, cell: Cell, found: Sequence[Layer], arrays: Mapping[str, Any], convention: str | None
) -> tuple[str, str]:
    """What is wrong, and what to do. found: layers of other cells."""
    if found:
        held = "; ".join(dict.fromkeys(f"{one.cell} (n = {one.n}, m = {one.m})" for one in found))
        wanted, have = {q.name for q in cell.parameters}, set(found[0].parameters)
        said = f"{path.name} holds {held}, not {cell.name}"
        if found[0].convention == OWN or wanted & have:
            said += _names("missing", wanted - have) + _names("too many", have - wanted)
        name, shape = next((name, a.shape) for name, a in found[0].arrays.items() if a.ndim > 1)
        shown = " x ".join(map(str, shape))
        return said, f"{name} is {shown}; symlstm flow {found[0].cell} --checkpoint {path.name} takes it"
    if not arrays:
        return f"{path.name} has no arrays", "it must hold the weights of a recurrent layer"
    called, stem, wanted_names = _closest(cell, arrays, convention)
    inside = {full.removeprefix(stem) for full in arrays if full.startswith(stem)}
    missing = [name for name in wanted_names if not any(_is(name, full) for full in inside)]
    extra = [full for full in inside if not any(_is(name, full) for name in wanted_names)]
    where = f" (under {stem.rstrip('./')})" if stem else ""
    if len(missing) == len(wanted_names):
        return (
            f"{path.name} has no layer of {cell.name} among {_listed(sorted(arrays))}",
            f"it has {_listed(wanted_names)} by its own names; conventions that are known: {', '.join(NAMES)}",
        )
    said = f"{path.name} is not {cell.name} as {called} names it{where}"
    return said + _names("missing", missing) + _names("too many", extra), f"wanted: {_listed(wanted_names)}"


def _closest(cell: Cell, arrays: Mapping[str, Any], convention: str | None) -> tuple[str, str, list[str]]:
    """(convention, stem, names) of which most are there."""
    own = [q.name for q in cell.parameters]
    known = [(OWN, own)] if convention in (None, OWN) else []
    if cell.name in CELLS:
        for name in (convention,) if convention else NAMES:
            known += [(name, [a.name for a in layout.arrays]) for layout in layouts(name) if layout.cell == cell.name]
    stems = sorted({match[1] for full in arrays if (match := re.match(r"^((?:.*[./])?)", full))} | {""})
    ranked = [
        (sum(any(_is(name, full.removeprefix(stem)) for full in arrays if full.startswith(stem)) for name in names)
         / len(names), called, stem, names)
        for called, names in known if names for stem in stems
    ]  # fmt: skip
    _, called, stem, names = max(ranked, key=lambda entry: entry[0], default=(0, OWN, "", own))
    return called, stem, names


def _is(name: str, full: str) -> bool:
    """Whether an array has a name, but for layer and direction."""
    return re.fullmatch(rf"{re.escape(name)}(_l\d+(_reverse)?)?", full.replace("/", ".")) is not None


def _names(what: str, names: Any) -> str:
    if not names:
        return ""
    return f"; {_listed(sorted(names))} {'is' if len(names) == 1 else 'are'} {what}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST]) + (f", ... ({len(names)} in all)" if len(names) > MOST else "")
