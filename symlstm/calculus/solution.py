"""The solution of a gated recurrence: c_t = sum_k (product of f_j over j > k) i_k c~_k + (product of all f_j) c_0.

A state has one if its equation, named quantities inside it opened where that helps, is s_t = a_t ⊙ s_{t-1} + b_t, where
s_{t-1} itself stands in neither a nor b. Both are taken as given sequences: that a gate inside them may depend on
s_{t-1} in its turn is allowed, and said (`given`). So it solves the recurrence; it does not solve the network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Any

import sympy as sp

from symlstm.calculus.examined import Examined
from symlstm.calculus.steps import Step
from symlstm.equations import Cell, State
from symlstm.errors import RuleMissing, SymlstmError
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, add, hadamard, ones, scale, split_number, zeros
from symlstm.expr.latex import latex
from symlstm.expr.nodes import Quantity, t
from symlstm.expr.notation import number_text, show_time
from symlstm.expr.text import text
from symlstm.expr.time import ProductOver, SumOver, at_times, expand, product_over, sum_over
from symlstm.expr.tree import quantities, replace
from symlstm.registry import cell as find

LETTERS = "kjqp"
"""What the index of the sum and that of the products are called."""


@dataclass(frozen=True, repr=False)
class Solution(Examined):
    """s_t in closed form from s at time `start` (0, or t-w).

    factor, rest: a and b of s_t = a ⊙ s_{t-1} + b. result: the closed form. given: the quantities of a and b that
    depend on s_{t-1} themselves, and are taken as known. steps: the induction, its beginning and its step; over a few
    steps, the recurrence inserted in itself. values: the gates that are numbers, at every step.
    """

    cell: Cell
    state: State
    factor: Matrix
    rest: Matrix
    result: Matrix
    given: tuple[Quantity, ...]
    steps: tuple[Step, ...]
    start: Any = sp.S.Zero
    values: tuple[tuple[Quantity, sp.Rational], ...] = ()

    @property
    def recurrence(self) -> Matrix:
        """a ⊙ s_{t-1} + b"""
        return add(hadamard(self.factor, self.state.previous), self.rest)

    def over(self, steps: Any) -> Solution:
        """The same from so many steps back: c_t from c_{t-w}; a number, or a letter."""
        from symlstm.calculus.lags import WRITTEN_OUT, read_lag

        count = read_lag(steps, self.cell)
        found = _solved(self.cell, self.state, self.factor, self.rest, t - count)
        return _inserted(found, count) if isinstance(count, int) and count <= WRITTEN_OUT else found

    def with_values(self, **values: Any) -> Solution:
        """The same where gates are numbers at every step: with_values(f=1, i=0)."""
        from symlstm.calculus.cases import folded, read_number

        chosen = {self.cell.quantity(name): read_number(name, value) for name, value in values.items()}
        known = {q: scale(number, ones(*q.shape)) for q, number in chosen.items()}
        a, b = (folded(replace(e, known)) for e in (self.factor, self.rest))
        if isinstance(a, x.Zeros):
            step = Step("recurrence", self.state.current, b, "nothing of the step before is left", self.state.current)
            found = changed(self, factor=a, rest=b, result=b, steps=(step,))
        else:
            found = _solved(self.cell, self.state, a, b, self.start)
        return changed(found, values=tuple(chosen.items()))

    def __repr__(self) -> str:
        return f"<{self.cell.name}: {text(self.state.current)} = {text(self.result)}>"

    def _repr_latex_(self) -> str:
        """How a notebook shows it."""
        return rf"$\displaystyle {latex(self.state.current)} = {latex(self.result)}$"


def solution(cell: Cell | str | Callable[..., Any], state: str | None = None) -> Solution:
    """The solution of a state's recurrence, given its gates; of the first state that has one, unless it is named.

    Raises RuleMissing, with each state's reason, where there is none.
    """
    cell = find(cell)
    asked = [s for s in cell.states if state is None or cell.quantity(state) in (s.current, s.previous)]
    if not asked:
        raise SymlstmError(
            f"{state} is no state of {cell.name}", f"its states are {', '.join(s.current.name for s in cell.states)}"
        )
    reasons = []
    for s in asked:
        found = linear_in(cell, s)
        if isinstance(found, str):
            reasons.append(found)
        else:
            return _solved(cell, s, *found, sp.S.Zero)
    raise RuleMissing(
        f"{cell.name} has no gated linear state: {'; '.join(reasons)}",
        "a closed form needs s_t = a ⊙ s_{t-1} + b, as the cell state of an LSTM or the hidden state of a GRU",
    )


def linear_in(cell: Cell, state: State) -> tuple[Matrix, Matrix] | str:
    """(a, b) of s_t = a ⊙ s_{t-1} + b; where it is not of that form, the reason."""
    s = state.previous
    equation = cell.equation(state.current)
    found = None if equation is None else _linear(equation.expr, s, cell)
    if found is None:
        return f"{text(state.current)} contains {text(s)} in another way than a product entry by entry"
    if isinstance(found[0], x.Zeros):
        return f"{text(state.current)} contains no product of {text(s)}"
    return found


def _linear(expr: Matrix, s: Quantity, cell: Cell) -> tuple[Matrix, Matrix] | None:
    """expr = a ⊙ s + b, as (a, b); None where s stands in it otherwise."""
    nothing, one = zeros(*s.shape), ones(*s.shape)
    if expr == s:
        return one, nothing
    if isinstance(expr, Quantity):
        inner = cell.equation(expr)
        opened = _linear(inner.expr, s, cell) if inner is not None and expr.shape == s.shape else None
        return opened if opened and not isinstance(opened[0], x.Zeros) else (nothing, expr)
    if isinstance(expr, x.Add):
        parts = [_linear(term, s, cell) for term in expr.args]
        if any(p is None for p in parts):
            return None
        return add(*[p[0] for p in parts if p]), add(*[p[1] for p in parts if p])
    if isinstance(expr, x.Scale):
        inner_parts = _linear(expr.args[1], s, cell)
        return inner_parts and (scale(expr.args[0], inner_parts[0]), scale(expr.args[0], inner_parts[1]))
    if isinstance(expr, x.Hadamard):
        parts = [_linear(f, s, cell) for f in expr.args]
        with_s = [place for place, p in enumerate(parts) if p is None or not isinstance(p[0], x.Zeros)]
        if len(with_s) == 1 and (found := parts[with_s[0]]) is not None:
            before, after = expr.args[: with_s[0]], expr.args[with_s[0] + 1 :]
            return hadamard(*before, found[0], *after), hadamard(*before, found[1], *after)
        if with_s:
            return None
    return None if s in quantities(expr) else (nothing, expr)


def _solved(cell: Cell, state: State, a: Matrix, b: Matrix, start: Any) -> Solution:
    s, before = state.current, state.previous
    first = cell.at(s, start)
    form = _Form(cell, s, a, b, start)
    recurrence, result = add(hadamard(a, before), b), form.closed(t)
    number, rest = split_number(a)
    same = isinstance(rest, x.Ones) and (number == 1 or rest.shape[1] != 1)  # the number itself multiplies a matrix
    ended = first if same else x.Hadamard(form.empty(), first)
    factor = number_text(number) if isinstance(rest, x.Ones) else text(a)
    nothing = isinstance(b, x.Zeros)
    begin = ended if nothing else x.Add(SumOver(form.term(start), form.k, start + 1, start), ended)
    earlier = add(hadamard(a, form.closed(t - 1)), b)
    taken_in = add(sum_over(form.term(t), form.k, start + 1, t - 1), hadamard(form.product(start + 1, t), first), b)
    begins = show_time(start)
    steps = (
        Step("beginning", first, begin, f"at time {begins}: the sum is empty, the product is 1", first),
        Step("recurrence", s, recurrence, "the equation of the cell", s),
        Step("induction", recurrence, earlier, "the formula holds one step earlier", s),
        Step("taken in", earlier, taken_in, f"{factor} becomes the last factor of every product", s),
        Step("last term", taken_in, result, f"{text(b)} is the last term of the sum; its product is empty", s),
    )
    return Solution(cell, state, a, b, result, _given(cell, a, b), steps, start)


def _inserted(s: Solution, count: int) -> Solution:
    """Over a few steps: written out, by inserting the recurrence for c_{t-1}, c_{t-2}, ..."""
    now, state = s.recurrence, s.state.current
    steps = [Step("recurrence", state, now, "the equation of the cell", state)]
    for back in range(1, count):
        at = {t: t - back}
        after = replace(now, {s.cell.at(state, t - back): at_times(s.recurrence, at, s.cell.at)})
        why = f"the same equation for {text(s.cell.at(state, t - back))}"
        steps.append(Step("inserted", now, after, why, state))
        now = after
    result = expand(s.result, s.cell.at)
    if result != now:
        steps.append(Step("multiplied out", now, result, "term by term", state))
    return changed(s, result=result, steps=tuple(steps))


@dataclass(frozen=True)
class _Form:
    """The parts of the closed form from `start` on."""

    cell: Cell
    state: Quantity
    a: Matrix
    b: Matrix
    start: Any

    @property
    def letters(self) -> tuple[sp.Symbol, ...]:
        used = {s.name for s in self.start.free_symbols}
        return tuple(sp.Symbol(name, integer=True) for name in LETTERS if name not in used)

    @property
    def k(self) -> sp.Symbol:
        return self.letters[0]

    def closed(self, last: Any) -> Matrix:
        """The closed form at time `last`."""
        whole = self.product(self.start + 1, last)
        return add(sum_over(self.term(last), self.k, self.start + 1, last), hadamard(whole, self.first))

    @property
    def first(self) -> Quantity:
        return self.cell.at(self.state, self.start)

    def term(self, last: Any) -> Matrix:
        """What step k adds, as it is at time `last`."""
        return hadamard(self.product(self.k + 1, last), at_times(self.b, {t: self.k}, self.cell.at))

    def product(self, first: Any, last: Any) -> Matrix:
        """The product of a_j from first to last; of a constant, its power."""
        number, rest = split_number(self.a)
        count = sp.expand(last - first + 1)
        if isinstance(rest, x.Ones):
            return scale(number**count, rest)
        if all(q.time is None for q in quantities(self.a)):
            return x.Apply("power", self.a, count)
        return product_over(self._factor, self.letters[1], first, last)

    @property
    def _factor(self) -> Matrix:
        return at_times(self.a, {t: self.letters[1]}, self.cell.at)

    def empty(self) -> Matrix:
        """The product of no factors, not worked out."""
        if any(q.time is not None for q in quantities(self.a)):
            return ProductOver(self._factor, self.letters[1], self.start + 1, self.start)
        return x.Apply("power", self.a, sp.S.Zero)


def _given(cell: Cell, a: Matrix, b: Matrix) -> tuple[Quantity, ...]:
    """The quantities of a and b that are made from s_{t-1}, or from another state of the step before."""
    depends = {s.previous for s in cell.states}
    for e in cell.equations:
        if any(q in depends for q in quantities(e.expr)):
            depends.add(e.quantity)
    return tuple(q for q in dict.fromkeys([*quantities(a), *quantities(b)]) if q in depends)
