"""A network run on random numbers against 50 digits of its equations: outputs, last states, every gradient.

At the sizes that the network itself has, the equations are evaluated in NumPy's longest numbers, whose own rounding is
added to the bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symlstm.adapters.network import Network, Place
from symlstm.adapters.stack import Forward, Gradients, Layer, backward, forward
from symlstm.checking.probe import draw
from symlstm.checking.reference import GRADIENTS, PROMISED, Floats, difference, numbers
from symlstm.conventions.convert import fitted
from symlstm.conventions.layout import Layout, Parts
from symlstm.equations import Cell
from symlstm.evidence.digits import FIELD as DIGITS
from symlstm.evidence.running import U, exact

STEPS, BATCH = 3, 2


@dataclass(frozen=True)
class Compared:
    """One result: its largest difference and bound (in the unit of the network), where they stand, and its size."""

    name: str
    difference: Any
    bound: Any
    entries: Any

    def within(self, factor: float = 1.0) -> bool:
        return bool((np.abs(self.difference) <= factor * self.bound).all())

    @property
    def ulps(self) -> dict[str, float]:
        """As in a report, in ulp of float64."""
        size = float(np.abs(self.entries).max())
        one = float(np.spacing(size)) if size else 2 * U
        return {
            "scaled": float(np.abs(self.difference).max()) / one,
            "elementwise": float((np.abs(self.difference) / np.spacing(np.abs(self.entries))).max()),
            "bound": float(self.bound.max()) / one,
        }


def compare(
    network: Network, cell: Cell, own: Layout, symbols: Mapping[str, Any], long: bool = False
) -> tuple[list[Compared], list[Compared]]:
    """(results, gradients) of a network; symbols: the sizes n, m, p of the cell; long: not in 50 digits."""
    rng = np.random.default_rng(21)
    arrays = {key: draw(rng, shape) / 2 for key, shape in network.shapes().items()}  # halves: far from saturation
    arrays |= network.weights
    x = draw(rng, (STEPS, BATCH, network.sizes["m"]))
    lengths = {s.current.name: network.sizes["p" if s is cell.states[0] else "n"] for s in cell.states}
    places = range(len(network.places))
    states = {(k, name): draw(rng, (BATCH, n)) for k in places for name, n in lengths.items()}
    if not network.states:
        states = {key: 0 * value for key, value in states.items()}
    upstream: dict[Any, Any] = {key: draw(rng, value.shape) for key, value in states.items()}
    top = sum(place.level == 0 for place in network.places) * network.sizes["p"]
    upstream["output"] = draw(rng, (STEPS, BATCH, top))
    result = network.run(arrays, x, states, upstream if network.differentiates else None)
    if result.output is None:
        upstream["output"] = 0 * upstream["output"]
    for key in set(states) - set(result.last):
        upstream[key] = 0 * upstream[key]
    reference = _Reference(network, cell, own, symbols, arrays, x, states, upstream, long)
    return reference.results(result), reference.gradients(result)


@dataclass(frozen=True)
class _Reference:
    """The same stack in 50 digits or in long numbers, and with bounds of rounding errors."""

    network: Network
    cell: Cell
    own: Layout
    symbols: Mapping[str, Any]
    arrays: Mapping[str, Any]
    x: Any
    states: Mapping[tuple[int, str], Any]
    upstream: Mapping[Any, Any]
    long: bool = False

    def run(self, field: Any, make: Any, pick: Any) -> tuple[Forward, Gradients]:
        """make: numbers of the field from a matrix of floats or mpf. pick: the batch as columns, (batch, rows, 1)."""
        layers = []
        for k, place in enumerate(self.network.places):
            sizes = self.network.width(place)
            parameters = {
                q: make(array.reshape(len(array), -1)) for q, array in self.parameters(place, sizes, make).items()
            }
            states = {s.previous: make(pick(self.states[k, s.current.name])) for s in self.cell.states}
            known = {self.symbols[name]: size for name, size in sizes.items() if name in self.symbols}
            layers.append(Layer(place.level, place.reverse, parameters, states, known))
        run = forward(self.cell, layers, [make(pick(step)) for step in self.x], field)
        last = {
            (k, s.current): make(pick(self.upstream[k, s.current.name]))
            for k in range(len(layers))
            for s in self.cell.states
        }
        above = [make(pick(step)) for step in self.upstream["output"]]
        return run, backward(self.cell, layers, run, above, last, field)

    def parameters(self, place: Place, sizes: Mapping[str, int], make: Any) -> dict[Any, Any]:
        """The parameters of the cell; two biases are added in the numbers that are asked for."""
        held = {name: self.arrays[key] for name, key in place.names.items()}
        held = held if make is exact else {name: make(a) for name, a in held.items()}
        parts = fitted(self.network.layout.take(held, sizes), self.own, self.network.layout)
        made = self.own.put(parts, sizes, {_digits: object, _long: np.longdouble}.get(make, float))
        return {q: made[q.name] for q in self.cell.parameters if q.name in made}

    @cached_property
    def both(self) -> tuple[list[tuple[Forward, Gradients]], tuple[Forward, Gradients]]:
        """(each example of the batch in 50 digits, or all at once in long numbers, all of them with bounds)."""
        bounded = self.run(GRADIENTS, exact, lambda a: a[..., None])
        if self.long:
            return [self.run(LONG, _long, lambda a: a[..., None])], bounded
        with mpmath.workdps(PROMISED + 10):
            found = [self.run(DIGITS, _digits, lambda a, b=b: a[b].reshape(-1, 1)) for b in range(BATCH)]
        return found, bounded

    def results(self, result: Any) -> list[Compared]:
        true, bounded = self.both
        found = []
        for (k, name), value in result.last.items():
            q = self.cell.quantity(name)
            right = np.stack([run.last(k, q) for run, _ in true])
            label = f"{name} after the last step" + self.where(k)
            found.append(self.compared(label, value, right, bounded[0].last(k, q).real))
        if result.output is not None:
            right = np.stack([np.stack([run.output[t] for run, _ in true]) for t in range(STEPS)])
            bound = np.stack([bounded[0].output[t].real for t in range(STEPS)])
            found.append(self.compared("output", result.output, right, bound))
        return found

    def where(self, k: int) -> str:
        return f" of {self.network.places[k].label}" if len(self.network.places) > 1 else ""

    def gradients(self, result: Any) -> list[Compared]:
        if not result.gradients:
            return []
        true, bounded = self.both
        found = []
        for k, place in enumerate(self.network.places):
            sizes = self.network.width(place)
            with mpmath.workdps(PROMISED + 10):
                right = {q: sum(g for _, one in true for g in one.parameters[k][q]) for q in self.cell.parameters}
                right = {q: g.sum(axis=0) if g.ndim > 2 else g for q, g in right.items()}  # over the batch
            bound = {}
            for q in self.cell.parameters:
                parts = bounded[1].parameters[k][q]
                terms = [np.broadcast_to(p.real, (BATCH, *p.shape[-2:])).sum(axis=0) for p in parts]
                size = [np.broadcast_to(np.abs(p.value.real), (BATCH, *p.shape[-2:])).sum(axis=0) for p in parts]
                bound[q] = sum(terms) + STEPS * BATCH * U * sum(size)
            rights, bounds = (
                self.laid_out(right, sizes, np.longdouble if self.long else object),
                self.laid_out(bound, sizes, float),
            )
            for name, key in place.names.items():
                if key in result.gradients:
                    found.append(self.compared(f"d{key}", result.gradients[key], rights[name], bounds[name]))
            for s in self.cell.states:
                if (k, s.current.name) in result.gradients:
                    value = np.stack([one.states[k][s.previous] for _, one in true])
                    limit = bounded[1].states[k][s.previous].real
                    label = f"d{s.previous.name}{self.where(k)}"
                    found.append(self.compared(label, result.gradients[k, s.current.name], value, limit))
        if "x" in result.gradients:
            value = np.stack([np.stack([one.x[t] for _, one in true]) for t in range(STEPS)])
            limit = np.stack([bounded[1].x[t].real for t in range(STEPS)])
            found.append(self.compared("dx", result.gradients["x"], value, limit))
        return found

    def laid_out(self, of: Mapping[Any, Any], sizes: Mapping[str, int], dtype: Any) -> dict[str, Any]:
        """Gradients of the parameters as those of the arrays of the network: both biases of a gate have the same."""
        named = {q.name: np.asarray(g) for q, g in of.items()}
        named = {n: g.reshape(-1) if g.shape[-1] == 1 and n not in _matrices(self.own) else g for n, g in named.items()}
        parts: Parts = self.own.take(named, sizes)
        for gate, part in self.network.layout.parts:
            if part == "c" and (gate, "c") not in parts:
                parts[gate, "c"] = parts[gate, "b"]
            if part == "c" and (gate, "b") not in self.network.layout.parts:
                parts[gate, "b"] = parts[gate, "c"]
        held = {key: value for key, value in parts.items() if key in self.network.layout.parts}
        return self.network.layout.put(held, sizes, dtype)

    def compared(self, name: str, value: Any, right: Any, bound: Any) -> Compared:
        value = np.asarray(value, dtype=float)
        right = np.asarray(right).reshape(value.shape)
        bound = np.broadcast_to(np.asarray(bound, dtype=float), np.shape(bound)).reshape(value.shape)
        unit = self.network.unit / U
        if self.long:
            unit += float(np.finfo(np.longdouble).eps) / 2 / U
            return Compared(name, np.asarray(value - right, dtype=float), bound * unit, np.asarray(right, dtype=float))
        return Compared(name, difference(value, right), bound * unit, np.asarray(right, dtype=float))


def _matrices(layout: Layout) -> set[str]:
    return {a.name for a in layout.arrays if not a.is_vector}


class Long(Floats):
    """NumPy's longest numbers."""

    def scale(self, number: sp.Rational, a: Any) -> Any:
        return np.longdouble(int(number.p)) / np.longdouble(int(number.q)) * a


LONG = Long()


def _long(matrix: Any) -> Any:
    return np.asarray(matrix, dtype=np.longdouble)


def _digits(matrix: Any) -> Any:
    """mpf from floats, exactly; what is mpf already stays."""
    array = np.asarray(matrix)
    return array if array.dtype == object else numbers(array)
