"""Documents of the results that go through time, by what kind of result it is."""

from __future__ import annotations

from typing import Any

from symlstm.calculus.carried import Carried
from symlstm.calculus.cases import Cases
from symlstm.calculus.lags import Lagged
from symlstm.calculus.solution import Solution
from symlstm.calculus.through_time import ThroughTime
from symlstm.emit.carried import carried_sections
from symlstm.emit.cases import case_sections
from symlstm.emit.determinants import determinant_sections
from symlstm.emit.document import Prose, Section, formula
from symlstm.emit.inline import cell_notation
from symlstm.emit.lags import lag_sections
from symlstm.emit.solutions import solution_sections
from symlstm.emit.through_time import through_time_sections
from symlstm.expr.notation import Notation
from symlstm.gradient_flow.determinant import LogDet


def titled(result: Any, notation: Notation, **options: Any) -> tuple[Prose, tuple[Section, ...]] | None:
    """Title and sections of a result; None where it is another kind of thing."""
    if isinstance(result, Carried):
        own = cell_notation(result.cell, notation)
        return (formula(result.symbol, own), f" of {result.cell.name}"), carried_sections(result, own, **options)
    if isinstance(result, Lagged):
        own = cell_notation(result.cell, notation)
        return (formula(result.symbol, own), f" of {result.cell.name}"), lag_sections(result, own, **options)
    if isinstance(result, ThroughTime):
        own = cell_notation(result.cell, notation)
        title: Prose = (f"Backpropagation through time of {result.cell.name}",)
        return title, through_time_sections(result, own, **options)
    if isinstance(result, Solution):
        own = cell_notation(result.cell, notation)
        return ("Solution for ", formula(result.state.current, own), f" of {result.cell.name}"), solution_sections(
            result, own, **options
        )
    if isinstance(result, LogDet):
        own = cell_notation(result.cell, notation)
        return ("Determinant of the state Jacobian of ", result.cell.name), determinant_sections(result, own, **options)
    if isinstance(result, Cases):
        own = cell_notation(result.cell, notation)
        return (f"Cases of {result.cell.name}",), case_sections(result, own, **options)
    return None
