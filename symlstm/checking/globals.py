"""Weights that a function reads from global variables: found in its code, drawn anew for a call, and put back."""

from __future__ import annotations

import dis
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path as File
from typing import Any

from symlstm.checking.leaves import leaves
from symlstm.checking.tensors import kind_of


def code_inside(function: Any) -> Iterator[types.CodeType]:
    """The code of a function, of those inside it, and of those of its own module that it names."""
    home, seen, left = getattr(function, "__globals__", {}), set(), [getattr(function, "__code__", None)]
    while left:
        code = left.pop()
        if code is None or code in seen:
            continue
        seen.add(code)
        yield code
        left += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        named = [home.get(name) for name in code.co_names]
        left += [f.__code__ for f in named if inspect.isfunction(f) and f.__globals__ is home]


def global_arrays(function: Any) -> dict[str, Any]:
    """Global variables that the code reads and that hold arrays, by name."""
    plain = plain_function(function)
    found: dict[str, Any] = {}
    home = getattr(plain, "__globals__", {})
    for name in (name for code in code_inside(plain) for name in code.co_names if name in home):
        value = home[name]
        data = not isinstance(value, types.ModuleType) and (not callable(value) or kind_of(value) is not None)
        if data and any(leaf.array.size > 1 for leaf in leaves(value)):
            found[name] = value
    return {name: found[name] for name in sorted(found, key=list(home).index)}


def line_of_global(function: Any, name: str) -> str:
    """file:line at which the code first reads a global variable."""
    lines = [
        (File(code.co_filename).name, instruction.positions.lineno)
        for code in code_inside(plain_function(function))
        for instruction in dis.get_instructions(code)
        if instruction.opname == "LOAD_GLOBAL" and instruction.argval == name and instruction.positions
    ]
    return "{}:{}".format(*min(lines, key=lambda place: place[1] or 0)) if lines else ""


def plain_function(function: Any) -> Any:
    """The function inside a method or a wrapper."""
    return inspect.unwrap(getattr(function, "__func__", function))


@contextmanager
def set_globals(function: Callable[..., Any], values: Mapping[str, Any]) -> Iterator[None]:
    """Global variables of the function with other values, put back afterwards."""
    home = getattr(plain_function(function), "__globals__", {})
    before = {name: home[name] for name in values}
    home.update(values)
    try:
        yield
    finally:
        home.update(before)
