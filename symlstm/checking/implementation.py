"""What is checked, with its example: a function, an object, a module, or a class that makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from symlstm.checking.axes import SIZES
from symlstm.checking.calls import Call, call_of
from symlstm.checking.classes import Factory
from symlstm.checking.constructor import again, sizes_of_instance
from symlstm.checking.example import Example
from symlstm.checking.given import read_example
from symlstm.checking.leaves import Path, as_numpy, own_arrays
from symlstm.checking.probe import drawn
from symlstm.checking.tensors import kind_of
from symlstm.checking.ways import tried
from symlstm.errors import ValueUnusable


def read(function: Any, example: Any, states: int) -> Example:
    """The example in any of its forms, or found by trying; ValueUnusable where that does not go."""
    if isinstance(function, Factory) and example is None:
        return tried(function.at, [SIZES[:2]], True, states, f"{function.made.__name__}.{function.method}")
    if isinstance(function, Factory) or example is not None:
        return read_example(function, example, states)
    owner = getattr(function, "__self__", function)
    holder = kind_of(function)
    if holder is not None and holder.holds(function):
        return _of_instance(function, lambda made: made, states)
    try:
        return read_example(function, example, states)
    except ValueUnusable:
        if not own_arrays(owner):
            raise
    name = getattr(function, "__name__", "__call__")
    return _of_instance(owner, lambda made: getattr(made, name) if owner is not function else made, states)


def _of_instance(instance: Any, method: Callable[[Any], Any], states: int) -> Example:
    """In sizes that tell most, where others like it can be made; else in its own."""
    name = type(instance).__name__
    own = tried(lambda n, m: method(instance), sizes_of_instance(instance), False, states, name)
    like_it = again(instance)
    if like_it is None or not _the_same(own, lambda: method(like_it(*own.sizes[:2]))):
        return own
    try:
        found = tried(lambda n, m: method(like_it(n, m)), [SIZES[:2]], True, states, name)
    except Exception:  # somebody's constructor: anything may happen
        return own
    return found if found.x == own.x else own


def _the_same(own: Example, made: Callable[[], Any]) -> bool:
    """Whether another instance has the same arrays and computes the same from them."""
    rng = np.random.default_rng(4)
    arrays = drawn(rng, own)
    try:
        other = replace(call_of(made(), (), own.call.arguments), stacked=own.call.stacked, precision=own.call.precision)
        if _shapes(other) != _shapes(own.call):  # the arrays drawn may have another number of steps
            return False
        copies = [{p: a.copy() for p, a in arrays.items()} for _ in range(2)]
        results = [own_arrays(call(given)) for call, given in zip((own.call, other), copies, strict=True)]
    except Exception:  # somebody's code: anything may happen
        return False
    a, b = results
    return len(a) == len(b) and all(p == q and _equal(u, v) for (p, u), (q, v) in zip(a, b, strict=True))


def _shapes(call: Call) -> dict[Path, tuple[int, ...]]:
    return {leaf.path: leaf.array.shape for leaf in call.leaves()}


def _equal(a: Any, b: Any) -> bool:
    return np.array_equal(as_numpy(a), as_numpy(b), equal_nan=True)
