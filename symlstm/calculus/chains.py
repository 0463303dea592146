"""How a derivative over several steps is put together: one factor a step, or the product of state Jacobians."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from symlstm.calculus.carried import Carried, along_one_state, through_all_states
from symlstm.calculus.derivation import Derivation, derive
from symlstm.calculus.forward import forward
from symlstm.calculus.graph import Graph, earlier_equations, equations_at, graph
from symlstm.calculus.lags import DETOURS, JACOBIAN, SHORT, WRITTEN_OUT, Lagged, Way, inserted, mover, read_lag
from symlstm.calculus.steps import Step
from symlstm.equations import Cell, State
from symlstm.errors import SymlstmError, unknown
from symlstm.expr.build import Matrix, add, block, concat, diag, eye, matmul, partial, total, transpose, zeros
from symlstm.expr.nodes import Add, Diag, Quantity, Zeros, quantity, t
from symlstm.expr.text import text
from symlstm.expr.time import at_times, matmul_over, product_over


def lagged(cell: Cell, of: str, wrt: str, paths: str, lag: Any) -> Lagged | Carried:
    """The derivative over so many steps; see `derive`."""
    lag = read_lag(lag, cell)
    top, bottom = cell.quantity(of), cell.quantity(wrt)
    state = next((s for s in cell.states if bottom in (s.previous, s.current)), None)
    if state is None:
        raise unknown(f"previous state of {cell.name} (a lag counts steps between states)", wrt,
                      [s.previous.name for s in cell.states])  # fmt: skip
    if top not in {s.current for s in cell.states} and cell.equation(top) is None:
        raise SymlstmError(f"{of} is not made in step t", "a lag goes from a value of step t back to a state")
    chain = _Chain(cell, top, state, lag, paths)
    if chain.has_actions:
        return chain.carried()
    return chain.total() if paths == "total" and len(cell.states) > 1 else chain.partial()


@dataclass(frozen=True)
class _Chain:
    """What both kinds are made of."""

    cell: Cell
    of: Quantity
    state: State
    lag: Any
    paths: str

    @cached_property
    def index(self) -> sp.Symbol:
        return sp.Symbol("i" if str(self.lag) == "j" else "j", integer=True)

    def one(self, of: Quantity, state: State) -> Derivation:
        """d of_t / d r_{t-1}, the others held fixed."""
        return derive(self.cell, of.name, state.previous.name)

    def at(self, expr: Matrix, time: Any) -> Matrix:
        return at_times(expr, {t: time}, mover(self.cell))

    @property
    def bottom(self) -> Quantity:
        return self.cell.at(self.state.current, t - self.lag)

    # Where a matrix takes part: linear maps.

    @property
    def has_actions(self) -> bool:
        """Whether one of the derivatives of one step is no matrix."""
        states = self.cell.states if self.paths == "total" else (self.state,)
        made = {self.of, *(s.current for s in states)}
        return any(self.one(of, q).acts for of in made for q in states)

    def carried(self) -> Lagged | Carried:
        none = Carried(self.cell, self.of, self.state, self.lag, self.paths, None, None, ())
        if self.paths == "total" and not self._alone:
            found = through_all_states(none, DETOURS)
            if isinstance(found, Carried):
                return found
            said = Step(
                "chain rule over all paths", none.symbol, found, "every path of the unrolled graph", none.symbol
            )
            return Lagged(self.cell, self.of, self.state, self.lag, self.paths, found, found, {}, (said,))
        own = self.one(self.state.current, self.state)
        top = own if self.of == self.state.current else self.one(self.of, self.state)
        return along_one_state(none, own, top, WRITTEN_OUT)

    @property
    def _alone(self) -> bool:
        """Whether no other state depends on this one, so that all paths are those along it."""
        others = [s for s in self.cell.states if s != self.state]
        before = Graph(earlier_equations(self.cell), self.state.previous)
        here = graph(self.cell, self.state.previous, "partial")
        return not any(before.relevant(s.previous) or here.relevant(s.current) for s in others)

    # Partial: one factor a step.

    def partial(self) -> Lagged:
        own = self.one(self.state.current, self.state)
        top = own if self.of == self.state.current else self.one(self.of, self.state)
        symbols = self._product(partial(top.of, top.wrt), partial(own.of, own.wrt), diagonal=False)
        closed = self._product(top.result, own.result, diagonal=False)
        merged = self._product(top.result, own.result, diagonal=isinstance(own.result, Diag))
        asked = (total if self.paths == "total" else partial)(self.of, self.bottom)
        others = [text(s.previous) for s in self.cell.states if s != self.state]
        because = "the other states are held fixed at every step in between" if others else "one factor a step"
        steps = [*own.steps, *(top.steps if top is not own else ())]
        steps.append(Step("chain rule over the steps", asked, symbols, because, asked))
        steps.append(Step("chain rule, insert", symbols, closed, "all from above", asked))
        if merged != closed:
            steps.append(Step("diagonal matrices", closed, merged, "they multiply entry by entry", asked))
        blocks = {partial(d.of, d.wrt): d.result for d in dict.fromkeys([top, own])}
        long = any(isinstance(d.result, Add) for d in (top, own)) and not isinstance(own.result, Diag)
        shown = symbols if long else merged
        return Lagged(self.cell, self.of, self.state, self.lag, self.paths, merged, shown,
                      blocks if long else {}, tuple(steps))  # fmt: skip

    def _product(self, top: Matrix, own: Matrix, diagonal: bool) -> Matrix:
        """top_t own_{t-1} ... own_{t-k+1}; where top is own, as one product over j."""
        over = diag(self._over(own.args[0], top == own)) if diagonal else self._over(own, top == own, chain=True)
        if isinstance(self.lag, int) and self.lag <= WRITTEN_OUT:
            return matmul(top, *[self.at(own, t - back) for back in range(1, self.lag)])
        return over if top == own else matmul(top, over)

    def _over(self, term: Matrix, including_t: bool, chain: bool = False) -> Matrix:
        make = matmul_over if chain else product_over
        return make(self.at(term, self.index), self.index, t - self.lag + 1, t if including_t else t - 1)

    # Total: every path.

    def total(self) -> Lagged:
        cell, states = self.cell, self.cell.states
        rows = {s: {q: self.one(s.current, q) for q in states} for s in states}
        own = next((s for s in states if s.current == self.of), None)
        top = rows[own] if own else {q: self.one(self.of, q) for q in states}
        start, made = self._start()
        jacobian = quantity(JACOBIAN, (_height(states),) * 2, t)
        blocks: dict[Matrix, Matrix] = {partial(d.of, d.wrt): d.result for d in (*top.values(),)}
        for row in rows.values():
            blocks |= {partial(d.of, d.wrt): d.result for d in row.values()}
        whole = concat(*[_beside([rows[s][q].result for q in states]) for s in states])
        first = {
            s: partial(self._earlier(s), self.bottom)
            for s in states
            if s != self.state and not isinstance(made[s], Zeros)
        }
        shown = self._shown(own, top, jacobian, first)
        blocks |= {jacobian: whole} | {
            at_times(first[s], {t: t + self.lag}, cell.at): self._now(made[s]) for s in first
        }
        asked = total(self.of, self.bottom)
        because = "the states of each step as one column, and what the other states of step t-k are made of"
        said = f"t-{self.lag}"
        steps = [step for d in (*(d for row in rows.values() for d in row.values()), *top.values()) for step in d.steps]
        steps = [*dict.fromkeys(steps), *start]
        steps.append(Step("chain rule over all paths", asked, shown, because.replace("t-k", said), asked))
        found = inserted(cell, shown, blocks)
        ways: tuple[Way, ...] = ()
        if isinstance(self.lag, int):
            found = self._summed(rows, top, made)
            if self.lag <= DETOURS:
                ways = tuple(self._ways(rows, top, made, first))
        return Lagged(cell, self.of, self.state, self.lag, "total", found, shown, blocks, tuple(steps), ways)

    def _earlier(self, s: State) -> Quantity:
        return self.cell.at(s.current, t - self.lag)

    def _now(self, expr: Matrix) -> Matrix:
        return at_times(expr, {t: t + self.lag}, self.cell.at)

    def _start(self) -> tuple[list[Step], dict[State, Matrix]]:
        """What the other states of the step of s are made of: d r_{t-k} / d s_{t-k}, through their own step."""
        made: dict[State, Matrix] = {self.state: eye(self.state.current.shape[0])}
        steps: list[Step] = []
        back = self.lag if isinstance(self.lag, int) else 1
        equations = equations_at(self.cell, back)
        for s in self.cell.states:
            if s != self.state:
                wrt, of = (self.cell.at(q.current, t - back) for q in (self.state, s))
                done = forward(Graph(equations, wrt), of)
                shift = {} if isinstance(self.lag, int) else {t: t - self.lag + 1}
                made[s] = at_times(done.results[of], shift, self.cell.at)
                steps += [_moved(step, shift, self.cell) for each in done.steps.values() for step in each]
        return steps, made

    def _shown(self, own: State | None, top: dict[State, Derivation], jacobian: Quantity, first: Any) -> Matrix:
        """(J_t ... J_{t-k+1}) rows of `of`, times the column of what the states of step t-k are made of."""
        states = self.cell.states
        width = self.state.current.shape[0]
        rest = {s: zeros(s.current.shape[0], width) for s in states} | {self.state: eye(width)}
        column = concat(*[first.get(s, rest[s]) for s in states])
        long = not isinstance(self.lag, int) or self.lag > WRITTEN_OUT
        last = 0 if own else 1
        if long:
            over = matmul_over(self.at(jacobian, self.index), self.index, t - self.lag + 1, t - last)
        else:
            factors = [self.at(jacobian, t - back) for back in range(last, int(self.lag))]
            over = matmul(*factors) if factors else eye(jacobian.shape[0])
        wide = jacobian.shape[0]
        rows = {s: block(over, _height(_before(states, s)), s.current.shape[0], 0, wide) for s in states}
        if own:
            return matmul(rows[own], column)
        return add(*[matmul(partial(d.of, d.wrt), rows[s], column) for s, d in top.items()
                     if not isinstance(d.result, Zeros)])  # fmt: skip

    def _summed(self, rows: Any, top: Any, made: dict[State, Matrix]) -> Matrix:
        """Step after step: d r_j / d s_{t-k} from those of the step before."""
        states, now = self.cell.states, dict(made)
        for back in range(self.lag - 1, 0, -1):
            now = {
                s: add(*[matmul(self.at(rows[s][q].result, t - back), now[q]) for q in states])
                for s in states
            }  # fmt: skip
        return add(*[matmul(top[q].result, now[q]) for q in states])

    def _ways(self, rows: Any, top: Any, made: dict[State, Matrix], first: Any) -> Any:
        """Every sequence of states at t-1, ..., t-k whose product is not zero, fewest detours first."""
        found = []
        for chosen in itertools.product(self.cell.states, repeat=self.lag):
            symbols, factors = [partial(top[chosen[0]].of, top[chosen[0]].wrt)], [top[chosen[0]].result]
            for back, (s, q) in enumerate(itertools.pairwise(chosen), 1):
                d = rows[s][q]
                symbols.append(self.at(partial(d.of, d.wrt), t - back))
                factors.append(self.at(d.result, t - back))
            if chosen[-1] in first:
                symbols.append(first[chosen[-1]])
                factors.append(made[chosen[-1]])
            elif chosen[-1] != self.state:
                continue
            product = matmul(*factors)
            if isinstance(product, Zeros) or any(isinstance(f, Zeros) for f in factors):
                continue
            detours = sum(s != self.state for s in chosen)
            quantities = tuple(self.cell.at(s.current, t - back) for back, s in enumerate(chosen, 1))
            short = isinstance(product, Diag) and len(text(product)) < SHORT
            shown = product if short else matmul(*symbols)
            found.append(Way(quantities, shown, product, detours))
        return sorted(found, key=lambda way: way.detours) if len(found) > 1 else []


def _moved(step: Step, shift: Any, cell: Cell) -> Step:
    """A step at another time; its reason is said without times."""
    if not shift:
        return step
    before, after, of = (at_times(e, shift, cell.at) for e in (step.before, step.after, step.of))
    return Step(step.rule, before, after, step.because if "t-1" not in step.because else "", of)


def _height(states: Any) -> Any:
    return sp.expand(sp.Add(*[s.current.shape[0] for s in states]))


def _before(states: Any, s: State) -> Any:
    return states[: states.index(s)]


def _beside(parts: list[Matrix]) -> Matrix:
    """[A B]: matrices side by side."""
    return transpose(concat(*[transpose(p) for p in parts]))
