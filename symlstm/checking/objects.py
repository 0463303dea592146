"""NumPy with formulas in its arrays: what makes new arrays of numbers makes arrays that can hold formulas too."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from symlstm.checking.exponentials import Number, Unreadable, number
from symlstm.evidence.definitions import elementwise, whole
from symlstm.evidence.interpret import ObjectArrays, shaped

MAKERS = ("zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like", "full_like")
TAKERS = ("array", "asarray", "asanyarray", "ascontiguousarray")
CONSTANT = 1e-300
_lock = threading.RLock()


@contextlib.contextmanager
def holding_formulas() -> Iterator[None]:
    """Within, this thread's np.zeros and its like make object arrays, and no conversion drops a formula."""
    with _lock:
        before = {name: getattr(np, name) for name in (*MAKERS, *TAKERS)}
        mine = threading.get_ident()
        for name, original in before.items():
            setattr(np, name, _made(original, mine, name in TAKERS))
        try:
            yield
        finally:
            for name, original in before.items():
                setattr(np, name, original)


def _made(original: Callable[..., Any], mine: int, takes: bool) -> Callable[..., Any]:
    place = 2 if original.__name__ in ("full", "full_like") else 1  # of the type of the numbers

    def make(*args: Any, **keywords: Any) -> Any:
        if threading.get_ident() != mine:
            return original(*args, **keywords)
        if len(args) > place and "dtype" not in keywords:
            args, keywords = (*args[:place], *args[place + 1 :]), {**keywords, "dtype": args[place]}
        dtype = keywords.get("dtype", float)
        kind = np.dtype(dtype if dtype is not None else float)
        if kind.kind in "biuO":
            return original(*args, **keywords)
        if kind != np.float64:
            raise Unreadable(f"values are made {kind.name}")
        if takes and not _formulas(original(args[0], dtype=object)):
            return original(*args, **keywords)
        return original(*args, **{**keywords, "dtype": object})

    return make


def _formulas(array: Any) -> bool:
    return any(isinstance(v, Number) for v in array.reshape(-1))


def numbers(array: Any) -> Any:
    """The array with plain numbers in it turned into formulas too."""
    return shaped([_number(v) for v in np.asarray(array, dtype=object).reshape(-1)], np.shape(array))


def _number(value: Any) -> Number:
    found = number(value)
    if found is None:
        raise Unreadable(f"{value!r} is no number")
    return found


def _log(value: Number) -> Number:
    raise Unreadable("a logarithm is taken")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": lambda z: _number(z).exp(),
    "tanh": lambda z: _number(z).tanh(),
    "sinh": lambda z: _number(z).sinh(),
    "cosh": lambda z: _number(z).cosh(),
    "Heaviside": lambda z, *at_zero: _number(1 if z > 0 else 0),
    "Max": lambda *entries: max(entries),
    "log": _log,
}


class FormulaField(ObjectArrays):
    """Arrays of formulas, for the interpreter of equations."""

    def __init__(self) -> None:
        super().__init__(_number)

    def apply(self, function: str, arrays: list[Any], constants: tuple[Any, ...]) -> Any:
        symbols, formula = elementwise(function, len(arrays), constants)
        compute = _compiled(symbols, formula)
        entries = zip(*[a.reshape(-1) for a in arrays], strict=True)
        return shaped([_number(compute(*entry)) for entry in entries], arrays[0].shape)

    def whole(self, function: str, v: Any) -> Any:
        symbols, formulas = whole(function, len(v))
        found = [_number(_compiled(symbols, formula)(*v[:, 0])) for formula in formulas]
        return shaped(found, (len(found), 1))


FORMULAS = FormulaField()
_kept: dict[Any, Callable[..., Any]] = {}


def _compiled(symbols: Any, formula: Any) -> Callable[..., Any]:
    if (symbols, formula) not in _kept:
        import sympy as sp

        _kept[symbols, formula] = sp.lambdify(symbols, formula, [FUNCTIONS, "math"])
    return _kept[symbols, formula]
