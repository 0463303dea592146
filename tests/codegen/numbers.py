"""Random numbers for any cell, and complex-step derivatives of its compiled step."""

import numpy as np

import symlstm as sl
from symlstm.codegen.fitting import shape_of
from symlstm.plugins import CELLS, registered
from symlstm.registry import cell as find
from tests.codegen.adhoc import CELLS as ADHOC
from tests.codegen.adhoc import MATRICES

BUILT_IN = tuple(registered(CELLS))
SIZES = {"n": 4, "m": 3, "k": 5, "p": 2, "q": 2}
STEP = 1e-30


def cell_of(name):
    return find({**ADHOC, **MATRICES}.get(name, name))


def numbers(cell, *, batch=(), dtype=np.float64, seed=0):
    """(p, x, states, upstream by name), everything uniform in (-1, 1)."""
    rng = np.random.default_rng(seed)
    p = sl.parameters(cell, rng=rng, dtype=dtype, **{str(d): SIZES[str(d)] for d in cell.dims})

    def draw(q):
        return rng.uniform(-1, 1, (*batch, *shape_of(cell, q, SIZES))).astype(dtype)

    inputs = tuple(draw(q) for q in cell.inputs)
    x = None if not inputs else inputs[0] if len(inputs) == 1 else inputs
    states = tuple(draw(s.previous) for s in cell.states)
    results = [*(s.current for s in cell.states), *cell.outputs]
    return p, x, states, {q.name: draw(q) for q in results}


def complex_step(function, value):
    """d function / d value: an array (..., *function's own axes, *value's axes), `value` without batch axes."""
    columns = []
    for index in np.ndindex(value.shape):
        moved = value.astype(complex)
        moved[index] += 1j * STEP
        columns.append(np.imag(function(moved)) / STEP)
    return np.stack(columns, axis=-1).reshape((*np.shape(columns[0]), *value.shape))


def with_leaf(cell, p, x, states, name, value):
    """The arguments with the parameter, input or previous state `name` replaced."""
    inputs = [q.name for q in cell.inputs]
    previous = [s.previous.name for s in cell.states]
    if name in p:
        return {**p, name: value}, x, states
    if name in inputs:
        several = x if isinstance(x, tuple) else (x,)
        changed = tuple(value if n == name else v for n, v in zip(inputs, several, strict=True))
        return p, changed if isinstance(x, tuple) else changed[0], states
    return p, x, tuple(value if n == name else v for n, v in zip(previous, states, strict=True))


def leaf(cell, p, x, states, name):
    inputs = [q.name for q in cell.inputs]
    if name in p:
        return p[name]
    if name in inputs:
        return x[inputs.index(name)] if isinstance(x, tuple) else x
    return states[[s.previous.name for s in cell.states].index(name)]
