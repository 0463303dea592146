"""A certificate that every step contracts, whatever the input within bounds: norms of the state Jacobian below 1.

Bounds of the gates, of their slopes and of the states go through the equations as intervals, and give a bound of |J_t|
entry by entry, for any cell. For the LSTM inequalities in the norms of its weights are said beside it, in the infinity
norm, with the largest value f of the forget gate, as derived here:

    |U_i|, |U_o| < 1 - f,   |U_c| <= (1 - f) / 4,   |U_f| < (1 - f)^2   imply   |J_t| < 1   where |c| <= 1 / (1 - f).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.calculus.derivation import derive
from symlstm.calculus.solution import linear_in
from symlstm.codegen import compile, inputs
from symlstm.codegen.fitting import shape_of
from symlstm.equations import Cell, State
from symlstm.errors import RuleMissing, ValueUnusable, shown
from symlstm.evidence.interpret import evaluate
from symlstm.evidence.program import Uncheckable
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity
from symlstm.gradient_flow.intervals import EPS
from symlstm.gradient_flow.ranges import FIELD, Ranges
from symlstm.gradient_flow.reading import require_vectors


@dataclass(frozen=True)
class Condition:
    """left < right (strict) or left <= right; margin = right - left, positive where it holds with room.

    group: the certificate that it belongs to; one whose conditions all hold is enough.
    """

    name: str
    left: float
    right: float
    group: str
    strict: bool = True

    @property
    def margin(self) -> float:
        return self.right - self.left

    @property
    def holds(self) -> bool:
        return bool(self.left < self.right if self.strict else self.left <= self.right)

    def __str__(self) -> str:
        sign = "<" if self.strict else "<="
        return f"{'holds' if self.holds else 'FAILS'}  {self.name}: {self.left:.6g} {sign} {self.right:.6g}"


@dataclass(frozen=True)
class Certificate:
    """conditions: (name, left, right, margin) each. holds: whether those of one group all hold, so that J_t contracts.

    Where it does not hold nothing is said: the bounds are sufficient, not necessary.
    """

    cell: str
    conditions: tuple[Condition, ...]
    largest_input: float

    @property
    def holds(self) -> bool:
        groups = dict.fromkeys(c.group for c in self.conditions)
        return any(all(c.holds for c in self.conditions if c.group == g) for g in groups)

    def __repr__(self) -> str:
        verdict = "every step contracts" if self.holds else "no contraction is certified"
        return f"<{self.cell}: {verdict} for inputs up to {self.largest_input:g}>"

    def __str__(self) -> str:
        return "\n".join([repr(self)[1:-1], *(f"  {c}" for c in self.conditions)])


def certificate(cell: Any, parameters: Any, largest_input: Any = 1.0) -> Certificate:
    """Conditions under which |J_t| < 1 at every step of every run from zero states, with their margins.

    largest_input: no entry of an input exceeds it in size. A run from other states counts as long as these are within
    what the states can become from zero. Raises ShapeError, ValueUnusable and NameUnknown for numbers
    that cannot be used, RuleMissing where no bound is known for a function of the cell, or a state is a matrix.
    """
    k = compile(cell)
    number = isinstance(largest_input, (int, float, np.number)) and not isinstance(largest_input, bool)
    if not number or not 0 <= largest_input < np.inf:
        raise ValueUnusable(f"largest_input must be a number, 0 or more, not {shown(largest_input)}")
    require_vectors(k.cell, "bounds of J are known")
    sizes = inputs.sizes_from_parameters(k.cell, parameters)
    zero = [np.zeros(shape_of(k.cell, q, sizes)) for q in k.cell.inputs]
    first = None if not zero else zero[0] if len(zero) == 1 else tuple(zero)
    given = inputs.read(k.cell, parameters, first, k.zero_states(parameters))
    try:
        ranges = Ranges(k.cell, given.p, given.sizes, float(largest_input))
        conditions = [*_literature(k.cell, ranges), *_entrywise(k.cell, ranges), *_by_norms(k.cell, ranges)]
    except Uncheckable as reason:
        raise RuleMissing(f"no bounds are known for {k.cell.name}: {reason}") from None
    return Certificate(k.cell.name, tuple(conditions), float(largest_input))


def _blocks(cell: Cell) -> list[list[Matrix]]:
    return [[derive(cell, s.current.name, r.previous.name).result for r in cell.states] for s in cell.states]


def _entrywise(cell: Cell, ranges: Ranges) -> list[Condition]:
    """Row sums of the largest |J_t| entry by entry: the infinity norm, one condition a state."""
    found = []
    for s, row in zip(cell.states, _blocks(cell), strict=True):
        with np.errstate(invalid="ignore"):
            sums = sum(ranges.of(block).largest.sum(axis=1) for block in row)
        rounding = 1 + EPS * sum(r.previous.shape[0].subs(ranges.sizes) for r in cell.states)
        left = float(rounding * np.max(np.where(np.isnan(sums), np.inf, sums)))
        found.append(Condition(f"rows of {s.current.name}: largest sum of |J_t|", left, 1.0, "entry by entry"))
    return found


def _by_norms(cell: Cell, ranges: Ranges) -> list[Condition]:
    """The 2-norm of the matrix of the blocks' norms, products bounded by products: |U| times the largest slope."""
    norms = np.array([[_norm(block, ranges) for block in row] for row in _blocks(cell)])
    left = float(np.linalg.norm(norms, 2)) if np.isfinite(norms).all() else float("inf")
    return [Condition("|J_t| in the 2-norm, by the norms of its factors", left, 1.0, "norms")]


