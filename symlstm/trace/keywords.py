"""Arguments of NumPy's functions: those that a row of the tables uses are passed on, the others must change nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from symlstm.errors import CellError

ANY = object()
"""Every value of the argument is harmless."""

HARMLESS: dict[str, Any] = {
    "out": (None,),
    "where": (True,),
    "casting": ANY,
    "order": ("K", "A", "C", "F", None),
    "subok": ANY,
    "copy": ANY,
    "optimize": ANY,
    "ddof": (0,),
    "correction": (0,),
    "weights": (None,),
    "returned": (False,),
    "shape": (None,),
    "device": (None, "cpu"),
    "keepdims": (False,),
    "axis": (None,),
}
"""Values that change nothing, by argument; None where nothing is said. `dtype` is judged by `is_double`."""

INSTEAD = {
    "out": "assign the result to a name instead",
    "where": "choose with np.where",
    "dtype": "leave it out: code that is made from a cell follows the dtype of its arguments",
    "weights": "write np.sum(w * v) / np.sum(w)",
    "ddof": "write np.sum((v - np.mean(v)) ** 2) / (v.shape[0] - 1) for ddof=1",
    "correction": "write np.sum((v - np.mean(v)) ** 2) / (v.shape[0] - 1) for correction=1",
    "initial": "add it to the sum, or take np.maximum (np.minimum) of it and the result",
    "mean": "leave it out",
    "axes": "use @",
    "axis": "reduce or join along the features of one array",
}
"""What to write for an argument that is not understood."""


@dataclass(frozen=True)
class Row:
    """What a NumPy function means: `compute`, and all arguments of the original in its order.

    compute: takes those arguments, by the same names, that it understands. arguments: "a axis dtype out", with "*axes"
    for any number of them. harmless: values of the others that change nothing, beside those of HARMLESS.
    """

    compute: Callable[..., Any]
    arguments: str
    harmless: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @cached_property
    def understood(self) -> frozenset[str]:
        return frozenset(inspect.signature(self.compute).parameters)

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result for the arguments of a call of `name`; CellError for one that would be ignored."""
        names = self.arguments.split()
        first = next((k for k, n in enumerate(names) if n.startswith("*")), len(names))
        extra = args[first:]
        if extra and first == len(names):
            raise CellError(f"{name} takes at most {first} arguments, not {len(args)}")
        given = dict(zip(names, args[:first], strict=False))
        for keyword, value in kwargs.items():
            if keyword not in names or keyword in given:
                raise CellError(f"{name} does not take the argument {keyword} here", "see NumPy's documentation")
            given[keyword] = value
        for keyword in [k for k in given if k not in self.understood]:
            require_harmless(name, keyword, given.pop(keyword), self.harmless.get(keyword, ()))
        if extra:
            leading = [given.pop(n) for n in names[:first]]
            return self.compute(*leading, *extra, **given)
        return self.compute(**given)


def require_harmless(name: str, keyword: str, value: Any, also: tuple[Any, ...] = ()) -> None:
    """CellError unless this value of an argument changes nothing."""
    if keyword == "dtype" and is_double(value):
        return
    accepted = HARMLESS.get(keyword, (None,))
    if accepted is ANY or any(_same(value, one) for one in (*accepted, *also)):
        return
    wrong = "writes in place" if keyword == "out" else "is not understood in a cell"
    raise CellError(f"{name}(..., {keyword}=...) {wrong}", INSTEAD.get(keyword, "leave it out"))


def is_double(dtype: Any) -> bool:
    """Whether a dtype leaves float64 as it is."""
    try:
        return dtype is None or np.dtype(dtype) == np.float64
    except TypeError:
        return False


def _same(value: Any, accepted: Any) -> bool:
    if value is accepted:
        return True
    plain = isinstance(value, (bool, int, float, str, np.bool_, np.number))
    return plain and isinstance(accepted, (bool, int, float, str)) and bool(value == accepted)
