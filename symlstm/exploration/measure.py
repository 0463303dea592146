"""One point of a sweep measured: in whatever process, with one thread, the same numbers."""

from __future__ import annotations

import sys
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np

from symlstm.codegen import compile
from symlstm.equations import Cell
from symlstm.errors import RuleMissing, SymlstmError
from symlstm.exploration.critical import critical_gain, spectral_radius
from symlstm.exploration.draws import Draw, drawn, sizes_of
from symlstm.exploration.origin import Origin, origin
from symlstm.exploration.points import Point, Run, Settings
from symlstm.exploration.weights import number, parts
from symlstm.gradient_flow.half_life import DirectRun, HalfLife, half_life
from symlstm.gradient_flow.lyapunov import SpectrumRun
from symlstm.gradient_flow.reading import stream_of
from symlstm.plugins import library

Array = np.ndarray[Any, Any]
STATE_STD = 0.1
"""The standard deviation of initial states."""
_ONE = Lock()


def packed(cell: Cell) -> bytes:
    """A cell as bytes that another process can read, its function by value: its file need not be there."""
    cloudpickle = library("cloudpickle", "explore")
    home = sys.modules.get(cell.function.__module__)
    by_value = home is not None and not home.__name__.startswith("symlstm.") and home.__name__ != "__main__"
    if not by_value:
        return bytes(cloudpickle.dumps(cell))
    cloudpickle.register_pickle_by_value(home)
    try:
        return bytes(cloudpickle.dumps(cell))
    finally:
        cloudpickle.unregister_pickle_by_value(home)


@lru_cache(maxsize=8)
def _unpacked(cell: bytes) -> Cell:
    import cloudpickle

    found: Cell = cloudpickle.loads(cell)
    return found


def measure(cell: bytes, settings: Settings, point: Point) -> dict[str, Any]:
    """The numbers of a point by name; "notes": why one is missing. On one thread, so that sums are always the same.

    One point at a time in a process: the number of threads is that of the process, and a Dask worker may have several.
    """
    with _ONE, library("threadpoolctl", "explore").threadpool_limits(limits=1), np.errstate(all="ignore"):
        found = _unpacked(cell)
        try:
            return _of_run(found, settings, point) if isinstance(point, Run) else _of_draw(found, settings, point)
        except SymlstmError as error:  # states that overflow: one point is lost, not the sweep
            return {"notes": [error.message]}


def _of_draw(cell: Cell, settings: Settings, draw: Draw) -> dict[str, Any]:
    """Critical gain and half-life: what is found on this draw, what the structure predicts."""
    out: dict[str, Any] = {"notes": []}
    recurrent = any(part.recurrent for part in parts(cell))
    p = drawn(cell, draw, 1.0 if recurrent else None, dict(settings.sizes))
    try:
        out["half_life_predicted"] = _median(half_life(cell, p, steps=1))
    except RuleMissing as reason:
        out["notes"].append(reason.message)
    if not recurrent:
        out["notes"].append(f"{cell.name} has no recurrent weight matrix: a gain does not apply")
        return out
    predicted, reason_of = _origin(cell, p)
    out["notes"] += reason_of
    out["critical_gain_predicted"] = None if predicted is None else predicted.critical_gain
    guess = 1.0 if predicted is None else predicted.critical_gain
    out["critical_gain"] = critical_gain(_radius(cell, draw, settings, p), guess)
    return out


def _radius(cell: Cell, draw: Draw, settings: Settings, p: dict[str, Array]) -> Any:
    """The spectral radius of J at the origin as a function of the gain."""
    sizes = sizes_of(cell, draw.n, dict(settings.sizes))
    scaled = {name: a.copy() for name, a in p.items()}
    views = [(part.of(scaled, sizes), part.of(p, sizes)) for part in parts(cell) if part.recurrent]
    k = compile(cell)
    states = k.zero_states(scaled)
    x = tuple(np.zeros(shape) for shape in _input_shapes(cell, sizes))
    first = None if not x else x if len(x) > 1 else x[0]
    blocks = len(states) if len({a.shape for a in states}) == 1 else 1

    def radius(gain: float) -> float:
        for view, own in views:
            view[...] = gain * own
        return spectral_radius(k.state_jacobian(scaled, first, states), blocks)

    return radius


def _input_shapes(cell: Cell, sizes: dict[str, int]) -> list[tuple[int, ...]]:
    return [tuple(number(s, sizes) for s in cell.shapes[q.name]) for q in cell.inputs]


def _origin(cell: Cell, p: dict[str, Array]) -> tuple[Origin | None, list[str]]:
    try:
        return origin(cell, p), []
    except RuleMissing as reason:
        return None, [reason.message]


def _of_run(cell: Cell, settings: Settings, run: Run) -> dict[str, Any]:
    """The first exponent and the half-life of the direct path, along one run."""
    others = dict(settings.sizes)
    p = drawn(cell, run.draw, run.gain, others)
    out: dict[str, Any] = {"notes": []}
    rng = run.draw.rng("states")
    states = tuple(STATE_STD * rng.standard_normal(a.shape) for a in compile(cell).zero_states(p))
    noise = _noise(cell, settings, run)
    stream = stream_of(cell, p, noise, settings.steps if noise is None else None, states)
    spectrum = SpectrumRun(stream, 1, settings.burn_in, run.draw.rng("directions"))
    try:
        direct: DirectRun | None = DirectRun(stream)
    except RuleMissing:
        direct = None  # told by the draw
    for step in stream:
        spectrum.take(step)
        if direct is not None and step.index >= settings.burn_in:
            direct.take(step)
    found = spectrum.result()
    out["exponent"], out["exponent_error"] = float(found.exponents[0]), _error(found.history)
    out["half_life"] = None if direct is None else _median(direct.result())
    if not run.input_std and run.gain is not None:
        predicted, _ = _origin(cell, p)
        out["exponent_predicted"] = None if predicted is None else predicted.exponent(run.gain)
    return out


def _noise(cell: Cell, settings: Settings, run: Run) -> Any:
    """Inputs from N(0, input_std^2), or None for zero input."""
    if not run.input_std:
        return None
    rng, sizes = run.draw.rng("inputs"), sizes_of(cell, run.draw.n, dict(settings.sizes))
    shapes = _input_shapes(cell, sizes)
    made = tuple(run.input_std * rng.standard_normal((settings.steps, *shape)) for shape in shapes)
    return made if len(made) > 1 else made[0]


def _median(found: HalfLife) -> float:
    """Of the units."""
    return float(np.median(found.half_life))


def _error(history: Any) -> float | None:
    """Half of the difference between the exponents of the two halves of a run."""
    steps, sums = history.steps, history.steps * history.exponents[:, 0]
    at = int(np.argmin(np.abs(2 * steps - steps[-1])))
    if steps[at] == steps[-1] or not np.isfinite(sums[[at, -1]]).all():
        return None
    first, second = sums[at] / steps[at], (sums[-1] - sums[at]) / (steps[-1] - steps[at])
    return float(abs(second - first) / 2)