def _norm(expr: Matrix, ranges: Ranges) -> float:
    """A bound of the 2-norm."""
    if isinstance(expr, x.Zeros):
        return 0.0
    if isinstance(expr, x.Add):
        return sum(_norm(a, ranges) for a in expr.args)
    if isinstance(expr, x.Matmul):
        norms = [_norm(a, ranges) for a in expr.args]
        return 0.0 if 0.0 in norms else math.prod(norms)  # what is unbounded is finite at every step
    if isinstance(expr, x.Scale):
        return abs(float(expr.args[0])) * _norm(expr.args[1], ranges)
    found = ranges.of(expr.args[0] if isinstance(expr, x.Diag) else expr)
    if isinstance(expr, x.Diag):
        return float(np.max(found.largest))
    if not found.bounded:
        return float("inf")
    known = np.array_equal(found.low, found.high)
    return float(np.linalg.norm(found.low if known else found.largest, 2))


def _literature(cell: Cell, ranges: Ranges) -> list[Condition]:
    """The four inequalities, for a cell c = f c_{t-1} + i c~, h = o tanh(c) whose gates read h_{t-1} alone."""
    found = _gates(cell)
    if found is None:
        return []
    h, f, i, candidate, o = found
    largest = float(np.max(ranges.values[f].high))
    room = 1 - largest
    out = []
    for q, right, strict in ((i, room, True), (o, room, True), (candidate, room / 4, False), (f, room**2, True)):
        matrix = _recurrent(cell, q, h)
        if matrix is None:
            return []
        left = float(np.linalg.norm(evaluate(matrix, ranges.values, ranges.sizes, FIELD).low, np.inf))
        bound = {i: "1 - f", o: "1 - f", candidate: "(1 - f) / 4", f: "(1 - f)^2"}[q]
        name = f"recurrent weights of {q.name}, infinity norm, against {bound} with f = {largest:.6g}"
        out.append(Condition(name, left, right, "gates", strict))
    return out


def _gates(cell: Cell) -> tuple[State, Quantity, Quantity, Quantity, Quantity] | None:
    """(h, f, i, c~, o) where the cell has the form of an LSTM."""
    if len(cell.states) != 2:
        return None
    for c, h in (cell.states, cell.states[::-1]):
        form, output = linear_in(cell, c), cell.equation(h.current)
        if isinstance(form, str) or output is None:
            continue
        i, candidate = _pair(cell, form[1], ("sigmoid", "tanh"))
        o = next((q for q in output.expr.args if _function(cell, q) == "sigmoid"), None)
        squashed = x.Apply("tanh", c.current)
        both = isinstance(output.expr, x.Hadamard) and len(output.expr.args) == 2 and squashed in output.expr.args
        if i is not None and candidate is not None and o is not None and both and _function(cell, form[0]) == "sigmoid":
            return h, form[0], i, candidate, o
    return None


def _pair(cell: Cell, product: Matrix, functions: tuple[str, str]) -> tuple[Quantity | None, Quantity | None]:
    if not isinstance(product, x.Hadamard) or len(product.args) != 2:
        return None, None
    first, second = (next((q for q in product.args if _function(cell, q) == f), None) for f in functions)
    return first, second


def _function(cell: Cell, q: Any) -> str:
    found = cell.equation(q) if isinstance(q, Quantity) else None
    return found.expr.function if found is not None and isinstance(found.expr, x.Apply) else ""


def _recurrent(cell: Cell, q: Quantity, h: State) -> Matrix | None:
    """U of a gate sigma(U h_{t-1} + ...) that reads no other state."""
    others = [s.previous.name for s in cell.states if s != h]
    if any(not isinstance(derive(cell, q.name, name).result, x.Zeros) for name in others):
        return None
    slope = derive(cell, q.name, h.previous.name).result
    inside = isinstance(slope, x.Matmul) and len(slope.args) == 2 and isinstance(slope.args[0], x.Diag)
    return slope.args[1] if inside and isinstance(slope.args[1], (x.Quantity, x.Block)) else None
