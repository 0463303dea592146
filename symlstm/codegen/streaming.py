"""A cell step after step, with what is known of each step computed once: values, the Jacobian, J V and J^T g.

What is read is looked at once, at the beginning; nothing is kept of earlier steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symlstm.codegen import inputs, on_demand
from symlstm.codegen.compiled import Compiled
from symlstm.codegen.fitting import Given, shape_of
from symlstm.codegen.floats import finite
from symlstm.codegen.sequence import given as sequences
from symlstm.errors import RuleMissing, ShapeError

Array = np.ndarray[Any, Any]


class _Remembered:
    """values(p, x, states), computed once for the same arrays."""

    def __init__(self, function: Any) -> None:
        self.function, self.last, self.found = function, (None, None), None

    def __call__(self, p: Any, x: Any, states: Any) -> Any:
        if self.last[0] is not x or self.last[1] is not states:
            with np.errstate(all="ignore"):  # what overflows is told after the step
                self.last, self.found = (x, states), self.function(p, x, states)
        return self.found


@dataclass(frozen=True)
class Step:
    """One step at the states before it. index: from 0."""

    stream: Stream
    index: int
    x: Any
    states: tuple[Array, ...]

    @property
    def values(self) -> dict[str, Array]:
        """Every quantity that has an equation, by name."""
        found: dict[str, Array] = self.stream.functions["values"](self.stream.p, self.x, self.states)
        return found

    @property
    def known(self) -> dict[str, Array]:
        """Values, previous states, inputs and parameters by name."""
        cell, x = self.stream.cell, self.x if isinstance(self.x, tuple) else (self.x,)
        before = {s.previous.name: a for s, a in zip(cell.states, self.states, strict=True)}
        return self.stream.p | {q.name: a for q, a in zip(cell.inputs, x, strict=False)} | before | self.values

    @property
    def new_states(self) -> tuple[Array, ...]:
        values = self.values
        return tuple(values[s.current.name] for s in self.stream.cell.states)

    def jacobian(self) -> Array:
        """The state Jacobian (..., s, s), written into a new array."""
        return self._call("state_jacobian")

    def jvp(self, directions: Array) -> Array:
        """J V, (..., s, k) from (..., s, k); J is formed only where a matrix depends on the previous states."""
        if not self.stream.has("jvp"):
            return np.asarray(self.jacobian() @ directions)
        return self._call("jvp", directions)

    def vjp(self, upstream: dict[str, Array]) -> dict[str, Array]:
        """Gradients by parameters, inputs and previous states, by name."""
        return dict(self._call("vjp", upstream))

    def _call(self, name: str, *more: Any) -> Any:
        with np.errstate(all="ignore"):
            return self.stream.function(name)(self.stream.p, self.x, self.states, *more)


class Stream:
    """The steps of a sequence, one after the other; see `read_stream`. lengths: the sizes n, m, ... by name.

    Everything is computed in float64 at least, whatever the numbers were stored in.
    """

    def __init__(self, compiled: Compiled, given: Given, x: Any, steps: int) -> None:
        self.compiled, self.cell = compiled, compiled.cell
        self.p, self.steps = {name: _wide(a) for name, a in given.p.items()}, steps
        self.batch, self.lengths = given.batch, given.sizes
        self.x = self._beside_states(x)
        own = self._own(given.states)
        states = zip(map(_wide, given.states), own, strict=True)
        self.first = tuple(np.broadcast_to(a, (*given.batch, *o)) for a, o in states)
        self.functions: dict[str, Any] = {"values": _Remembered(compiled._functions["values"])}
        self.known: dict[str, bool] = {}

    def _own(self, states: tuple[Array, ...]) -> list[tuple[int, ...]]:
        axes = [len(self.cell.shapes[s.previous.name]) for s in self.cell.states]
        return [a.shape[a.ndim - k :] for a, k in zip(states, axes, strict=True)]

    def _beside_states(self, x: Any) -> Any:
        """The inputs with all batch axes between time and their own, of length 1 where they had none."""
        if x is None:
            return None
        found = []
        for q, a in zip(self.cell.inputs, x if isinstance(x, tuple) else (x,), strict=True):
            own, lead = len(self.cell.shapes[q.name]), isinstance(a, np.ndarray)
            array = a if lead else a.value
            batch = array.shape[lead : array.ndim - own]
            shape = (*array.shape[:lead], *(1,) * (len(self.batch) - len(batch)), *array.shape[lead:])
            found.append(array.reshape(shape) if lead else _Same(array.reshape(shape)))
        return tuple(found) if len(found) > 1 else found[0]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many numbers each state has, in the order of the cell."""
        return tuple(int(np.prod(own)) for own in self._own(self.first))

    @property
    def dtype(self) -> Any:
        xs = self.x if isinstance(self.x, tuple) else () if self.x is None else (self.x,)
        return np.result_type(*self.first, *self.p.values(), *(a.dtype for a in xs))

    def has(self, name: str) -> bool:
        """Whether a function can be generated for this cell."""
        if name not in self.known:
            try:
                self.known[name] = bool(self.function(name))
            except RuleMissing:
                self.known[name] = False
        return self.known[name]

    def function(self, name: str) -> Any:
        """A generated function whose values are those remembered."""
        if name not in self.functions:
            self.functions[name] = on_demand.function(name, on_demand.source(self.cell, name), self.functions["values"])
        return self.functions[name]

    def values(self, x: Any, states: tuple[Array, ...]) -> dict[str, Array]:
        """Every quantity that has an equation, by name, of one step or of many."""
        with np.errstate(all="ignore"):
            return dict(self.compiled._functions["values"](self.p, x, states))

    def at(self, index: int, states: tuple[Array, ...]) -> Step:
        """The step of that index, from these states."""
        x = self.x
        if isinstance(x, tuple):
            x = tuple(a[index] for a in x)
        elif x is not None:
            x = x[index]
        return Step(self, index, x, states)

    def __iter__(self) -> Iterator[Step]:
        """Every step, each from the states that the one before made. Raises ValueUnusable where they overflow."""
        states = self.first
        for index in range(self.steps):
            step = self.at(index, states)
            yield step
            states = step.new_states
            if not all(finite(a) for a in states):
                found = {s.current.name: a for s, a in zip(self.cell.states, states, strict=True)}
                self.compiled.raise_at_step(index, self.p, step.x, step.states, found)


