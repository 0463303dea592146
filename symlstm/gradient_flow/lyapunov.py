"""Lyapunov exponents of the full state: the mean rates, in nats a step, at which small changes grow or shrink.

J_t is applied without being formed, and the directions are made orthonormal again and again (Benettin, Galgani,
Giorgilli and Strelcyn, Meccanica 15, 1980; for recurrent networks Engelken, Wolf and Abbott, Physical Review Research
5, 2023); how often, see `symlstm.gradient_flow.stretches`. The state of an LSTM is the pair (h, c): with
dh_t/dh_{t-1} alone the forget gate never enters.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.codegen.pieces import Piece, Pieces
from symlstm.codegen.streaming import Step, Stream
from symlstm.codegen.tangent_plan import plan_of
from symlstm.codegen.tangent_steps import Stretch, orthonormal, sizes_of, tangent_steps
from symlstm.errors import ValueUnusable
from symlstm.gradient_flow.log_determinants import LogDeterminant
from symlstm.gradient_flow.reading import Array, generator, stream_of, whole_number
from symlstm.gradient_flow.stretches import Stretches

KEPT = 32
"""About so many points of the convergence are kept, however long the sequence is; each at the end of a stretch."""


@dataclass(frozen=True)
class History:
    """How the exponents settle: after steps[j] steps they were exponents[j] (each (..., count))."""

    steps: Array
    exponents: Array


@dataclass(frozen=True)
class Lyapunov:
    """The exponents of a run, largest first.

    exponents: (..., count), nats a step; -inf where J_t loses a direction altogether. residual: the sum of all of them
    minus the time average of log|det J_t|, which is zero in exact arithmetic: the error bar of the spectrum; None where
    not all were computed, or a J_t is singular. steps: counted ones, after burn_in. history: the convergence.
    """

    cell: str
    exponents: Array
    residual: Any
    steps: int
    burn_in: int
    history: History

    def __repr__(self) -> str:
        shown = np.array2string(self.exponents[..., :4], precision=6, suppress_small=True)
        lost = int(np.isneginf(self.exponents).sum())
        more = (", ..." if self.exponents.shape[-1] > 4 else "") + (f", {lost} of them -inf" if lost else "")
        bar = "" if self.residual is None else f", sum rule off by {np.max(np.abs(self.residual)):.1e}"
        return f"<{self.cell}: Lyapunov exponents {shown}{more} nats a step, {self.steps} steps{bar}>"


def lyapunov(
    cell: Any,
    parameters: Any,
    X: Any = None,
    steps: int | None = None,
    states: Any = None,
    count: int | None = None,
    burn_in: int = 0,
    rng: Any = 0,
    backend: str = "numpy",
) -> Lyapunov:
    """lambda_i = lim 1/T log r_ii, of J_t Q_{t-1} = Q_t R_t: the Lyapunov exponents along a run, in nats a step.

    cell: a Cell, or anything that `symlstm.cell` takes. parameters: by name. X: (T, ..., m), time first, any batch axes
    after it (a tuple for several inputs); None for a cell without input, or for zero input: give `steps`. states: the
    initial ones, (..., n) each, zeros where None. count: how many of the exponents, the largest ones; all where None.
    burn_in: so many first steps only bring the state and the directions where they belong. rng: seed of the first
    directions. backend: "numba" compiles the loops (the extra "fast"), a few seconds at the first use; where matrices
    of J V change with time, as behind a softmax, J V stays NumPy's. Memory does not grow with T. Raises ShapeError,
    ValueUnusable, NameUnknown.
    """
    stream = stream_of(cell, parameters, X, steps, states, backend)
    pieces = Pieces(stream)
    if plan_of(stream.cell) is not None:
        pieces.start()
    run = SpectrumRun(stream, count, burn_in, rng)
    if run.stretches is None:
        for step in stream:
            run.take(step)
    else:
        for piece, factors in pieces.each(run.stretches.factors):
            run.take_piece(piece, factors)
    return run.result()


class SpectrumRun:
    """The computation of a spectrum, so that other questions can share the pass: one step at a time, or many."""

    def __init__(self, stream: Stream, count: Any, burn_in: Any, rng: Any = 0) -> None:
        rows = sum(stream.sizes)
        self.name, self.rows = stream.cell.name, rows
        self.count = rows if count is None else whole_number("count", count, 1, rows)
        self.burn_in = whole_number("burn_in", burn_in, 0, stream.steps - 1)
        self.dtype = np.result_type(stream.dtype, np.float64)
        first = generator(rng).standard_normal((*stream.batch, self.count, rows))
        self.directions = np.linalg.qr(first.astype(self.dtype).mT)[0]  # the first ones are the same for every count
        tangents = tangent_steps(stream.cell, stream.p, stream.lengths, self.dtype, stream.compiled.backend)
        self.stretches = None if tangents is None else Stretches(tangents, self.directions.mT)
        self.sums = np.zeros((*stream.batch, self.count))
        self.log_determinants = np.zeros(stream.batch)
        self.taken = 0
        self.log_determinant = LogDeterminant(stream)
        self.points = _points(stream.steps - self.burn_in)
        self.seen, self.history = 0, list[tuple[int, Array]]()

    def take(self, step: Step) -> None:
        """Count one step."""
        rows, triangle = orthonormal(step.jvp(self.directions).mT)
        self.directions = rows.mT
        growth, largest = sizes_of(triangle)
        if step.index >= self.burn_in and self.count == self.rows:
            self.log_determinants += self.log_determinant(step)
        found = Stretch(rows, 0, 1, growth[None], largest[None], np.nan)
        self._count(step.index, found, lambda k: step)

    def take_piece(self, piece: Piece, factors: Any) -> None:
        """Count many steps. factors: of the stretches."""
        assert self.stretches is not None
        if self.count == self.rows:
            counted = range(max(0, self.burn_in - piece.index), piece.steps)
            self.log_determinants += self.log_determinant.summed(piece, counted)
        with closing(self.stretches.over(piece, factors, self.burn_in)) as stretches:
            for found in stretches:
                self._count(piece.index, found, piece.step)

    def _count(self, index: int, found: Stretch, step: Callable[[int], Step]) -> None:
        """Add the logarithms of what the directions have grown by. index: of step(0)."""
        index += found.start
        self._require_finite(index, found)
        skipped = max(0, self.burn_in - index) if found.steps == 1 else len(found.growth) * (index < self.burn_in)
        growth = found.growth[skipped:]
        with np.errstate(divide="ignore"):
            rates = np.log(growth)
        if found.steps == 1 and len(growth):
            lost = growth <= self.rows * np.finfo(self.dtype).eps * found.largest[skipped:, ..., None]
            for k in np.flatnonzero(lost.reshape(len(lost), -1).any(axis=-1)):
                singular = self.log_determinant.is_singular(step(found.start + skipped + int(k)))
                rates[k] = np.where(lost[k] & singular[..., None], -np.inf, rates[k])
        for rate in rates:
            self.sums += rate
            self.taken += found.steps
            if self.taken >= self.points[self.seen]:
                self.history.append((self.taken, self.exponents))
                self.seen = bisect_right(self.points, self.taken)

    def _require_finite(self, index: int, found: Stretch) -> None:
        """ValueUnusable names the step. index: of the first."""
        if np.isfinite(found.growth).all() and np.isfinite(found.largest).all():
            return
        told = np.concatenate([found.growth, found.largest[..., None]], axis=-1)
        bad = ~np.isfinite(told).reshape(len(told), -1).all(axis=-1)
        at = index + int(np.argmax(bad))
        raise ValueUnusable(f"at step {at} (from 0), the state Jacobian of {self.name} is not finite")

    @property
    def exponents(self) -> Array:
        """Those of the steps so far, largest first."""
        return np.flip(np.sort(self.sums / max(self.taken, 1), axis=-1), axis=-1)

    @property
    def residual(self) -> Any:
        found = self.exponents
        if self.count < self.rows or not np.isfinite(found).all() or not np.isfinite(self.log_determinants).all():
            return None
        off = found.sum(axis=-1) - self.log_determinants / self.taken
        return float(off) if off.ndim == 0 else off

    def result(self) -> Lyapunov:
        steps, found = zip(*self.history, strict=True)
        history = History(np.array(steps), np.stack(found))
        return Lyapunov(self.name, self.exponents, self.residual, self.taken, self.burn_in, history)


def _points(steps: int) -> list[int]:
    """Numbers of steps at which the convergence is kept, dense at the beginning."""
    return sorted({round(steps ** (k / (KEPT - 1))) for k in range(KEPT)} | {max(1, steps // 2), steps})
