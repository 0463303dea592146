"""A layout: which array holds which parts of which gates, for any sizes; and parts back and forth between layouts.

The parts of a gate: "x" and "h" (what multiplies the input and the state), "b" (bias), "c" (the second bias, on the
side of the state), "p" (peephole), "n" (a projection).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symlstm.checking.convention import Convention, View
from symlstm.checking.sites import Sites
from symlstm.errors import ValueUnusable

Parts = dict[tuple[str, str], Any]
"""(gate, part) -> its matrix (units, columns) or vector (units,)."""
VECTORS = ("b", "c", "p")


@dataclass(frozen=True)
class Array:
    """One array: parts of gates, gate after gate along the axis of units.

    parts of a matrix are its columns in order (its rows where it is turned: x @ W). Several vectors follow each other,
    all gates of the first before those of the second; form "rows": each is a row; form "column": (n, 1). units: the
    size along the axis of units. also: other names under which it is met.
    """

    name: str
    gates: tuple[str, ...]
    parts: tuple[str, ...]
    turned: bool = False
    form: str = ""
    units: str = "n"
    also: tuple[str, ...] = ()

    @property
    def is_vector(self) -> bool:
        return all(part in VECTORS for part in self.parts)

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Its shape in numbers; sizes: n, m, and p (the length of h, n without a projection)."""
        units = sizes[self.units] * len(self.gates)
        if self.is_vector:
            several = (len(self.parts), units) if self.form == "rows" else (len(self.parts) * units,)
            return (units, 1) if self.form == "column" else several
        width = sum(width_of(part, sizes) for part in self.parts)
        return (width, units) if self.turned else (units, width)

    def views(self, sizes: Mapping[str, int], path: tuple[Any, ...]) -> Iterator[tuple[tuple[str, str], View]]:
        """The view of each (gate, part)."""
        for k, gate in enumerate(self.gates):
            start = 0
            for j, part in enumerate(self.parts):
                if not self.is_vector:
                    stop = start + width_of(part, sizes)
                    yield (gate, part), View(path, k, len(self.gates), self.turned, slice(start, stop))
                    start = stop
                elif self.form == "rows":
                    yield (gate, part), View(path, k, len(self.gates), row=j, rows=len(self.parts))
                else:
                    blocks = len(self.gates) * len(self.parts)
                    yield (gate, part), View(path, j * len(self.gates) + k, blocks)


def width_of(part: str, sizes: Mapping[str, int]) -> int:
    return {"x": sizes["m"], "h": sizes.get("p", sizes["n"]), "n": sizes["n"]}.get(part, 1)


@dataclass(frozen=True)
class Layout:
    """A convention for one cell.

    directions: whether every array has a leading axis for the directions. layers: how the name of an array says its
    layer and direction: "suffix" (weight_ih_l0_reverse) or "prefix" (l0_reverse.kernel). added: what the implementation
    adds to the bias of a gate in each call, and so belongs to the parameters. apart: the gates whose second bias is a
    parameter of the cell itself (c_n of the GRU, which the reset gate multiplies), so that the two cannot be added.
    """

    name: str
    cell: str
    arrays: tuple[Array, ...]
    directions: bool = False
    layers: str = "prefix"
    added: Mapping[str, float] = field(default_factory=dict)
    apart: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[Array, ...]:
        """The arrays without which it is not this convention: matrices, and peepholes, which make the cell."""
        return tuple(a for a in self.arrays if not a.is_vector or "p" in a.parts)

    @property
    def parts(self) -> set[tuple[str, str]]:
        return {(gate, part) for a in self.arrays for gate in a.gates for part in a.parts}

    def take(self, arrays: Mapping[str, Any], sizes: Mapping[str, int]) -> Parts:
        """The parts that these arrays (by the names of this layout) hold; what is absent is left out."""
        found: Parts = {}
        for a in self.arrays:
            if a.name in arrays:
                for (gate, part), view in a.views(sizes, (a.name,)):
                    piece = view.take(arrays[a.name])
                    found[gate, part] = piece.reshape(-1) if part in VECTORS else piece
        for gate, offset in self.added.items():
            found[gate, "b"] = found.get((gate, "b"), 0.0) + offset
        return found

    def put(self, parts: Parts, sizes: Mapping[str, int], dtype: Any) -> dict[str, Any]:
        """The arrays of this layout that hold these parts; zero where there is none."""
        made = {a.name: np.zeros(a.shape(sizes), dtype) for a in self.arrays}
        for a in self.arrays:
            for (gate, part), view in a.views(sizes, (a.name,)):
                if (gate, part) in parts:
                    piece = view.take(made[a.name])
                    offset = self.added.get(gate, 0.0) if part == "b" else 0.0
                    piece[...] = np.reshape(parts[gate, part] - offset if offset else parts[gate, part], piece.shape)
        return made


def own_layout(sites: Sites) -> Layout:
    """The cell's own names, its parameters as on paper."""
    arrays: dict[str, Array] = {}
    for site in sites.sites:
        name = site.parameter.name
        before = arrays[name].parts if name in arrays else ()
        arrays[name] = Array(name, (site.gate,), (*before, site.part))
    return Layout("symlstm", sites.cell.name, tuple(arrays.values()), apart=_apart(sites))


def _apart(sites: Sites) -> tuple[str, ...]:
    return tuple(s.gate for s in sites.sites if s.part == "c")


def layout_from(convention: Convention) -> Layout:
    """A convention that `check` found, for any sizes."""
    held: dict[Any, list[tuple[View, str, str]]] = {}
    for (gate, part), views in convention.views.items():
        for k, view in enumerate(views):
            if view.own_axis:
                raise ValueUnusable(
                    f"{'.'.join(map(str, view.path))} has an axis of its own for the gates: this is not converted",
                    "give weights in which gates lie one after the other along units: W.reshape(...) of each gate",
                )
            second = part == "b" and k > 0
            held.setdefault(view.path, []).append((view, gate, "c" if second else part))
    names = [str(path[-1]) for path in held]
    arrays = []
    for path, found in held.items():
        last = str(path[-1])
        name = last if names.count(last) == 1 and not last.isdigit() else ".".join(map(str, path))
        arrays.append(_array(name, found))
    sites = convention.sites
    return Layout("found", sites.cell.name, tuple(arrays), added=dict(convention.added), apart=_apart(sites))


def _array(name: str, found: list[tuple[View, str, str]]) -> Array:
    """The array of which these are all the views."""
    first = found[0][0]
    if first.cols is None:
        found = sorted(found, key=lambda entry: (entry[0].row, entry[0].block))
        gates = tuple(dict.fromkeys(gate for _, gate, _ in found))
        parts = tuple(dict.fromkeys(part for _, _, part in found))
        return Array(name, gates, parts, form="rows" if first.rows > 1 else "")
    found = sorted(found, key=lambda entry: (entry[0].block, (entry[0].cols or slice(0)).start))
    gates = tuple(dict.fromkeys(gate for _, gate, _ in found))
    parts = tuple(part for view, _, part in found if view.block == first.block)
    return Array(name, gates, tuple(dict.fromkeys(parts)), first.turned)
