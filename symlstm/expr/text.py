"""Plain text of an expression, for the terminal."""

from __future__ import annotations

from typing import Any

from symlstm.expr.notation import DEFAULT, Notation
from symlstm.expr.written import written


def text(expr: Any, notation: Notation = DEFAULT) -> str:
    """The expression in plain (Unicode) text."""
    return written(expr, False, notation)


def text_of(expr: Any) -> str:
    return text(expr)
