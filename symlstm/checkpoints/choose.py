"""The layer of a file that is meant: the one of this cell, by name, number and direction, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from symlstm.checkpoints.layers import FORWARD, REVERSE, Layer, read_checkpoint
from symlstm.checkpoints.nearest import amiss
from symlstm.checkpoints.read import read_arrays
from symlstm.codegen import inputs
from symlstm.codegen.fitting import shape_of
from symlstm.conventions.convert import flattened
from symlstm.conventions.table import CELLS, OWN, layout_of
from symlstm.equations import Cell
from symlstm.errors import ShapeError, SymlstmError, ValueUnusable, unknown


@dataclass(frozen=True)
class Chosen:
    """layer: the one that is meant, parameters in float64. below: the layers of its stack that its input comes from."""

    layer: Layer
    below: tuple[Layer, ...]

    @property
    def first(self) -> Layer:
        """The layer that reads the data."""
        return self.below[0] if self.below else self.layer


def choose(
    path: str | Path,
    cell: Cell,
    *,
    layer: str | None = None,
    direction: str | None = None,
    convention: str | None = None,
) -> Chosen:
    """The layer of a file of weights that has the parameters of a cell.

    layer: a name as in the file, the number of a layer in its stack, or name:number; direction: forward or reverse;
    both only where there are several. convention: as for `read_checkpoint`. Raises ValueUnusable where there is none
    (what is missing, what is too many) or where several are meant, NameUnknown, ShapeError.
    """
    if direction not in (None, FORWARD, REVERSE):
        raise unknown("direction", str(direction), (FORWARD, REVERSE))
    path = Path(path)
    layers = _of_cell(path, cell, convention)
    meant = [one for one in layers if direction in (None, one.direction) and _is_called(one, layer)]
    if not meant and layer is None:
        raise ValueUnusable(f"{path.name} has no {direction} layer", listing(layers))
    if not meant:
        said = f"{layer}, {direction}" if direction else str(layer)
        raise ValueUnusable(f"{path.name} has no {cell.name} layer {said}", listing(layers))
    if len(meant) > 1:
        raise ValueUnusable(
            f"{path.name} has {len(meant)} layers of {cell.name}{' that fit' * (layer is not None)}", listing(meant)
        )
    return Chosen(_usable(meant[0], path), tuple(_usable(b, path) for b in _below(meant[0], layers, cell)))


def listing(layers: Sequence[Layer]) -> str:
    """How each of the layers is asked for."""
    several = len({one.name for one in layers}) > 1
    said = []
    for one in layers:
        name = f"{one.name}:{one.level}" if several and one.level else one.name if several else str(one.level)
        also = " --direction " + one.direction if any(_twin(one, other) for other in layers) else ""
        said.append(f"--layer {name}{also} (n = {one.n}, m = {one.m})")
    return "there are: " + "; ".join(said)


def _twin(one: Layer, other: Layer) -> bool:
    return (one.name, one.level) == (other.name, other.level) and one.direction != other.direction


def _is_called(one: Layer, said: str | None) -> bool:
    return said is None or said in (one.name, str(one.level), f"{one.name}:{one.level}")


def _of_cell(path: Path, cell: Cell, convention: str | None) -> list[Layer]:
    """The layers that have the parameters of the cell, whatever it is called."""
    names = {q.name for q in cell.parameters}
    known = cell.name in CELLS and names == {a.name for a in layout_of(OWN, cell.name).arrays}
    if not known and convention is None and (own := _by_own_names(path, cell)):
        return own
    found, error = _read(path, None, convention)
    if known and (kept := [one for one in found if one.cell == cell.name]):
        return kept
    if known and any(_may_be(one, cell.name) for one in found):
        labels = {one.label for one in found if _may_be(one, cell.name)}
        return [one for one in _read(path, cell.name, convention)[0] if one.label in labels]
    if not known and (kept := [one for one in found if set(one.parameters) == names]):
        return [replace(one, cell=cell.name) for one in kept]
    if isinstance(error, ShapeError):
        raise error
    raise ValueUnusable(*amiss(path, cell, found, flattened(read_arrays(path).arrays), convention))


def _read(path: Path, cell: str | None, convention: str | None) -> tuple[list[Layer], SymlstmError | None]:
    """The layers; an error that the file has none of any kind is kept, for what is amiss can be said better."""
    read_arrays(path)  # an error here is about the file, not about what is in it
    try:
        return read_checkpoint(path, cell=cell, convention=convention, dtype=np.float64), None
    except (ValueUnusable, ShapeError) as error:
        return [], error


def _may_be(one: Layer, cell: str) -> bool:
    return cell == one.cell or any(cell == other for _, other in one.also)


def _by_own_names(path: Path, cell: Cell) -> list[Layer]:
    """Layers whose arrays have the names of the cell's parameters, with anything in front."""
    arrays = flattened(read_arrays(path).arrays)
    names = [q.name for q in cell.parameters]
    stems = dict.fromkeys(full.removesuffix(names[0]) for full in arrays if full.endswith(names[0])) if names else {}
    found = []
    for stem in stems:
        if (stem and stem[-1] not in "./") or any(stem + name not in arrays for name in names):
            continue
        held = {name: np.asarray(arrays[stem + name], np.float64) for name in names}
        sizes = {str(k): v for k, v in inputs.sizes_from_parameters(cell, held).items()}
        given = {stem + name: arrays[stem + name] for name in names}
        n, m = sizes.get("n", 0), sizes.get("m", 0)
        found.append(Layer(stem.rstrip("./"), cell.name, OWN, held, 0, FORWARD, n, m, given))
    return found


