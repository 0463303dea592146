"""`convert`: the weights of recurrent layers from one convention to another, exact wherever that is possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symlstm.checking.convention import Convention
from symlstm.conventions.find import Found, find_layers
from symlstm.conventions.layout import VECTORS, Layout, Parts
from symlstm.conventions.table import CELLS, layout_of, layouts
from symlstm.errors import ValueUnusable

Named = Mapping[str, Any]


def convert(
    parameters: Mapping[str, Any], source: str | Convention, target: str | Convention, *, cell: Any = None
) -> dict[str, Any]:
    """The weights of one or more recurrent layers, from a convention to another; arrays of no layer are kept.

    parameters: arrays by name (nested dicts are read as names joined by dots); the names may have anything in front.
    source, target: torch, keras, flax, onnx, cs231n, coursera, separate (W, U and b of each gate), "symlstm" (the
    cell's own names), or a convention that `check` found (`report.convention_data`). cell: which cell it is, where
    names and shapes leave it open.

    One bias split in two is b and 0; two biases added are rounded once, everything else is exact. The offset that an
    implementation adds to a gate in each call is part of its bias. Raises ValueUnusable where the target cannot hold
    what the source has: the second bias of a GRU's candidate, peepholes, a projection.
    """
    arrays = flattened(parameters)
    wanted = _layouts(source, cell)
    found = find_layers(arrays, wanted)
    if not found:
        first = " or ".join(sorted({", ".join(a.name for a in layout.required) for layout in wanted})[:2])
        have = ", ".join(list(arrays)[:8])
        name = source if isinstance(source, str) else "found"
        raise ValueUnusable(
            f"no layer in the convention {name} was found among {have or 'no arrays'}", f"such a layer has {first}"
        )
    made: dict[str, Any] = {}
    used = {name for alike in found for name in alike[0].names.values()}
    if clash := used & {name for name, count in _counted(found).items() if count > 1}:
        raise ValueUnusable(f"{min(clash)} belongs to two layers", "say cell=")
    stems = _label(found)
    groups: dict[tuple[str, int], list[tuple[bool, dict[str, Any], Layout]]] = {}
    for alike in found:
        layer = _only(alike, cell)
        to = layout_of(target, layer.layout.cell)
        parts = fitted(layer.layout.take(layer.arrays, layer.sizes), to, layer.layout)
        dtype = np.result_type(*layer.arrays.values())
        held = to.put(parts, layer.sizes, dtype)
        if to.name != "found" and not any(part in "bc" for _, part in parts):  # as without biases there
            held = {a.name: held[a.name] for a in to.arrays if not a.is_vector or "p" in a.parts}
        groups.setdefault((layer.stem, layer.level), []).append((layer.reverse, held, to))
    for (stem, level), directions in groups.items():
        made |= _named(stem, level, directions, stems[stem])
    return {**{name: array for name, array in arrays.items() if name not in used}, **made}


def flattened(parameters: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Arrays by name, names of nested dicts joined by dots; tensors of any framework become NumPy arrays."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            found |= flattened(value, f"{before}{name}.")
        else:
            array = np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)
            if array.dtype.kind not in "biufc" and array.dtype.name != "bfloat16":
                raise ValueUnusable(f"{before}{name} holds no numbers but {array.dtype}", "give arrays by name")
            found[f"{before}{name}"] = array
    return found


def _layouts(source: str | Convention, cell: Any) -> list[Layout]:
    if not isinstance(source, str) or (cell is not None and cell not in CELLS):
        return [layout_of(source, cell)]
    return layouts(source)


def _counted(found: list[list[Found]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for alike in found:
        for name in set() if alike[0].layout.directions else set(alike[0].names.values()):
            counts[name] = counts.get(name, 0) + 1
    return counts


def _only(alike: list[Found], cell: Any) -> Found:
    """The layer, if names and shapes say which cell it is."""
    best = [f for f in alike if f.layout.cell == cell] or [f for f in alike if f.fit == alike[0].fit]
    if len(best) > 1 and cell is None:
        cells = " or ".join(f.layout.cell for f in best)
        raise ValueUnusable(
            f"{', '.join(best[0].names.values())} may be those of {cells}", f"say cell={best[0].layout.cell!r}"
        )
    return best[0]


def _label(found: list[list[Found]]) -> dict[str, bool]:
    """Whether the layers under a stem need a label for layer and direction."""
    needs: dict[str, bool] = {}
    for first, *_ in found:
        needs[first.stem] = first.stem in needs or first.level > 0 or first.reverse
    return needs


def fitted(parts: Parts, target: Layout, source: Layout) -> Parts:
    """The parts as the target holds them: second biases added to the first where it has one; ValueUnusable where the
    target cannot hold what is there."""
    made, holds = dict(parts), target.parts
    for gate, part in list(made):
        if part != "c" or (gate, "c") in holds or gate in source.apart:
            continue
        second = made.pop((gate, part))
        made[gate, "b"] = made[gate, "b"] + second if (gate, "b") in made else second
    for key, value in made.items():
        if key not in holds and np.any(value):
            gate, part = key
            what = {"c": "the second bias", "b": "the bias", "p": "the peepholes"}.get(part, "the weights")
            raise ValueUnusable(
                f"{what} of gate {gate or 'h'} is not zero, and the convention {target.name} of {target.cell} has no "
                f"place for it"
                if part in VECTORS
                else f"the convention {target.name} has no gate {gate}",
                "the two cannot be added: the reset gate multiplies only one of them"
                if part == "c"
                else f"from {source.name} of {source.cell}",
            )
    return {key: value for key, value in made.items() if key in holds}


def _named(
    stem: str, level: int, directions: list[tuple[bool, dict[str, Any], Layout]], labelled: bool
) -> dict[str, Any]:
    """The arrays of a layer by the names that the target convention gives them."""
    first = directions[0][2]
    before = f"{stem}." if stem else ""
    if first.layers == "suffix":
        return {
            f"{before}{name}_l{level}{'_reverse' * reverse}": array
            for reverse, arrays, _ in directions
            for name, array in arrays.items()
        }
    if first.directions:
        alone = "_reverse" * (len(directions) == 1 and directions[0][0])
        label = f"l{level}{alone}." if labelled else ""
        stacked = {name: np.stack([arrays[name] for _, arrays, _ in directions]) for name in directions[0][1]}
        return {f"{before}{label}{name}": array for name, array in stacked.items()}
    return {
        f"{before}{f'l{level}' + '_reverse' * reverse + '.' if labelled else ''}{name}": array
        for reverse, arrays, _ in directions
        for name, array in arrays.items()
    }
