"""Shapes that fit together: the sizes that inputs, states and parameters say, and who is at odds with the others.

Cheap on purpose: shapes are compared as plain integers. What is wrong in detail is only worked out when something is
(symlstm.codegen.mismatch).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import permutations
from typing import Any

import numpy as np

from symlstm.codegen import mismatch
from symlstm.codegen.body import leaves, user_shape
from symlstm.codegen.floats import Array
from symlstm.codegen.mismatch import Spec, spec_of
from symlstm.equations import Cell
from symlstm.errors import ShapeError, ValueUnusable


@dataclass
class Given:
    """The numbers of one call as arrays, the sizes that they have, and where each size was read first."""

    p: dict[str, Array]
    varying: tuple[Array, ...]
    states_from: int
    sizes: dict[str, int] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    batch: tuple[int, ...] = ()

    @property
    def x(self) -> Any:
        """None, the input, or a tuple of inputs: as the generated functions take it."""
        inputs = self.varying[: self.states_from]
        return None if not inputs else inputs[0] if len(inputs) == 1 else inputs

    @property
    def states(self) -> tuple[Array, ...]:
        return self.varying[self.states_from :]


@lru_cache(maxsize=64)
def specs_of(cell: Cell) -> tuple[tuple[Spec, ...], tuple[Spec, ...]]:
    """What inputs and states, and what parameters, must look like."""
    return tuple(spec_of(cell, q) for q in leaves(cell)), tuple(spec_of(cell, q) for q in cell.parameters)


def fit(cell: Cell, given: Given) -> None:
    """Compare all shapes; the sizes are what inputs and states say, and only then what parameters say."""
    specs, parameter_specs = specs_of(cell)
    leading = []
    for spec, array in zip(specs, given.varying, strict=True):
        core = len(spec.axes)
        if 0 in array.shape:
            raise mismatch.empty(spec.name, array.shape)
        if array.ndim < core or not bind(spec, array.shape[array.ndim - core :], given):
            raise mismatch.varying(cell, spec, array.shape, given.sizes, given.origins)
        leading.append(array.shape[: array.ndim - core])
    try:
        given.batch = leading[0] if all(one == leading[0] for one in leading) else np.broadcast_shapes(*leading)
    except ValueError:
        raise mismatch.batches([s.name for s in specs], leading) from None
    later = []
    for spec in parameter_specs:
        array = given.p[spec.name]
        if array.ndim != len(spec.axes) or 0 in array.shape:
            raise mismatch.parameter(cell, spec, array.shape, given.sizes, given.origins)
        if spec.unknown(given.sizes) > 1:
            later.append(spec)
        elif not bind(spec, array.shape, given):
            raise mismatch.parameter(cell, spec, array.shape, given.sizes, given.origins)
    for spec in later:
        if not bind(spec, given.p[spec.name].shape, given):
            raise mismatch.parameter(cell, spec, given.p[spec.name].shape, given.sizes, given.origins)


def bind(spec: Spec, shape: tuple[int, ...], given: Given) -> bool:
    """Whether a shape fits; sizes that are not known yet are read from it."""
    for axis, length in zip(spec.axes, shape, strict=True):
        rest, unknown_ = axis.constant, []
        for name, factor in axis.terms:
            if name in given.sizes:
                rest += factor * given.sizes[name]
            else:
                unknown_.append((name, factor))
        if not unknown_:
            if rest != length:
                return False
        elif len(unknown_) == 1:
            name, factor = unknown_[0]
            found, left = divmod(length - rest, factor)
            if left or found < 1:
                return False
            given.sizes[name] = int(found)
            given.origins[name] = spec.name
    return True


def at_odds_with_the_parameters(cell: Cell, given: Given) -> ShapeError | None:
    """The error of an input or a state that several others contradict: parameters that fit each other, and states."""
    alone = Given(given.p, (), 0)
    specs, parameter_specs = specs_of(cell)
    for spec in sorted(parameter_specs, key=lambda s: s.unknown({})):
        array = given.p[spec.name]
        if array.ndim != len(spec.axes) or spec.unknown(alone.sizes) > 1 or not bind(spec, array.shape, alone):
            return None
    fits = []
    for spec, array in zip(specs, given.varying, strict=True):
        own = array.shape[array.ndim - len(spec.axes) :]
        fits.append(array.ndim >= len(spec.axes) and not spec.unknown(alone.sizes) and bind(spec, own, alone))
    for spec, array, fit in zip(specs, given.varying, fits, strict=True):
        against = [s for s in parameter_specs if s.names & spec.names]
        against += [s for s, other in zip(specs, fits, strict=True) if other and s.names & spec.names]
        if not fit and len(against) > 1 and not spec.unknown(alone.sizes):
            return mismatch.varying(cell, spec, array.shape, alone.sizes, alone.origins)
    return None


def other_order(cell: Cell, given: Given) -> str:
    """A hint, if the states would fit in another order."""
    names = [s.previous.name for s in cell.states]
    inputs = given.varying[: given.states_from]
    for order in list(permutations(given.states))[1:] if 1 < len(names) < 5 else []:
        try:
            fit(cell, Given(given.p, (*inputs, *order), given.states_from))
        except (ShapeError, ValueUnusable):
            continue
        return f"the states seem to be in another order: give ({', '.join(names)})"
    return ""


def shape_of(cell: Cell, q: Any, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The numbers of entries along the axes of a quantity, as the user sees it."""
    spec = spec_of(cell, q)
    return tuple(spec.length(k, sizes) for k in range(len(user_shape(cell, q))))
