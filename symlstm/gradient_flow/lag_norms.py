"""||d s_t / d s_{t-k}|| by every path and by the direct path, side by side, in the log domain.

A product of state Jacobians is carried along from every K-th step on, K being the longest lag, as J V without J; it is
rescaled at every step, so that it neither under- nor overflows. Of the start everything counts that reads s_{t-k}, also
the other states of the same step (h = o tanh(c) contains c), as in `derive(..., paths="total", lag=k)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.calculus.derivation import derive
from symlstm.codegen import formula
from symlstm.codegen.streaming import Step, Stream
from symlstm.equations import State
from symlstm.errors import RuleMissing, ShapeError, ValueUnusable, shown, unknown
from symlstm.expr.nodes import Zeros
from symlstm.gradient_flow.factors import Factor, factor_of
from symlstm.gradient_flow.reading import Array, require_vectors, whole_number


@dataclass(frozen=True)
class LagNorm:
    """d of_t / d wrt_{t-lag} in the 2-norm, as natural logarithms, means over `windows` starts, (...).

    total: every path counts. direct: the largest product of the factors of the direct path over the units; None between
    two different states, and where a state has no direct path. share: direct / total.
    """

    of: str
    wrt: str
    lag: int
    windows: int
    log_total: Array
    log_direct: Array | None

    @property
    def total(self) -> Array:
        return np.exp(self.log_total)

    @property
    def direct(self) -> Array | None:
        return None if self.log_direct is None else np.exp(self.log_direct)

    @property
    def share(self) -> Array | None:
        """direct / total; above 1 where the paths work against each other."""
        if self.log_direct is None:
            return None
        with np.errstate(invalid="ignore", over="ignore"):
            share = np.exp(self.log_direct - self.log_total)
        return np.where(np.isnan(share), 0.0, share)


class LagRun:
    """The norms for some states by some states at some lags, one step at a time."""

    def __init__(self, stream: Stream, pairs: Sequence[tuple[str, str]] | None, lags: Sequence[int] | None) -> None:
        self.stream, cell = stream, stream.cell
        require_vectors(cell, "norms over a lag are taken")
        self.lags = _lags(lags, stream.steps)
        self.pairs = [(s, s) for s in cell.states] if pairs is None else _pairs(stream, pairs)
        self.sources = list(dict.fromkeys(wrt for _, wrt in self.pairs))
        stops = np.cumsum(stream.sizes)
        self.rows = {s: slice(int(b) - n, int(b)) for s, n, b in zip(cell.states, stream.sizes, stops, strict=True)}
        self.factors = {s: _factor(stream, s) for s in self.sources}
        self.logs = {s: formula(f.logarithm) for s, f in self.factors.items() if f is not None}
        self.starts = {s: self._others(s) for s in self.sources}
        self.sizes = {str(k): v for k, v in stream.lengths.items()}
        self.found: dict[tuple[State, State, int], tuple[int, Array, Array | None]] = {}
        self.age = -1
        self.product: dict[State, Array] = {}
        self.scale: dict[State, Array] = {}
        self.direct: dict[State, Array] = {}

    def _others(self, s: State) -> dict[State, Any]:
        """What the other states of the same step have of s."""
        found = {}
        for r in self.stream.cell.states:
            result = derive(self.stream.cell, r.current.name, s.current.name).result if r != s else None
            if result is not None and not isinstance(result, Zeros):
                found[r] = formula(result, matrix=True)
        return found

    def take(self, step: Step) -> None:
        """Count one step: carry the products on, and begin anew after the longest lag."""
        if self.age >= 0:
            self._carry(step)
        if self.lags and (self.age < 0 or self.age == self.lags[-1]):
            self._begin(step)

    def _begin(self, step: Step) -> None:
        self.age = 0
        rows = sum(self.stream.sizes)
        for s in self.sources:
            own = self.rows[s]
            start = np.zeros((*self.stream.batch, rows, own.stop - own.start), np.result_type(step.stream.dtype))
            start[..., own, :] = np.eye(own.stop - own.start)
            for r, function in self.starts[s].items():
                start[..., self.rows[r], :] = function(step.known, self.sizes)
            self.product[s], self.scale[s] = start, np.zeros(self.stream.batch)
            self.direct[s] = np.zeros(())

    def _carry(self, step: Step) -> None:
        self.age += 1
        for s in self.sources:
            product = step.jvp(self.product[s])
            size = np.max(np.abs(product), axis=(-2, -1))
            with np.errstate(divide="ignore"):
                self.scale[s] = self.scale[s] + np.log(size)
            self.product[s] = product / np.where(size > 0, size, 1.0)[..., None, None]
            if s in self.logs:
                with np.errstate(divide="ignore"):
                    self.direct[s] = self.direct[s] + self.logs[s](step.known, self.sizes)
        if self.age in self.lags:
            for of, wrt in self.pairs:
                norm = np.linalg.norm(self.product[wrt][..., self.rows[of], :], 2, axis=(-2, -1))
                with np.errstate(divide="ignore"):
                    total = self.scale[wrt] + np.log(norm)
                direct = np.max(self.direct[wrt], axis=-1) if of == wrt and wrt in self.logs else None
                self._count((of, wrt, self.age), total, direct)

    def _count(self, key: tuple[State, State, int], total: Array, direct: Array | None) -> None:
        """Sums over the windows, not lists of them."""
        count, so_far, direct_so_far = self.found.get(key, (0, np.zeros(()), np.zeros(())))
        both = None if direct is None or direct_so_far is None else direct_so_far + direct
        self.found[key] = (count + 1, so_far + total, both)

    def result(self) -> tuple[LagNorm, ...]:
        found = []
        for of, wrt in self.pairs:
            for lag in self.lags:
                count, total, direct = self.found[of, wrt, lag]
                mean = None if direct is None else direct / count
                found.append(LagNorm(of.current.name, wrt.current.name, lag, count, total / count, mean))
        return tuple(found)


def _lags(lags: Any, steps: int) -> list[int]:
    """Increasing numbers of steps; where none are given, 1, 2, 5, 10, ... as far as the run goes."""
    if lags is None:
        return [k for k in (1, 2, 5, 10, 20, 50, 100) if k < steps]
    if isinstance(lags, str) or np.ndim(lags) != 1:
        raise ValueUnusable(f"lags must be a list of numbers of steps, not {shown(lags)}", "lags=[1, 10, 100]")
    for lag in lags:
        if whole_number("a lag", lag, 1, 10**9) >= steps:
            raise ShapeError(f"the lag {lag} is too long for {steps} steps", f"lags are 1 to {steps - 1}")
    return sorted(set(lags))


def _pairs(stream: Stream, pairs: Any) -> list[tuple[State, State]]:
    names = [s.current.name for s in stream.cell.states]
    example = f'pairs=[("{names[0]}", "{names[-1]}")] is d{names[0]}_t/d{names[-1]}_(t-k)'
    if isinstance(pairs, str) or not isinstance(pairs, Iterable):
        raise ValueUnusable(f"pairs must be a list of pairs of states, not {shown(pairs)}", example)
    found = []
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueUnusable(f"a pair is two states, not {shown(pair)}", example)
        found.append((_state(stream, pair[0]), _state(stream, pair[1])))
    return found


def _state(stream: Stream, name: str) -> State:
    for s in stream.cell.states:
        if name in (s.current.name, s.previous.name):
            return s
    raise unknown(f"state of {stream.cell.name}", str(name), [s.current.name for s in stream.cell.states])


def _factor(stream: Stream, s: State) -> Factor | None:
    try:
        return factor_of(stream.cell, s.current.name)
    except RuleMissing:
        return None
