"""Lists with one array a step, as arguments and as results: as one array with the steps first, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from symlstm.checking.leaves import Leaf, Path, as_numpy, is_numbers, like
from symlstm.checking.tensors import Precision
from symlstm.checking.words import role_of

ANY = "*"
"""The place of the step in the path of a stacked array."""


def listed_inputs(arguments: Mapping[str, Any], steps: int | None) -> tuple[Path, ...]:
    """The arguments that hold one array a step; steps: how many there are, where that is known."""
    found = []
    for name, value in arguments.items():
        parts = list(value.values()) if isinstance(value, dict) and all(type(k) is int for k in value) else value
        if (
            is_numbers(parts)
            or not isinstance(parts, (list, tuple))
            or len(parts) < 2
            or not all(is_numbers(p) for p in parts)
        ):
            continue
        if len({np.shape(p) for p in parts}) == 1 and (role_of(name) == "x" or len(parts) == steps):
            found.append((name,))
    return tuple(found)


def stacked_input(value: Any) -> Any:
    """One array a step as one array."""
    return np.stack([as_numpy(part) for part in (value.values() if isinstance(value, dict) else value)])


def spread_input(array: Any, given: Any, precision: Precision = "own") -> Any:
    """An array as one array a step, in the container, and of the library, that the example has."""
    one = next(iter(given.values() if isinstance(given, dict) else given))
    parts = [like(np.array(part), one, precision) if isinstance(array, np.ndarray) else part for part in array]
    if isinstance(given, dict):
        first = min(given)
        return {first + k: part for k, part in enumerate(parts)}
    return tuple(parts) if isinstance(given, tuple) else parts


def patterns(found: Iterable[Leaf], steps: int) -> set[Path]:
    """The paths, with ANY at one place, under which there is one array of one shape for each of `steps` steps (or one
    more: the initial state)."""
    groups: dict[Path, list[tuple[int, Leaf]]] = {}
    for leaf in found:
        for k, part in enumerate(leaf.path):
            if isinstance(part, int):
                groups.setdefault((*leaf.path[:k], ANY, *leaf.path[k + 1 :]), []).append((part, leaf))
    made: set[Path] = set()
    for pattern, members in groups.items():
        indices = sorted(index for index, _ in members)
        whole = indices == list(range(indices[0], indices[0] + len(indices)))
        if whole and len(members) in (steps, steps + 1) and len({leaf.array.shape for _, leaf in members}) == 1:
            made.add(pattern)
    return made


def gathered(found: list[Leaf], wanted: Iterable[Path]) -> dict[Path, Any]:
    """All arrays by path; those under a pattern as one array, the steps first."""
    members: dict[Path, list[tuple[int, Any]]] = {}
    alone: dict[Path, Any] = {}
    for leaf in found:
        own = [p for p in wanted if len(p) == len(leaf.path) and _under(p, leaf.path)]
        for pattern in own[:1]:
            members.setdefault(pattern, []).append((leaf.path[pattern.index(ANY)], leaf.array))
        if not own:
            alone[leaf.path] = leaf.array
    return alone | {p: np.stack([a for _, a in sorted(parts, key=lambda e: e[0])]) for p, parts in members.items()}


def members(found: Iterable[Path], pattern: Path) -> list[Path]:
    """The paths under a pattern, in the order of the steps."""
    own = [path for path in found if len(path) == len(pattern) and _under(pattern, path)]
    return sorted(own, key=lambda path: path[pattern.index(ANY)])


def _under(pattern: Path, path: Path) -> bool:
    return all(a == b or (a == ANY and isinstance(b, int)) for a, b in zip(pattern, path, strict=True))
