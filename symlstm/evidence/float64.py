"""First rung: the compiled formula against complex-step differentiation of the numeric cell, in float64.

The derivative is that of the user's own function, run on complex numbers x + ih with h = 2^-600 (Squire and Trapp,
Using Complex Variables to Estimate Derivatives of Real Functions, SIAM Review 40(1), 1998): it is exact to rounding.
What cannot be perturbed inside that function (an intermediate quantity, or a state of step t-1 without what it was
made from) is perturbed in the equations, which are first seen to give what the function returns.

The bound is not one number for all cells: the formula, and the differentiated equations, are also run in running
error analysis (symlstm.evidence.running), which bounds how far rounding can carry each of the two from the truth, given
how accurate NumPy's functions were measured to be. For the user's own function a margin is added (OTHER_STEPS).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from symlstm.equations import Cell
from symlstm.evidence.claims import (
    CHANGE,
    DETERMINANT,
    INDEX,
    JACOBIAN,
    VALUE,
    Claim,
    Claims,
    by_index,
    determinant_of_jacobian,
    index_sizes,
    settle,
)
from symlstm.evidence.compiled import compute
from symlstm.evidence.interpret import evaluate
from symlstm.evidence.numeric_cell import NumericCell, locate
from symlstm.evidence.program import (
    Program,
    Sizes,
    choose_sizes,
    draw_until,
    one_step,
    shape_of,
    two_steps,
)
from symlstm.evidence.report import Mismatch, Rung, failed, nothing_compared
from symlstm.evidence.running import Running, RunningField, U, exact
from symlstm.evidence.stepped import STEP
from symlstm.expr.nodes import Quantity

NAME = "float64"
FUNCTION, EQUATIONS = "complex step on the numeric cell", "complex step on the equations"
FIELD = RunningField()
LOOSE = 2.0**26
"""A bound of more ulp than this leaves less than half of the digits: nothing is claimed."""
OTHER_STEPS, UNIT_STEPS = 4, 32
"""Judged, not derived: nobody has analysed the rounding of the user's own steps, which may differ from the equations'.
The bound of the equations is taken 4 times and 32 u of the largest entry are added. Measured over the tests' cells
(sigmoid, softmax and tanh by exponentials among them) at six points each, functions use 4 % of that at most, and none
leaves the bound of the equations themselves."""


@dataclass
class Point:
    """Random leaves in float64, the values of all quantities, and the Jacobians computed so far."""

    program: Program
    sizes: Sizes
    values: dict[Quantity, Running]
    numeric: NumericCell | None
    jacobians: dict[Quantity, dict[Quantity, Running]] = field(default_factory=dict)
    by_function: dict[Quantity, dict[Quantity, Any]] = field(default_factory=dict)
    kept_out: dict[Quantity, str] = field(default_factory=dict)
    ways: dict[str, None] = field(default_factory=dict)
    ran: dict[Quantity, Any] = field(default_factory=dict)

    def jacobian(self, of: Quantity, wrt: Quantity) -> Running:
        """d of / d wrt, flattened to two axes, with its error bound."""
        if wrt not in self.jacobians:
            self.jacobians[wrt] = _by_equations(self.program, self.sizes, self.values, wrt)
            self.by_function[wrt] = self._by_function(wrt)
        size, width = _count(of, self.sizes), _count(wrt, self.sizes)
        found = self.jacobians[wrt].get(of)
        if found is None:
            found = exact(np.zeros((size, width)))
        measured = self.by_function[wrt].get(of)
        self.ways[FUNCTION if measured is not None else self.kept_out.get(wrt, EQUATIONS)] = None
        if measured is None:
            return found
        slack = OTHER_STEPS * found.real + UNIT_STEPS * U * np.max(np.abs(measured), initial=0.0)
        return Running(measured + 0j, slack, np.zeros(measured.shape))

    def value(self, of: Quantity) -> Running:
        """A value that the function gives when it is run step after step, with its error bound."""
        if self.numeric is None:
            self.ways["the equations run"] = None
            return self.values[of]
        if not self.ran:
            self.ran = self.run({})
        self.ways["the numeric cell run"] = None
        bound, found = self.values[of].real, np.real(self.ran[of])
        return Running(found + 0j, OTHER_STEPS * bound + UNIT_STEPS * U * np.max(np.abs(found), initial=0.0), 0 * bound)

    def _by_function(self, wrt: Quantity) -> dict[Quantity, Any]:
        """d q / d wrt for every quantity that the function lets us see, by running it; {} where that cannot be."""
        if self.numeric is None:
            return {}
        first = 0 if wrt in self.program.leaves else self._step_after(wrt)
        if first is None:
            return {}
        made = _complex_run(self.program, self.sizes, self.values, wrt)
        columns: dict[Quantity, list[Any]] = {}
        for k in range(_count(wrt, self.sizes)):
            moved = {q: v[k] for q, v in made.items() if first or q == wrt}
            try:
                for q, value in self.run(moved, first).items():
                    columns.setdefault(q, []).append(np.imag(value).reshape(-1) / STEP)
            except Exception as error:  # user code: anything may happen on complex numbers
                self.kept_out[wrt] = (
                    f"{EQUATIONS} (the function does not run on complex numbers: {type(error).__name__})"
                )
                return {}
        return {q: np.stack(parts, axis=1) for q, parts in columns.items()}

    def _step_after(self, wrt: Quantity) -> int | None:
        """The first step that reads what the step of `wrt` made, which must be run by the equations; None: no step."""
        steps = self.program.steps
        made = [{step[e.quantity] for e in self.program.cell.equations} for step in steps]
        return next((k + 1 for k, found in enumerate(made[:-1]) if wrt in found), None)

    def run(self, moved: dict[Quantity, Any], first: int = 0) -> dict[Quantity, Any]:
        """The steps from `first` on by the function, each starting from what it made of the one before."""
        cell, moved = self.program.cell, dict(moved)
        found: dict[Quantity, Any] = {}
        leaves = (*(s.previous for s in cell.states), *cell.inputs, *cell.parameters)
        for step in self.program.steps[first:]:
            here = {q: step.get(q, q) for q in leaves}
            given = {q: moved[at] if at in moved else self.values[at].value.real for q, at in here.items()}
            assert self.numeric is not None
            for q, value in self.numeric.complex(given).items():
                at = step[q]
                found[at] = moved[at] = value.reshape(shape_of(at, self.sizes))
        return found


def _count(q: Quantity, sizes: Sizes) -> int:
    rows, cols = shape_of(q, sizes)
    return rows * cols


def _units(q: Quantity, sizes: Sizes) -> Any:
    """One perturbation an entry: (entries, rows, cols)."""
    count = _count(q, sizes)
    return np.eye(count).reshape(count, *shape_of(q, sizes))


def _steps(program: Program, sizes: Sizes, values: dict[Quantity, Running], wrt: Quantity) -> dict[Quantity, Running]:
    """All quantities downstream of `wrt`, each entry of it perturbed in turn (a leading axis)."""
    base = values[wrt]
    units = STEP * _units(wrt, sizes)
    moved = dict(values)
    moved[wrt] = Running(base.value.real + 1j * units, base.real + 0 * units, 0 * units)
    for q, expr in program.downstream(wrt):
        moved[q] = evaluate(expr, moved, sizes, FIELD)
    return {q: v for q, v in moved.items() if v is not values.get(q)}


def _complex_run(program: Program, sizes: Sizes, values: dict[Quantity, Running], wrt: Quantity) -> dict[Quantity, Any]:
    return {q: v.value for q, v in _steps(program, sizes, values, wrt).items()}


def _by_equations(
    program: Program, sizes: Sizes, values: dict[Quantity, Running], wrt: Quantity
) -> dict[Quantity, Running]:
    """d q / d wrt for all q, by complex steps in the equations."""
    found = {}
    for q, v in _steps(program, sizes, values, wrt).items():
        count = _count(q, sizes)
        derivative = np.imag(v.value).reshape(-1, count).T / STEP
        found[q] = Running(derivative + 0j, v.imag.reshape(-1, count).T / STEP, np.zeros(derivative.shape))
    return found


def _forward(program: Program, sizes: Sizes, rng: np.random.Generator, low: float) -> dict[Quantity, Running] | None:
    """All values at random leaves; None where some value is not a finite real number."""
    values = {q: exact(rng.uniform(low, 1.0, shape_of(q, sizes))) for q in program.leaves}
    with np.errstate(all="ignore"):
        for q, expr in program.equations:
            values[q] = evaluate(expr, values, sizes, FIELD)
    usable = all(np.all(np.isfinite(v.value + v.real)) and not np.any(v.value.imag) for v in values.values())
    return values if usable else None


@lru_cache(maxsize=64)
def point(program: Program, seed: int) -> Point | None:
    """A random point of the program; None where no usable one was found."""
    sizes = choose_sizes(program, 4)
    rng = np.random.default_rng(seed)
    values = draw_until(lambda low: _forward(program, sizes, rng, low))
    numeric = None if program.function is None else _numeric(program.cell, program.function, seed)
    return None if values is None else Point(program, sizes, values, numeric)


@lru_cache(maxsize=64)
def _numeric(cell: Cell, function: Any, seed: int) -> NumericCell:
    """The function (which equal cells need not share), seen to give what the equations give, in both of two steps."""
    program, rng = two_steps(cell), np.random.default_rng([seed, 1])
    sizes = choose_sizes(program, 4)
    names = [q for q, _ in one_step(cell).equations]
    before = program.steps[0]
    leaves = {q: before[q] for q in (*(s.previous for s in cell.states), *cell.inputs)}
    points = []
    for _ in range(2):
        values = draw_until(lambda low: _forward(program, sizes, rng, low))
        if values is None:  # a cell that leaves its own domain after one step
            values = draw_until(lambda low: _forward(one_step(cell), sizes, rng, low))
        given = {q: v.value.real for q, v in values.items()}
        points.append((given, {q: _seen(values[q]) for q in names}))
        if all(q in values for q in leaves.values()):
            moved = {q: given[earlier] for q, earlier in leaves.items()}
            points.append(({**given, **moved}, {q: _seen(values[before[q]]) for q in names}))
    return locate(cell, points)


def _seen(v: Running) -> tuple[Any, Any]:
    largest = np.max(np.abs(v.value), initial=0.0)
    return v.value.real, OTHER_STEPS * v.real + UNIT_STEPS * U * largest


def check(claims: Claims, seed: int = 0) -> Rung:
    """The float64 rung of a result."""
    start = time.perf_counter()
    at = point(claims.program, seed)
    if at is None:
        return Rung(NAME, None, "not checked", "no random point at which the cell is defined", 0.0)
    sizes = at.program.shown(at.sizes)
    if at.numeric is not None and at.numeric.missing:
        names = ", ".join(q.name for q in at.numeric.missing)
        text = f"the equations do not give what the function returns: {names}"
        return Rung(NAME, False, f"{len(at.numeric.missing)} results differ", text, time.perf_counter() - start)
    rng = np.random.default_rng([seed, 2])
    seeds = {q: exact(rng.uniform(-1, 1, shape_of(q, at.sizes))) for q in claims.given}
    mismatches, entries, worst, allowed = [], 0, 0.0, 0.0
    for label, compiled, bound, oracle in _compared(claims, at, seeds):
        entries += oracle.value.size
        truth = oracle.value.real
        unit = np.spacing(max(np.max(np.abs(truth), initial=0.0), np.finfo(float).tiny))
        if compiled.shape != truth.shape:
            mismatches.append(Mismatch(label, (0,), f"shape {compiled.shape}", f"shape {truth.shape}"))
            continue
        difference = np.abs(compiled - truth)
        limit = bound + oracle.real
        with np.errstate(over="ignore"):  # a value where there should be zero
            worst = max(worst, np.max(difference, initial=0.0) / unit)
            allowed = max(allowed, np.max(limit, initial=0.0) / unit)
        wrong = np.argwhere(~(difference <= limit))
        mismatches += [
            Mismatch(label, tuple(map(int, e)), f"{compiled[tuple(e)]:.17g}", f"{truth[tuple(e)]:.17g}") for e in wrong
        ]
    seconds = time.perf_counter() - start
    if mismatches:
        return failed(NAME, mismatches, entries, seconds, sizes)
    if not entries:
        return nothing_compared(NAME, seconds)
    if allowed > LOOSE:
        text = f"rounding alone may amount to {allowed:.1g} ulp"
        return Rung(NAME, None, f"too ill-conditioned at this point ({sizes})", text, seconds)
    first, *others = sorted(at.ways, key=lambda way: way != FUNCTION)
    how = " and ".join([first, *[way.removeprefix("complex step ") for way in others]])
    figure = f"worst {worst:.1f} ulp over {entries} {'entry' if entries == 1 else 'entries'} ({sizes}), {how}"
    return Rung(NAME, True, figure, f"bound by running error analysis: {allowed:.0f} ulp", seconds, "ulp", float(worst))


def _compared(claims: Claims, at: Point, seeds: dict[Quantity, Running]) -> Any:
    """(label, value by code, its error bound, oracle) of every claim."""
    at.ways.clear()
    values = {**at.values, **seeds}
    plain = {q: v.value.real for q, v in values.items()}
    bounded = settle(claims, values, lambda expr, known: evaluate(expr, known, at.sizes, FIELD))
    coded = settle(claims, plain, lambda expr, known: compute(expr, known, at.sizes))
    for (claim, bounds), (_, codes) in zip(bounded, coded, strict=True):
        oracle = _oracle(claim, at, seeds)
        if oracle is None:
            continue
        if claim.kind == INDEX:
            sizes = index_sizes(claim, at.sizes)
            value, bound = by_index(codes, sizes), by_index(bounds, sizes, FIELD).real
        else:
            value, bound = codes[0], bounds[0].real
        yield claim.label, value, bound, oracle


def _oracle(claim: Claim, at: Point, seeds: dict[Quantity, Running]) -> Running | None:
    shape = shape_of(claim.wrt, at.sizes)
    if claim.kind == VALUE:
        return at.value(claim.wrt)
    if claim.kind == DETERMINANT:
        return determinant_of_jacobian(claim, at, FIELD)
    if claim.kind in (JACOBIAN, INDEX):
        assert claim.of is not None
        found = at.jacobian(claim.of, claim.wrt)
        sizes = index_sizes(claim, at.sizes)
        return found if claim.kind == JACOBIAN else found.map(lambda v: v.reshape(sizes))
    if not claim.seeds:
        return None
    total = exact(np.zeros(shape))
    for source, seed in claim.seeds:
        if claim.kind == CHANGE:
            assert claim.of is not None
            column = seeds[seed].map(lambda v: v.reshape(-1, 1))
            found = FIELD.matmul(at.jacobian(claim.of, source), column)
        else:
            row = seeds[seed].map(lambda v: v.reshape(1, -1))
            found = FIELD.matmul(row, at.jacobian(source, claim.wrt))
        total = FIELD.add(total, found.map(lambda v: v.reshape(shape)))
    return total
