"""log|det J_t| in closed form, found from the structure of the state Jacobian.

The rows of a state that is made from other new states contain their rows: h = o tanh(c) gives
dh = (dh with c_t held fixed) + diag(o (1 - tanh^2 c)) dc. Taken off, the determinant stays, and of the row of h only
what does not go through c_t is left. For the LSTM that is diag(tanh(c) o (1-o)) U_o beside 0, so that

    log|det J_t| = log|det U_o| + sum_j log f_j + log(o_j (1-o_j)) + log|tanh c_j|.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symlstm.calculus.derivation import derive
from symlstm.calculus.examined import Examined
from symlstm.calculus.forward import forward
from symlstm.calculus.graph import Graph
from symlstm.calculus.logarithms import diagonal_of, shown_log, stable_log
from symlstm.calculus.steps import Step
from symlstm.codegen import compile, formula
from symlstm.codegen.inputs import read
from symlstm.equations import Cell
from symlstm.errors import RuleMissing
from symlstm.expr.build import Matrix, add, apply, det, hadamard, ones, partial, scale, split_number, whole, zeros
from symlstm.expr.latex import latex
from symlstm.expr.nodes import Det, Eye, Matmul, Quantity, Zeros, quantity, t
from symlstm.expr.text import text
from symlstm.expr.tree import quantities
from symlstm.gradient_flow.blocks import Blocks, has_no_rank, take_one
from symlstm.registry import cell as find

Array = np.ndarray[Any, Any]
LONG = 40
"""A block of more signs than this is not written out where it is one of several."""


@dataclass(frozen=True, repr=False)
class LogDet(Examined):
    """log|det J_t| of a cell.

    vectors: the diagonals whose logarithms are summed. matrices: those whose determinants are left. singular: whether
    det J_t is zero whatever the numbers are. closed: whether the matrices that are left are made of parameters alone,
    so that their determinants are taken once. divided_by: vectors of which no entry may be zero. result: log|det J_t|;
    determinant: det J_t itself, with its sign. steps: how it was found.
    """

    cell: Cell
    vectors: tuple[Matrix, ...]
    matrices: tuple[Matrix, ...]
    singular: bool
    divided_by: tuple[Matrix, ...]
    result: Matrix
    determinant: Matrix
    steps: tuple[Step, ...]

    @property
    def closed(self) -> bool:
        return self.singular or not any(q.time is not None for m in self.matrices for q in quantities(m))

    @property
    def symbol(self) -> Matrix:
        """log|det J_t|, not worked out."""
        return _log(Det(state_jacobian_symbol(self.cell)))

    def __repr__(self) -> str:
        return f"<{self.cell.name}: {text(self.symbol)} = {text(self.result)}>"

    def _repr_latex_(self) -> str:
        """How a notebook shows it."""
        return rf"$\displaystyle {latex(self.symbol)} = {latex(self.result)}$"

    def value(self, parameters: Any, x: Any, states: Any) -> Any:
        """The number log|det J_t| at a step, (...); -inf where J_t is singular. Arguments as for `Compiled.step`.

        Where the closed form divides by zero, the determinant of J_t itself is taken.
        """
        given = read(self.cell, parameters, x, states)
        known = compile(self.cell).values(parameters, x, states) | given.p
        inputs = given.x if isinstance(given.x, tuple) else (given.x,)
        known |= {q.name: a for q, a in zip(self.cell.inputs, inputs, strict=False)}
        known |= {s.previous.name: a for s, a in zip(self.cell.states, given.states, strict=True)}
        found = np.broadcast_to(evaluator(self, given.p, given.sizes)(known), given.batch)
        if np.isnan(found).any():
            jacobian = compile(self.cell).state_jacobian(parameters, x, states)
            found = np.where(np.isnan(found), np.linalg.slogdet(jacobian)[1], found)
        return float(found) if found.ndim == 0 else found.copy()


def logdet(cell: Any) -> LogDet:
    """log|det J_t|, J_t being the Jacobian of all states by all states of the step before.

    The sum of all Lyapunov exponents is its time average. Where no closed form is found, the result says so: `closed`
    is False, and the determinant of a matrix that changes with t is left. Raises RuleMissing where a state is a matrix.
    """
    return _found(find(cell))


def state_jacobian_symbol(cell: Cell) -> Quantity:
    """J_t"""
    return quantity("J", (sp.expand(sp.Add(*[s.current.shape[0] for s in cell.states])),) * 2, t)


@lru_cache(maxsize=64)
def _found(cell: Cell) -> LogDet:
    start = _log(Det(state_jacobian_symbol(cell)))
    whole_, held = _jacobian(cell), _with_other_states_held(cell)
    symbols = _symbols(cell)
    after = _log(Det(symbols.matrix if len(cell.states) > 1 else whole_.matrix))
    steps = [Step("blocks", start, after, "the derivatives of the new states by the previous ones", start)]
    if held != whole_:
        names = ", ".join(text(s.current) for s in cell.states)
        why = f"a row of {names} that contains another has a multiple of it taken off: the determinant stays"
        steps.append(Step("rows taken off", after, _log(Det(_short(held, whole_, symbols).matrix)), why, start))
    factors: list[Matrix] = []
    divided: list[Matrix] = []
    sign, rest, singular = sp.S.Zero, held, has_no_rank(held)
    while rest.rows and not singular:
        taken = take_one(rest)
        if taken is None:
            factors.append(rest.matrix)
            break
        before = steps[-1].after
        factors.append(taken.factor)
        sign, rest = sign + taken.sign, taken.rest
        divided += [taken.divided_by] if taken.divided_by is not None else []
        singular = bool(rest.rows) and has_no_rank(rest)
        left = [rest.matrix] if rest.rows else []
        now = add(*[_log(Det(f)) for f in (*factors, *left)])
        if now != before:
            steps.append(Step(taken.rule, before, now, f"{text(taken.factor)} is taken out", start))
    vectors, matrices = _taken_apart(factors)
    if singular:
        result, determinant = apply("log", zeros(1, 1)), zeros(1, 1)
        vectors, matrices = [], []
    else:
        logs = [whole("sum", shown_log(v, cell)) if v.shape[0] != 1 else shown_log(v, cell) for v in vectors]
        result = add(*[_log(det(m)) for m in matrices], *logs) if matrices or logs else zeros(1, 1)
        product = [det(f) for f in factors]
        determinant = scale((-1) ** sign, hadamard(*product) if product else ones(1, 1))
    if singular:
        steps.append(Step("a row of zeros", steps[-1].after, result, "a row or a column of blocks is zero", start))
    elif result != steps[-1].after:
        why = "the determinant of a product is the product, of a diagonal matrix that of its entries"
        steps.append(Step("determinants", steps[-1].after, result, why, start))
    return LogDet(cell, tuple(vectors), tuple(matrices), singular, tuple(divided), result, determinant, tuple(steps))


def _log(number: Matrix) -> Matrix:
    return apply("log", apply("abs", number))


def _jacobian(cell: Cell) -> Blocks:
    """All blocks of J_t."""
    for s in cell.states:
        if s.current.shape[1] != 1:
            raise RuleMissing(f"{s.current.name} is a matrix, so the state Jacobian of {cell.name} has four indices")
    entries = tuple(
        tuple(derive(cell, s.current.name, r.previous.name).result for r in cell.states) for s in cell.states
    )
    return _blocks(cell, entries)


def _symbols(cell: Cell) -> Blocks:
    """The same, not worked out."""
    return _blocks(cell, tuple(tuple(partial(s.current, r.previous) for r in cell.states) for s in cell.states))


def _short(held: Blocks, full: Blocks, symbols: Blocks) -> Blocks:
    """What has become of the rows, where something has; what is as before and long, by its symbol."""
    entries = tuple(
        tuple(
            symbol if entry == before and len(text(entry)) > LONG else entry
            for entry, before, symbol in zip(*rows, strict=True)
        )
        for rows in zip(held.entries, full.entries, symbols.entries, strict=True)
    )
    return Blocks(held.rows, held.columns, entries)


def _with_other_states_held(cell: Cell) -> Blocks:
    """The same, each row with the other new states held fixed."""
    entries = []
    for s in cell.states:
        others = {r.current for r in cell.states} - {s.current}
        equations = tuple(e for e in cell.equations if e.quantity not in others)
        row = [forward(Graph(equations, r.previous), s.current).results[s.current] for r in cell.states]
        entries.append(tuple(row))
    return _blocks(cell, tuple(entries))


def _blocks(cell: Cell, entries: tuple[tuple[Matrix, ...], ...]) -> Blocks:
    rows = tuple(s.current.shape[0] for s in cell.states)
    return Blocks(rows, tuple(s.previous.shape[0] for s in cell.states), entries)


def _taken_apart(factors: list[Matrix]) -> tuple[list[Matrix], list[Matrix]]:
    """Diagonals and other matrices, products of square matrices being opened."""
    vectors: list[Matrix] = []
    matrices: list[Matrix] = []
    for factor in factors:
        number, rest = split_number(factor)
        if number != 1 and not isinstance(rest, Zeros):
            vectors.append(scale(number, ones(rest.shape[0], 1)))
        square = isinstance(rest, Matmul) and all(m.shape[0] == m.shape[1] for m in rest.args)
        for part in rest.args if square else (rest,):
            vector = diagonal_of(part)
            if vector is None:
                matrices.append(part)
            elif not isinstance(part, Eye):
                vectors.append(vector)
    return vectors, matrices


def evaluator(found: LogDet, parameters: Any, sizes: Any) -> Callable[[Any], Array]:
    """The function from all values of a step, by name, to log|det J_t|; what parameters alone say is taken once."""
    if found.singular:
        return lambda known: np.asarray(-np.inf)
    named = {str(name): value for name, value in sizes.items()}
    constant: Any = 0.0
    changing: list[Callable[..., Array]] = []
    for m in found.matrices:
        function = formula(m, matrix=True)
        if any(q.time is not None for q in quantities(m)):
            changing.append(function)
        else:
            constant = constant + np.linalg.slogdet(function(parameters, named))[1]
    sums = [formula(whole("sum", stable_log(v, found.cell))) for v in found.vectors]

    def evaluate(known: Any) -> Array:
        with np.errstate(all="ignore"):
            terms = [constant, *(f(known, named) for f in sums)]
            terms += [np.linalg.slogdet(f(known, named))[1] for f in changing]
            return np.asarray(sum(terms))

    return evaluate
