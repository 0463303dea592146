"""The induction that proves a solution, checked as an identity of numbers: one entry of every vector at a time.

Sums and products over time are opened by their definition alone, sum to t = sum to t-1 + the term at t; what cannot be
opened (the sum to t-1 of one product of gates) is a symbol of its own. Then S(start) = s_start and
S(t) = a_t S(t-1) + b_t are identities of polynomials in these symbols, which SymPy expands. It shares nothing with
the steps that the solution shows.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import sympy as sp

from symlstm.evidence.report import Rung
from symlstm.expr import nodes as x
from symlstm.expr.nodes import Quantity, t
from symlstm.expr.time import MatmulOver, OverTime, SumOver, at_times, free_times

if TYPE_CHECKING:
    from symlstm.calculus.solution import Solution

NAME = "induction"
START = sp.Symbol("s", integer=True)


def needed(solution: Solution) -> bool:
    """Whether there is something to prove for every number of steps: it is no number, and something is carried."""
    numbers = isinstance(solution.factor, x.Zeros) or sp.expand(t - solution.start).is_Integer
    return not numbers


def check(solution: Solution) -> Rung:
    """The rung "induction": beginning and step. A solution over a number of steps needs none: see `needed`."""
    began = time.perf_counter()
    cell, state = solution.cell, solution.state.current
    start = solution.start
    result = at_times(solution.result, {symbol: t - START for symbol in start.free_symbols - {t}}, cell.at)
    start = START if start.free_symbols else start
    numbers = Numbers(cell)
    at = lambda expr, when: numbers.of(at_times(expr, {t: when}, cell.at))  # noqa: E731
    beginning = at(result, start) - numbers.of(cell.at(state, start))
    recurrence = numbers.of(solution.factor) * at(result, t - 1) + numbers.of(solution.rest)
    step = numbers.of(result) - recurrence
    wrong = [name for name, rest in (("beginning", beginning), ("step", step)) if not _is_zero(rest)]
    seconds = time.perf_counter() - began
    if wrong:
        return Rung(NAME, False, f"the {' and the '.join(wrong)} of the induction fails", str(sp.expand(step)), seconds)
    figure = "beginning, and step from t-1 to t, equal as polynomials, entry by entry: for every t"
    return Rung(NAME, True, figure, "sums and products opened by definition", seconds, "polynomials")


def _is_zero(value: Any) -> bool:
    return bool(sp.expand(value) == 0 or sp.powsimp(sp.expand(value), force=True) == 0 or sp.simplify(value) == 0)


class Numbers:
    """Expressions as numbers, for one entry: a symbol for each quantity at each time, and for each sum left closed."""

    def __init__(self, cell: Any) -> None:
        self.cell = cell
        self.symbols: dict[Any, sp.Symbol] = {}
        self.times: dict[sp.Symbol, set[Any]] = {}

    def symbol(self, key: Any, times: set[Any]) -> sp.Symbol:
        """The symbol for something that is not looked into, with the times that it depends on."""
        if key not in self.symbols:
            found = sp.Symbol(f"u{len(self.symbols)}", positive=True)
            self.symbols[key], self.times[found] = found, times
        return self.symbols[key]

    def of(self, expr: Any) -> Any:
        """The value of one entry."""
        if isinstance(expr, x.Ones):
            return sp.S.One
        if isinstance(expr, x.Zeros):
            return sp.S.Zero
        if isinstance(expr, x.Add) and free_times(
            expr
        ):  # a constant such as 1 - a, which is raised to powers, is one symbol
            return sp.Add(*[self.of(a) for a in expr.args])
        if isinstance(expr, x.Hadamard):
            return sp.Mul(*[self.of(a) for a in expr.args])
        if isinstance(expr, x.Scale):
            return expr.args[0] * self.of(expr.args[1])
        if isinstance(expr, x.Apply) and expr.function == "power":
            return self.of(expr.arrays[0]) ** expr.constants[0]
        if isinstance(expr, OverTime) and not isinstance(expr, MatmulOver):
            return self._over(expr)
        key = (expr.base, expr.time) if isinstance(expr, Quantity) else expr
        return self.symbol(key, free_times(expr))

    def _over(self, expr: OverTime) -> Any:
        adds = isinstance(expr, SumOver)
        if expr.count == 0:
            return sp.S.Zero if adds else sp.S.One
        if expr.last == t:
            rest = type(expr)(expr.term, expr.index, expr.first, t - 1)
            last = self.of(at_times(expr.term, {expr.index: t}, self.cell.at))
            return self._over(rest) + last if adds else self._over(rest) * last
        inner = sp.expand(self.of(expr.term))
        if not adds:
            return self.symbol(("product", inner, expr.first, expr.last), self._times(expr))
        found = sp.S.Zero
        for term in sp.Add.make_args(inner):
            free = [f for f in sp.Mul.make_args(sp.expand_power_exp(term)) if not self._depends(f, expr.index)]
            outside = sp.Mul(*free)
            held = sp.powsimp(sp.expand_power_exp(term) / outside)
            found += outside * self.symbol(("sum", held, expr.first, expr.last), self._times(expr))
        return found

    @staticmethod
    def _times(expr: OverTime) -> set[Any]:
        return free_times(expr)

    def _depends(self, factor: Any, index: sp.Symbol) -> bool:
        return any(s == index or index in self.times.get(s, ()) for s in factor.free_symbols)
