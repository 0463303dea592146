"""`read_checkpoint`: the recurrent layers of a file, their parameters by the names of the cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from symlstm.checkpoints.read import Contents, read_arrays
from symlstm.conventions.convert import convert, fitted, flattened
from symlstm.conventions.find import Found, find_layers
from symlstm.conventions.layout import Layout
from symlstm.conventions.table import NAMES, OWN, layout_of, layouts
from symlstm.errors import ValueUnusable

FORWARD, REVERSE = "forward", "reverse"


@dataclass(frozen=True)
class Layer:
    """One recurrent layer in one direction.

    name: as in the file, without layer and direction. cell: the built-in cell. parameters: by the cell's own names, in
    their shapes on paper, for `sl.compile(cell)`. level: which layer of a stack, from 0. direction: forward or reverse
    (from the last step to the first). arrays: as they are in the file. also: other (convention, cell) pairs that the
    names and shapes fit.
    """

    name: str
    cell: str
    convention: str
    parameters: dict[str, Any] = field(repr=False)
    level: int
    direction: str
    n: int
    m: int
    arrays: dict[str, Any] = field(repr=False)
    also: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """The layer in words: encoder.lstm, layer 1, reverse."""
        parts = [self.name, f"layer {self.level}" if self.level else "", REVERSE if self.direction == REVERSE else ""]
        return ", ".join(part for part in parts if part) or "the layer"


def read_checkpoint(
    path: str | Path, *, cell: str | None = None, convention: str | None = None, dtype: Any = None
) -> list[Layer]:
    """The recurrent layers of a file of weights: .safetensors, .npz, a torch state dict, .onnx, .weights.h5, .keras.

    cell, convention: to say which, where names and shapes fit several. dtype: of the parameters, in which two biases
    are added; that of the file where None. Nothing in the file is run: pickled objects
    are refused. Raises ValueUnusable where there is no recurrent layer, ShapeError where one has wrong shapes.
    """
    contents = read_arrays(path)
    arrays = flattened(contents.arrays)
    found = find_layers(arrays, _candidates(contents, cell, convention))
    if not found:
        have = ", ".join(list(arrays)[:8]) or "no arrays"
        raise ValueUnusable(
            f"{Path(path).name} has no recurrent layer among {have}",
            f"layers are found by the names of: {', '.join(NAMES)}",
        )
    return [_layer([f for f in alike if _as_said(f, contents)] or alike, dtype) for alike in found]


@dataclass(frozen=True)
class Converted:
    """arrays: all arrays of the file, those of recurrent layers in the other convention. said: what was done."""

    arrays: dict[str, Any]
    said: tuple[str, ...]


def convert_checkpoint(
    path: str | Path, target: str, *, source: str | None = None, cell: str | None = None
) -> Converted:
    """The arrays of a file with its recurrent layers in another convention; ValueUnusable where that cannot be."""
    layers = read_checkpoint(path, cell=cell, convention=source)
    arrays = flattened(read_arrays(path).arrays)
    inside = {name for layer in layers for name in layer.arrays}
    kept = {name: array for name, array in arrays.items() if name not in inside}
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for layer in layers:
        groups.setdefault((layer.convention, layer.cell), {}).update({n: arrays[n] for n in layer.arrays})
    made = dict(kept)
    for (convention, kind), group in groups.items():
        made |= convert(group, convention, target, cell=kind)
    said = [f"{layer.label}: {layer.cell}, from {layer.convention} to {target}" for layer in layers]
    if kept:
        said.append(f"kept as they are: {', '.join(list(kept)[:6])}{', ...' if len(kept) > 6 else ''}")
    return Converted(made, tuple(said))


def _candidates(contents: Contents, cell: str | None, convention: str | None) -> list[Layout]:
    names = (convention,) if convention else contents.conventions or NAMES
    made = [layout for name in names for layout in layouts(name)]
    if cell is None:
        return made
    kept = [layout for layout in made if layout.cell == cell]
    if not kept:
        raise ValueUnusable(f"no convention of {', '.join(names)} has the cell {cell}", "leave out cell=")
    return kept


def _as_said(found: Found, contents: Contents) -> bool:
    """Whether it is the cell that the file says."""
    return contents.cells.get(found.stem, found.layout.cell) == found.layout.cell


def _layer(alike: list[Found], dtype: Any) -> Layer:
    first = alike[0]
    dtype = np.result_type(*first.arrays.values()) if dtype is None else np.dtype(dtype)
    held = {name: np.asarray(array, dtype) for name, array in first.arrays.items()}
    own = layout_of(OWN, first.layout.cell)
    parts = fitted(first.layout.take(held, first.sizes), own, first.layout)
    parameters = own.put(parts, first.sizes, dtype)
    also = tuple((f.layout.name, f.layout.cell) for f in alike[1:] if f.fit == first.fit)
    given = {first.names[name]: array for name, array in first.arrays.items()}
    return Layer(
        first.stem,
        first.layout.cell,
        first.layout.name,
        parameters,
        first.level,
        REVERSE if first.reverse else FORWARD,
        first.sizes["n"],
        first.sizes["m"],
        given,
        also,
    )
