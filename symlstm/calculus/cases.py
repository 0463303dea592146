"""What becomes of a cell where some of its quantities are numbers: a gate that is open (1) or closed (0).

A number does not depend on anything: the derivatives through it vanish. A gate is never exactly 0 or 1 (a sigmoid comes
close); these are the ends between which it works.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from symlstm.calculus.derivation import Derivation, derive
from symlstm.calculus.examined import Examined
from symlstm.equations import Cell, Equation
from symlstm.errors import SymlstmError
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, ones, scale, split_number
from symlstm.expr.functions import ELEMENTWISE
from symlstm.expr.nodes import Quantity
from symlstm.expr.text import text
from symlstm.expr.tree import quantities, rebuild
from symlstm.expr.tree import replace as put
from symlstm.registry import cell as find

MOST = 64


@dataclass(frozen=True)
class Case:
    """values: what is a number, and which. cell: what is left of the equations. jacobians: of its states, by pairs."""

    values: Mapping[Quantity, sp.Rational]
    cell: Cell
    jacobians: tuple[Derivation, ...]

    def equation(self, name: str) -> Matrix:
        """What is left of the equation of a state."""
        found = self.cell.equation(self.cell.quantity(name))
        assert found is not None
        return found.expr

    def jacobian(self, of: str, wrt: str) -> Matrix:
        """A block of the state Jacobian."""
        wanted = self.cell.quantity(of), self.cell.quantity(wrt)
        return next(d.result for d in self.jacobians if (d.of, d.wrt) == wanted)

    @property
    def name(self) -> str:
        """f_t = 1, i_t = 0"""
        return ", ".join(f"{text(q)} = {number}" for q, number in self.values.items())


@dataclass(frozen=True, repr=False)
class Cases(Examined):
    """Every combination of the numbers that were given."""

    cell: Cell
    cases: tuple[Case, ...]

    def __repr__(self) -> str:
        return f"<{self.cell.name}: {'; '.join(case.name for case in self.cases)}>"

    def case(self, **values: Any) -> Case:
        """The case with these numbers: `cases.case(f=1, i=0)`."""
        wanted = {self.cell.quantity(name): read_number(name, value) for name, value in values.items()}
        for case in self.cases:
            if dict(case.values) == wanted:
                return case
        raise SymlstmError(f"there is no case {values}", f"there are {'; '.join(case.name for case in self.cases)}")


def cases(cell: Cell | str | Callable[..., Any], values: Mapping[str, Sequence[Any] | Any]) -> Cases:
    """Every combination of numbers for some quantities: cases("lstm", {"f": [0, 1], "i": [0, 1]}).

    For each: what is left of the equations of the states, and the blocks of the state Jacobian. A quantity may be any
    but a new state (which is not free: set what it is made of).
    """
    cell = find(cell)
    if not isinstance(values, Mapping):
        raise SymlstmError("the values of cases are a dict by name", "for example {'f': [0, 1], 'i': [0, 1]}")
    chosen: dict[Quantity, list[sp.Rational]] = {}
    for name, given in values.items():
        q = cell.quantity(name)
        if any(q == s.current for s in cell.states):
            raise SymlstmError(f"{name} is a new state, not free", "set the gates that it is made of")
        given = given.tolist() if hasattr(given, "tolist") else given
        several = given if isinstance(given, (list, tuple, set, frozenset, range)) else [given]
        chosen[q] = list(dict.fromkeys(read_number(name, value) for value in several))
    combinations = list(itertools.product(*chosen.values())) if chosen else []
    if not 0 < len(combinations) <= MOST:
        raise SymlstmError(
            f"{len(combinations)} cases were asked for", f"give 1 to {MOST}: {{'f': [0, 1], 'i': [0, 1]}}"
        )
    return Cases(cell, tuple(_case(cell, dict(zip(chosen, numbers, strict=True))) for numbers in combinations))


def read_number(name: str, value: Any) -> sp.Rational:
    """A number that a quantity is set to, exactly as it is written."""
    try:
        number = sp.Rational(str(value))
    except (TypeError, ValueError):
        raise SymlstmError(f"{name} = {value!r} is not a number", "a case sets a quantity to a number") from None
    if not number.is_finite:
        raise SymlstmError(f"{name} = {value!r} is not finite", "a case sets a quantity to a number")
    return number


def _case(cell: Cell, values: dict[Quantity, sp.Rational]) -> Case:
    fixed = with_values(cell, values)
    free = [s.previous.name for s in cell.states if s.previous not in values]
    found = [derive(fixed, s.current.name, name) for s in cell.states for name in free]
    return Case(values, fixed, tuple(found))


def with_values(cell: Cell, values: Mapping[Quantity, sp.Rational]) -> Cell:
    """The cell with numbers in the place of quantities, simplified, and without the equations that nothing needs."""
    known: dict[Quantity, Matrix] = {q: scale(number, ones(*q.shape)) for q, number in values.items()}
    states = {s.current for s in cell.states}
    kept: list[Equation] = []
    for e in cell.equations:
        if e.quantity in values:
            continue
        expr = folded(put(e.expr, known))
        if constant(expr) is not None:
            known[e.quantity] = expr
        if constant(expr) is None or e.quantity in states:
            kept.append(Equation(e.quantity, expr, e.note))
    needed = set(states) | {q for q in cell.outputs if q not in known}
    used: list[Equation] = []
    for e in reversed(kept):
        if e.quantity in needed:
            needed.update(quantities(e.expr))
            used.append(e)
    outputs = tuple(q for q in cell.outputs if q in needed)
    said = ", ".join(f"{q.name} = {number}" for q, number in values.items())
    return replace(cell, name=f"{cell.name} with {said}", equations=tuple(reversed(used)), outputs=outputs)


def constant(expr: Matrix) -> sp.Expr | None:
    """The number that every entry is, if the expression is one."""
    number, rest = split_number(expr)
    return sp.S.Zero if isinstance(expr, x.Zeros) else number if isinstance(rest, x.Ones) else None


def folded(expr: Matrix) -> Matrix:
    """The expression with functions of numbers worked out where they give a rational number: tanh(0) = 0."""
    if isinstance(expr, Quantity) or not hasattr(expr, "shape") or not expr.args:
        return expr
    args = tuple(folded(a) for a in expr.args)
    made = expr if args == expr.args else rebuild(expr, args)
    if isinstance(made, x.Apply):
        numbers = [constant(a) for a in made.arrays]
        if all(n is not None for n in numbers):
            value = sp.simplify(ELEMENTWISE[made.function].value(*numbers, *made.constants))
            if value.is_Rational:
                return scale(value, ones(*made.shape))
    return made
