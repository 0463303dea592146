"""How long the direct path remembers: products of its factors in the log domain, half-lives and time constants.

dc_t/dc_{t-k} along the cell state alone is the product of k forget gates. Its logarithm is summed, from log sigma of
what the gates are made of: at a forget bias of 40 the product over a million steps is exp(-4.2e-12), where the product
of the rounded gates says 1. A constant factor f halves in -ln 2 / ln f steps, and 1 / (1 - f) is its time constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.codegen import formula
from symlstm.codegen.streaming import Step, Stream
from symlstm.gradient_flow.factors import factor_of
from symlstm.gradient_flow.reading import Array, stream_of


@dataclass(frozen=True)
class HalfLife:
    """The direct path of one state, unit by unit (each (..., n)).

    log_product: log|product of the factors over all steps|, in nats. rate: its mean, in nats a step. half_life: in
    steps, -ln 2 / rate; infinite where nothing is lost, 0 where everything is lost at once. time_constant: 1 / (1 - a),
    with the geometric mean a = exp(rate); infinite where a is 1 or more.
    """

    cell: str
    state: str
    log_product: Array
    steps: int

    @property
    def rate(self) -> Array:
        return self.log_product / self.steps

    @property
    def half_life(self) -> Array:
        with np.errstate(divide="ignore"):
            return np.where(self.rate < 0, -np.log(2) / np.where(self.rate < 0, self.rate, -1.0), np.inf)

    @property
    def time_constant(self) -> Array:
        lost = -np.expm1(self.rate)
        return np.where(lost > 0, 1 / np.where(lost > 0, lost, 1.0), np.inf)

    def __repr__(self) -> str:
        low, middle, high = np.quantile(self.half_life, [0, 0.5, 1], method="nearest")
        return (
            f"<{self.cell}: half-life of the direct path of {self.state}: {middle:.6g} steps (median of "
            f"{self.half_life.size} units, from {low:.6g} to {high:.6g}), over {self.steps} steps>"
        )


def half_life(
    cell: Any,
    parameters: Any,
    X: Any = None,
    steps: int | None = None,
    states: Any = None,
    state: str | None = None,
) -> HalfLife:
    """-ln 2 / (1/T sum_t log|a_t|), unit by unit, a_t being the factor of the direct path (the forget gate of an LSTM).

    a_t is what s_{t-1} is multiplied by where s_t = a_t s_{t-1} + b_t, gates and candidates being as they were: what
    peepholes or the recurrent weights add to it belongs to the other paths.
    X, steps, states: as for `symlstm.lyapunov`. state: which one, by name; where None, the first with a direct path.
    Raises RuleMissing where none is carried over entry by entry, ShapeError, ValueUnusable and NameUnknown.
    """
    stream = stream_of(cell, parameters, X, steps, states)
    run = DirectRun(stream, state)
    for step in stream:
        run.take(step)
    return run.result()


class DirectRun:
    """The sum of log|a_t|, one step at a time."""

    def __init__(self, stream: Stream, state: str | None = None) -> None:
        self.factor = factor_of(stream.cell, state)
        self.name, self.lengths = stream.cell.name, {str(k): v for k, v in stream.lengths.items()}
        self.function = formula(self.factor.logarithm)
        place = [s.current for s in stream.cell.states].index(self.factor.state.current)
        self.sums = np.zeros(stream.first[place].shape, np.result_type(stream.dtype, np.float64))
        self.lost = np.zeros(self.sums.shape)
        self.taken = 0

    def take(self, step: Step) -> Array:
        """Count one step; its log|a_t|, (..., n)."""
        with np.errstate(divide="ignore"):
            found = self.function(step.known, self.lengths)
        total = self.sums + found  # Neumaier: a million terms of 4e-18 beside a large one
        with np.errstate(invalid="ignore"):
            larger = np.abs(self.sums) >= np.abs(found)
            off = np.where(larger, (self.sums - total) + found, (found - total) + self.sums)
        self.lost = self.lost + np.where(np.isfinite(off), off, 0.0)
        self.sums = total
        self.taken += 1
        return np.broadcast_to(found, self.sums.shape)

    def result(self) -> HalfLife:
        return HalfLife(self.name, self.factor.state.current.name, self.sums + self.lost, self.taken)
