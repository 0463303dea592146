"""Running a function and keeping its local variables, its failing line, and what its source says of each name."""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import io
import linecache
import sys
import textwrap
import tokenize
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from symlstm.errors import CellError, SymlstmError
from symlstm.expr.parsing import parsed


def inner(function: Callable[..., Any]) -> Any:
    """The plain function inside decorators, partials and methods."""
    while True:
        plain = inspect.unwrap(function)
        plain = getattr(plain, "__func__", plain)
        plain = plain.func if isinstance(plain, functools.partial) else plain
        if plain is function:
            return plain
        function = plain


def code_of(function: Callable[..., Any]) -> Any:
    """The code object that runs when the function is called (through wrappers and methods)."""
    plain = inner(function)
    code = getattr(plain, "__code__", None)
    if code is None:
        code = getattr(type(plain).__call__, "__code__", None)
    if code is None:
        raise CellError(f"{function!r} is not a Python function", "give a function with def, or a name such as 'lstm'")
    return code


def run(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What the function returns, and its local variables at that moment."""
    return watched(code_of(function), lambda: function(*args, **kwargs))


def watched(code: Any, call: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """What a call returns, and the local variables with which the function of that code returned last."""
    kept: dict[str, Any] = {}

    def profile(frame: Any, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            kept.clear()
            kept.update(frame.f_locals)

    before: Any = sys.getprofile()
    sys.setprofile(profile)
    try:
        returned = call()
    finally:
        sys.setprofile(before if callable(before) else None)
        if hasattr(before, "enable"):  # a C profiler: it cannot be set again, only switched on
            before.enable()
    return returned, kept


def explain(function: Callable[..., Any], error: BaseException) -> CellError:
    """The error, with the user's file, line and code in front."""
    code = code_of(function)
    place, line = "", 0
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_code is code or frame.f_code.co_filename == code.co_filename:
            filename, line = frame.f_code.co_filename, trace.tb_lineno
            text = linecache.getline(filename, line).strip()
            place = f"{filename}:{line}: `{text}`: " if text else f"line {line}: "
        trace = trace.tb_next
    if isinstance(error, SymlstmError):
        return CellError(place + error.message, error.hint, line)
    reason = str(error) or type(error).__name__
    hint = "a cell is straight-line code over array operations; sizes are symbols while it is read"
    if "cannot be interpreted as an integer" in reason:
        reason, hint = (
            "this needs a size as a plain number, but sizes are symbols while a cell is read",
            "use np.zeros_like(h_prev) for np.zeros((n, ...)), np.concatenate for filling parts, no loop over entries",
        )
    elif "Traced" in reason or "Argument" in reason:
        hint = "only NumPy's functions and symlstm.functions take the values of a cell: write it with those"
    elif "values to unpack" in reason:
        hint = "a vector has one axis here; give shapes if the function takes matrices"
    elif isinstance(error, ImportError):
        hint = f"install {error.name}, or leave the import out" if error.name else "leave the import out"
    elif isinstance(error, RecursionError):
        hint = "a cell is straight-line code over array operations: no function that calls itself"
    elif isinstance(error, TypeError) and "required" in reason and "argument" in reason:
        hint = "every argument must be an input, a state or a parameter"
    return CellError(f"{place}{type(error).__name__}: {reason}", hint, line)


def not_on_numbers(name: str, function: Callable[..., Any], error: BaseException) -> CellError:
    """The error for a cell that could be read, but whose function fails on numbers."""
    told = explain(function, error)
    return CellError(
        f"{name} can be read, but not run on numbers: {told.message}",
        "a cell is an ordinary function on NumPy arrays, which can be run as it stands",
        told.line,
    )


def _tree(function: Callable[..., Any]) -> tuple[str, ast.AST] | None:
    try:
        source = textwrap.dedent(inspect.getsource(inner(function)))
        return source, parsed(source)
    except (OSError, TypeError, SyntaxError):
        return None


@lru_cache(maxsize=256)
def notes(function: Callable[..., Any]) -> dict[str, str]:
    """The comment at the end of the line that assigns each name: {"f": "forget gate"}."""
    read = _tree(function)
    if read is None:
        return {}
    source, tree = read
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and node.end_lineno in comments:
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = comments[node.end_lineno]
    return found


@lru_cache(maxsize=256)
def changing(function: Callable[..., Any]) -> frozenset[str]:
    """Names that stand for several values in turn: set in a loop, or again to something that is not made of the old.

    `i = sigmoid(i)` and `z += b` carry a name on; its last value has it.
    """
    read = _tree(function)
    if read is None:
        return frozenset()
    counts: Counter[str] = Counter()

    def visit(node: ast.AST, in_loop: bool) -> None:
        if isinstance(node, ast.Assign):
            made_of = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
            for name in (n for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)):
                if isinstance(name.ctx, ast.Store) and not (counts[name.id] and name.id in made_of):
                    counts[name.id] += 2 if in_loop else 1
            visit(node.value, in_loop)
            return
        if isinstance(node, ast.AugAssign):
            return
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            counts[node.id] += 2 if in_loop else 1
        looping = in_loop or isinstance(node, (ast.For, ast.While, ast.comprehension))
        for child in ast.iter_child_nodes(node):
            visit(child, looping)

    visit(read[1], False)
    return frozenset(name for name, count in counts.items() if count > 1)


def caught(function: Callable[..., Any]) -> int:
    """The line of the first `try` of the function, 0 without one: it could hide that something is not understood."""
    read = _tree(function)
    tries = [n.lineno for n in ast.walk(read[1]) if isinstance(n, ast.Try)] if read else []
    return min(tries) + code_of(function).co_firstlineno - 1 if tries else 0


def unpacked_names(frame: Any) -> tuple[str, ...] | None:
    """The names on the left of `a, b, c = value`, where the frame is just unpacking; None elsewhere."""
    rest = [i for i in dis.get_instructions(frame.f_code) if i.offset >= frame.f_lasti]
    if not rest or rest[0].opname != "UNPACK_SEQUENCE":
        return None
    count = rest[0].arg or 0
    names: list[str] = []
    for instruction in rest[1 : count + 1]:
        if not instruction.opname.startswith("STORE_"):
            break
        stored = instruction.argval
        names += stored if isinstance(stored, tuple) else [stored]
    return tuple(names[:count]) if len(names) >= count else tuple(str(k) for k in range(count))
