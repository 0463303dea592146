"""The comparison: an implementation run on points that hide nothing, against the equations, with a derived bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.checking.convention import Convention
from symlstm.checking.leaves import Path
from symlstm.checking.loop import Loop, bounds, digits, shaped_like
from symlstm.checking.probe import OPEN, Probe, drawn
from symlstm.checking.reference import difference
from symlstm.checking.typical import TYPICAL
from symlstm.evidence.running import U

U32 = 2.0**-24
FEW_STEPS = 3
"""At which every mistake in how the steps follow each other can be seen: the first, one between, and the last."""
PROBES = 2
"""Points without a blind gate; further points see each gate alone and each gate blind."""


@dataclass(frozen=True)
class Point:
    """One call: its arrays, the leaves of the cell that they mean, and what came back, (batch, n, 1) or steps first."""

    arrays: Mapping[Path, Any]
    values: dict[Any, Any]
    results: dict[str, Any]
    situation: str = ""


@dataclass(frozen=True)
class Measured:
    """One state or output at one point: the difference from 50 digits, the bound, and the largest size."""

    difference: Any
    bound: Any
    size: float
    entries: Any
    typical: Any

    def within(self, unit: float = U) -> bool:
        """Whether rounding in units of `unit` explains every difference."""
        return bool((np.abs(self.difference) <= self.bound * (unit / U)).all())


def sizes_of(convention: Convention, probe: Probe) -> dict[Any, int]:
    """n and m in numbers."""
    sizes: dict[Any, int] = {convention.sites.n: probe.example.sizes[0], convention.sites.m: probe.example.sizes[1]}
    for q in convention.sites.others:
        if q.name in convention.others:
            path, turned = convention.others[q.name]
            core = [length for length in probe.example.shape(path) if length > 1]
            sizes[q.shape[0]] = core[-1 if turned else 0]
    return sizes


def points(convention: Convention, probe: Probe, blind: bool) -> list[Point]:
    """Random points; with blind ones, in which one gate, or all gates but one, has zero weights and a fixed bias.

    The blind ones are for looking at many edits: of a sequence that may have any length they see few steps.
    """
    if blind and convention.sequence and probe.example.any_length and not convention.confused:
        probe = probe.of_length(FEW_STEPS)
    rng = np.random.default_rng(11)
    gates = convention.sites.gates
    situations: list[tuple[str, tuple[str, ...], float]] = [("", (), 0.0)] * PROBES
    if blind and len(gates) > 1:
        for bias in (0.0, OPEN):
            situations += [(f"{g} blind", (g,), bias) for g in gates]
            situations += [(f"{g} alone", tuple(o for o in gates if o != g), bias) for g in gates]
    made = []
    for name, off, bias in situations:
        arrays = drawn(rng, probe.example)
        for gate in off:
            convention.set_gate(arrays, gate, bias)
        made.append(point(convention, probe, arrays, name))
    return made


def point(convention: Convention, probe: Probe, arrays: Mapping[Path, Any], situation: str = "") -> Point:
    """One call with these arrays."""
    returned = probe.run(arrays)
    results = {
        name: convention.standard(name, returned[path])[..., None]
        for name, path in convention.outputs.items()
        if path in returned
    }
    return Point(arrays, convention.values(arrays, sizes_of(convention, probe)), results, situation)


def measure(convention: Convention, probe: Probe, at: Point, loop: Loop | None = None) -> dict[str, Measured]:
    """Each result against the equations, in 50 digits."""
    cell, sizes = convention.sites.cell, sizes_of(convention, probe)
    loop = loop or convention.loop(at.values)
    true = digits(loop, at.values, sizes, at.results, cell)
    bound = bounds(loop, at.values, sizes, at.results, cell)
    unit = unit_of(probe) / U
    typical = bounds(loop, at.values, sizes, at.results, cell, TYPICAL)
    found = {}
    for name, result in at.results.items():
        if result.shape[-2] != true[name].shape[-2]:  # not even of that size
            off = np.full(result.shape, np.inf)
            found[name] = Measured(off, np.zeros(result.shape), 1.0, np.ones(result.shape), np.zeros(result.shape))
            continue
        off = difference(np.asarray(result, dtype=float), true[name])
        exactly = np.abs(np.asarray(true[name], dtype=float))
        limit = shaped_like(unit * bound[name], off)
        found[name] = Measured(off, limit, float(exactly.max()), exactly, unit * typical[name])
    return found


def unit_of(probe: Probe) -> float:
    """The unit of the rounding that is allowed."""
    return U32 if probe.example.call.precision == "single" else U


def float32_numbers(convention: Convention, probe: Probe) -> bool:
    """Whether the results hold float32 numbers only."""
    results = [v for p in points(convention, probe, False) for v in p.results.values()]
    return all(np.array_equal(v, v.astype(np.float32), equal_nan=True) for v in results)


def roughly(measured: list[dict[str, Measured]], probe: Probe) -> bool:
    """Whether rounding in float32 explains every difference."""
    return within(measured, U32 * U / unit_of(probe))


def within(measured: list[dict[str, Measured]], unit: float = U) -> bool:
    """Whether rounding explains every difference of every result at every point."""
    return all(m.within(unit) for at in measured for m in at.values())


def ulps(found: list[dict[str, Measured]]) -> dict[str, dict[str, float]]:
    """By state: the largest difference and bound in ulp of the largest entry, and the difference in ulp of each."""
    made: dict[str, dict[str, float]] = {}
    for measured in found:
        for name, m in measured.items():
            if not np.isfinite(m.difference).all():
                continue
            row = made.setdefault(name, {"scaled": 0.0, "elementwise": 0.0, "bound": 0.0, "typical": 0.0})
            one = np.spacing(m.size) if m.size else 2 * U
            row["scaled"] = max(row["scaled"], float(np.abs(m.difference).max() / one))
            row["typical"] = max(row["typical"], float(m.typical.max() / one))
            row["bound"] = max(row["bound"], float(m.bound.max() / one))
            with np.errstate(over="ignore"):  # beside an entry of zero
                row["elementwise"] = max(
                    row["elementwise"], float((np.abs(m.difference) / np.spacing(m.entries)).max())
                )
    return made
