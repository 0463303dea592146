"""A recurrent cell as data: named equations, states, inputs and parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import sympy as sp

from symlstm.errors import unknown
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity, t
from symlstm.expr.nodes import quantity as quantity_of
from symlstm.expr.time import moved
from symlstm.plugins import service
from symlstm.trace.array import COLUMNS, ROWS, Path, Place
from symlstm.trace.frames import run


@dataclass(frozen=True)
class Equation:
    """quantity = expr, with the comment that its line carries in the source."""

    quantity: Quantity
    expr: Matrix
    note: str = ""

    @property
    def name(self) -> str:
        return self.quantity.name


@dataclass(frozen=True)
class State:
    """A state: its value at t, and the argument that brings its value at t-1."""

    current: Quantity
    previous: Quantity


@dataclass(frozen=True, repr=False)
class Cell:
    """A cell as equations.

    equations: in the order of computation. inputs, states, parameters, outputs: its quantities (states in the order
    in which the function returns them). function: the numeric cell. shapes: name -> symbolic sizes, as in NumPy.
    places: where each state and output stands in what the function returns (the indices and keys that lead to it).
    """

    name: str
    function: Callable[..., Any] = field(compare=False, repr=False)
    equations: tuple[Equation, ...]
    inputs: tuple[Quantity, ...]
    states: tuple[State, ...]
    parameters: tuple[Quantity, ...]
    outputs: tuple[Quantity, ...]
    shapes: Mapping[str, tuple[sp.Expr, ...]] = field(compare=False)
    paths: Mapping[str, Path] = field(compare=False, repr=False)
    positional: tuple[str, ...] = field(compare=False, repr=False)
    layout: str | None = None
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)

    def __repr__(self) -> str:
        return f"<cell {self.name}: {', '.join(e.name for e in self.equations)}>"

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Counted once: a cell is the key of what is remembered of it, at every call of a compiled function."""
        compared = self.name, self.equations, self.inputs, self.states, self.parameters, self.outputs, self.layout
        return hash(compared)

    def __getstate__(self) -> dict[str, Any]:
        """Without the hash, which another process would not find."""
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}

    @cached_property
    def by_name(self) -> dict[str, Quantity]:
        """Every quantity by the name that a user types; the sign without its side in time works too."""
        found: dict[str, Quantity] = {}
        for q in (*(e.quantity for e in self.equations), *self.inputs, *self.parameters):
            found[q.name] = q
        for state in self.states:
            found[state.previous.name] = state.previous
        for q in list(found.values()):
            plain = q.base if q.time != t - 1 else f"{q.base}_prev"
            found.setdefault(plain, q)
        return found

    def quantity(self, name: str) -> Quantity:
        """The quantity of that name; NameUnknown (with a guess) if there is none."""
        try:
            return self.by_name[name]
        except KeyError:
            raise unknown(f"quantity of {self.name}", name, self.by_name) from None

    def equation(self, quantity: Quantity) -> Equation | None:
        """The equation that defines a quantity, None for inputs, previous states and parameters."""
        return self._equations_by_quantity.get(quantity)

    @cached_property
    def _equations_by_quantity(self) -> dict[Quantity, Equation]:
        return {e.quantity: e for e in self.equations}

    def name_before(self, name: str) -> str:
        """What a quantity is called one step earlier: o_prev, with underscores added where that is taken."""
        return self.name_at(name, "prev")

    def name_at(self, name: str, when: str) -> str:
        """What a quantity is called at another step: o_next, o_1, with underscores added where that is taken."""
        taken = {*(e.name for e in self.equations), *self.shapes}
        found = f"{name}_{when}"
        while found in taken:
            found += "_"
        return found

    def at(self, quantity: Quantity, time: Any) -> Quantity:
        """The quantity at another time, by the name that the cell has for it there.

        At t-1 a state is what the step reads (c_prev), one step earlier c_prev_prev; other values are o_prev and so on.
        At t+1 and at a number the name says so (c_next, c_3); at an index it is that of the value (c at j). Parameters
        are the same at all times.
        """
        origin = self._origin(quantity)
        time = sp.expand(time)
        back = sp.expand(t - time)
        if origin.time is None or back == 0:
            return origin
        if back == -1 or time.is_Integer:
            name = self.name_at(origin.name, str(time) if time.is_Integer else "next")
            return quantity_of(name, origin.shape, time, origin.role, origin.base)
        if not (back.is_Integer and back > 0):
            return moved(origin, time)
        state = next((s for s in self.states if s.current == origin), None)
        name, steps = (origin.name, int(back)) if state is None else (state.previous.name, int(back) - 1)
        for _ in range(steps):
            name = self.name_before(name)
        return (origin if state is None else state.previous).shifted(-steps, name)

    def _origin(self, q: Quantity) -> Quantity:
        """The quantity at time t that this one is, at whatever time."""
        if q.time is None:
            return q
        if (q.time, q) not in self._origins:
            known = [*(s.current for s in self.states), *(e.quantity for e in self.equations), *self.inputs]
            self._origins[q.time, q] = next((o for o in known if q.time != t and self.at(o, q.time) == q), q)
        return self._origins[q.time, q]

    @cached_property
    def _origins(self) -> dict[Any, Quantity]:
        return {}

    @cached_property
    def dims(self) -> tuple[sp.Symbol, ...]:
        """The sizes of the cell (n, m, ...), in the order in which its arguments use them."""
        found: dict[sp.Symbol, None] = {}
        first = [*(s.previous.name for s in self.states), *(q.name for q in self.inputs)]
        for name in [*first, *(n for n in self.shapes if n not in first)]:
            for part in self.shapes[name]:
                found.update(dict.fromkeys(sorted(part.free_symbols, key=str)))
        return tuple(found)

    @property
    def doc(self) -> str:
        return (self.function.__doc__ or "").strip()

    def latex(self, notation: Any = "default") -> str:
        """The equations as one aligned block of LaTeX."""
        return str(service("emit")(self, "latex", notation=notation, source=False))

    def call(self, values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Run the numeric cell on one example, arrays by name; what it returns and its local variables."""
        laid_out = {name: self._in_layout(name, value) for name, value in values.items() if name in self.paths}
        arguments = self.arguments(laid_out)
        positional = [arguments.pop(name) for name in self.positional]
        return run(self.function, tuple(positional), arguments)

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the function by name, from arrays by quantity; dicts and lists put together."""
        made: dict[str, Any] = {}
        for name, value in values.items():
            path = self.paths.get(name)
            if path is not None:
                _put(made, path, value)
        return {name: _built(value) for name, value in made.items()}

    def _in_layout(self, name: str, value: Any) -> Any:
        batched = name in {s.previous.name for s in self.states} | {q.name for q in self.inputs}
        if self.layout == ROWS and batched:
            return np.asanyarray(value)[None, :]
        if self.layout == COLUMNS and np.ndim(value) == 1:
            return np.asanyarray(value)[:, None]
        return value


def _put(arguments: dict[str, Any], path: Path, value: Any) -> None:
    (_, name), *rest = path
    place = arguments
    key: Any = name
    for kind, inner in rest:
        place = place.setdefault(key, _Parts(kind))
        key = inner
    place[key] = value


class _Parts(dict):  # type: ignore[type-arg]
    """A parameter argument with parts, before it becomes a dict, a list or an object."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind


def _built(value: Any) -> Any:
    if not isinstance(value, _Parts):
        return value
    parts = {key: _built(part) for key, part in value.items()}
    if value.kind == "attribute":
        return _Attributes(**parts)
    if value.kind == "index":
        return [parts.get(k, _UNUSED) for k in range(max(parts) + 1)]
    return _Items(parts)


_UNUSED = np.float64("nan")
"""What stands for a part of a parameter that the code reads and no equation uses; if it were used, it would show."""


class _Items(dict):  # type: ignore[type-arg]
    def __missing__(self, key: Any) -> Any:
        return _UNUSED


class _Attributes(SimpleNamespace):
    def __getattr__(self, name: str) -> Any:
        return _UNUSED
