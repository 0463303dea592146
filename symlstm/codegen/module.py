"""The text of a stand-alone module for a cell: it imports numpy alone."""

from __future__ import annotations

import ast
import dis
import inspect
import itertools
import sys
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from symlstm.codegen import helpers as carried
from symlstm.codegen.arrays import CARRIED_AS, HELPERS
from symlstm.codegen.body import user_shape
from symlstm.codegen.forward_code import comment_of, step_function, values_function
from symlstm.codegen.layout import WIDTH
from symlstm.codegen.mismatch import parts_of_sizes
from symlstm.codegen.sequence import drivers
from symlstm.codegen.sequence.module import FUNCTIONS as SEQUENCE_FUNCTIONS
from symlstm.codegen.sequence.module import sequence_functions, sequence_table
from symlstm.codegen.spelling import spelled_size
from symlstm.codegen.state_jacobian_code import state_jacobian_function
from symlstm.codegen.vjp_code import vjp_function
from symlstm.equations import Cell
from symlstm.expr import numeric
from symlstm.expr.parsing import parsed

NUMERIC = tuple(name for name, value in vars(numeric).items() if getattr(value, "__module__", "") == numeric.__name__)
DRIVERS = tuple(name for name, value in vars(drivers).items() if getattr(value, "__module__", "") == drivers.__name__)
FUNCTIONS = ("values", "step", "state_jacobian", "vjp", *SEQUENCE_FUNCTIONS, "SHAPES", "SEQUENCE")
RESERVED = (*HELPERS, *NUMERIC, *DRIVERS, *CARRIED_AS.values(), *FUNCTIONS)
"""Module-level names, which no local variable may hide."""


@dataclass(frozen=True)
class Module:
    """The parts of the generated text: the docstring, the functions, and the helpers that they call."""

    doc: str
    functions: tuple[str, ...]
    helpers: frozenset[str]

    @property
    def text(self) -> str:
        parts = [f'"""{self.doc}\n"""\n\nimport numpy as np', *helper_sources(self.helpers), *self.functions]
        return "\n\n\n".join(parts) + "\n"


@lru_cache(maxsize=64)
def module(cell: Cell) -> Module:
    """The module of a cell."""
    made = [values_function(cell, RESERVED), (step_function(cell, RESERVED), set())]
    made.append(state_jacobian_function(cell, RESERVED))
    made.append(vjp_function(cell, RESERVED))
    *loops, run, gradients = sequence_functions(cell, RESERVED)
    made += [*loops, (sequence_table(cell), set()), run, gradients]
    return Module(_doc(cell), tuple(text for text, _ in made), frozenset().union(*(used for _, used in made)))


def helper_sources(names: frozenset[str]) -> list[str]:
    """The source of helper functions and of those that they call in turn, without type annotations."""
    found = set(names)
    while True:
        called = frozenset().union(*(_loaded(name) for name in found))
        more = {n for n in (*NUMERIC, *HELPERS, *DRIVERS) if n in called and n not in found}
        if not more:
            break
        found |= more
    return [_source(name) for name in (*NUMERIC, *HELPERS, *DRIVERS) if name in found]


def _home(name: str) -> Any:
    return numeric if name in NUMERIC else drivers if name in DRIVERS else carried


@lru_cache(maxsize=64)
def _loaded(name: str) -> frozenset[str]:
    """The global names that a helper reads: np.where is no call of where."""
    code = _with_inner(getattr(_home(name), name).__code__)
    return frozenset(i.argval for c in code for i in dis.get_instructions(c) if i.opname == "LOAD_GLOBAL")


def _with_inner(code: Any) -> list[Any]:
    """A piece of byte code, and those of the comprehensions inside it."""
    return [code, *(c for const in code.co_consts if hasattr(const, "co_code") for c in _with_inner(const))]


@lru_cache(maxsize=64)
def _source(name: str) -> str:
    text = inspect.getsource(getattr(_home(name), name))
    if name in CARRIED_AS:
        text = text.replace(f"def {name}(", f"def {CARRIED_AS[name]}(", 1)
    return _without_annotations(text).rstrip()


def _without_annotations(text: str) -> str:
    """The source of a function without type annotations, otherwise as it stands."""
    lines = text.split("\n")
    starts = [0, *itertools.accumulate(len(line) + 1 for line in lines)]

    def at(line: Any, column: Any) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    cuts: list[tuple[int, int]] = []
    node: Any
    for node in ast.walk(parsed(text)):
        annotation = getattr(node, "annotation", None)
        if annotation is not None:
            name_ends = (
                at(node.target.end_lineno, node.target.end_col_offset)
                if isinstance(node, ast.AnnAssign)
                else (at(node.lineno, node.col_offset) + len(node.arg))
            )
            cuts.append((name_ends, at(annotation.end_lineno, annotation.end_col_offset)))
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            end = at(node.returns.end_lineno, node.returns.end_col_offset)
            cuts.append((text.rindex(" ->", 0, at(node.returns.lineno, node.returns.col_offset)), end))
        if isinstance(node, ast.FunctionDef):
            cuts += _tight_defaults(node, at, text)
    for start, stop in sorted(cuts, reverse=True):
        text = text[:start] + text[stop:]
    return text


def _tight_defaults(node: ast.FunctionDef, at: Any, text: str) -> list[tuple[int, int]]:
    """The spaces around "=" of defaults whose annotation goes."""
    cuts = []
    for default in (*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)):
        start = at(default.lineno, default.col_offset)
        if text[start - 3 : start] == " = ":
            cuts += [(start - 3, start - 2), (start - 1, start)]
    return cuts


def _doc(cell: Cell) -> str:
    first = cell.doc.split("\n")[0] or f"The recurrent cell {cell.name}."
    reference = _reference(cell)
    paragraphs = [
        "\n".join(_wrapped(first)),
        *([reference] if reference else []),
        "One step, its state Jacobian and its gradients; whole sequences (`run`, `gradients`), time first.\n"
        "Vectors are in the last axis, any batch axes before it.",
        _shapes_table(cell),
        *[f"{spelled_size(part, cell.dims)} must be a whole number." for part in parts_of_sizes(cell)],
        "The equations:",
        "\n".join(f"    {line}" for e in cell.equations for line in _wrapped(comment_of(e))),
        "p is a dict of the parameters by name, states a tuple of the previous states in the order above.\n"
        "A Jacobian has a row for each entry of what is differentiated, a gradient the shape of what it belongs to.",
    ]
    return "\n\n".join(paragraphs).replace("\\", "\\\\").replace('"""', "'''")


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH - 4, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _reference(cell: Cell) -> str:
    """The paper that the module of a built-in cell names."""
    module_ = sys.modules.get(getattr(cell.function, "__module__", ""))
    if module_ is None or not module_.__name__.startswith("symlstm.cells."):
        return ""
    _, _, rest = (module_.__doc__ or "").strip().partition("\n\n")
    return rest.strip()


def _shapes_table(cell: Cell) -> str:
    rows: list[tuple[str, str]] = []
    for q in cell.inputs:
        rows.append((f"input {q.name}", _shape(cell, q, "...")))
    for state in cell.states:
        rows.append((f"state {state.previous.name} -> {state.current.name}", _shape(cell, state.previous, "...")))
    for q in cell.parameters:
        rows.append((q.name, _shape(cell, q, "")))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"    {name:{width}}  {shape}" for name, shape in rows)


def _shape(cell: Cell, q: Any, lead: str) -> str:
    sizes = [*([lead] if lead else []), *(spelled_size(s, cell.dims) for s in user_shape(cell, q))]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
