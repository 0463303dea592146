"""What the functions of this package take: a cell, its parameters, a sequence or a number of steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from symlstm.codegen import compile
from symlstm.codegen.streaming import Stream, read_stream
from symlstm.equations import Cell
from symlstm.errors import RuleMissing, ShapeError, ValueUnusable, shown

Array = np.ndarray[Any, Any]


def stream_of(cell: Any, parameters: Any, x: Any, steps: Any, states: Any, backend: str = "numpy") -> Stream:
    """The steps of a sequence: X (T, ..., m), or zero input where X is None; states: zeros where None.

    Raises ShapeError, ValueUnusable and NameUnknown; also where there is no step, and for complex numbers.
    """
    found = read_stream(compile(cell, backend), parameters, x, steps, states)
    if not found.steps:
        raise ShapeError(f"{found.cell.name} is run for 0 steps: nothing can be measured", "give one step at least")
    if found.dtype.kind == "c":
        raise ValueUnusable("the flow of gradients is measured on real numbers, not on complex ones")
    return found


def generator(rng: Any) -> np.random.Generator:
    """What makes random numbers, from a seed or from NumPy's own generators; ValueUnusable for anything else."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ValueUnusable(
            f"rng must be a seed or a generator of NumPy's, not {shown(rng)}",
            "rng=0, or rng=np.random.default_rng(0)",
        ) from None


def require_vectors(cell: Cell, what: str) -> None:
    """RuleMissing where a state is a matrix."""
    for s in cell.states:
        if s.current.shape[1] != 1:
            raise RuleMissing(f"{s.current.name} is a matrix, and {what} where every state is a vector")


def whole_number(name: str, value: Any, least: int, most: int) -> int:
    """An argument that is a whole number between two; ValueUnusable says what it must be."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise ValueUnusable(f"{name} must be a whole number from {least} to {most}, not {shown(value)}")
    return int(value)
