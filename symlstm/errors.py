"""The few kinds of error that a user meets: what was wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class SymlstmError(Exception):
    """A mistake that can be explained: `code` (a short stable word), `message`, and `hint` (what to do)."""

    code = "usage"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  help: {self.hint}" if self.hint else self.message


class ShapeError(SymlstmError):
    """Two shapes do not fit each other, in an expression or in the numbers given."""

    code = "shape"


class CellError(SymlstmError):
    """A Python function cannot be read as a cell; the message names file and line."""

    code = "cell"

    def __init__(self, message: str, hint: str = "", line: int = 0) -> None:
        super().__init__(message, hint)
        self.line = line


class NameUnknown(SymlstmError):
    """A cell, quantity, notation or format of that name does not exist."""

    code = "name"


class ValueUnusable(SymlstmError):
    """The numbers cannot be used: NaN, infinity, integers, an empty batch."""

    code = "value"


class RuleMissing(SymlstmError):
    """The calculus has no rule for this, and says which."""

    code = "rule"


class ExtraMissing(SymlstmError):
    """A library that this needs is an extra, and is not installed."""

    code = "extra"


class EvidenceFailed(SymlstmError):
    """A formula did not pass its own evidence, so it is not shown as a result."""

    code = "evidence"


class OutputUnwritable(SymlstmError):
    """A file could not be written; nothing was left behind."""

    code = "output"


def unknown(kind: str, name: str, known: Iterable[str]) -> NameUnknown:
    """The error for a name that does not exist, with the nearest ones that do."""
    choices = [str(choice) for choice in known]
    near = difflib.get_close_matches(str(name), choices, n=3, cutoff=0.5)
    listed = ", ".join(near or choices)
    hint = f"did you mean {listed}?" if near else f"there are: {listed}" if listed else ""
    return NameUnknown(f"there is no {kind} named {name!r}", hint)


def shown(value: Any) -> str:
    """A value in a message: by itself where it is short, else by what it is."""
    text = repr(value)
    if len(text) <= 60 and "\n" not in text:
        return text
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" + (f" of shape {tuple(shape)}" if shape is not None else "")
