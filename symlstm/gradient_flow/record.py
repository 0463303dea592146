"""What pictures need of a run: gates by unit and time, and the way of the state, no larger for a million steps.

Time is cut into at most 240 bins of equal width, known before the run begins; of a bin the mean is kept. Of wide layers
256 units are kept, evenly spread; of a batch, the first example.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symlstm.codegen.streaming import Step, Stream
from symlstm.gradient_flow.factors import saturating
from symlstm.gradient_flow.reading import Array

BINS, UNITS, POINTS = 240, 256, 480


def spread(count: int, most: int) -> Array:
    """At most so many of the indices 0 to count - 1, evenly spread, the first and the last among them."""
    return np.unique(np.round(np.linspace(0, count - 1, min(count, most))).astype(int))


def width_of(steps: int) -> int:
    """How many steps a bin has, so that there are no more than 240 of them."""
    return -(-steps // BINS)


@dataclass(frozen=True)
class Record:
    """gates: by name, means (B, units) over bins of `width` steps; the last bin may be shorter.

    units: the number of units that a gate has, by name (at most 256 of them are kept, evenly spread). at: steps from 0,
    and path: all states stacked after them, (K, s).
    """

    width: int
    gates: dict[str, Array]
    units: dict[str, int]
    at: Array
    path: Array


class RecordRun:
    """Fills the bins, one step at a time."""

    def __init__(self, stream: Stream) -> None:
        self.steps, self.lead = stream.steps, len(stream.batch)
        self.width = width_of(stream.steps)
        self.names = [q.name for q, _, _ in saturating(stream.cell)]
        self.sums: dict[str, Array] = {}
        self.units: dict[str, int] = {}
        self.wanted = {int(v) for v in spread(stream.steps, POINTS)}
        self.path: list[Array] = []

    def take(self, step: Step) -> None:
        """Count one step."""
        first = (0,) * self.lead
        for name in self.names:
            value = np.broadcast_to(step.values[name], (*step.stream.batch, *step.values[name].shape[-1:]))[first]
            if name not in self.sums:
                self.units[name] = len(value)
                self.sums[name] = np.zeros((-(-self.steps // self.width), min(len(value), UNITS)))
            self.sums[name][step.index // self.width] += value[spread(len(value), UNITS)]
        if step.index in self.wanted:
            parts = [np.broadcast_to(a, (*step.stream.batch, *a.shape[self.lead :]))[first] for a in step.new_states]
            self.path.append(np.concatenate([part.ravel() for part in parts]))

    def result(self) -> Record:
        counts = np.full((-(-self.steps // self.width), 1), self.width)
        counts[-1] = self.steps - self.width * (len(counts) - 1)
        means = {name: sums / counts for name, sums in self.sums.items()}
        return Record(self.width, means, self.units, np.array(sorted(self.wanted)), np.stack(self.path))
