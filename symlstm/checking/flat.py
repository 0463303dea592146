"""One vector of all parameters: which parts of it the code cuts out and reshapes, seen in the views that it makes."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symlstm.checking.calls import Call, attempt
from symlstm.checking.cuts import Part
from symlstm.checking.leaves import Path, own_arrays
from symlstm.errors import ValueUnusable

SMALLEST = 6
"""Of vectors that are watched: two rows of two, and two numbers more."""
TAKERS = ("array", "asarray", "asanyarray", "ascontiguousarray", "copy")
_lock = threading.RLock()


@dataclass
class Log:
    """The views that were made of a vector: (first entry, shape, order)."""

    address: int
    size: int
    itemsize: int
    views: list[Part] = field(default_factory=list)

    def note(self, view: Any) -> None:
        """What lies in the vector and is contiguous in it, in either order."""
        start = view.__array_interface__["data"][0] - self.address
        if not 0 <= start < self.size * self.itemsize or not view.size:
            return
        for order in ("C", "F"):
            if view.strides == _strides(view.shape, self.itemsize, order):
                self.views.append(Part(start // self.itemsize, view.shape, order))
                return


def _strides(shape: tuple[int, ...], itemsize: int, order: str) -> tuple[int, ...]:
    lengths = shape[::-1] if order == "C" else shape
    made = [itemsize * int(np.prod(lengths[:k], dtype=int)) for k in range(len(shape))]
    return tuple(made[::-1] if order == "C" else made)


class Watched(np.ndarray):
    """A vector that notes what is cut out of it. It stays what it is where code asks for a copy."""

    log: Log | None

    def __array_finalize__(self, obj: Any) -> None:
        self.log = getattr(obj, "log", None)
        if self.log is not None and (obj.ndim == 1 or self.ndim == 1):
            self.log.note(self)

    def copy(self, *args: Any, **keywords: Any) -> Any:
        return self

    def flatten(self, *args: Any, **keywords: Any) -> Any:
        return self.reshape(-1)

    def astype(self, dtype: Any, *args: Any, **keywords: Any) -> Any:
        return self if np.dtype(dtype).kind == "f" else super().astype(dtype, *args, **keywords)


@contextlib.contextmanager
def _kept_watched() -> Iterator[None]:
    """Within, this thread's np.array and its like hand on what is watched."""
    with _lock:
        before = {name: getattr(np, name) for name in TAKERS}
        mine = threading.get_ident()

        def handing(original: Callable[..., Any]) -> Callable[..., Any]:
            def make(*args: Any, **keywords: Any) -> Any:
                watched = threading.get_ident() == mine and args and isinstance(args[0], Watched)
                return args[0] if watched else original(*args, **keywords)

            return make

        for name, original in before.items():
            setattr(np, name, handing(original))
        try:
            yield
        finally:
            for name, original in before.items():
                setattr(np, name, original)


def with_parts(call: Call) -> Call:
    """The call with its vectors of parameters cut as its code cuts them."""
    if call.foreign:
        return call
    given: dict[Path, Any] = {}
    for path, array in own_arrays(call.inside):
        plain = type(array) is np.ndarray and array.ndim == 1 and array.size >= SMALLEST
        if plain and path[:1] not in call.stacked:
            given[path] = _watched(array)
    try:
        with _kept_watched():
            attempt(call, given)
    except ValueUnusable:  # it is run again, and then told
        return call
    cut = {path: parts for path, vector in given.items() if (parts := parts_in(vector.log.views, vector.size))}
    return replace(call, cuts=cut) if cut else call


def _watched(array: Any) -> Any:
    vector = np.array(array).view(Watched)
    vector.log = Log(vector.__array_interface__["data"][0], vector.size, vector.itemsize)
    return vector


def parts_in(views: list[Part], size: int) -> tuple[Part, ...]:
    """The parts of a vector that was cut into matrices and vectors, in their order; () where it was not."""
    wide = _outermost([v for v in views if v.wide])
    if len(wide) == 1 and wide[0].size == size:
        wide = _outermost([v for v in views if v.wide and v.size < size])
    flat = [Part(v.start, (v.size,), "C") for v in views if not v.wide]
    parts = sorted([*wide, *_outermost([v for v in flat if not any(v.meets(w) for w in wide)])], key=_start)
    if not wide or any(a.meets(b) for a, b in itertools.pairwise(parts)):
        return ()
    at, made = 0, []
    for part in [*parts, Part(size, (0,), "C")]:
        if part.start > at:
            made.append(Part(at, (part.start - at,), "C"))
        made += [part] if part.size else []
        at = part.stop
    return tuple(made) if len(made) > 1 else ()


def _start(part: Part) -> int:
    return part.start


def _outermost(parts: list[Part]) -> list[Part]:
    """Those that lie in no other; the first of several of one range."""
    found: list[Part] = []
    for part in sorted(parts, key=lambda p: -p.size):
        if not any(other.start <= part.start and part.stop <= other.stop for other in found):
            found.append(part)
    return found


def advice(call: Call, vectors: Mapping[Path, int]) -> str:
    """What to do with a vector of parameters whose parts could not be seen."""
    largest = max(vectors.items(), key=lambda item: item[1])[0]
    name = ".".join(map(str, largest))
    return (
        f"{name} is one vector: check a function that takes its parts by name, and puts them together: "
        f"def step(x, h_prev, c_prev, W, b): return {call.name}(x, h_prev, c_prev, np.concatenate([W.reshape(-1), b]))"
    )
