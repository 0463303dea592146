"""The formula as code: what a user would run, from float64 columns to a matrix."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from symlstm.codegen import formula
from symlstm.evidence.interpret import under_its_name
from symlstm.evidence.program import Sizes, named, shape_of
from symlstm.expr.time import expand, moved

_generated = lru_cache(maxsize=1024)(formula)


def compute(expr: Any, values: dict[Any, Any], sizes: Sizes) -> Any:
    """The value by the generated code, called with arrays by quantity (names may be shared)."""
    expr = expand(expr, lambda q, time: under_its_name(moved(q, time), values))
    arrays = {q: _in_array_layout(values[q]) for q in named(expr)}
    with np.errstate(all="ignore"):  # what is not chosen may be undefined
        result = _generated(expr)(arrays, {str(symbol): size for symbol, size in sizes})
    return result.reshape(shape_of(expr, sizes))


def _in_array_layout(value: Any) -> Any:
    """A column has one axis, a number none."""
    rows, cols = value.shape
    return value if cols != 1 else value.reshape(rows) if rows != 1 else value.reshape(())
