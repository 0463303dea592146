"""Looking at the numbers that a user gives: names, shapes, dtypes, NaN and infinity, the same for every entry point.

Cheap on purpose: shapes are compared as plain integers, and a dot product a row tells whether all of it is finite.
What is wrong in detail is only worked out when something is (symlstm.codegen.mismatch).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import permutations
from typing import Any

import numpy as np

from symlstm.codegen import mismatch
from symlstm.codegen.body import leaves, user_shape
from symlstm.codegen.mismatch import Spec, spec_of
from symlstm.equations import Cell
from symlstm.errors import ShapeError, ValueUnusable, unknown

Array = np.ndarray[Any, Any]


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
def _specs(cell: Cell) -> tuple[tuple[Spec, ...], tuple[Spec, ...]]:
    """What inputs and states, and what parameters, must look like."""
    return tuple(spec_of(cell, q) for q in leaves(cell)), tuple(spec_of(cell, q) for q in cell.parameters)


def read(cell: Cell, p: Any, x: Any, states: Any) -> Given:
    """The numbers as floating-point arrays that fit together.

    Plain Python numbers and lists take the dtype of the arrays beside them. Raises ShapeError, ValueUnusable,
    NameUnknown.
    """
    _names(cell, p)
    varying = (*split_inputs(cell, x), *_states(cell, states))
    specs, parameter_specs = _specs(cell)
    named = [(s.name, v) for s, v in zip(specs, varying, strict=True)] + [(s.name, p[s.name]) for s in parameter_specs]
    arrays = _arrays(named)
    given = Given(
        {s.name: a for s, a in zip(parameter_specs, arrays[len(specs) :], strict=True)},
        tuple(arrays[: len(specs)]),
        len(cell.inputs),
    )
    try:
        _fit(cell, given)
    except ShapeError as error:
        blamed = _at_odds_with_the_parameters(cell, given)
        if blamed and blamed.message != error.message:
            error = blamed
        order = _other_order(cell, given)
        raise (ShapeError(error.message, order) if order else error) from None
    mismatch.require_whole(cell, given.sizes)
    _finite(named, arrays)
    return given


UPSTREAM = "give one for each state, None for zero, or a dict by name"


def read_upstream(cell: Cell, upstream: Any, given: Given) -> dict[str, Array]:
    """The gradients from outside by name, from a tuple in the order of the states or a dict; None counts as zero."""
    sources = {q.name: q for q in (*(s.current for s in cell.states), *cell.outputs)}
    states = [s.current.name for s in cell.states]
    if not isinstance(upstream, Mapping):
        alone = not isinstance(upstream, (tuple, list))
        if upstream is None or (alone and len(states) > 1 and np.ndim(upstream) == 0):
            form = f"a tuple ({', '.join(states)})" if len(states) > 1 else f"that by {states[0]}"
            got = "None" if upstream is None else "one number"
            raise ShapeError(f"upstream, the gradients from outside, must be {form}, not {got}", UPSTREAM)
        if len(states) == 1 and alone:
            upstream = (upstream,)
        if len(upstream) != len(states):
            raise ShapeError(
                f"upstream has {len(upstream)} gradients, {cell.name} has {_states_text(states)}",
                UPSTREAM,
            )
        upstream = dict(zip(states, upstream, strict=True))
    for name in upstream:
        if name not in sources:
            raise unknown(f"state or output of {cell.name}", name, sources)
    named = [(f"upstream of {name}", value) for name, value in upstream.items() if value is not None]
    arrays = _arrays(named, like=given.states[0].dtype)
    found = dict(zip([n for n, v in upstream.items() if v is not None], arrays, strict=True))
    for name, array in found.items():
        spec = spec_of(cell, sources[name])
        wanted = tuple(spec.length(k, given.sizes) for k in range(len(spec.axes)))
        core = len(wanted)
        leading = array.shape[: array.ndim - core]
        if array.ndim < core or array.shape[array.ndim - core :] != wanted or not _broadcasts(leading, given.batch):
            full = " x ".join(str(v) for v in (*given.batch, *wanted)) or "one number"
            shape = " x ".join(map(str, array.shape)) or "one number"
            raise ShapeError(f"the upstream gradient of {name} must be {full}, as {name} is, not {shape}")
    _finite(named, arrays)
    return found


def read_directions(cell: Cell, directions: Any, given: Given) -> Array:
    """Directions (..., s, k) in the space of all states, with the batch axes of the step. Raises ShapeError."""
    named = [("directions", directions)]
    (array,) = _arrays(named, like=given.states[0].dtype)
    rows = sum(shape_of(cell, s.previous, given.sizes)[0] for s in cell.states)
    if array.ndim < 2 or array.shape[-2] != rows or not _broadcasts(array.shape[:-2], given.batch):
        stacked = ", ".join(s.previous.name for s in cell.states)
        batch = "".join(f"{b} x " for b in given.batch)
        shape = " x ".join(map(str, array.shape)) or "one number"
        raise ShapeError(
            f"directions must be {batch}{rows} x k, not {shape}", f"in each column a change of {stacked}, stacked"
        )
    _finite(named, [array])
    return array


def _broadcasts(leading: tuple[int, ...], batch: tuple[int, ...]) -> bool:
    pairs = zip(leading[::-1], batch[::-1], strict=False)
    return len(leading) <= len(batch) and all(a in (1, b) for a, b in pairs)


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
            raise ShapeError(f"{cell.name} has {_states_text(names)}, not {len(states)}")
        return (states,)
    if not several or len(states) != len(names):
        got = f"{len(states)}" if several else "one array"
        raise ShapeError(f"{cell.name} has {_states_text(names)}, not {got}", f"give a tuple ({', '.join(names)})")
    return tuple(states)


def _states_text(names: Sequence[str]) -> str:
    return f"{len(names)} states ({', '.join(names)})" if len(names) > 1 else f"one state ({names[0]})"


def _arrays(named: Sequence[tuple[str, Any]], like: Any = None) -> list[Array]:
    """Floating-point arrays; what has no dtype of its own takes that of the others."""
    arrays = [as_array(name, value) for name, value in named]
    weak = [k for k, (_, value) in enumerate(named) if not hasattr(value, "dtype")]
    if weak:
        strong = {a.dtype for k, a in enumerate(arrays) if k not in weak} or ({like} if like is not None else set())
        for k in weak if strong else []:
            complex_ = arrays[k].dtype.kind == "c"
            dtype = np.result_type(*strong)
            arrays[k] = arrays[k].astype(np.result_type(dtype, np.complex64) if complex_ else dtype)
    return arrays


def as_array(name: str, value: Any) -> Array:
    mismatch.require_unmasked(name, value)
    try:
        array = np.asarray(value)
    except ValueError:
        raise ShapeError(f"{name} is ragged: its rows have different lengths") from None
    if array.dtype.kind in "fc":
        return array
    if array.dtype.kind in "iub":
        what = "truth values" if array.dtype.kind == "b" else "integers"
        fix = f"{name}.astype(float)" if hasattr(value, "astype") else "write 1.0 instead of 1"
        raise ValueUnusable(f"{name} holds {what} ({array.dtype}), not floating-point numbers", fix)
    raise ValueUnusable(f"{name} holds {array.dtype}, not floating-point numbers")


def _fit(cell: Cell, given: Given) -> None:
    """Compare all shapes; the sizes are what inputs and states say, and only then what parameters say."""
    specs, parameter_specs = _specs(cell)
    leading = []
    for spec, array in zip(specs, given.varying, strict=True):
        core = len(spec.axes)
        if 0 in array.shape:
            shown = " x ".join(map(str, array.shape))
            raise ValueUnusable(f"{spec.name} is empty: its shape is {shown}", "give at least one example")
        if array.ndim < core or not _bind(spec, array.shape[array.ndim - core :], given):
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
        elif not _bind(spec, array.shape, given):
            raise mismatch.parameter(cell, spec, array.shape, given.sizes, given.origins)
    for spec in later:
        if not _bind(spec, given.p[spec.name].shape, given):
            raise mismatch.parameter(cell, spec, given.p[spec.name].shape, given.sizes, given.origins)


def _bind(spec: Spec, shape: tuple[int, ...], given: Given) -> bool:
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


def sizes_from_parameters(cell: Cell, p: Any) -> dict[str, int]:
    """The sizes that the shapes of the parameters say. Raises as `read` does."""
    _names(cell, p)
    _, specs = _specs(cell)
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
            if axis.unknown(given.sizes) <= 1 and not _bind(axis, (length,), given):
                spec = next(s for s in specs if s.name == axis.name)
                raise mismatch.parameter(cell, spec, given.p[spec.name].shape, given.sizes, given.origins)
    return given.sizes


def _at_odds_with_the_parameters(cell: Cell, given: Given) -> ShapeError | None:
    """The error of an input or a state that several others contradict: parameters that fit each other, and states."""
    alone = Given(given.p, (), 0)
    specs, parameter_specs = _specs(cell)
    for spec in sorted(parameter_specs, key=lambda s: s.unknown({})):
        array = given.p[spec.name]
        if array.ndim != len(spec.axes) or spec.unknown(alone.sizes) > 1 or not _bind(spec, array.shape, alone):
            return None
    fits = []
    for spec, array in zip(specs, given.varying, strict=True):
        own = array.shape[array.ndim - len(spec.axes) :]
        fits.append(array.ndim >= len(spec.axes) and not spec.unknown(alone.sizes) and _bind(spec, own, alone))
    for spec, array, fit in zip(specs, given.varying, fits, strict=True):
        against = [s for s in parameter_specs if s.names & spec.names]
        against += [s for s, other in zip(specs, fits, strict=True) if other and s.names & spec.names]
        if not fit and len(against) > 1 and not spec.unknown(alone.sizes):
            return mismatch.varying(cell, spec, array.shape, alone.sizes, alone.origins)
    return None


def _other_order(cell: Cell, given: Given) -> str:
    """A hint, if the states would fit in another order."""
    names = [s.previous.name for s in cell.states]
    inputs = given.varying[: given.states_from]
    for order in list(permutations(given.states))[1:] if 1 < len(names) < 5 else []:
        try:
            _fit(cell, Given(given.p, (*inputs, *order), given.states_from))
        except (ShapeError, ValueUnusable):
            continue
        return f"the states seem to be in another order: give ({', '.join(names)})"
    return ""


def finite(array: Array) -> bool:
    """Whether all entries are finite: one pass, and a second look only where the first overflows.

    The squares are summed along the last axis: too little work at a time for BLAS to start threads.
    """
    with np.errstate(all="ignore"):
        if array.ndim and np.isfinite(np.vecdot(array, array)).all():
            return True
    return bool(np.isfinite(array).all())


def _finite(named: Sequence[tuple[str, Any]], arrays: Sequence[Array]) -> None:
    for (name, _), array in zip(named, arrays, strict=True):
        if not finite(array):
            raise mismatch.not_finite(name, array)


def shape_of(cell: Cell, q: Any, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The numbers of entries along the axes of a quantity, as the user sees it."""
    spec = spec_of(cell, q)
    return tuple(spec.length(k, sizes) for k in range(len(user_shape(cell, q))))
