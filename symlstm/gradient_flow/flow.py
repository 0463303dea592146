"""How gradients travel through a cell on somebody's own parameters and data: everything that one pass can answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symlstm.codegen.streaming import Stream
from symlstm.errors import RuleMissing
from symlstm.gradient_flow.certificate import Certificate, certificate
from symlstm.gradient_flow.connectivity import Connectivity, ConnectivityRun
from symlstm.gradient_flow.fixed_points import FixedPoints, fixed_points
from symlstm.gradient_flow.gates import Gate, GateRun
from symlstm.gradient_flow.half_life import DirectRun, HalfLife
from symlstm.gradient_flow.lag_norms import LagNorm, LagRun
from symlstm.gradient_flow.lyapunov import Lyapunov, SpectrumRun
from symlstm.gradient_flow.origin import Origin, origin
from symlstm.gradient_flow.reading import stream_of
from symlstm.gradient_flow.record import Record, RecordRun
from symlstm.gradient_flow.snapshots import SnapshotRun, Snapshots
from symlstm.plugins import service

LARGE = 128
"""States of more numbers than this: the ten largest exponents, unless `count` says more."""
LEADING = 10


@dataclass(frozen=True)
class Flow:
    """The flow of gradients along one run; see `symlstm.flow`.

    gates: statistics of what a sigmoid or a tanh gives. half_lives: of each state with a direct path. lags: norms of
    d s_t/d s_{t-k}, direct and total. spectrum: Lyapunov exponents. snapshots: eigenvalues and singular values of J_t.
    connectivity: the gradient of the output at the last step in earlier inputs and states. fixed_points: at the mean
    input. certificate: for inputs as large as those given. origin: the spectrum at zero states and zero input, with
    the region that random weights predict. left_out: what this cell does not have, and why. record: gates by unit and
    time, and the way of the state, as pictures show them; not in to_json().
    """

    cell: str
    steps: int
    sizes: dict[str, int]
    gates: tuple[Gate, ...]
    half_lives: tuple[HalfLife, ...]
    lags: tuple[LagNorm, ...]
    spectrum: Lyapunov
    snapshots: Snapshots
    connectivity: Connectivity
    fixed_points: FixedPoints | None
    certificate: Certificate | None
    origin: Origin | None
    left_out: dict[str, str]
    record: Record = field(repr=False, metadata={"json": False})

    def __repr__(self) -> str:
        half = ", ".join(f"half-life of {h.state} {np.median(h.half_life):.4g} steps" for h in self.half_lives)
        exponent = f"first exponent {np.max(self.spectrum.exponents):.4g} nats a step"
        return f"<{self.cell}: {self.steps} steps, {exponent}{', ' * bool(half)}{half}>"

    def __str__(self) -> str:
        return str(service("emit")(self.summary, "terminal")).rstrip("\n")

    @property
    def summary(self) -> Summary:
        """The numbers that people ask for first, on one screen."""
        return Summary(self)

    def to_json(self) -> dict[str, Any]:
        """Plain data with a versioned schema (symlstm/gradient_flow/schema/flow-1.json)."""
        from symlstm.gradient_flow.plain import plain

        return plain(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """The report as a file, whole or not at all: .html, .txt, .md, .tex, .json, and .svg, .pdf, .png for pictures.

        Of a batch, pictures and tables are of the first example. Raises OutputUnwritable, and ExtraMissing where
        matplotlib is needed (pip install 'symlstm[plots]').
        """
        from symlstm.gradient_flow.report import save

        save(self, path)

    def figure(self, name: str) -> Any:
        """One picture as a matplotlib figure; symlstm.gradient_flow.pictures.PICTURES names them.

        Raises NameUnknown, and ExtraMissing without matplotlib.
        """
        from symlstm.gradient_flow.pictures import figure

        return figure(self, name)


@dataclass(frozen=True)
class Summary:
    """A flow to be shown on one screen: `symlstm.emit.emit(flow.summary, "terminal")`."""

    flow: Flow


def flow(
    cell: Any,
    parameters: Any,
    X: Any = None,
    states: Any = None,
    *,
    steps: int | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    lags: Sequence[int] | None = None,
    output: Any = None,
    count: int | None = None,
    burn_in: int = 0,
    starts: int = 20,
    rng: Any = 0,
    progress: Callable[[int, int], object] | None = None,
) -> Flow:
    """Everything about the gradients of a run, in one pass over it whose memory does not grow with T.

    cell, parameters, X, states, steps, count, burn_in: as for `symlstm.lyapunov` (count: the ten largest exponents
    where the state has more than 128 numbers). pairs: (state, by which state) for the norms of d s_t/d s_{t-k}, each
    state by itself where None. lags: numbers of steps. output: of what connectivity is the gradient: the sum of a state
    or output at the last step, by name (the first state where None), or a dict of gradients of a loss by name. starts:
    of the search for fixed points. progress: called after every step with how many are done, of how many. Raises
    ShapeError, ValueUnusable and NameUnknown.
    """
    stream = stream_of(cell, parameters, X, steps, states)
    rows = sum(stream.sizes)
    spectrum = SpectrumRun(stream, min(LEADING, rows) if count is None and rows > LARGE else count, burn_in, rng)
    left_out: dict[str, str] = {}
    direct = _direct_runs(stream, left_out)
    gates, lag_norms = GateRun(stream), _lag_run(stream, pairs, lags, left_out)
    snapshots, connectivity, record = SnapshotRun(stream), ConnectivityRun(stream, output), RecordRun(stream)
    runs: list[Any] = [gates, snapshots, connectivity, record, *direct, *filter(None, [lag_norms])]
    for step in stream:
        for run in runs:
            run.take(step)
        spectrum.take(step)
        if progress is not None:
            progress(step.index + 1, stream.steps)
    mean, largest = _of_inputs(stream)
    rest: dict[str, Callable[[], Any]] = {
        "fixed points": lambda: fixed_points(cell, parameters, mean, starts=starts, rng=rng),
        "certificate": lambda: certificate(cell, parameters, largest),
        "spectrum at the origin": lambda: origin(stream),
    }
    points, certified, at_origin = (_or_left_out(what, found, left_out) for what, found in rest.items())
    return Flow(
        stream.cell.name,
        stream.steps,
        {str(name): int(value) for name, value in stream.lengths.items()},
        gates.result(),
        tuple(run.result() for run in direct),
        () if lag_norms is None else lag_norms.result(),
        spectrum.result(),
        snapshots.result(),
        connectivity.result(),
        points,
        certified,
        at_origin,
        left_out,
        record.result(),
    )


def _or_left_out(what: str, find: Callable[[], Any], left_out: dict[str, str]) -> Any:
    """What is found, or None and the reason why not."""
    try:
        return find()
    except RuleMissing as reason:
        left_out[what] = reason.message
        return None


def _lag_run(stream: Stream, pairs: Any, lags: Any, left_out: dict[str, str]) -> LagRun | None:
    if pairs is not None or lags is not None:  # asked for: an error says why not
        return LagRun(stream, pairs, lags)
    found: LagRun | None = _or_left_out("norms over a lag", lambda: LagRun(stream, None, None), left_out)
    return found


def _direct_runs(stream: Stream, left_out: dict[str, str]) -> list[DirectRun]:
    found = []
    for s in stream.cell.states:
        try:
            found.append(DirectRun(stream, s.current.name))
        except RuleMissing as reason:
            left_out[f"half-life of {s.current.name}"] = reason.message
    return found


def _of_inputs(stream: Stream) -> tuple[Any, float]:
    """The mean input, and the largest size of an entry."""
    if stream.x is None:
        return None, 0.0
    whole = stream.x if isinstance(stream.x, tuple) else (stream.x,)
    axes = range(1 + len(stream.batch))
    if not all(isinstance(a, np.ndarray) for a in whole):  # zero input
        return None, 0.0
    means = tuple(np.mean(a, axis=tuple(k for k in axes if k < a.ndim - 1), dtype=float) for a in whole)
    return means if len(means) > 1 else means[0], float(max(np.max(np.abs(a)) for a in whole))
