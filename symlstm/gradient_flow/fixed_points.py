"""Fixed points of a cell at a constant input, by Newton's method on the closed-form Jacobian, and their stability.

s = F(s, x):   s <- s - (J(s) - I)^-1 (F(s, x) - s),   from many starts at once, the step halved where it does not help.
Sussillo and Barak, Opening the Black Box, Neural Computation 25(3), 2013, look for slow points by minimisation; with J
in closed form the equation itself is solved, to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symlstm.codegen import compile, inputs
from symlstm.codegen.compiled import Compiled
from symlstm.codegen.fitting import Given, shape_of
from symlstm.equations import Cell
from symlstm.errors import ShapeError, ValueUnusable, shown
from symlstm.gradient_flow.reading import Array, generator, require_vectors, whole_number

STEPS = 100
HALVINGS = 30


@dataclass(frozen=True)
class FixedPoint:
    """One fixed point: its states by name, the eigenvalues of J there, and how far F(s) is from s (largest entry)."""

    states: dict[str, Array]
    eigenvalues: Array
    residual: float

    @property
    def spectral_radius(self) -> float:
        return float(np.max(np.abs(self.eigenvalues)))

    @property
    def stable(self) -> bool:
        """Whether small changes die out: all eigenvalues inside the unit circle."""
        return self.spectral_radius < 1


@dataclass(frozen=True)
class FixedPoints:
    """The fixed points found, stable ones first, then by spectral radius. starts, converged: how many there were."""

    cell: str
    points: tuple[FixedPoint, ...]
    starts: int
    converged: int

    def __repr__(self) -> str:
        kinds = ", ".join(f"{'stable' if q.stable else 'unstable'} {q.spectral_radius:.6g}" for q in self.points[:5])
        more = ", ..." if len(self.points) > 5 else ""
        return (
            f"<{self.cell}: {len(self.points)} fixed point{'s' * (len(self.points) != 1)} ({kinds or 'none'}{more}), "
            f"from {self.converged} of "
            f"{self.starts} starts>"
        )


def fixed_points(
    cell: Any, parameters: Any, x: Any = None, starts: int = 100, states: Any = None, scale: float = 1.0, rng: Any = 0
) -> FixedPoints:
    """The solutions of s = F(s, x) that Newton's method finds from many starts.

    x: one input (m,), a tuple for several inputs; zeros where None. starts: how many random ones, normal with standard
    deviation `scale`; the origin is one of them. states: further starts, (..., n) each. Found are isolated points,
    whose place is known to half of the digits at least; what is not found may exist. Raises ShapeError, ValueUnusable
    and NameUnknown, RuleMissing where a state is a matrix.
    """
    k = compile(cell)
    count = whole_number("starts", starts, 1, 10**6)
    given = _starts(k, parameters, x, states, count, scale, rng)
    point = np.concatenate(given.states, axis=-1)
    problem = _Problem(k, given, [a.shape[-1] for a in given.states])
    done, converged = problem.solved(point)
    found = [problem.described(s) for s in _distinct(done[converged])]
    order = sorted(found, key=lambda q: (not q.stable, q.spectral_radius))
    return FixedPoints(k.cell.name, tuple(order), len(point), int(converged.sum()))


def _starts(k: Compiled, parameters: Any, x: Any, states: Any, count: int, scale: Any, rng: Any) -> Given:
    """The origin, random states, and those that were given, one example each."""
    cell, random = k.cell, generator(rng)
    require_vectors(cell, "fixed points are looked for")
    if isinstance(scale, bool) or not isinstance(scale, (int, float, np.number)) or not np.isfinite(scale):
        raise ValueUnusable(f"scale must be a number, the deviation of the starts, not {shown(scale)}")
    shapes = [a.shape for a in k.zero_states(parameters, (count,))]
    first: list[Array] = [np.asarray(scale * random.standard_normal(shape)) for shape in shapes]
    for a in first:
        a[0] = 0.0
    if states is not None:
        more = states if isinstance(states, (tuple, list)) else (states,)
        if len(more) != len(first):
            names = ", ".join(s.previous.name for s in cell.states)
            raise ShapeError(f"{cell.name} has {len(first)} states ({names}), not {len(more)}")
        for a, b in zip(first, more, strict=True):
            if np.shape(b)[-1:] != a.shape[-1:]:
                raise ShapeError(f"a start must have {a.shape[-1]} numbers, not {np.shape(b)}")
        first = [
            np.concatenate([a, np.reshape(np.asarray(b, float), (-1, a.shape[-1]))])
            for a, b in zip(first, more, strict=True)
        ]
    if x is None and cell.inputs:
        sizes = inputs.sizes_from_parameters(cell, parameters)
        zeros = tuple(np.zeros(shape_of(cell, q, sizes)) for q in cell.inputs)
        x = zeros if len(zeros) > 1 else zeros[0]
    _require_one_step(cell, x)
    given = inputs.read(cell, parameters, x, tuple(first))
    return replace(given, p={name: a.astype(np.result_type(a, float), copy=False) for name, a in given.p.items()})


def _require_one_step(cell: Cell, x: Any) -> None:
    for q, value in zip(cell.inputs, inputs.split_inputs(cell, x), strict=True):
        own = len(cell.shapes[q.name])
        if np.ndim(value) > own:
            size = " x ".join(map(str, np.shape(value)))
            axes = (*range(np.ndim(value) - own),)
            raise ShapeError(
                f"fixed points are those at one constant input, and {q.name} is {size}",
                f"for their mean: {q.name}.mean(axis={axes if len(axes) > 1 else axes[0]})",
            )


@dataclass(frozen=True)
class _Problem:
    k: Compiled
    given: Given
    lengths: list[int]

    def parts(self, point: Array) -> tuple[Array, ...]:
        return tuple(np.split(point, np.cumsum(self.lengths)[:-1], axis=-1))

    def off(self, point: Array) -> Array:
        """F(s) - s"""
        with np.errstate(all="ignore"):
            new = self.k._functions["step"](self.given.p, self.given.x, self.parts(point))
        return np.concatenate(new, axis=-1) - point

    def jacobian(self, point: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(self.k._functions["state_jacobian"](self.given.p, self.given.x, self.parts(point)))

    def solved(self, point: Array) -> tuple[Array, Array]:
        """Where Newton's method leads from each start, and which of them are fixed points to rounding."""
        eps = np.finfo(point.dtype).eps
        off = self.off(point)
        for _ in range(STEPS):
            active = np.flatnonzero(~self._good(point, off, eps) & np.isfinite(off).all(axis=-1))
            if not len(active):
                break
            moved, after = self._improved(point[active], off[active])
            point, off = point.copy(), off.copy()
            point[active], off[active] = moved, after
        polished = point + self._newton(point, off)  # the last digits
        better = self._size(self.off(polished)) < self._size(off)
        point = np.where(better[:, None], polished, point)
        good = self._good(point, self.off(point), eps)
        if good.any():
            good[good] = self._isolated(point[good], eps)
        return point, good

    def _isolated(self, point: Array, eps: Any) -> Array:
        """Whether I - J says where the point is: else a gate that rounds to 1 makes anything a fixed point."""
        matrix = np.eye(point.shape[-1]) - self.jacobian(point)
        finite: Array = np.asarray(np.isfinite(matrix).all(axis=(-2, -1)))
        smallest = np.linalg.svd(np.where(finite[:, None, None], matrix, 0.0), compute_uv=False)
        return np.asarray(smallest[..., -1] > np.sqrt(eps))

    def _newton(self, point: Array, off: Array) -> Array:
        matrix = np.eye(point.shape[-1]) - self.jacobian(point)
        ok: Array = np.asarray(np.isfinite(matrix).all(axis=(-2, -1)) & np.isfinite(off).all(axis=-1))
        matrix = np.where(ok[:, None, None], matrix, np.eye(point.shape[-1]))
        tiny = np.finfo(point.dtype).eps * np.eye(point.shape[-1])
        try:
            step = np.linalg.solve(matrix, np.where(ok[:, None], off, 0.0)[..., None])
        except np.linalg.LinAlgError:  # a line of fixed points: J has the eigenvalue 1
            step = np.linalg.solve(matrix + tiny, np.where(ok[:, None], off, 0.0)[..., None])
        return np.asarray(step[..., 0])

    def _improved(self, point: Array, off: Array) -> tuple[Array, Array]:
        """One step of Newton, halved until F(s) - s becomes smaller; else a step of the cell itself."""
        step, length = self._newton(point, off), np.ones(len(point))
        best, after = point + off, self.off(point + off)
        open_ = np.ones(len(point), bool)
        for _ in range(HALVINGS):
            trial = point + length[:, None] * step
            found = self.off(trial)
            good = open_ & (self._size(found) < self._size(off))
            best, after = np.where(good[:, None], trial, best), np.where(good[:, None], found, after)
            open_ &= ~good
            if not open_.any():
                break
            length = length / 2
        return best, after

    @staticmethod
    def _size(off: Array) -> Array:
        size: Array = np.max(np.abs(off), axis=-1)
        return np.where(np.isnan(size), np.inf, size)

    def _good(self, point: Array, off: Array, eps: Any) -> Array:
        """F(s) = s to the rounding of one step: sums of as many terms as there are columns."""
        return self._size(off) <= 8 * point.shape[-1] * eps * np.maximum(1.0, np.max(np.abs(point), axis=-1))

    def described(self, point: Array) -> FixedPoint:
        one = np.broadcast_to(point, (1, *point.shape))
        names = [s.current.name for s in self.k.cell.states]
        states = {name: a[0].copy() for name, a in zip(names, self.parts(one), strict=True)}
        eigenvalues = np.linalg.eigvals(self.jacobian(one)[0])
        order = np.argsort(-np.abs(eigenvalues))
        return FixedPoint(states, eigenvalues[order], float(self._size(self.off(one))[0]))


def _distinct(points: Array) -> list[Array]:
    """Each once: nearer than half of the digits is the same."""
    found: list[Array] = []
    for s in points:
        near = np.sqrt(np.finfo(points.dtype).eps) * max(1.0, float(np.max(np.abs(s))))
        if not any(np.max(np.abs(s - other)) <= near for other in found):
            found.append(s)
    return found
