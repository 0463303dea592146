"""What the structure of a cell predicts at the origin: the critical gain, and the first exponent below it.

With zero input and states, J = M + sum_k L_k (g U_k) R_k (symlstm.gradient_flow.terms). For independent U_k with
entries from N(0, 1/n) and large n, its eigenvalues fill a region (symlstm.gradient_flow.region); the critical gain is
the one at which the rim meets the unit circle: g = (1 - f) / (i o) for an LSTM whose units are alike, 1 / r for a GRU.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np

from symlstm.equations import Cell
from symlstm.errors import RuleMissing
from symlstm.exploration.weights import parts
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity
from symlstm.expr.text import text
from symlstm.gradient_flow.reading import stream_of
from symlstm.gradient_flow.region import Region
from symlstm.gradient_flow.terms import structure

Array = np.ndarray[Any, Any]
ANGLES = 65
"""On the upper half of a circle, both ends among them; around the largest value they are taken closer, ZOOMS times."""
ZOOMS = 4
NEAR = 1e-9
"""How near to the inner radius the rim is looked for."""


@dataclass(frozen=True)
class Origin:
    """region: of J at the origin for recurrent weights of gain 1. radius: the spectral radius without them."""

    region: Region
    radius: float

    def growth(self, radius: float) -> float:
        """The largest level of the region over the circle of that radius: the rim is there at gain 1 / sqrt(growth)."""
        low, high, largest = 0.0, np.pi, 0.0
        for _ in range(ZOOMS):
            angles = np.linspace(low, high, ANGLES)
            found = self.region.level(radius * np.exp(1j * angles))
            at = int(np.argmax(found))
            largest = float(found[at])
            low, high = angles[max(0, at - 1)], angles[min(ANGLES - 1, at + 1)]
            if at in (0, ANGLES - 1):
                break
        return largest

    @property
    def critical_gain(self) -> float:
        """The gain at which the rim meets the unit circle; 0 where none is small enough, inf where none is enough."""
        if self.radius >= 1:
            return 0.0
        growth = self.growth(1.0)
        return float(1 / np.sqrt(growth)) if growth > 0 else float("inf")

    def exponent(self, gain: float) -> float | None:
        """The first Lyapunov exponent, log of the radius of the rim, while the origin is stable; None beyond."""
        if not gain < self.critical_gain:
            return None
        inner = self.radius
        low = max(inner * (1 + NEAR), NEAR * gain)

        def off(log_radius: Any) -> float:
            """Above zero inside of the rim, below zero outside."""
            return float(np.log(gain**2 * self.growth(float(np.exp(float(log_radius))))))

        if gain == 0 or off(np.log(low)) <= 0:
            return float(np.log(inner)) if inner else -float("inf")
        return float(mpmath.findroot(off, (np.log(low), 0.0), solver="ridder", tol=NEAR**2, verify=False))


def origin(cell: Cell, parameters: dict[str, Array]) -> Origin:
    """What J at the origin is made of, for parameters at any gain.

    Raises RuleMissing where the origin is no fixed point, or where J has another form.
    """
    stream = stream_of(cell, parameters, None, 1, None)
    (step,) = stream
    moved = [s.current.name for s in cell.states if np.any(step.values[s.current.name])]
    if moved:
        raise RuleMissing(f"the origin is no fixed point of {cell.name}: {', '.join(moved)} leaves it")
    sizes = {str(name): int(value) for name, value in stream.lengths.items()}
    found = structure(cell, step.known, sizes, stream.sizes)
    if not found.random:
        raise RuleMissing(f"no recurrent weights enter the state Jacobian of {cell.name} at the origin")
    for r in found.random:
        if _place(r.matrix) not in _recurrent_matrices(cell):
            raise RuleMissing(f"{text(r.matrix)} in the state Jacobian of {cell.name} is no recurrent weight")
    alone = np.linalg.eigvals(np.moveaxis(found.diagonal, -1, 0))
    return Origin(Region(found, np.ones(len(found.random))), float(np.max(np.abs(alone), initial=0.0)))


@lru_cache(maxsize=64)
def _recurrent_matrices(cell: Cell) -> frozenset[tuple[Any, ...]]:
    return frozenset((p.parameter, p.columns) for p in parts(cell) if p.recurrent and p.summed == 1)


def _place(matrix: Matrix) -> Any:
    """The parameter and the columns of a matrix, whichever rows of it there are (of stacked gates, those of one)."""
    if isinstance(matrix, Quantity):
        return matrix, (0, matrix.shape[1])
    return (matrix.args[0], (matrix.args[3], matrix.args[4])) if isinstance(matrix, x.Block) else None
