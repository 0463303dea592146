"""Finding recurrent layers among named arrays: by the names of a convention, then by whether all shapes fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from symlstm.conventions.layout import Array, Layout, width_of
from symlstm.errors import ShapeError

Named = Mapping[str, Any]
PLACE = re.compile(r"^(?P<stem>.*?)(?P<sep>^|[./])l(?P<level>\d+)(?P<reverse>_reverse)?$")

BACKWARD = re.compile(r"(^|[./])backward_\w+")
BOTH = re.compile(r"(^|[./])(?:forward|backward)_(\w+)")
"""Keras: bidirectional/backward_gru/gru_cell/kernel."""


@dataclass(frozen=True)
class Found:
    """One layer, one direction: its arrays by the names of the layout, their names in the file, and the sizes n, m, p.

    stem: what precedes the names, without layer and direction: encoder.lstm
    """

    layout: Layout
    stem: str
    level: int
    reverse: bool
    arrays: dict[str, Any]
    names: dict[str, str]
    sizes: dict[str, int]

    @property
    def fit(self) -> tuple[int, int]:
        """How many arrays it explains, and how many of them by their first name."""
        spelled = sum(full.replace("/", ".").endswith(name) for name, full in self.names.items())
        return len(self.arrays), spelled


def find_layers(arrays: Named, layouts: Iterable[Layout]) -> list[list[Found]]:
    """The recurrent layers, sorted by name; each in all layouts that fit it, the one that explains most first.

    Raises ShapeError where the names are those of a layer and no layout of them fits the shapes.
    """
    found: dict[tuple[str, int, bool], list[Found]] = {}
    wrong: dict[tuple[str, int, bool], ShapeError] = {}
    for layout in layouts:
        for key, names in _grouped(arrays, layout).items():
            held = {name: arrays[full] for name, full in names.items()}
            for reverse, one in _directions(held, layout, key[2]):
                place = (key[0], key[1], reverse)
                try:
                    sizes = sizes_of(one, names, layout)
                except ShapeError as error:
                    wrong.setdefault(place, error)
                    continue
                found.setdefault(place, []).append(Found(layout, *place, one, names, sizes))
    for place, mismatch in wrong.items():
        if place not in found:
            raise mismatch
    return [sorted(found[place], key=lambda f: f.fit, reverse=True) for place in sorted(found)]


def _grouped(arrays: Named, layout: Layout) -> dict[tuple[str, int, bool], dict[str, str]]:
    """(stem, level, reverse) -> name in the layout -> name of the array, where all required ones are there."""
    groups: dict[tuple[str, int, bool], dict[str, str]] = {}
    for a in layout.arrays:
        for spelled in (a.name, *a.also):
            base = re.escape(spelled).replace(r"\.", "[./]")
            end = r"(?:_l(?P<level>\d+)(?P<reverse>_reverse)?)?" if layout.layers == "suffix" else ""
            pattern = re.compile(rf"^(?P<stem>(?:.*[./])?){base}{end}$")
            for full in arrays:
                if match := pattern.match(full):
                    groups.setdefault(_place(match, layout), {}).setdefault(a.name, full)
    return {key: names for key, names in groups.items() if all(a.name in names for a in layout.required)}


def _place(match: re.Match[str], layout: Layout) -> tuple[str, int, bool]:
    stem = match["stem"].rstrip("./")
    if layout.layers == "suffix":
        return stem, int(match["level"] or 0), bool(match["reverse"])
    if said := PLACE.match(stem):
        return said["stem"], int(said["level"]), bool(said["reverse"])
    reverse = bool(BACKWARD.search(stem))
    return BOTH.sub(r"\1\2", stem).strip("./"), 0, reverse


def _directions(held: dict[str, Any], layout: Layout, reverse: bool) -> list[tuple[bool, dict[str, Any]]]:
    """The arrays of each direction."""
    if not layout.directions:
        return [(reverse, held)]
    count = min(len(array) if array.ndim else 1 for array in held.values())
    return [(reverse or k > 0, {name: array[k] for name, array in held.items()}) for k in range(count)]


def sizes_of(held: Named, names: Mapping[str, str], layout: Layout) -> dict[str, int]:
    """n, m and p of the arrays of a layer; ShapeError names the array that does not fit."""
    sizes: dict[str, int] = {}
    projected = any(a.units == "p" for a in layout.arrays)
    for a in sorted(layout.required, key=lambda a: len(a.parts)):
        shape = held[a.name].shape
        if a.is_vector:
            continue
        if len(shape) != 2:
            raise ShapeError(f"{names[a.name]} must be a matrix, and its shape is {shape}")
        units, width = shape[::-1] if a.turned else shape
        sizes.setdefault(a.units, units // len(a.gates))
        for part in a.parts if len(a.parts) == 1 else ():
            if part == "x":
                sizes.setdefault("m", width)
            elif part == "h" and projected:
                sizes.setdefault("p", width)
        if len(a.parts) > 1:
            sizes.setdefault("m", width - sum(width_of(p, {**sizes, "m": 0}) for p in a.parts))
    sizes.setdefault("p", sizes["n"])
    for a in layout.arrays:
        if a.name in held and not _fits(a, held[a.name].shape, sizes):
            raise ShapeError(
                f"{names[a.name]} must be {_times(a.shape(sizes))} and is {_times(held[a.name].shape)}",
                f"in the convention {layout.name} of {layout.cell}, with n = {sizes['n']} and m = {sizes['m']}",
            )
    return sizes


def _fits(a: Array, shape: tuple[int, ...], sizes: Mapping[str, int]) -> bool:
    wanted = a.shape(sizes)
    if min(wanted) < 1:
        return False
    if a.is_vector and len(a.parts) == 1:  # (n,), (n, 1) and (1, n) are all met
        return [k for k in shape if k != 1] == [k for k in wanted if k != 1]
    return tuple(shape) == wanted


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
