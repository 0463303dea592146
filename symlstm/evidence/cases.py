"""What cases claim: in each, the values of the states and the blocks of the state Jacobian.

The oracle runs all the equations of the cell as they are, but those of the quantities that are set, which give the
numbers; nothing is simplified. (The user's function cannot be run so: it makes its own gates.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from symlstm.evidence.claims import JACOBIAN, VALUE, Claim, Claims
from symlstm.evidence.program import Program, one_step
from symlstm.expr.nodes import Ones, Quantity, Scale
from symlstm.expr.text import text

if TYPE_CHECKING:
    from symlstm.calculus.cases import Cases


def claims_of_cases(found: Cases) -> list[Claims]:
    """The claims of each case."""
    every = []
    for case in found.cases:
        program = with_numbers(one_step(found.cell), case.values)
        values = [Claim(text(s.current), VALUE, s.current, case.equation(s.current.name), s.current)
                  for s in found.cell.states]  # fmt: skip
        blocks = [Claim(text(d.symbol), JACOBIAN, d.wrt, d.result, d.of) for d in case.jacobians]
        every.append(Claims(case.name, program, (*values, *blocks)))
    return every


def with_numbers(program: Program, values: Mapping[Quantity, Any]) -> Program:
    """The program with numbers for some quantities of the cell, in every step."""
    numbers: dict[Any, Any] = {
        step.get(q, q): Scale(number, Ones(*q.shape)) for q, number in values.items() for step in program.steps
    }
    leaves = [(q, expr) for q, expr in numbers.items() if q in program.leaves]
    equations = [(q, numbers.get(q, expr)) for q, expr in program.equations]
    return replace(program, equations=(*leaves, *equations), function=None)


def said_of_cases(found: Cases) -> str:
    """How many there are."""
    return f"{len(found.cases)} cases" if len(found.cases) > 1 else ""
