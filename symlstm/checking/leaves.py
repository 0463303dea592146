"""The arrays inside what a function takes and returns, by path; and the same structure with other arrays."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.checking.exponentials import Number
from symlstm.checking.tensors import Precision, kind_of

Path = tuple[Any, ...]
DEEPEST = 6


@dataclass(frozen=True)
class Leaf:
    """An array, in NumPy, and the path of arguments, keys, indices and attributes that leads to it."""

    path: Path
    array: Any

    @property
    def name(self) -> str:
        return ".".join(str(part) for part in self.path)


def leaves(value: Any, path: Path = ()) -> list[Leaf]:
    """Every floating-point array inside dicts, lists, tuples and plain objects."""
    return [Leaf(at, as_numpy(array)) for at, array in own_arrays(value, path)]


def own_arrays(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    """The same, each array as it is, with its path."""
    if is_numbers(value):
        return [(path, value)]
    found: list[tuple[Path, Any]] = []
    if len(path) <= DEEPEST:
        for key, part in _parts(value):
            found += own_arrays(part, (*path, key))
    return found


def picked(value: Any, path: Path) -> Any:
    """What lies under a path."""
    for key in path:
        value = dict(_parts(value))[key]
    return value


def is_numbers(value: Any) -> bool:
    """An array (or NumPy number) of floating-point numbers, in any library, or of formulas."""
    if not isinstance(value, (np.ndarray, np.floating)):
        kind = kind_of(value)
        return kind is not None and kind.mine(value)
    return value.dtype.kind == "f" or (value.dtype == object and any(isinstance(v, Number) for v in value.reshape(-1)))


def as_numpy(value: Any) -> Any:
    """An array of any library as a NumPy array."""
    kind = kind_of(value)
    return np.asarray(value) if kind is None else kind.numpy(value)


def like(array: Any, value: Any, precision: Precision = "own") -> Any:
    """A NumPy array as an array of the library that `value` is of; one of another library as it is."""
    kind = kind_of(value)
    return array if kind is None or not isinstance(array, np.ndarray) else kind.like(array, value, precision)


def replaced(value: Any, arrays: Mapping[Path, Any], path: Path = (), precision: Precision = "own") -> Any:
    """The structure anew, with arrays in their places; whatever holds none is kept as it is."""
    if path in arrays:
        return like(arrays[path], value, precision)
    holder = kind_of(value)
    if holder is not None and holder.holds(value):
        own = {str(given[-1]): array for given, array in arrays.items() if given[:-1] == path}
        return holder.twin(value, own, precision)
    inside = {key: part for key, part in _parts(value)} if len(path) <= DEEPEST else {}
    if not any(given[: len(path)] == path for given in arrays):
        return value
    made = {key: replaced(part, arrays, (*path, key), precision) for key, part in inside.items()}
    if isinstance(value, dict):
        fresh = copy.copy(value)
        fresh.update(made)
        return fresh
    if isinstance(value, tuple):
        return type(value)(*made.values()) if hasattr(value, "_fields") else tuple(made.values())
    if isinstance(value, list):
        return list(made.values())
    fresh = copy.copy(value)
    for key, part in made.items():
        object.__setattr__(fresh, key, part)
    return fresh


def _parts(value: Any) -> list[tuple[Any, Any]]:
    holder = kind_of(value)
    if holder is not None:
        return list(holder.held(value)) if holder.holds(value) else []
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return list(zip(value._fields, value, strict=True))
    if isinstance(value, (list, tuple)):
        return list(enumerate(value))
    if isinstance(value, type) or (callable(value) and not hasattr(value, "__dict__")):
        return []
    if type(value).__module__.split(".")[0] in ("numpy", "builtins", "random"):
        return []
    return list(vars(value).items()) if hasattr(value, "__dict__") else []
