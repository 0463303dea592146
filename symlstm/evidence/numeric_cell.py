"""The numeric cell as an oracle: the user's own function run on numbers, and where its values are found."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symlstm.equations import Cell
from symlstm.evidence.stepped import stepped
from symlstm.expr.nodes import Quantity
from symlstm.trace.array import COLUMNS
from symlstm.trace.frames import not_on_numbers

Place = tuple[Any, ...]


@dataclass(frozen=True)
class NumericCell:
    """The user's function with the places of its quantities among what it returns and its local variables."""

    cell: Cell
    places: Mapping[Quantity, Place]
    missing: tuple[Quantity, ...]

    def real(self, values: Mapping[Quantity, Any]) -> dict[Quantity, Any]:
        """All quantities found, from real columns."""
        return self._read(_call(self.cell, values, np.asarray))

    def complex(self, values: Mapping[Quantity, Any]) -> dict[Quantity, Any]:
        """All quantities found, from complex columns; raises where the function does not run on complex numbers."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error")
            found = self._read(_call(self.cell, values, stepped))
        return found

    def _read(self, ran: Any) -> dict[Quantity, Any]:
        arrays = dict(_arrays(ran))
        return {q: arrays[place].reshape(-1) for q, place in self.places.items()}


def _call(cell: Cell, values: Mapping[Quantity, Any], make: Any) -> Any:
    """Run the function on columns, in the layout for which it is written."""
    batched = {s.previous.name for s in cell.states} | {q.name for q in cell.inputs}
    arguments = {}
    for q, value in values.items():
        if q.name not in cell.paths:
            continue
        rank = len(cell.shapes[q.name])
        array = np.asarray(value).reshape(((), (-1,), value.shape)[rank])
        if cell.layout and rank == 1:
            if cell.layout == COLUMNS:
                array = array[:, None]
            elif q.name in batched:
                array = array[None, :]
        arguments[q.name] = make(array)
    return replace(cell, layout=None).call(arguments)


def _on_numbers(cell: Cell, values: Mapping[Quantity, Any]) -> Any:
    try:
        return _call(cell, values, np.asarray)
    except Exception as error:  # user code: anything may happen
        raise not_on_numbers(cell.name, cell.function, error) from error


def _arrays(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every array inside what a function returned, with the way to it."""
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.kind in "fc":
            yield place, np.asarray(value).view(np.ndarray)
    elif isinstance(value, (tuple, list)):
        for k, part in enumerate(value):
            yield from _arrays(part, (*place, k))
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _arrays(part, (*place, key))


Known = tuple[Mapping[Quantity, Any], Mapping[Quantity, tuple[Any, Any]]]


def locate(cell: Cell, points: Sequence[Known]) -> NumericCell:
    """Find every quantity of the equations in the function's values.

    points: pairs of (values of the leaves, quantity -> (value by the equations, error bound)). A quantity is at a
    place where its value is found at every point; states and outputs that are nowhere are `missing`.
    """
    runs = []
    for values, _ in points:
        with np.errstate(all="ignore"):
            runs.append(dict(_arrays(_on_numbers(cell, values))))
    places: dict[Quantity, Place] = {}
    for q in points[0][1]:
        named = [p for p in runs[0] if p[-1] == q.name and p[0] == 1]
        others = [p for p in runs[0] if p not in named]
        for place in (*named, *others):
            if all(_equal(run.get(place), *known[q]) for run, (_, known) in zip(runs, points, strict=True)):
                places[q] = place
                break
    results = [*(s.current for s in cell.states), *cell.outputs]
    return NumericCell(cell, places, tuple(q for q in results if q not in places))


def _equal(found: Any, value: Any, bound: Any) -> bool:
    if found is None or found.size != value.size:
        return False
    return bool(np.all(np.abs(found.reshape(value.shape) - value) <= bound))
