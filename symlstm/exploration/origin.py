"""The spectrum of the state Jacobian at the origin, for random recurrent weights, from the structure of the cell.

With zero input and states, J = M + sum_k L_k (g U_k) R_k. M, L_k and R_k act unit by unit: they are read off the closed
form of J. For independent U_k with entries from N(0, 1/n) and large n, z is on the rim of the spectrum where the
largest eigenvalue of the K x K matrix g² mean_j |[R_j (z - M_j)^-1 L_j]_kl|² is 1; the critical gain is the one at
which the rim meets the unit circle: g = (1 - f) / (i o) for an LSTM whose units are alike, 1 / r for a GRU. (For one
term, M + L U R: Ahmadian, Fumarola and Miller, Properties of networks with partially structured and partially random
connectivity, Physical Review E 91, 012820, 2015.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np

from symlstm.calculus.derivation import derive
from symlstm.codegen import formula
from symlstm.equations import Cell
from symlstm.errors import RuleMissing
from symlstm.exploration.weights import parts
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity
from symlstm.gradient_flow.reading import stream_of

Array = np.ndarray[Any, Any]
ANGLES = 65
"""On the upper half of a circle, both ends among them; around the largest value they are taken closer, ZOOMS times."""
ZOOMS = 4
NEAR = 1e-9
"""How near to the inner radius the rim is looked for."""


@dataclass(frozen=True)
class Origin:
    """J at the origin unit by unit. fixed: M (units, s, s). left: L (units, s, K). right: R (units, K, s).

    Units that are alike are counted once; weights: their shares.
    """

    fixed: Array
    left: Array
    right: Array
    weights: Array

    @property
    def radius(self) -> float:
        """The spectral radius without recurrent weights."""
        return float(np.max(np.abs(np.linalg.eigvals(self.fixed)), initial=0.0))

    def growth(self, radius: float) -> float:
        """The largest eigenvalue of the matrix above, at gain 1, over the circle of that radius."""
        low, high, largest = 0.0, np.pi, 0.0
        for _ in range(ZOOMS):
            angles = np.linspace(low, high, ANGLES)
            found = self._at(radius * np.exp(1j * angles))
            at = int(np.argmax(found))
            largest = float(found[at])
            low, high = angles[max(0, at - 1)], angles[min(ANGLES - 1, at + 1)]
            if at in (0, ANGLES - 1):
                break
        return largest

    def _at(self, z: Array) -> Array:
        resolvent = np.linalg.inv(z[:, None, None, None] * np.eye(self.fixed.shape[-1]) - self.fixed)
        transfer = np.abs(self.right @ resolvent @ self.left) ** 2
        mean = np.tensordot(transfer, self.weights, axes=(1, 0))
        return np.asarray(np.max(np.abs(np.linalg.eigvals(mean)), axis=-1))

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
    """What J at the origin is made of, for parameters at gain 1 (their size does not matter).

    Raises RuleMissing where the origin is no fixed point, or where J has another form.
    """
    known, lengths = _at_origin(cell, parameters)
    matrices = _recurrent_matrices(cell)
    states = [s.previous for s in cell.states]
    units = {np.shape(known[q.name]) for q in states}
    if len(units) > 1 or any(len(shape) != 1 for shape in units):
        raise RuleMissing(f"the states of {cell.name} are not vectors of one size: its spectrum is not predicted")
    (size,), count = units.pop(), len(states)
    fixed = np.zeros((size, count, count))
    left: dict[tuple[Matrix, int], Array] = {}
    right: dict[tuple[Matrix, int], Array] = {}
    for i, s in enumerate(cell.states):
        for j, r in enumerate(cell.states):
            found = derive(cell, s.current.name, r.previous.name).result
            for factors in _terms(found, cell):
                number, before, matrix, after = _evaluated(factors, matrices, known, lengths, cell)
                if matrix is None:
                    fixed[:, i, j] += number * before * after
                elif number and np.any(before) and np.any(after):
                    _same(left, (matrix, i), number * before, cell)
                    _same(right, (matrix, j), np.broadcast_to(after, (size,)), cell)
    names = list(dict.fromkeys(m for m, _ in left))
    if not names:
        raise RuleMissing(f"no recurrent weights enter the state Jacobian of {cell.name} at the origin")
    zero = np.zeros(size)
    lefts = [[np.broadcast_to(left.get((m, i), zero), (size,)) for m in names] for i in range(count)]
    rights = [[right.get((m, j), zero) for j in range(count)] for m in names]
    whole = np.concatenate([fixed.reshape(size, -1), _units(lefts, size), _units(rights, size)], axis=1)
    rows, counts = np.unique(whole, axis=0, return_counts=True)
    parts_of = np.split(rows, np.cumsum([count * count, count * len(names)]), axis=1)
    shapes = ((count, count), (count, len(names)), (len(names), count))
    made = [a.reshape(len(rows), *shape) for a, shape in zip(parts_of, shapes, strict=True)]
    return Origin(made[0], made[1], made[2], counts / size)


def _units(table: list[list[Array]], size: int) -> Array:
    return np.array(table).reshape(-1, size).T


def _same(found: dict[tuple[Matrix, int], Array], key: tuple[Matrix, int], value: Array, cell: Cell) -> None:
    if key in found and not np.array_equal(found[key], value):
        raise RuleMissing(f"recurrent weights enter the state Jacobian of {cell.name} in more than one way")
    found[key] = value


def _at_origin(cell: Cell, parameters: dict[str, Array]) -> tuple[dict[str, Array], dict[str, int]]:
    """Every quantity at zero input and states, by name, and the sizes. RuleMissing where it is no fixed point."""
    (step,) = stream_of(cell, parameters, None, 1, None)
    moved = [s.current.name for s in cell.states if np.any(step.values[s.current.name])]
    if moved:
        raise RuleMissing(f"the origin is no fixed point of {cell.name}: {', '.join(moved)} leaves it")
    return step.known, {str(k): v for k, v in step.stream.lengths.items()}


@lru_cache(maxsize=64)
def _recurrent_matrices(cell: Cell) -> frozenset[tuple[Any, ...]]:
    return frozenset((p.parameter, p.columns) for p in parts(cell) if p.recurrent and p.summed == 1)


def _terms(expr: Matrix, cell: Cell) -> list[list[Matrix]]:
    """A sum of products, brackets opened, each product as its factors."""
    if isinstance(expr, x.Zeros):
        return []
    if isinstance(expr, x.Add):
        return [term for a in expr.args for term in _terms(a, cell)]
    if isinstance(expr, x.Scale):
        return [[expr.args[0], *term] for term in _terms(expr.args[1], cell)]
    if isinstance(expr, x.Matmul):
        found: list[list[Matrix]] = [[]]
        for factor in expr.args:
            found = [[*one, *more] for one in found for more in _terms(factor, cell)]
        return found
    return [[expr]]


def _evaluated(
    factors: list[Matrix], matrices: frozenset[Any], known: dict[str, Array], lengths: dict[str, int], cell: Cell
) -> tuple[float, Any, Matrix | None, Any]:
    """(number, diagonal before, recurrent matrix or None, diagonal after), at the origin."""
    before: Any = 1.0
    after: Any = 1.0
    number, matrix, others = 1.0, None, []
    for factor in factors:
        if not hasattr(factor, "shape"):
            number *= float(factor)
        elif isinstance(factor, (x.Diag, x.Eye)) or factor.shape == (1, 1):
            vector = 1.0 if isinstance(factor, x.Eye) else _vector(factor, known, lengths)
            before, after = (before * vector, after) if matrix is None else (before, after * vector)
        elif matrix is None and _place(factor) in matrices:
            matrix = factor
        else:
            others.append(factor)
    if not number or not np.any(before) or not np.any(after):
        return 0.0, 0.0, None, 0.0
    if others:
        raise RuleMissing(f"the state Jacobian of {cell.name} has terms at the origin that are no D_1 U D_2")
    return number, before, matrix, after


def _vector(factor: Matrix, known: dict[str, Array], lengths: dict[str, int]) -> Array:
    return formula(factor.args[0] if isinstance(factor, x.Diag) else factor)(known, lengths)


def _place(matrix: Matrix) -> Any:
    """The parameter and the columns of a matrix, whichever rows of it there are (of stacked gates, those of one)."""
    if isinstance(matrix, Quantity):
        return matrix, (0, matrix.shape[1])
    return (matrix.args[0], (matrix.args[3], matrix.args[4])) if isinstance(matrix, x.Block) else None
