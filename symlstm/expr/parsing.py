"""Parsing Python source, one thread at a time: in CPython 3.11 two at once can fail with a SystemError (gh-106905)."""

from __future__ import annotations

import ast
from threading import Lock

_ONE_AT_A_TIME = Lock()


def parsed(source: str) -> ast.Module:
    """The syntax tree of a module; SyntaxError as from `ast.parse`."""
    with _ONE_AT_A_TIME:
        return ast.parse(source)


def parsed_expression(source: str) -> ast.expr:
    """The syntax tree of one expression."""
    with _ONE_AT_A_TIME:
        return ast.parse(source, mode="eval").body