def _below(one: Layer, layers: Sequence[Layer], cell: Cell) -> list[Layer]:
    """The layers under it in its stack, the first ones first; ShapeError where one is missing."""
    found = [other for other in layers if other.name == one.name and other.level < one.level]
    for level in range(1, one.level + 1):
        outputs = sum(_width(cell, other) for other in found if other.level == level - 1)
        reading = [other.m for other in (*found, one) if other.level == level]
        if any(m != outputs for m in reading):
            raise ShapeError(
                f"layer {level} of {one.name or 'the stack'} reads {reading[0]} numbers, and the layers below give "
                f"{outputs}",
                "a layer below is missing, or of another cell",
            )
    return sorted(found, key=lambda other: (other.level, other.direction == REVERSE))


def _width(cell: Cell, layer: Layer) -> int:
    """How many numbers a layer hands on at a step: those of its first state, which a projection makes fewer than n."""
    sizes = inputs.sizes_from_parameters(cell, layer.parameters)
    return int(shape_of(cell, cell.states[0].current, sizes)[-1])


def _usable(one: Layer, path: Path) -> Layer:
    """The layer, if its arrays are finite and none is missing."""
    for name, array in one.arrays.items():
        if not np.isfinite(array).all():
            place = ", ".join(map(str, np.argwhere(~np.isfinite(np.asarray(array)))[0]))
            raise ValueUnusable(f"{name} in {path.name} is not finite at [{place}]", "these weights cannot be used")
    _require_whole(one, path)
    return one


def _require_whole(one: Layer, path: Path) -> None:
    """Biases are there for all gates or for none."""
    vectors = [a for a in layout_of(one.convention, one.cell).arrays if a.is_vector] if one.cell in CELLS else []
    there = [a.name for a in vectors if _has(one.arrays, (a.name, *a.also))]
    missing = [a.name for a in vectors if a.name not in there]
    if there and missing:
        raise ValueUnusable(
            f"{path.name} is not {one.cell} as {one.convention} names it: {', '.join(missing)} is missing",
            f"{', '.join(there)} is there",
        )


def _has(arrays: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Whether an array has one of these names, with layer and direction."""
    plain = [full.replace("/", ".") for full in arrays]
    return any(full == name or full.endswith(f".{name}") or f"{name}_l" in full for full in plain for name in names)
