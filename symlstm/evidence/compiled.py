"""The formula as code: what a user would run, from float64 columns to a matrix."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symlstm.codegen import formula
from symlstm.evidence.program import Sizes, named, shape_of

_generated = lru_cache(maxsize=1024)(formula)


def by_generated_code(expr: Any, values: dict[Any, Any], sizes: Sizes) -> Any:
    """The value by symlstm's own code, called with arrays by name."""
    arrays = {q.name: _in_array_layout(values[q]) for q in named(expr)}
    result = _generated(expr)(arrays, {str(symbol): size for symbol, size in sizes})
    return result.reshape(shape_of(expr, sizes))


def _in_array_layout(value: Any) -> Any:
    """A column has one axis, a number none."""
    rows, cols = value.shape
    return value if cols != 1 else value.reshape(rows) if rows != 1 else value.reshape(())


def by_lambdify(expr: Any, values: dict[Any, Any], sizes: Sizes) -> Any:
    """The value by the code that sympy.lambdify makes of it."""
    quantities, code = _lambdified(expr, tuple(symbol for symbol, _ in sizes))
    result = code(*[values[q] for q in quantities], *[size for _, size in sizes])
    shape = shape_of(expr, sizes)
    return np.broadcast_to(result, shape) if np.ndim(result) == 0 else np.reshape(result, shape)


@lru_cache(maxsize=1024)
def _lambdified(expr: Any, dims: tuple[sp.Symbol, ...]) -> tuple[tuple[Any, ...], Any]:
    quantities = tuple(dict.fromkeys(named(expr)))
    if {q.name for q in quantities}.isdisjoint(str(symbol) for symbol in dims):
        return quantities, sp.lambdify([*quantities, *dims], expr, "numpy")
    apart = {symbol: sp.Symbol(f"size_of_{symbol}", integer=True, positive=True) for symbol in dims}
    arguments = [q.xreplace(apart) for q in quantities]  # a quantity and a size of one name, such as n in the GRU
    return quantities, sp.lambdify([*arguments, *apart.values()], expr.xreplace(apart), "numpy")


compute = by_lambdify
"""The one that the float64 rung checks."""
