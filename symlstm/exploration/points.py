"""The points of a sweep: what is measured on one random cell, the grid of them, and the key of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product

from symlstm.equations import Cell
from symlstm.exploration.draws import Draw
from symlstm.expr.text import text

FORMAT = 1
"""Raised when the same settings would give other numbers, so that old points are not taken for new ones."""


@dataclass(frozen=True)
class Settings:
    """What all points of a sweep share. sizes: of the cell, but for n."""

    steps: int
    burn_in: int
    sizes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Run:
    """One run of one random cell. gain: of its recurrent weights, None where there are none. input_std: of noise."""

    draw: Draw
    gain: float | None
    input_std: float


Point = Draw | Run
"""A draw has a critical gain and predictions; a run of it has an exponent and a half-life."""


@dataclass(frozen=True)
class Grid:
    """The values of each axis, in the order given; an axis that does not apply has the one value None."""

    forget_bias: Sequence[float] = ()
    chrono: Sequence[float] = ()
    biases: Mapping[str, Sequence[float]] = field(default_factory=dict)
    gain: Sequence[float | None] = (None,)
    input_std: Sequence[float] = (0.0,)
    n: Sequence[int] = (64,)
    seeds: Sequence[int] = (0,)

    def draws(self) -> list[Draw]:
        """Every random cell: forget biases and chrono initialisations one after the other."""
        gates: list[tuple[float | None, float | None]] = [(b, None) for b in self.forget_bias]
        gates += [(None, longest) for longest in self.chrono]
        named = [tuple(zip(self.biases, values, strict=True)) for values in product(*self.biases.values())]
        combined = product(gates or [(None, None)], named, self.n, self.seeds)
        return [Draw(n, seed, forget, chrono, biases) for (forget, chrono), biases, n, seed in combined]

    def runs(self) -> list[Run]:
        """Every run, in the order of the table."""
        return [Run(d, gain, std) for d in self.draws() for std in self.input_std for gain in self.gain]

    def points(self) -> list[Point]:
        """All that is to be measured. Large cells come first, so that no worker is left alone with one at the end."""
        return sorted([*self.draws(), *self.runs()], key=lambda p: -(p.draw.n if isinstance(p, Run) else p.n))


def key_of(cell: Cell, settings: Settings, point: Point) -> str:
    """A hash of everything that the numbers of a point depend on."""
    equations = [f"{e.quantity.name} = {text(e.expr)}" for e in cell.equations]
    shapes = {name: [str(s) for s in shape] for name, shape in cell.shapes.items()}
    states = [s.current.name for s in cell.states]
    what = [FORMAT, equations, sorted(shapes.items()), states, asdict(settings), type(point).__name__, asdict(point)]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]
