"""Asking an implementation: random arrays of its shapes, what comes back, which entries of it change."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from symlstm.checking.axes import B
from symlstm.checking.calls import SELF, attempt, attempt_on
from symlstm.checking.example import Example
from symlstm.checking.leaves import Path, is_numbers, leaves
from symlstm.checking.steplists import gathered, patterns

OPEN = 40.0
"""A bias at which sigmoid and tanh are 1 to the last bit."""


class Probe:
    """An implementation that answers questions about which of its results respond."""

    def __init__(self, example: Example, seed: int = 1) -> None:
        self.example = example
        self.rng = np.random.default_rng(seed)
        self.base = drawn(self.rng, example)
        self.patterns: frozenset[Path] = frozenset()
        if example.x is not None and example.steps > 1:
            self.patterns = frozenset(patterns(leaves(attempt(example.call, copies(self.base))), example.steps))

    def of_length(self, steps: int) -> Probe:
        """The same of a sequence of so many steps."""
        other = copy.copy(self)
        other.example = replace(self.example, steps=steps)
        other.base = drawn(self.rng, other.example)
        return other

    def in_single(self) -> Probe:
        """The same on float32 arrays."""
        other = copy.copy(self)
        other.example = replace(self.example, call=replace(self.example.call, precision="single"))
        return other

    def run(self, arrays: Mapping[Path, Any]) -> dict[Path, Any]:
        """The arrays that come back, by path; a list with one array a step as one array, under a path with "*"."""
        returned = attempt(self.example.call, copies(arrays))
        if self.example.x is None and self._several(returned):
            returned = tuple(returned)
        return gathered(leaves(returned), self.patterns)

    def _several(self, returned: Any) -> bool:
        """Whether a list of lists of numbers that a step returns is one of states, not a state."""
        batched = any(B in axes for axes in self.example.templates.values())
        if not isinstance(returned, list) or not is_numbers(returned):
            return False
        array = np.array(returned)
        return bool(array.ndim == 2 + batched and array.shape[-1] == self.example.sizes[0])

    def results(self) -> dict[Path, Any]:
        """What comes back, without caches: parts of a tuple or dict that hold an argument beside what was computed."""
        returned = self.run(self.base)
        given = [array for array in self.base.values() if array.ndim > 1]
        held = {p[:1] for p, a in returned.items() if len(p) > 1 and any(np.array_equal(a, g) for g in given)}
        outside = {path: array for path, array in returned.items() if path[:1] not in held}
        return outside or returned

    @cached_property
    def silent(self) -> frozenset[Path]:
        """The arrays that no result depends on, other than those that are handed on as they came."""
        before = self.run(self.base)
        handed_on = {p: {q for q, a in before.items() if np.array_equal(a, self.base[p])} for p in self.base}

        def heard(path: Path) -> bool:
            after = self.run({**self.base, path: self.base[path] * 1.25})
            return any(
                q not in handed_on[path] and q in after and not np.array_equal(a, after[q]) for q, a in before.items()
            )

        return frozenset(path for path in self.base if not heard(path))

    @cached_property
    def written(self) -> frozenset[Path]:
        """The arrays that one call writes into, or sets anew as attributes, and whose old numbers no result depends
        on: buffers for results, states that are reset."""
        given = copies(self.base)
        _, owner = attempt_on(self.example.call, given)
        after = given if owner is None else {**given, **{leaf.path: leaf.array for leaf in leaves(owner, (SELF,))}}
        return frozenset(p for p, a in self.base.items() if p in self.silent and not np.array_equal(a, after.get(p, a)))

    def changed(self, arrays: Mapping[Path, Any], moved: Mapping[Path, Any], outputs: Any) -> dict[Path, Any]:
        """Which entries of the outputs differ between the two."""
        a, b = self.run(arrays), self.run(moved)
        return {path: np.asarray(a[path] != b[path]) for path in outputs if path in a and path in b}


def copies(arrays: Mapping[Path, Any]) -> dict[Path, Any]:
    """Arrays that somebody's function may change."""
    return {path: array.copy() for path, array in arrays.items()}


def drawn(rng: Any, example: Example) -> dict[Path, Any]:
    """Numbers for all arrays of an example; ones for its masks."""
    made = {path: draw(rng, example.shape(path)) for path in example.templates}
    return made | {path: np.ones(example.shape(path)) for path in example.masks}


def draw(rng: Any, shape: tuple[int, ...]) -> Any:
    """Numbers in ±(0.2, 1.2) on a grid so coarse that sums of them are exact; float32 holds them."""
    sizes = np.round((0.2 + rng.random(shape)) * 2**23) / 2**23
    return sizes * rng.choice([-1.0, 1.0], shape)
