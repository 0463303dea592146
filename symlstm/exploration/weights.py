"""Which parts of which parameter matrices are recurrent weights: found from what they multiply.

A part is recurrent where it multiplies what is made entry by entry of previous states: U h_{t-1}, U (r ⊙ h_{t-1}), the
first n columns of W [h_{t-1}; x_t]. What multiplies a state that the step has just made (a projection, an output) is
not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symlstm.equations import Cell
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Part:
    """A block of a parameter matrix: (first, count) of rows and columns, as it stands in the array.

    summed: the axis that the product sums over, whose length is the fan-in.
    """

    parameter: Quantity
    rows: tuple[Any, Any]
    columns: tuple[Any, Any]
    summed: int
    recurrent: bool

    def of(self, parameters: dict[str, Array], sizes: dict[str, int]) -> Array:
        """The block of the array, a view."""
        row, rows, column, columns = (number(v, sizes) for v in (*self.rows, *self.columns))
        return parameters[self.parameter.name][row : row + rows, column : column + columns]


def number(length: Any, sizes: dict[str, int]) -> int:
    """A symbolic length as a whole number."""
    length = sp.sympify(length)
    return int(length.subs({s: sizes[str(s)] for s in length.free_symbols}))


@lru_cache(maxsize=64)
def parts(cell: Cell) -> tuple[Part, ...]:
    """Every block of a parameter matrix that multiplies a vector, each once."""
    found: dict[tuple[Any, ...], Part] = {}
    for e in cell.equations:
        for node in _products(e.expr):
            matrix, vector = node.args[-2:]
            if vector.shape[1] != 1:
                continue
            start: Any = sp.S.Zero
            for piece in _pieces(cell, vector):
                part = _part(cell, matrix, start, piece.shape[0], carried(cell, piece))
                if part is not None:
                    found.setdefault((part.parameter, part.rows, part.columns), part)
                start = start + piece.shape[0]
    return tuple(found.values())


def carried(cell: Cell, expr: Any) -> bool:
    """Whether an expression is made of previous states without a product of matrices in between."""
    if isinstance(expr, Quantity):
        if any(expr == s.previous for s in cell.states):
            return True
        equation = cell.equation(expr)
        new = any(expr == s.current for s in cell.states)
        return equation is not None and not new and carried(cell, equation.expr)
    if isinstance(expr, x.Matmul) or not hasattr(expr, "shape"):
        return False
    return any(carried(cell, a) for a in expr.args)


def _products(expr: Any) -> Iterator[x.Matmul]:
    if isinstance(expr, x.Matmul):
        yield expr
    for a in () if isinstance(expr, Quantity) or not hasattr(expr, "args") else expr.args:
        yield from _products(a)


def _pieces(cell: Cell, vector: Matrix) -> tuple[Matrix, ...]:
    """The parts of a concatenation, named or not."""
    if isinstance(vector, Quantity):
        equation = cell.equation(vector)
        return (vector,) if equation is None or not isinstance(equation.expr, x.Concat) else equation.expr.args
    return vector.args if isinstance(vector, x.Concat) else (vector,)


def _part(cell: Cell, matrix: Matrix, start: Any, count: Any, recurrent: bool) -> Part | None:
    """The columns of a matrix on paper, as a block of the parameter behind it."""
    if isinstance(matrix, x.Transposed):
        inner = _part(cell, matrix.args[0], 0, matrix.args[0].shape[1], recurrent)
        if inner is None:
            return None
        return Part(inner.parameter, (inner.rows[0] + start, count), inner.columns, 0, recurrent)
    if isinstance(matrix, x.Block):
        inner = _part(cell, matrix.args[0], 0, matrix.args[0].shape[1], recurrent)
        if inner is None or inner.summed == 0:
            return None
        _, row, rows, column, _ = matrix.args
        return Part(inner.parameter, (row, rows), (column + start, count), 1, recurrent)
    if isinstance(matrix, Quantity) and matrix in cell.parameters:
        return Part(matrix, (sp.S.Zero, matrix.shape[0]), (start, count), 1, recurrent)
    return None
