"""d of_t / d s_{t-k} where a matrix takes part: how a change of s_{t-k} is carried on to step t, and a gradient back.

Where one step carries a change by multiplication, \\dot S_t = L_t \\dot S_{t-1} R_t^T or A_t ⊙ \\dot S_{t-1}, k steps
carry it by the products of these over the steps. Over a few steps everything is written out. Else what is given is the
recurrence: the changes of all states at step j from those at step j-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Any

import sympy as sp

from symlstm.calculus.backward import adjoint_symbol
from symlstm.calculus.derivation import Derivation, actions
from symlstm.calculus.entries import COL, ROW, Entries, K, L, NotClosed, as_jacobian, read
from symlstm.calculus.forward import forward
from symlstm.calculus.graph import Graph, equations_at
from symlstm.calculus.lags import OverSteps, mover
from symlstm.calculus.rewriting import CHANGE, Rewriting, change_symbol
from symlstm.calculus.steps import Step
from symlstm.expr.build import (
    Matrix,
    add,
    diag,
    hadamard,
    matmul,
    ones,
    scale,
    spread,
    transpose,
    zeros,
)  # fmt: skip
from symlstm.expr.latex import latex
from symlstm.expr.nodes import Diag, Eye, Quantity, t
from symlstm.expr.text import text
from symlstm.expr.time import at_times, expand, matmul_over, product_over
from symlstm.expr.tree import quantities, replace


@dataclass(frozen=True, repr=False)
class Carried(OverSteps):
    """d of_t / d s_{t-k} as a linear map.

    change: the change of of_t that a change of s_{t-k} makes; result: the gradient by s_{t-k}, given that by of_t; both
    None where there is only the recurrence. first: the changes of the other states of step t-k; onward: those of
    the states at step `index`, from t-k+1 to t, in terms of the step before; last: that of of_t, where it is no state.
    """

    change: Matrix | None
    result: Matrix | None
    steps: tuple[Step, ...]
    first: tuple[tuple[Quantity, Matrix], ...] = ()
    onward: tuple[tuple[Quantity, Matrix], ...] = ()
    last: Matrix | None = None
    index: Any = None

    @property
    def moved(self) -> Quantity:
        """The symbol of the change of s_{t-k}."""
        return change_symbol(self.wrt)

    @staticmethod
    def change_symbol(q: Quantity) -> Quantity:
        """The symbol of the change of a quantity."""
        return change_symbol(q)

    @property
    def upstream(self) -> Quantity:
        """The symbol of the gradient by of_t."""
        return adjoint_symbol(self.of)

    def at(self, q: Quantity, lag: int, back: int = 0) -> Quantity:
        """A quantity of the recurrence at a lag that is a number, so many steps before step t."""
        times = {self.lag: lag, self.index: t - back}
        return self.cell.at(q, q.time.subs(times, simultaneous=True)) if q.time is not None else q

    def instance(self, expr: Matrix, lag: int, back: int = 0) -> Matrix:
        """An expression at a lag that is a number, and at a step of the recurrence, written out."""
        times = {self.lag: lag} if self.symbolic else {}
        times |= {} if self.index is None else {self.index: t - back}
        return expand(at_times(expr, times, mover(self.cell)), mover(self.cell))

    def __repr__(self) -> str:
        return f"<{self.cell.name}: {text(self.symbol)}: {', '.join(f'{text(s)} = {text(e)}' for s, e in self.rows)}>"

    @property
    def carried(self) -> str:
        """How it is given: "closed" or "recurrence"."""
        return "recurrence" if self.change is None else "closed"

    @property
    def rows(self) -> list[tuple[Quantity, Matrix]]:
        """What says how changes are carried: the change of of_t, or the recurrence."""
        if self.change is not None:
            return [(change_symbol(self.of), self.change)]
        own = [(change_symbol(q), expr) for q, expr in (*self.first, *self.onward)]
        return own if self.last is None else [*own, (change_symbol(self.of), self.last)]

    def _repr_latex_(self) -> str:
        """How a notebook shows it."""
        return rf"$\displaystyle {', '.join(f'{latex(s)} = {latex(e)}' for s, e in self.rows)}$"


@dataclass(frozen=True)
class Factors:
    """What one step does to a change X of a matrix: numbers * A ⊙ (left X right^T); what is missing does nothing."""

    number: Any
    scalar: Matrix | None
    left: Matrix | None
    right: Matrix | None
    entries: Matrix | None

    def over(self, move: Any, index: Any, first: Any, last: Any) -> Factors:
        """The same of the steps from first to last together."""

        def at(expr: Matrix | None, make: Any) -> Matrix | None:
            return None if expr is None else make(at_times(expr, {t: index}, move), index, first, last)

        def chain(matrix: Matrix, *range_: Any) -> Matrix:
            if isinstance(matrix, Diag):
                return diag(product_over(matrix.args[0], *range_))
            return matmul_over(matrix, *range_)

        power = self.number ** sp.expand(last - first + 1)
        return Factors(power, at(self.scalar, product_over), at(self.left, chain), at(self.right, chain),
                       at(self.entries, product_over))  # fmt: skip

    def carry(self, change: Matrix) -> Matrix:
        """A change carried on."""
        right = None if self.right is None else transpose(self.right)
        return self._weighted(matmul(*[f for f in (self.left, change, right) if f is not None]))

    def back(self, gradient: Matrix) -> Matrix:
        """A gradient carried back."""
        left = None if self.left is None else transpose(self.left)
        inner = gradient if self.entries is None else hadamard(self.entries, gradient)
        found = matmul(*[f for f in (left, inner, self.right) if f is not None])
        return Factors(self.number, self.scalar, None, None, None)._weighted(found)

    def _weighted(self, carried: Matrix) -> Matrix:
        found = carried if self.entries is None else hadamard(self.entries, carried)
        found = found if self.scalar is None else hadamard(spread(self.scalar, *found.shape), found)
        return scale(self.number, found)


def factors_of(change: Matrix, symbol: Quantity) -> Factors | None:
    """What a change is multiplied by, if multiplying is all that is done to it."""
    try:
        terms = read(change, symbol)
    except NotClosed:
        return None
    rows, cols = symbol.shape
    if not terms or any(set(term.pairs) - {ROW + K, COL + L, ROW + COL} for term in terms):
        return None
    if len(terms) == 1 and (found := _plain(terms[0], rows, cols)) is not None:
        return found
    if any(ROW + COL in term.pairs for term in terms):
        return None
    sides = [(_side(term, ROW, K, rows), _side(term, COL, L, cols), term) for term in terms]
    lefts, rights = {left for left, _, _ in sides}, {right for _, right, _ in sides}
    if len(lefts) == 1:
        right = add(*[_times(term, side) for _, side, term in sides])
        return Factors(sp.S.One, None, _kept(sides[0][0]), _kept(right), None)
    if len(rights) == 1:
        left = add(*[_times(term, side) for side, _, term in sides])
        return Factors(sp.S.One, None, _kept(left), _kept(sides[0][1]), None)
    return None


def _plain(term: Entries, rows: Any, cols: Any) -> Factors | None:
    """Of one term: numbers, matrices on both sides, entries in front."""
    left, right = _side(term, ROW, K, rows), _side(term, COL, L, cols)
    inside = term.pairs.get(ROW + COL)
    if inside is not None and not (isinstance(left, (Eye, Diag)) and isinstance(right, (Eye, Diag))):
        return None
    scalar = hadamard(*term.numbers) if term.numbers else None
    return Factors(term.number, scalar, _kept(left), _kept(right), inside)


def _side(term: Entries, at: str, by: str, size: Any) -> Matrix:
    """The matrix between two indices."""
    own = Entries(
        vectors={k: v for k, v in ((ROW, term.vectors.get(at)), (K, term.vectors.get(by))) if v is not None},
        pairs={ROW + K: m} if (m := term.matrix(at, by)) is not None else {},
    )
    return ones(1, 1) if size == 1 else as_jacobian([own], size, size)


def _times(term: Entries, side: Matrix) -> Matrix:
    return scale(term.number, matmul(diag(spread(hadamard(*term.numbers), side.shape[0], 1)), side)
                 if term.numbers else side)  # fmt: skip


def _kept(side: Matrix) -> Matrix | None:
    return None if isinstance(side, Eye) or side.shape == (1, 1) else side


def change_of(d: Derivation) -> Matrix:
    """The change of `of` by a one-step derivative, whether it is a matrix or an action."""
    return d.change if d.change is not None else matmul(d.result, d.moved)


def gradient_of(d: Derivation) -> Matrix:
    """The gradient by wrt, given that by `of`."""
    return d.result if d.acts else matmul(transpose(d.result), d.upstream)


def along_one_state(d: Carried, own: Derivation, top: Derivation, written_out: int) -> Carried:
    """The other states held fixed: written out, as products over the steps, or as a recurrence."""
    cell, move = d.cell, mover(d.cell)
    asked = change_symbol(d.of)
    if isinstance(d.lag, int) and d.lag <= written_out:
        change, result = d.moved, gradient_of(top)
        for back in range(d.lag - 1, -1, -1):
            one = top if back == 0 else own
            before = change_symbol(cell.at(d.state.current, t - back - 1))
            change = replace(at_times(change_of(one), {t: t - back}, move), {before: change})
        for back in range(1, d.lag):
            after = adjoint_symbol(cell.at(d.state.current, t - back))
            result = replace(at_times(gradient_of(own), {t: t - back}, move), {after: result})
        steps = (*d.steps, Step("chain rule over the steps", asked, change, "one step after the other", asked))
        return changed(d, change=change, result=result, steps=steps)
    factors, whole, j = factors_of(change_of(own), own.moved), top is own, index_beside(d.lag)
    if factors is None:
        found = ((cell.at(d.state.current, j), at_times(change_of(own), {t: j}, move)),)
        return changed(d, onward=found, last=None if whole else change_of(top), index=j)
    over = factors.over(move, j, t - d.lag + 1, t if whole else t - 1)
    change, result = over.carry(d.moved), over.back(d.upstream if whole else gradient_of(top))
    if not whole:
        change = replace(change_of(top), {top.moved: change})
    steps = (*d.steps, Step("chain rule over the steps", asked, change, "one factor a step", asked))
    return changed(d, change=change, result=result, steps=steps)


def index_beside(lag: Any) -> sp.Symbol:
    """The letter of a step between t-k and t."""
    return sp.Symbol("i" if str(lag) == "j" else "j", integer=True)


def through_all_states(d: Carried, written_out: int) -> Carried | Matrix:
    """Every path counts: written out (a vector by a vector as its matrix), or as the recurrence of all states."""
    cell, move = d.cell, mover(d.cell)
    if isinstance(d.lag, int) and d.lag <= written_out:
        return _unrolled(d)
    j, previous = index_beside(d.lag), [s.previous for s in cell.states]
    current = {s.current for s in cell.states}
    moving, known, exprs = set(previous), dict[Quantity, Matrix](), dict[Quantity, Matrix]()
    for equation in cell.equations:
        if any(q in moving for q in quantities(equation.expr)):
            rewriting = Rewriting(CHANGE, previous[0], moving, equation.quantity, equation.expr)
            start, opened, steps = rewriting.begun()
            exprs[equation.quantity] = replace(rewriting.opened(start, opened, steps), known)
            moving.add(equation.quantity)
            if equation.quantity not in current:
                known[change_symbol(equation.quantity)] = exprs[equation.quantity]
    carried = {q: e for q, e in exprs.items() if q in current}
    carried |= {s.current: zeros(*s.current.shape) for s in cell.states if s.current not in carried}
    found = tuple((cell.at(q, j), at_times(e, {t: j}, move)) for q, e in carried.items())
    first = []
    for s in cell.states:
        if s != d.state:
            done = forward(Graph(equations_at(cell, 1), d.state.previous), s.previous)
            first.append((cell.at(s.current, t - d.lag), at_times(done.change(s.previous), {t: t - d.lag + 1}, move)))
    last = None if d.of in current else exprs.get(d.of, zeros(*d.of.shape))
    return changed(d, first=tuple(first), onward=found, last=last, index=j)


def _unrolled(d: Carried) -> Carried | Matrix:
    """Over a few steps: one derivative by a state that an earlier step has made."""
    cell = d.cell
    g = Graph(tuple(e for back in range(d.lag, -1, -1) for e in equations_at(cell, back)), d.wrt)
    done = forward(g, d.of)
    if d.of in done.results:
        return done.results[d.of]
    a = actions(cell, d.of, done, g)
    return changed(d, change=a.change, result=a.result, steps=a.change_steps)
