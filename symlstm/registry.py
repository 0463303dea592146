"""Finding a cell: a registered name, "file.py:function", or a Python function."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from symlstm.equations import Cell
from symlstm.errors import CellError, shown, unknown
from symlstm.plugins import CELLS, registered
from symlstm.trace.distinct import with_distinct_signs
from symlstm.trace.read import trace


def cell(
    source: str | Callable[..., Any] | Cell,
    *,
    inputs: str | Sequence[str] | None = None,
    states: str | Sequence[str] | None = None,
    shapes: Mapping[str, str] | None = None,
) -> Cell:
    """A cell from a built-in name, "file.py:function", "file.py:Class.method", or a function.

    inputs, states: argument names (one, or several), where `x`, `*_prev` do not say it. shapes: sizes by name
    ("W": "n n+m"), where annotations do not give them; what nobody gives is inferred. What a method reads from self
    are its parameters. Raises NameUnknown or CellError.
    """
    if isinstance(source, Cell) or (isinstance(source, str) and not _names_a_file(source)):
        given = {"inputs": inputs, "states": states, "shapes": shapes}
        if said := [name for name, value in given.items() if value is not None]:
            name = source.name if isinstance(source, Cell) else source
            raise CellError(f"{name} is a cell already: {said[0]} cannot be given", "give them with a function")
        return source if isinstance(source, Cell) else _built_in(source)
    if isinstance(source, str):
        function = function_from_file(source)
    elif isinstance(source, type):
        raise CellError(f"{source.__name__} is a class", _a_method(source, f"sl.cell({source.__name__}."))
    elif callable(source):
        function = source
    else:
        raise CellError(f"{shown(source)} is not a cell", "give a name, file.py:function, or a function")
    inputs = (inputs,) if isinstance(inputs, str) else inputs
    states = (states,) if isinstance(states, str) else states
    _require_texts(shapes)
    return with_distinct_signs(trace(function, inputs=inputs, states=states, shapes=shapes))


def _names_a_file(source: str) -> bool:
    return ".py:" in source or source.endswith(".py")


def _require_texts(shapes: Any) -> None:
    """Shapes are texts by name."""
    texts = shapes.values() if isinstance(shapes, Mapping) else [] if shapes is None else [shapes]
    if not (shapes is None or isinstance(shapes, Mapping)) or not all(isinstance(text, str) for text in texts):
        raise CellError(f"shapes={shapes!r} does not say sizes by name", 'shapes is a dict of texts: {"W": "n m"}')


def _a_method(found: type, start: str) -> str:
    """What to do with a class: name one of its methods."""
    methods = [name for name, value in vars(found).items() if callable(value) and not name.startswith("_")]
    near = [name for name in methods if name in ("forward", "step", "call")] or methods
    end = ")" if "(" in start else ""
    if not near:
        return "give the function that computes a step"
    return f"name the method that computes a step: {start}{near[0]}{end}; what it reads from self are its parameters"


@lru_cache(maxsize=64)
def _built_in(name: str) -> Cell:
    points = registered(CELLS)
    if name not in points:
        raise unknown("cell", name, points)
    return with_distinct_signs(trace(points[name].load(), name=name))


def function_from_file(source: str) -> Callable[..., Any]:
    """The function of "file.py:function" or "file.py:Class.method"; the file is run, because the user named it."""
    found = found_in_file(source)
    if isinstance(found, type):
        filename, _, name = (source, "", found.__name__) if source.endswith(".py") else source.rpartition(":")
        raise CellError(f"{name} in {filename} is a class", _a_method(found, f"{filename}:{name}."))
    return found


def found_in_file(source: str) -> Any:
    """The function or class of "file.py:name" or "file.py:Class.method"; the file is run, because the user named it."""
    filename, _, name = source.rpartition(":") if not source.endswith(".py") else (source, "", "")
    path = Path(filename)
    if not path.is_file():
        raise CellError(f"there is no file {filename}", f"looked in {Path.cwd()}")
    module_name = f"symlstm_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise CellError(f"{filename} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        line = _line_in(path.resolve(), error)
        raise CellError(f"{filename}{line} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    functions = {k: v for k, v in vars(module).items() if callable(v) and getattr(v, "__module__", "") == module_name}
    if not name:
        if len(functions) == 1:
            name = next(iter(functions))
        else:
            raise CellError(
                f"{filename} has {len(functions)} functions",
                f"say which one: {filename}:{next(iter(functions), 'name')}",
            )
    name, *methods = name.split(".")
    if name not in vars(module):
        raise unknown(f"function in {filename}", name, functions)
    found = vars(module)[name]
    for method in methods:
        inside = {k: v for k in dir(found) if not k.startswith("__") and callable(v := getattr(found, k))}
        if method not in inside:
            raise unknown(f"method of {name}", method, inside)
        name, found = f"{name}.{method}", inside[method]
    if not callable(found):
        raise CellError(f"{name} in {filename} is not a function", "write one that returns it")
    return found


def _line_in(path: Path, error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.lineno:
        return f":{error.lineno}"
    trace_back, line = error.__traceback__, ""
    while trace_back is not None:
        if Path(trace_back.tb_frame.f_code.co_filename) == path:
            line = f":{trace_back.tb_lineno}"
        trace_back = trace_back.tb_next
    return line
