"""Parts of a vector of parameters, as arrays of their own, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from symlstm.checking.leaves import Leaf, Path, as_numpy, picked


@dataclass(frozen=True)
class Part:
    """Consecutive entries of a vector, from `start` on, as an array of that shape; order: C or F."""

    start: int
    shape: tuple[int, ...]
    order: str

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=int))

    @property
    def stop(self) -> int:
        return self.start + self.size

    @property
    def wide(self) -> bool:
        """Whether it is no vector, row or column."""
        return sum(length > 1 for length in self.shape) > 1

    def meets(self, other: Part) -> bool:
        """Whether they have an entry in common."""
        return self.start < other.stop and other.start < self.stop


Cuts = Mapping[Path, tuple[Part, ...]]


def block(path: Path, place: int) -> Path:
    """The path of a part of a vector."""
    return (*path, f"block{place + 1}")


def split(leaf: Leaf, cuts: Cuts) -> list[Leaf]:
    """A vector as its parts; any other array as it is."""
    if leaf.path not in cuts:
        return [leaf]
    return [
        Leaf(block(leaf.path, k), leaf.array[p.start : p.stop].reshape(p.shape, order=cast(Literal["C"], p.order)))
        for k, p in enumerate(cuts[leaf.path])
    ]


def joined(arrays: Mapping[Path, Any], cuts: Cuts, inside: Any) -> dict[Path, Any]:
    """Arrays with the vectors in the place of their parts; a part that is missing is as it was given inside."""
    made = dict(arrays)
    for path, parts in cuts.items():
        own = {k: made.pop(block(path, k)) for k in range(len(parts)) if block(path, k) in made}
        if own:
            formulas = any(array.dtype == object for array in own.values())
            vector = np.array(as_numpy(picked(inside, path)), dtype=object if formulas else np.float64)
            for k, array in own.items():
                vector[parts[k].start : parts[k].stop] = array.reshape(-1, order=cast(Literal["C"], parts[k].order))
            made[path] = vector
    return made
