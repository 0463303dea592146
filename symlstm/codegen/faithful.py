"""Equations must compute what the function computes: both are run on a few points and compared.

Reading a cell runs its Python code on symbols. Code that behaves otherwise on symbols than on numbers (a test of the
type, random numbers, a counter outside the function) would give equations of another function; here it is found.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import sympy as sp

from symlstm.codegen.body import user_shape
from symlstm.equations import Cell
from symlstm.errors import CellError, RuleMissing
from symlstm.expr.nodes import Quantity
from symlstm.trace.frames import not_on_numbers

Array = np.ndarray[Any, Any]
Values = Callable[..., dict[str, Array]]

UNIT = 2.0**-53
SINGLE = 2.0**-24
OTHER_STEPS = 2.0**10
"""The function may round in other steps than the equations: about so many units in the last place of numbers near 1,"""
SAFETY = 2.0**6
"""and so many times what rounding does to the equations, which is seen by computing them in float32 too."""
TOO_MUCH = 2.0**-8
"""Where float32 loses so large a part of the value, the numbers are too wild for what rounding does to be foreseen."""
CAUSES = (
    "in a cell every step is the same formula: no random numbers, no counters or globals that change, no test of the "
    "type of a value, and dtypes as they come"
)
_seen: WeakValueDictionary[int, Cell] = WeakValueDictionary()


def require_faithful(cell: Cell, values: Values) -> None:
    """CellError where the function and its equations differ; looks once a cell. values: the generated function."""
    if _seen.get(id(cell)) is cell:
        return
    sizes = _sizes(cell)
    if sizes is not None:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for where, point in _points(cell, sizes):
                _compare(cell, values, where, point)
    _seen[id(cell)] = cell


def _compare(cell: Cell, values: Values, where: str, point: Mapping[str, Array]) -> None:
    returned = _run(cell, point)
    again = _run(cell, point)
    expected = _by_equations(cell, values, point)
    single = _by_equations(cell, values, {name: a.astype(np.float32) for name, a in point.items()})
    for q in (*(s.current for s in cell.states), *cell.outputs):
        found, other, wanted = _at(cell, q, returned), _at(cell, q, again), expected[q.name]
        if not np.array_equal(found, other, equal_nan=True):
            raise CellError(
                f"{cell.name} gives two values of {q.name} for the same arguments: {_pair(found, other)} ({where})",
                "a cell has no random numbers and keeps nothing between calls: make them inputs or states",
            )
        if _squeezed(found) != _squeezed(wanted):
            raise CellError(
                f"{cell.name} returns {q.name} of shape {found.shape}, its equations give {wanted.shape} ({where})",
                CAUSES,
            )
        wanted = wanted.reshape(found.shape)
        both = np.isfinite(found) & np.isfinite(wanted)
        apart = np.abs(np.where(both, found, 0) - np.where(both, wanted, 0))
        slack = _slack(wanted, single[q.name].reshape(found.shape), both)
        if slack is not None and np.any(apart > slack):
            raise CellError(
                f"the equations of {cell.name} are not what its function computes: {q.name} is {_pair(found, wanted)} "
                f"by the function and by the equations ({where}: {_shown(cell, point)})",
                CAUSES,
            )


def _slack(wanted: Array, single: Array, both: Array) -> Array | None:
    """How far rounding may take the function and the equations apart; None where it may take them anywhere."""
    finite = both & np.isfinite(single)
    lost = np.max(np.abs(np.where(finite, single, 0) - np.where(finite, wanted, 0)), initial=0.0)
    scale = np.maximum(1.0, np.max(np.abs(np.where(both, wanted, 0)), initial=0.0))
    if lost > TOO_MUCH * scale:
        return None
    return np.asarray(OTHER_STEPS * UNIT * scale + SAFETY * UNIT / SINGLE * lost)


def _run(cell: Cell, point: Mapping[str, Array]) -> Any:
    try:
        return cell.call({name: array.copy() for name, array in point.items()})[0]
    except Exception as error:
        raise not_on_numbers(cell.name, cell.function, error) from error


def _by_equations(cell: Cell, values: Values, point: Mapping[str, Array]) -> dict[str, Array]:
    inputs = tuple(point[q.name] for q in cell.inputs)
    x = None if not inputs else inputs[0] if len(inputs) == 1 else inputs
    states = tuple(point[s.previous.name] for s in cell.states)
    try:
        found = values({q.name: point[q.name] for q in cell.parameters}, x, states)
    except TypeError as error:
        raise RuleMissing(
            f"{cell.name} cannot be compiled: {error}",
            'a part of a size, such as n/2, is not understood: name the part, as in h_prev: "2*k"',
        ) from error
    return {name: np.asarray(value) for name, value in found.items()}


def _at(cell: Cell, q: Quantity, returned: Any) -> Array:
    """The value of a state or an output in what the function returned."""
    try:
        for key in cell.places[q.name]:
            returned = returned[key]
        return np.asarray(returned, dtype=np.float64)
    except (KeyError, IndexError, TypeError, ValueError):
        raise CellError(
            f"{cell.name} returns no array for {q.name} when it runs on numbers, though it does on symbols", CAUSES
        ) from None


def _squeezed(array: Array) -> tuple[int, ...]:
    return tuple(length for length in array.shape if length != 1)


# points


def _sizes(cell: Cell) -> dict[sp.Symbol, int] | None:
    """Small numbers for n, m, ..., all different, that make every shape a whole number; None if none are found."""
    shapes = [*cell.shapes.values(), *(e.quantity.shape for e in cell.equations)]
    lengths = {sp.sympify(part) for shape in shapes for part in shape}
    for step in (1, 2, 6, 12, 60):
        sizes = {dim: step * (3 + 2 * k + k // 2) for k, dim in enumerate(cell.dims)}
        numbers = [length.subs(sizes) for length in lengths]
        if all(number.is_Integer and number >= 1 for number in numbers):
            return sizes
    return None


def _points(cell: Cell, sizes: Mapping[sp.Symbol, int]) -> Iterator[tuple[str, dict[str, Array]]]:
    """Generic numbers, large and positive ones, and those where comparisons are equal."""
    rng = np.random.default_rng(0)
    leaves = [*cell.inputs, *(s.previous for s in cell.states), *cell.parameters]
    shapes = {q.name: tuple(int(sp.sympify(s).subs(sizes)) for s in user_shape(cell, q)) for q in leaves}
    states = {s.previous.name for s in cell.states}
    varying = states | {q.name for q in cell.inputs}

    def drawn(low: float, high: float) -> dict[str, Array]:
        return {name: np.asarray(rng.uniform(low, high, shape)) for name, shape in shapes.items()}

    yield "at random numbers", drawn(-1, 1)
    yield "at large random numbers", drawn(-6, 6)
    yield "at positive random numbers", drawn(0, 1)
    yield "at zero states", {n: a * (n not in states) for n, a in drawn(-1, 1).items()}
    yield "at zero inputs and states", {n: a * (n not in varying) for n, a in drawn(-1, 1).items()}
    yield "at zeros", {name: np.zeros(shape) for name, shape in shapes.items()}
    yield "at halves", {name: np.round(2 * a) / 2 for name, a in drawn(-1, 1).items()}
    yield "at whole numbers", {name: np.round(a) for name, a in drawn(-3, 3).items()}


# what is said


def _pair(a: Array, b: Array) -> str:
    """The first entry that differs most, of both."""
    gap = np.nan_to_num(np.abs(a - b), nan=0.0)
    place = np.unravel_index(int(np.argmax(gap)), gap.shape) if gap.ndim else ()
    index = f" in entry {', '.join(map(str, (int(k) for k in place)))}" if place else ""
    return f"{float(a[place]):.17g} and {float(b[place]):.17g}{index}"


def _shown(cell: Cell, point: Mapping[str, Array]) -> str:
    """The inputs and states of a point, the first few numbers of each."""
    names = [*(q.name for q in cell.inputs), *(s.previous.name for s in cell.states)]
    return ", ".join(
        f"{name} = {np.array2string(point[name], precision=4, threshold=6, edgeitems=2)}" for name in names
    )
