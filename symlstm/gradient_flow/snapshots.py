"""The state Jacobian itself at some steps, evenly spread: its spectral radius and its singular values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symlstm.codegen.streaming import Step, Stream
from symlstm.gradient_flow.reading import Array

TAKEN = 32


@dataclass(frozen=True)
class Snapshots:
    """At steps (K,), from 0: eigenvalues (K, ..., s) by modulus, and singular values (K, ..., s), largest first."""

    steps: Array
    eigenvalues: Array
    singular_values: Array

    @property
    def spectral_radius(self) -> Array:
        return np.max(np.abs(self.eigenvalues), axis=-1)


class SnapshotRun:
    """Forms J_t at a few steps."""

    def __init__(self, stream: Stream, count: int = TAKEN) -> None:
        self.wanted = {round(v) for v in np.linspace(0, stream.steps - 1, min(count, stream.steps))}
        self.found: list[tuple[int, Array, Array]] = []

    def take(self, step: Step) -> None:
        """Look at one step, if it is one of those."""
        if step.index in self.wanted:
            jacobian = step.jacobian()
            eigenvalues = np.linalg.eigvals(jacobian).astype(complex)
            order = np.argsort(-np.abs(eigenvalues), axis=-1)
            singular = np.linalg.svd(jacobian, compute_uv=False)
            self.found.append((step.index, np.take_along_axis(eigenvalues, order, -1), singular))

    def result(self) -> Snapshots:
        steps, eigenvalues, singular = zip(*self.found, strict=True)
        return Snapshots(np.array(steps), np.stack(eigenvalues), np.stack(singular))
