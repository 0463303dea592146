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
    """An array (or NumPy number, or lists of numbers) of floating-point numbers, in any library, or of formulas."""
    if isinstance(value, list):
        return _lengths(value) is not None
    if not isinstance(value, (np.ndarray, np.floating)):
        kind = kind_of(value)
        return kind is not None and kind.mine(value)
    return value.dtype.kind == "f" or (value.dtype == object and any(isinstance(v, Number) for v in value.reshape(-1)))


def _lengths(value: Any) -> tuple[int, ...] | None:
    """The shape of a list of Python's floats, or of lists of one length of these; None of any other list."""
    if not isinstance(value, list) or not value:
        return None
    if type(value[0]) is list:
        shapes = {_lengths(part) for part in value}
        shape = shapes.pop()
        return None if shapes or shape is None else (len(value), *shape)
    plain = all(type(v) in (float, int) or isinstance(v, Number) for v in value)
    return (len(value),) if plain and any(type(v) is not int for v in value) else None


def as_numpy(value: Any) -> Any:
    """An array of any library as a NumPy array."""
    kind = kind_of(value)
    if isinstance(value, list):
        made = np.asarray(value)
        return made if made.dtype == object else made.astype(np.float64)
    return np.asarray(value) if kind is None else kind.numpy(value)


def like(array: Any, value: Any, precision: Precision = "own") -> Any:
    """A NumPy array as an array of the library that `value` is of; one of another library as it is."""
    if isinstance(value, list) and isinstance(array, np.ndarray):
        return array.tolist()
    kind = kind_of(value)
    if kind is None and precision == "single" and narrow(value) and isinstance(array, np.ndarray):
        return array.astype(value.dtype)
    return array if kind is None or not isinstance(array, np.ndarray) else kind.like(array, value, precision)


def narrow(value: Any) -> bool:
    """Whether an array has fewer digits than float64."""
    kind = kind_of(value)
    if kind is None:
        return isinstance(value, (np.ndarray, np.floating)) and value.dtype == np.float32
    return kind.narrow(value)


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
