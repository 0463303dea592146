"""What `symlstm flow` reads beside weights: the inputs of the layer that is meant, and its initial states."""

from __future__ import annotations

from typing import Any

import numpy as np

from symlstm.checkpoints import Chosen, Layer
from symlstm.codegen import compile, inputs
from symlstm.codegen.fitting import shape_of
from symlstm.data import read_data, sequence
from symlstm.equations import Cell
from symlstm.errors import NameUnknown, ShapeError, ValueUnusable

Array = np.ndarray[Any, Any]


def cell_inputs(
    cell: Cell, chosen: Chosen, sources: list[str], *, steps: int | None, batch_first: bool
) -> tuple[Any, int | None]:
    """(X, steps) for `symlstm.flow`: the data as the layer that is meant reads it.

    What a layer above the first of a stack reads is computed from the data by the layers below; a reverse layer reads
    from the last step to the first. Raises ShapeError and ValueUnusable.
    """
    names = [q.name for q in cell.inputs]
    if sources and not names:
        raise ShapeError(f"{cell.name} has no input: --data is not for it", "--steps says how many steps")
    if not sources:
        if steps is None:
            what = "--data is missing, or --steps for so many steps of zero input" if names else "--steps is missing"
            raise ValueUnusable(what, f"{cell.name} has {'the input ' + ', '.join(names) if names else 'no input'}")
        return None, steps
    if len(sources) != len(names):
        raise ShapeError(
            f"{cell.name} has {len(names)} input{'s' * (len(names) > 1)} ({', '.join(names)}), "
            f"and --data is given {len(sources)} time{'s' * (len(sources) > 1)}"
        )
    lengths = _lengths(cell, chosen)
    read = [read_data(source) for source in sources]
    arrays = [sequence(data, m, batch_first=batch_first) for data, m in zip(read, lengths, strict=True)]
    for data, array in zip(read, arrays, strict=True):
        if steps is not None and steps > len(array):
            raise ShapeError(f"--steps {steps}: {data.name} has {len(array)} steps", "zero input needs no --data")
    arrays = [array[:steps] for array in arrays]
    if len(arrays) > 1:
        return tuple(arrays), None
    return through(cell, chosen, arrays[0]), None


def _lengths(cell: Cell, chosen: Chosen) -> list[int]:
    """How many numbers each input has at a step."""
    if len(cell.inputs) == 1:
        return [chosen.first.m]
    sizes = inputs.sizes_from_parameters(cell, chosen.layer.parameters)
    return [shape_of(cell, q, sizes)[-1] for q in cell.inputs]


def through(cell: Cell, chosen: Chosen, x: Array) -> Array:
    """The data after the layers below, in the order in which the layer itself reads it."""
    for level in range(chosen.layer.level):
        parts = [_run(cell, layer, x) for layer in chosen.below if layer.level == level]
        x = np.concatenate(parts, axis=-1)
    return x[::-1] if chosen.layer.direction == "reverse" else x


def _run(cell: Cell, layer: Layer, x: Array) -> Array:
    """The first state at every step, in the order of the data."""
    k = compile(cell)
    back = layer.direction == "reverse"
    found = k.run(layer.parameters, x[::-1] if back else x, k.zero_states(layer.parameters, x.shape[1:-1]))
    h: Array = found[cell.states[0].current.name]
    return h[::-1] if back else h


def read_as(cell: Cell, chosen: Chosen, x: Any, steps: int | None, batch_first: bool) -> str:
    """In one line, how the files were understood."""
    layer = chosen.layer
    sizes = inputs.sizes_from_parameters(cell, layer.parameters)
    shown = ", ".join(f"{name} = {size}" for name, size in sizes.items())
    read = f"{layer.label}: {layer.cell} as {layer.convention} names it, {shown}"
    if x is None:
        return f"{read}; {_counted(steps or 0, 'step')}{' of zero input' * bool(cell.inputs)}"
    shape = np.shape(x[0] if isinstance(x, tuple) else x)
    if len(shape) == 2:
        return f"{read}; {_counted(shape[0], 'step')}"
    examples = int(np.prod(shape[1:-1]))
    said = f"{read}; {_counted(shape[0], 'step')}, {_counted(examples, 'example')}"
    if not batch_first and examples > shape[0]:
        said += " (if it is the other way round: --batch-first)"
    return said


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def initial_states(cell: Cell, source: str) -> tuple[Array, ...]:
    """The initial states of FILE.npz, by name (h or h_prev), or of FILE.npy where the cell has one state."""
    if len(cell.states) == 1 and not source.lower().endswith(".npz"):
        return (_finite(read_data(source)),)
    found = []
    for s in cell.states:
        for name in (s.current.name, s.previous.name):
            try:
                found.append(_finite(read_data(f"{source}:{name}")))
                break
            except NameUnknown:
                continue
        else:
            raise ValueUnusable(f"{source} has no state {s.current.name}", f"np.savez(file, {_keywords(cell)})")
    return tuple(found)


def _finite(data: Any) -> Array:
    if not np.isfinite(data.array).all():
        place = ", ".join(map(str, np.argwhere(~np.isfinite(data.array))[0]))
        raise ValueUnusable(f"{data.name} is not finite at [{place}]")
    array: Array = data.array
    return array


def _keywords(cell: Cell) -> str:
    return ", ".join(f"{s.current.name}={s.current.name}" for s in cell.states)
