"""LaTeX of an expression, in a notation; also what plain `sympy.latex` calls."""

from __future__ import annotations

from typing import Any

from symlstm.expr.notation import DEFAULT, Notation
from symlstm.expr.written import written


def latex(expr: Any, notation: Notation = DEFAULT) -> str:
    """LaTeX of a matrix expression or of one entry."""
    return written(expr, True, notation)


def latex_of(expr: Any, printer: Any) -> str:
    """Hook of the nodes: SymPy's printer carries no notation, so the default one is used."""
    return written(expr, True, getattr(printer, "notation", DEFAULT))


entry_latex = latex_of
