"""d of_t / d s_{t-k}: the derivative by a state several steps back, for a number k or a symbol k.

Partial: the other states are held fixed at every step in between, so that one factor a step is left.
Total: every path counts. With the state Jacobians J_j = d(states at j)/d(states at j-1) it is

    d of_t / d s_{t-k} = (rows of `of`) J_t J_{t-1} ... J_{t-k+1} [d r_{t-k}/d s_{t-k}; I],

where the last column says what the other states r of the same step t-k are made of: h_{t-k} = o_{t-k} tanh(c_{t-k})
contains c_{t-k}, as in the total derivative of one step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from symlstm.calculus.backward import adjoint_symbol
from symlstm.calculus.examined import Examined
from symlstm.calculus.rewriting import change_symbol
from symlstm.calculus.steps import Step
from symlstm.equations import Cell, State
from symlstm.errors import SymlstmError
from symlstm.expr.build import Matrix, partial, total
from symlstm.expr.latex import latex
from symlstm.expr.nodes import Partial, Quantity, quantity, t
from symlstm.expr.text import text
from symlstm.expr.time import OverTime, at_times, expand
from symlstm.expr.tree import outermost, replace

WRITTEN_OUT = 4
"""Up to this lag the factors are written one by one."""
DETOURS = 3
"""Up to this lag the total derivative is expanded by the number of detours."""
SHORT = 60
"""A product along one way of so many signs is written in closed form."""


@dataclass(frozen=True)
class Way:
    """One way through the states from t-k to t: which state hands over at t-1, ..., t-k, and the product along it."""

    states: tuple[Quantity, ...]
    shown: Matrix
    product: Matrix
    detours: int


@dataclass(frozen=True, repr=False)
class OverSteps(Examined):
    """What was asked for: d of_t / d s_{t-k}. state: s. lag: k, a number or a symbol."""

    cell: Cell
    of: Quantity
    state: State
    lag: Any
    paths_kind: str

    @property
    def wrt(self) -> Quantity:
        """s_{t-k}"""
        return self.cell.at(self.state.current, t - self.lag)

    @property
    def symbol(self) -> Matrix:
        """The derivative, not worked out."""
        return (total if self.paths_kind == "total" else partial)(self.of, self.wrt)

    @property
    def symbolic(self) -> bool:
        """Whether the lag is a symbol."""
        return not isinstance(self.lag, int)


@dataclass(frozen=True, repr=False)
class Lagged(OverSteps):
    """d of_t / d s_{t-k}.

    result: the closed form; for a symbol k with a product over j. shown: the same with the symbols of
    one-step Jacobians left standing where that reads better; blocks: what these symbols are, at time t.
    ways: for a small number k and paths="total", every way through the states; their products add up to the result.
    """

    result: Matrix
    shown: Matrix
    blocks: dict[Matrix, Matrix]
    steps: tuple[Step, ...]
    ways: tuple[Way, ...] = ()

    @cached_property
    def inserted(self) -> Matrix:
        """What is shown, with the symbols replaced by their closed forms."""
        return inserted(self.cell, self.shown, self.blocks)

    def instance(self, expr: Matrix, lag: int) -> Matrix:
        """An expression at a lag that is a number, written out."""
        times = {self.lag: lag} if self.symbolic else {}
        return expand(at_times(expr, times, self.cell.at), self.cell.at)

    def __repr__(self) -> str:
        return f"<{self.cell.name}: {text(self.symbol)} = {text(self.shown)}>"

    def _repr_latex_(self) -> str:
        """How a notebook shows it."""
        return rf"$\displaystyle {latex(self.symbol)} = {latex(self.shown)}$"


def read_lag(lag: Any, cell: Cell) -> Any:
    """A positive number of steps, or the symbol of one."""
    if isinstance(lag, str) and lag.isdecimal():
        lag = int(lag)
    if isinstance(lag, (int, sp.Integer)):
        if isinstance(lag, bool) or lag < 1:
            raise SymlstmError(f"lag={lag} is no number of steps back", "lag is 1, 2, 3, ... or a letter such as k")
        return int(lag)
    name = lag.name if isinstance(lag, sp.Symbol) else lag
    if not isinstance(name, str) or not name.isidentifier():
        raise SymlstmError(f"lag={lag!r} cannot be read", "lag is 1, 2, 3, ... or a letter such as k")
    taken = {
        "t": "the time step",
        "T": "the number of steps",
        **{size.name: f"a size of {cell.name}" for size in cell.dims},
    }
    taken |= {q: f"a quantity of {cell.name}" for q in cell.by_name}
    if name in taken:
        meaning = taken[name]
        raise SymlstmError(f"{name} is {meaning} already, not a lag", "take another letter, such as k")
    return sp.Symbol(name, integer=True)


def inserted(cell: Cell, expr: Matrix, blocks: dict[Matrix, Matrix]) -> Matrix:
    """The expression with symbols of one-step Jacobians replaced, at whatever times they stand."""
    found = [*outermost(expr, Partial), *(q for q in outermost(expr, Quantity) if q.name == JACOBIAN)]
    for over in outermost(expr, OverTime):
        found += [*outermost(over.term, Partial), *(q for q in outermost(over.term, Quantity) if q.name == JACOBIAN)]
    known = {}
    for symbol in found:
        time = symbol.time if isinstance(symbol, Quantity) else symbol.args[0].time
        for block_symbol, closed in blocks.items():
            if at_times(block_symbol, {t: time}, mover(cell)) == symbol:
                known[symbol] = at_times(closed, {t: time}, cell.at)
    return replace(expr, known)


JACOBIAN = "J"


def mover(cell: Cell) -> Any:
    """How symbols of a derivation are called at another time: Jacobians, changes and gradients, values."""

    def move(q: Quantity, time: Any) -> Quantity:
        if q.name == JACOBIAN:
            return q.shifted(time - q.time)
        for role, symbol in (("change", change_symbol), ("adjoint", adjoint_symbol)):
            if q.role == role:
                value = quantity(q.name.split("_", 1)[1], q.shape, q.time, "value", q.base)
                return symbol(cell.at(value, time))
        return cell.at(q, time)

    return move
