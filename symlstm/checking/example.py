"""An example: a call, what the axes of its arrays count, and sizes at which it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from symlstm.checking.axes import STEPS, Axis
from symlstm.checking.calls import Call, attempt
from symlstm.checking.leaves import Path
from symlstm.errors import ValueUnusable


@dataclass(frozen=True)
class Example:
    """A call, the templates of its arrays, and sizes (n, m, batch) at which it runs.

    x: the input of a whole sequence (None: one step). steps: how many. any_length: whether it takes one step as well.
    """

    call: Call
    templates: dict[Path, tuple[Axis, ...]]
    sizes: tuple[int, int, int]
    x: Path | None = None
    steps: int = 1
    any_length: bool = True

    def shape(self, path: Path) -> tuple[int, ...]:
        return tuple(axis.length(self.sizes, self.steps) for axis in self.templates[path])

    def runs(self) -> bool:
        """Whether the function takes random arrays of these shapes."""
        rng = np.random.default_rng(0)
        try:
            attempt(self.call, {path: rng.standard_normal(self.shape(path)) for path in self.templates})
        except ValueUnusable:
            return False
        return True


def lengths(example: Example) -> Example:
    """A sequence at the number of steps that tells most, where the function takes any; else as it was given."""
    if example.x is None:
        return example
    wished = replace(example, steps=STEPS)
    if example.steps != STEPS and wished.runs():
        example = wished
    return replace(example, any_length=replace(example, steps=1).runs())
