"""The functions of the tables as plain formulas of numbers: only their definitions, never their derivatives."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

from symlstm.expr.functions import ELEMENTWISE, WHOLE


@lru_cache(maxsize=512)
def elementwise(function: str, arrays: int, constants: tuple[sp.Expr, ...]) -> tuple[tuple[sp.Symbol, ...], sp.Expr]:
    """(symbols, formula) of an elementwise function."""
    symbols = sp.symbols(f"u:{arrays}", seq=True)
    return tuple(symbols), sp.sympify(ELEMENTWISE[function].value(*symbols, *constants))


@lru_cache(maxsize=512)
def adds_terms(function: str, arrays: int, constants: tuple[sp.Expr, ...]) -> bool:
    """Whether the value of an elementwise function is a sum, or the logarithm of one: its terms can cancel."""
    _, formula = elementwise(function, arrays, constants)
    return bool(formula.is_Add or any(log.args[0].is_Add for log in formula.atoms(sp.log)))


@lru_cache(maxsize=512)
def whole(function: str, length: int) -> tuple[tuple[sp.Symbol, ...], tuple[sp.Expr, ...]]:
    """(symbols, one formula an entry of the value) of a function of a whole vector."""
    symbols = sp.symbols(f"u:{length}", seq=True)
    row = WHOLE[function]
    count = length if row.keeps_shape else 1
    return tuple(symbols), tuple(sp.sympify(row.value(list(symbols), sp.Integer(k))) for k in range(count))


@lru_cache(maxsize=512)
def compiled_elementwise(function: str, arrays: int, constants: tuple[sp.Expr, ...], module: str) -> Any:
    """The same as a Python function of numbers (module "mpmath") or arrays ("numpy")."""
    symbols, formula = elementwise(function, arrays, constants)
    return sp.lambdify(symbols, formula, [_LOCAL[module], module])


@lru_cache(maxsize=512)
def compiled_whole(function: str, length: int, module: str) -> Any:
    """The same for a function of a whole vector; gives the list of entries."""
    symbols, formulas = whole(function, length)
    return sp.lambdify(symbols, list(formulas), [_LOCAL[module], module])


def _heaviside_numpy(z: Any, at_zero: Any = 0) -> Any:
    import numpy as np

    return np.where(np.real(z) > 0, 1.0, 0.0)


def _maximum_numpy(*entries: Any) -> Any:
    import numpy as np

    if len(entries) == 1 and isinstance(entries[0], (tuple, list)):
        entries = tuple(entries[0])
    largest = entries[0]
    for other in entries[1:]:
        largest = np.where(np.real(other) > np.real(largest), other, largest)
    return largest


_LOCAL: dict[str, dict[str, Any]] = {
    "numpy": {
        "Heaviside": _heaviside_numpy,
        "Max": _maximum_numpy,
        "amax": lambda entries, axis=0: _maximum_numpy(*entries),
    },
    "mpmath": {"Heaviside": lambda z, at_zero=0: 1 if z > 0 else 0, "Max": lambda *entries: max(entries)},
}
