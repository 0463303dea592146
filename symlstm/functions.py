"""The functions to write cells with: on NumPy arrays they compute, on traced values they build expressions.

from symlstm.functions import concat, sigmoid, softmax, tanh
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symlstm.errors import ShapeError
from symlstm.expr import numeric
from symlstm.trace.array import COLUMNS, Traced
from symlstm.trace.broadcasting import constant
from symlstm.trace.elementwise import elementwise
from symlstm.trace.elementwise import maximum as traced_maximum
from symlstm.trace.parts import concatenate
from symlstm.trace.whole import reduction
from symlstm.trace.whole import softmax as traced_softmax


def _one(name: str, compute: Callable[..., Any], traced: Callable[..., Any]) -> Callable[..., Any]:
    def function(z: Any) -> Any:
        return z._reading.operation(traced, z) if isinstance(z, Traced) else compute(z)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = compute.__doc__
    return function


def concat(*parts: Any) -> Any:
    """One vector after the other: [a; b]."""
    traced = [part for part in parts if isinstance(part, Traced)]
    if not traced:
        return np.concatenate(parts, axis=-1)
    _require_last_axis("concat", *traced)
    return traced[0]._reading.operation(concatenate, parts, -1)


def maximum(a: Any, b: Any) -> Any:
    """The larger of a and b."""
    traced = next((v for v in (a, b) if isinstance(v, Traced)), None)
    if traced is None:
        return numeric.maximum(a, b)
    reading = traced._reading
    return reading.operation(traced_maximum, constant(reading, a), constant(reading, b))


def _require_last_axis(name: str, *vectors: Traced) -> None:
    if any(v._batch == COLUMNS for v in vectors):
        raise ShapeError(f"{name} of columns", "the functions of symlstm.functions take vectors in the last axis")


def _along_the_last_axis(name: str) -> Callable[..., Traced]:
    def compute(v: Traced) -> Traced:
        _require_last_axis(name, v)
        return reduction(name)(v, -1 if v._batch else None)

    return compute


sigmoid = _one("sigmoid", numeric.sigmoid, elementwise("sigmoid"))
tanh = _one("tanh", np.tanh, elementwise("tanh"))
relu = _one("relu", numeric.relu, elementwise("relu"))
softplus = _one("softplus", numeric.softplus, elementwise("softplus"))
log_sigmoid = _one("log_sigmoid", numeric.log_sigmoid, elementwise("log_sigmoid"))
softmax = _one("softmax", numeric.softmax, traced_softmax)
logsumexp = _one("logsumexp", numeric.logsumexp, _along_the_last_axis("logsumexp"))
norm = _one("norm", numeric.norm, _along_the_last_axis("norm"))
