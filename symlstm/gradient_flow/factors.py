"""The direct path of a state: the factor a_t of the part of s_t that s_{t-1} carries over, and what its gates are.

For an LSTM the factor of c is the forget gate. Where s_t = a_t s_{t-1} + b_t entry by entry, it is a_t (given the
gates, as in the solution of the recurrence); else it is the diagonal of ds_t/ds_{t-1}.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from symlstm.calculus.derivation import derive
from symlstm.calculus.logarithms import diagonal_of, stable_log
from symlstm.calculus.solution import linear_in
from symlstm.equations import Cell, State
from symlstm.errors import RuleMissing, unknown
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity

BOUNDED = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""Functions that saturate, and between what."""


@dataclass(frozen=True)
class Factor:
    """state: s. expr: a_t. logarithm: log|a_t| as it is computed, without underflow and cancellation."""

    state: State
    expr: Matrix
    logarithm: Matrix


@lru_cache(maxsize=256)
def factor_of(cell: Cell, name: str | None = None) -> Factor:
    """The factor of a state; of the first one that has one, where no name is given. RuleMissing tells where none is."""
    states = [s for s in cell.states if name is None or name in (s.current.name, s.previous.name)]
    if not states:
        raise unknown(f"state of {cell.name}", str(name), [s.current.name for s in cell.states])
    reasons = []
    for state in states:
        found = linear_in(cell, state)
        if not isinstance(found, str):
            return Factor(state, found[0], stable_log(found[0], cell))
        vector = diagonal_of(derive(cell, state.current.name, state.previous.name).result)
        if vector is not None:
            return Factor(state, vector, stable_log(vector, cell))
        reasons.append(found)
    raise RuleMissing(
        f"{cell.name} has no direct path that acts unit by unit: {'; '.join(reasons)}",
        "a half-life needs a state that is carried over entry by entry, as c of an LSTM or h of a GRU",
    )


@lru_cache(maxsize=64)
def saturating(cell: Cell) -> tuple[tuple[Quantity, str, Matrix], ...]:
    """The quantities that a sigmoid or a tanh gives: (quantity, function, its argument)."""
    found = []
    for e in cell.equations:
        if isinstance(e.expr, x.Apply) and e.expr.function in BOUNDED and e.quantity.shape[1] == 1:
            found.append((e.quantity, e.expr.function, e.expr.arrays[0]))
    return tuple(found)
