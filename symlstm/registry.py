"""Finding a cell: a registered name, "file.py:function", or a Python function."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from symlstm.equations import Cell
from symlstm.errors import CellError, unknown
from symlstm.plugins import CELLS, registered
from symlstm.trace.distinct import with_distinct_signs
from symlstm.trace.read import trace


def cell(
    source: str | Callable[..., Any] | Cell,
    *,
    inputs: Sequence[str] | None = None,
    states: Sequence[str] | None = None,
    shapes: Mapping[str, str] | None = None,
) -> Cell:
    """A cell from a built-in name, "file.py:function", or a function.

    inputs, states: argument names, where `x`, `*_prev` do not say it. shapes: sizes by name ("W": "n n+m"), where
    annotations do not give them; what nobody gives is inferred. Raises NameUnknown or CellError.
    """
    if isinstance(source, Cell):
        return source
    if isinstance(source, str):
        if ".py:" in source or source.endswith(".py"):
            function = function_from_file(source)
        else:
            return _built_in(source)
    elif callable(source):
        function = source
    else:
        raise CellError(f"{source!r} is not a cell", "give a name, file.py:function, or a function")
    return with_distinct_signs(trace(function, inputs=inputs, states=states, shapes=shapes))


@lru_cache(maxsize=64)
def _built_in(name: str) -> Cell:
    points = registered(CELLS)
    if name not in points:
        raise unknown("cell", name, points)
    return with_distinct_signs(trace(points[name].load(), name=name))


def function_from_file(source: str) -> Callable[..., Any]:
    """The function of "file.py:function"; the file is run, because the user named it."""
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
            return next(iter(functions.values()))
        raise CellError(
            f"{filename} has {len(functions)} functions", f"say which one: {filename}:{next(iter(functions), 'name')}"
        )
    if name not in vars(module):
        raise unknown(f"function in {filename}", name, functions)
    found = vars(module)[name]
    if not callable(found):
        raise CellError(f"{name} in {filename} is not a function")
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
