"""Which arguments of a function are inputs, previous states and parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symlstm.errors import CellError
from symlstm.expr.dims import parse_shape, show_shape
from symlstm.expr.notation import base_of

INPUT_NAMES = frozenset({"x", "xt", "x_t", "inp", "input", "inputs", "u", "u_t", "ut", "x_in", "xs"})
PARAMETER_NAMES = frozenset({"params", "parameters", "param", "p", "theta", "weights", "ws", "self"})
STATE_NAMES = frozenset({"h", "c", "s", "a", "h_t", "c_t", "state", "states", "hidden", "cell", "carry", "hx"})

Shape = tuple[sp.Expr, ...]


@dataclass(frozen=True)
class Signature:
    """Argument names by kind, in order; `positional` are those passed by position; shapes where annotated."""

    inputs: tuple[str, ...]
    states: tuple[str, ...]
    parameters: tuple[str, ...]
    positional: tuple[str, ...]
    shapes: dict[str, tuple[sp.Expr, ...]]


def is_previous(name: str) -> bool:
    """Whether a name says "of the step before": h_prev, prev_h, h_tm1, h_old, a_prev, hprev, c_minus_1."""
    if name.startswith(("next", "new")) or name.endswith(("_t", "next", "_new")):
        return False
    return base_of(name) != name and not (len(name) == 2 and name.endswith("t"))


def read_signature(
    function: Callable[..., Any],
    inputs: Sequence[str] | None,
    states: Sequence[str] | None,
    shapes: dict[str, str] | None,
) -> Signature:
    """Sort the arguments: `*_prev` are states, positional ones before them inputs, the others parameters."""
    arguments = list(inspect.signature(function).parameters.values())
    if any(a.kind in (a.VAR_POSITIONAL, a.VAR_KEYWORD) for a in arguments):
        raise CellError(f"{_called(function)} takes *args or **kwargs", "name every input, state and parameter")
    numbers = {a.name for a in arguments if a.default is not a.empty and not isinstance(a.default, np.ndarray)}
    positional = [a.name for a in arguments if a.kind is not a.KEYWORD_ONLY and a.name not in numbers]
    keyword = [a.name for a in arguments if a.kind is a.KEYWORD_ONLY and a.name not in numbers]
    if states is None:
        states = [name for name in positional if is_previous(name)] or _guessed_states(function, positional)
    missing = [name for name in (*states, *(inputs or ())) if name not in positional]
    if missing:
        raise CellError(f"{_called(function)} has no positional argument {missing[0]!r}")
    last = max(positional.index(name) for name in states)
    if inputs is None:
        named = [k for k, name in enumerate(positional) if name in INPUT_NAMES and name not in states]
        first = min(named, default=0)
        inputs = [name for name in positional[first:last] if name not in states and name not in PARAMETER_NAMES]
        inputs += [name for name in positional[max(first, last + 1) :] if name in INPUT_NAMES]
    parameters = [name for name in positional if name not in states and name not in inputs] + keyword
    return Signature(
        tuple(inputs), tuple(states), tuple(parameters), tuple(positional), _shapes(function, arguments, shapes or {})
    )


def _called(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def batch_axis(varying: Mapping[str, Shape], parameters: Iterable[Shape]) -> str:
    """What to say where every input and state has one more axis, the same, that no parameter has; "" elsewhere."""
    others = {symbol for shape in parameters for length in shape for symbol in length.free_symbols}
    for place in (0, -1):
        axes = {shape[place] if len(shape) == 2 else None for shape in varying.values()}
        axis = axes.pop() if len(axes) == 1 else None
        if axis is None or not axis.is_Symbol or axis in others:
            continue
        name, shape = next(iter(varying.items()))
        own = [s for s in shape if s != axis]
        if own:
            example = f'{name}: "{show_shape(tuple(own))}"'
            return f"leave out the batch axis {axis}: annotate one example ({example}); arrays may have any batch axes"
    return ""


def _guessed_states(function: Callable[..., Any], positional: list[str]) -> list[str]:
    """With no `_prev` anywhere: x first and then states called h, c, s, a, m, n is clear enough."""
    named = [name for name in positional if name in STATE_NAMES]
    if named:
        return named
    raise CellError(
        f"{_called(function)} has no argument that is a previous state",
        'name previous states with _prev, e.g. def cell(x, h_prev, *, W): ..., or pass sl.cell(f, states=("h",))',
    )


def _shapes(
    function: Callable[..., Any], arguments: list[inspect.Parameter], given: dict[str, str]
) -> dict[str, tuple[sp.Expr, ...]]:
    found = {}
    for argument in arguments:
        text = given.get(argument.name, argument.annotation)
        if isinstance(text, str):
            text = text.strip("\"'")
            if _looks_like_a_type(text):
                continue
            found[argument.name] = parse_shape(text)
    return found


def _looks_like_a_type(text: str) -> bool:
    return any(word in text for word in ("ndarray", "np.", "Array", "Any", "dict", "Dict", "float", "[", "."))
