"""What a solution claims: that its formula is the value of the state after 1, 2, 3 and 4 steps of the cell.

The oracle of the float64 rung is the user's own function, run so many times; the gates in the formula are those of
that run. That the formula holds for every t is the induction (symlstm.evidence.induction).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from symlstm.evidence.cases import with_numbers
from symlstm.evidence.claims import VALUE, Claim, Claims
from symlstm.evidence.program import unrolled
from symlstm.expr.nodes import t
from symlstm.expr.text import text
from symlstm.expr.time import at_times, expand

if TYPE_CHECKING:
    from symlstm.calculus.solution import Solution

STEPS = (1, 2, 3, 4)
"""After how many steps the formula is compared with the run."""


def claims_of_solution(s: Solution) -> list[Claims]:
    """One claim for each number of steps; a solution over a number of steps has one."""
    cell, state = s.cell, s.state.current
    letter = next(iter(s.start.free_symbols - {t}), None)
    if not s.start.free_symbols:
        wanted = [({t: steps}, steps, steps) for steps in STEPS]
    else:
        counts = STEPS if letter is not None else (int(t - s.start),)
        wanted = [({letter: steps} if letter is not None else {}, steps, t) for steps in counts]
    found = []
    for times, steps, last in wanted:
        formula = expand(at_times(s.result, times, cell.at), cell.at)
        of = cell.at(state, last)
        claim = Claim(text(of), VALUE, of, formula, of)
        program = unrolled(cell, steps, last)
        program = with_numbers(program, dict(s.values)) if s.values else program
        found.append(Claims(f"{text(state)} = {text(s.result)}", program, (claim,)))
    return found


def said_of_solution(s: Solution) -> str:
    """What the instances are, to be said with the evidence."""
    if s.start.free_symbols == {t}:
        return f"{t - s.start} steps"
    return f"after {', '.join(map(str, STEPS))} steps"
