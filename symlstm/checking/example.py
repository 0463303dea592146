"""An example: a call, what the axes of its arrays count, and sizes at which it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symlstm.checking.axes import ONE, STEPS, Axis, B, T
from symlstm.checking.calls import Call, attempt
from symlstm.checking.leaves import Path
from symlstm.errors import ValueUnusable


@dataclass(frozen=True)
class Example:
    """A call, the templates of its arrays, and sizes (n, m, batch) at which it runs.

    x: the input of a whole sequence (None: one step). steps: how many. any_length: whether it takes one step as well.
    masks: arrays of batch and steps that hold ones and zeros alone: what they are at one is checked.
    """

    call: Call
    templates: dict[Path, tuple[Axis, ...]]
    sizes: tuple[int, int, int]
    x: Path | None = None
    steps: int = 1
    any_length: bool = True

    @property
    def masks(self) -> list[Path]:
        found = {leaf.path: leaf.array for leaf in self.call.leaves()}
        return [path for path, axes in self.templates.items() if path in found and _is_mask(axes, found[path])]

    def shape(self, path: Path) -> tuple[int, ...]:
        return tuple(axis.length(self.sizes, self.steps) for axis in self.templates[path])

    def runs(self) -> bool:
        """Whether the function takes random arrays of these shapes."""
        rng = np.random.default_rng(0)
        try:
            given = {path: rng.standard_normal(self.shape(path)) for path in self.templates}
            attempt(self.call, given | {path: np.ones(self.shape(path)) for path in self.masks})
        except ValueUnusable:
            return False
        return True


def _is_mask(axes: tuple[Axis, ...], array: Any) -> bool:
    counted = [axis for axis in axes if axis != ONE]
    return bool(counted) and set(counted) <= {B, T} and bool(np.isin(array, (0.0, 1.0)).all())


def lengths(example: Example) -> Example:
    """A sequence at the number of steps that tells most, where the function takes any; else as it was given."""
    if example.x is None:
        return example
    wished = replace(example, steps=STEPS)
    if example.steps != STEPS and wished.runs():
        example = wished
    return replace(example, any_length=replace(example, steps=1).runs())
