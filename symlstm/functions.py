"""The functions to write cells with: on NumPy arrays they compute, on traced values they build expressions.

from symlstm.functions import concat, sigmoid, softmax, tanh
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symlstm.expr import numeric
from symlstm.trace.array import COLUMNS, Traced, constant
from symlstm.trace.numpy_api import UFUNCS, concatenate, elementwise, reduction


def _one(name: str, compute: Callable[..., Any], traced: Callable[..., Any]) -> Callable[..., Any]:
    def function(z: Any) -> Any:
        return z._reading.operation(traced, z) if isinstance(z, Traced) else compute(z)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = compute.__doc__
    return function


def concat(*parts: Any) -> Any:
    """One vector after the other: [a; b]."""
    traced = [part for part in parts if isinstance(part, Traced)]
    if traced:
        columns = any(part._batch == COLUMNS for part in traced)
        return traced[0]._reading.operation(concatenate, parts, 0 if columns else -1)
    return np.concatenate(parts, axis=-1)


def _softmax(v: Traced) -> Traced:
    from symlstm.expr.build import whole

    return v.like(whole("softmax", v._expr), v._rank, v._batch)


def maximum(a: Any, b: Any) -> Any:
    """The larger of a and b."""
    traced = next((v for v in (a, b) if isinstance(v, Traced)), None)
    if traced is None:
        return numeric.maximum(a, b)
    reading = traced._reading
    return reading.operation(UFUNCS["maximum"], constant(reading, a), constant(reading, b))


sigmoid = _one("sigmoid", numeric.sigmoid, elementwise("sigmoid"))
tanh = _one("tanh", np.tanh, elementwise("tanh"))
relu = _one("relu", numeric.relu, elementwise("relu"))
softplus = _one("softplus", numeric.softplus, elementwise("softplus"))
log_sigmoid = _one("log_sigmoid", numeric.log_sigmoid, elementwise("log_sigmoid"))
softmax = _one("softmax", numeric.softmax, _softmax)
logsumexp = _one("logsumexp", numeric.logsumexp, reduction("logsumexp"))
norm = _one("norm", numeric.norm, reduction("norm"))