class _Same:
    """The same input at every step."""

    def __init__(self, value: Array) -> None:
        self.value, self.dtype = value, value.dtype

    def __getitem__(self, index: int | slice) -> Array:
        if isinstance(index, slice):
            return np.broadcast_to(self.value, (index.stop - index.start, *self.value.shape))
        return self.value


def _wide(array: Array) -> Array:
    return array.astype(np.result_type(array, np.float64), copy=False)


def read_stream(
    compiled: Compiled, parameters: Any, x: Any = None, steps: int | None = None, states: Any = None
) -> Stream:
    """The steps of a sequence. x: (T, ..., m), a tuple for several inputs; None: zeros at each of `steps` steps.

    states: the initial ones, zeros where None. Raises ShapeError, ValueUnusable and NameUnknown.
    """
    cell = compiled.cell
    if x is None and cell.inputs:
        if steps is None:
            names = ", ".join(q.name for q in cell.inputs)
            raise ShapeError(f"{cell.name} has neither an input {names} nor a number of steps",
                             "give X (T, ...), or steps= for zero input")  # fmt: skip
        return _without_input(compiled, parameters, steps, states)
    if states is None:
        states = compiled.zero_states(parameters, _batch_of(compiled, parameters, x))
    given = sequences.read(cell, parameters, x, states, steps)
    return Stream(compiled, replace(given.first, p=given.p), given.x if cell.inputs else None, given.steps)


def _without_input(compiled: Compiled, parameters: Any, steps: int, states: Any) -> Stream:
    cell = compiled.cell
    states = compiled.zero_states(parameters) if states is None else states
    sizes = inputs.sizes_from_parameters(cell, parameters)
    zeros = tuple(np.zeros(shape_of(cell, q, sizes)) for q in cell.inputs)
    given = inputs.read(cell, parameters, zeros if len(zeros) > 1 else zeros[0], states)
    same = tuple(_Same(a) for a in zeros)
    return Stream(compiled, given, same if len(same) > 1 else same[0], sequences.count(steps))


def _batch_of(compiled: Compiled, parameters: Any, x: Any) -> tuple[int, ...]:
    """The batch axes of the inputs, as far as they can be seen before anything is checked."""
    if x is None:
        return ()
    found = []
    given = inputs.split_inputs(compiled.cell, x)
    for q, value in zip(compiled.cell.inputs, given, strict=True):
        shape = np.shape(value)
        found.append(shape[1 : max(1, len(shape) - len(compiled.cell.shapes[q.name]))])
    try:
        return np.broadcast_shapes(*found)
    except ValueError:
        return ()
