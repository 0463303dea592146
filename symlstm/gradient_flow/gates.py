"""Gate statistics along a run: mean, spread, extremes, and how often a gate is saturated, unit by unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symlstm.codegen.streaming import Step, Stream
from symlstm.gradient_flow.factors import BOUNDED, saturating
from symlstm.gradient_flow.reading import Array

NEAR = 0.1
"""A gate within a tenth of its range of one end is called saturated there."""


@dataclass(frozen=True)
class Gate:
    """One quantity that a sigmoid or a tanh gives, over all steps, each (..., n).

    low, high: the share of steps within a tenth of the range from the lower and from the upper end.
    """

    name: str
    function: str
    mean: Array
    deviation: Array
    least: Array
    largest: Array
    low: Array
    high: Array


class GateRun:
    """The statistics of all gates, one step at a time (Welford's sums: nothing cancels)."""

    def __init__(self, stream: Stream) -> None:
        self.gates = [(q.name, function) for q, function, _ in saturating(stream.cell)]
        self.taken = 0
        self.sums: dict[str, list[Array]] = {}

    def take(self, step: Step) -> None:
        """Count one step."""
        self.taken += 1
        for name, function in self.gates:
            value = step.values[name]
            start, stop = BOUNDED[function]
            near = NEAR * (stop - start)
            low, high = (value < start + near) * 1.0, (value > stop - near) * 1.0
            if name not in self.sums:
                self.sums[name] = [value + 0.0, np.zeros_like(value), value, value, low, high]
                continue
            mean, squares, least, largest, lows, highs = self.sums[name]
            off = value - mean
            mean = mean + off / self.taken
            squares = squares + off * (value - mean)
            least, largest = np.minimum(least, value), np.maximum(largest, value)
            self.sums[name] = [mean, squares, least, largest, lows + low, highs + high]

    def result(self) -> tuple[Gate, ...]:
        found = []
        for name, function in self.gates:
            mean, squares, least, largest, lows, highs = self.sums[name]
            count = self.taken
            deviation = np.sqrt(squares / count)
            found.append(Gate(name, function, mean, deviation, least, largest, lows / count, highs / count))
        return tuple(found)
