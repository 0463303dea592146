"""Looking at the numbers that a user gives: names, shapes, dtypes, NaN and infinity, the same for every entry point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symlstm.codegen import mismatch
from symlstm.codegen.fitting import Given, at_odds_with_the_parameters, bind, fit, other_order, specs_of
from symlstm.codegen.floats import arrays_of, as_array, require_finite
from symlstm.codegen.mismatch import Spec
from symlstm.equations import Cell
from symlstm.errors import ShapeError, ValueUnusable, unknown


def read(cell: Cell, p: Any, x: Any, states: Any) -> Given:
    """The numbers as floating-point arrays that fit together.

    Plain Python numbers and lists take the dtype of the arrays beside them. Raises ShapeError, ValueUnusable,
    NameUnknown.
    """
    _names(cell, p)
    varying = (*split_inputs(cell, x), *_states(cell, states))
    specs, parameter_specs = specs_of(cell)
    named = [(s.name, v) for s, v in zip(specs, varying, strict=True)] + [(s.name, p[s.name]) for s in parameter_specs]
    arrays = arrays_of(named)
    given = Given(
        {s.name: a for s, a in zip(parameter_specs, arrays[len(specs) :], strict=True)},
        tuple(arrays[: len(specs)]),
        len(cell.inputs),
    )
    try:
        fit(cell, given)
    except ShapeError as error:
        blamed = at_odds_with_the_parameters(cell, given)
        if blamed and blamed.message != error.message:
            error = blamed
        order = other_order(cell, given)
        raise (ShapeError(error.message, order) if order else error) from None
    mismatch.require_whole(cell, given.sizes)
    require_finite(named, arrays)
    return given


def _names(cell: Cell, p: Any) -> None:
    wanted = [q.name for q in cell.parameters]
    if not isinstance(p, Mapping):
        raise ValueUnusable(
            f"the parameters must be a dict by name, not {type(p).__name__}", f"names: {', '.join(wanted)}"
        )
    extra = [name for name in p if name not in wanted]
    missing = [name for name in wanted if name not in p]
    if extra:
        raise unknown(f"parameter of {cell.name}", extra[0], missing or wanted)
    if missing:
        listed = ", ".join(missing)
        raise ValueUnusable(
            f"{cell.name} needs the parameter{'s' * (len(missing) > 1)} {listed}", "sl.parameters makes a set"
        )


def split_inputs(cell: Cell, x: Any) -> tuple[Any, ...]:
    names = [q.name for q in cell.inputs]
    if not names:
        if x is not None:
            raise ShapeError(f"{cell.name} has no input: x must be None")
        return ()
    if x is None:
        raise ShapeError(f"{cell.name} needs its input {', '.join(names)}")
    if len(names) == 1:
        return (x,)
    if not isinstance(x, (tuple, list)) or len(x) != len(names):
        raise ShapeError(f"{cell.name} has {len(names)} inputs: give a tuple ({', '.join(names)})")
    return tuple(x)


def _states(cell: Cell, states: Any) -> tuple[Any, ...]:
    names = [s.previous.name for s in cell.states]
    several = isinstance(states, (tuple, list))
    if len(names) == 1 and not (several and len(states) == 1 and np.ndim(states[0]) >= len(cell.shapes[names[0]])):
        if isinstance(states, tuple):
            raise ShapeError(f"{cell.name} has {mismatch.states_text(names)}, not {len(states)}")
        return (states,)
    if not several or len(states) != len(names):
        got = f"{len(states)}" if several else "one array"
        raise ShapeError(
            f"{cell.name} has {mismatch.states_text(names)}, not {got}", f"give a tuple ({', '.join(names)})"
        )
    return tuple(states)


def sizes_from_parameters(cell: Cell, p: Any) -> dict[str, int]:
    """The sizes that the shapes of the parameters say. Raises as `read` does."""
    _names(cell, p)
    _, specs = specs_of(cell)
    given = Given({s.name: as_array(s.name, p[s.name]) for s in specs}, (), 0)
    for spec in specs:
        if given.p[spec.name].ndim != len(spec.axes):
            raise mismatch.parameter(cell, spec, given.p[spec.name].shape, {}, {})
    axes = [Spec(s.name, s.quantity, (axis,)) for s in specs for axis in s.axes]
    lengths = [length for s in specs for length in given.p[s.name].shape]
    before = -1
    while len(given.sizes) > before:  # an axis that leaves one size open tells it
        before = len(given.sizes)
        for axis, length in zip(axes, lengths, strict=True):
            if axis.unknown(given.sizes) <= 1 and not bind(axis, (length,), given):
                spec = next(s for s in specs if s.name == axis.name)
                raise mismatch.parameter(cell, spec, given.p[spec.name].shape, given.sizes, given.origins)
    return given.sizes
