"""Random cells: backpropagation through three steps against torch's automatic differentiation of the unrolled cell."""

from __future__ import annotations

import numpy as np
from hypothesis import event, given, reject

import symlstm as sl
from tests.random_cells.bounds import agree, noise
from tests.random_cells.programs import programs
from tests.random_cells.runs import Near, compiled, drawn_numbers, numpy_namespace, torch_namespace
from tests.support.frameworks import require
from tests.support.recurrences import followed
from tests.trace.reading import by_equations

STEPS = 3
LARGEST = 2.0
"""Arguments are drawn from -1 to 1. A cell whose states grow beyond this leaves the region where its functions are
smooth and of moderate size, and rounding grows with every step."""


def drawn_sequence(program):
    """Arguments of the first step, the inputs of all steps, and what the loss says at every step."""
    arguments, _ = drawn_numbers(program)
    rng = np.random.default_rng([program.seed, STEPS])
    inputs = [rng.uniform(-1, 1, np.shape(arguments["x"])) for _ in range(STEPS)] if "x" in arguments else None
    return arguments, inputs, rng


def torch_unrolled(program, arguments, inputs, upstream, dtype):
    """What torch finds over the steps: values and gradients by name, "h 2" the state at the second step.

    upstream: by the same names; a function of a shape draws them in the first run.
    """
    torch = require("torch")
    previous = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        function = compiled(program, torch_namespace(1e-3 if dtype == torch.float64 else 0.0))
        leaves = {k: torch.tensor(v, dtype=dtype, requires_grad=True) for k, v in arguments.items() if k != "x"}
        xs = [torch.tensor(v, dtype=dtype, requires_grad=True) for v in inputs or []]
        now, values = dict(leaves), {}
        for k in range(STEPS):
            returned = function(**now, **({"x": xs[k]} if xs else {}))
            returned = returned if isinstance(returned, tuple) else (returned,)
            named = dict(zip([*program.states, *program.outputs], returned, strict=True))
            values |= {f"{name} {k + 1}": v for name, v in named.items()}
            now |= {f"{s}_prev": named[s] for s in program.states}
        for name, v in values.items():
            if name not in upstream:
                upstream[name] = np.random.default_rng([program.seed, len(upstream)]).uniform(-1, 1, tuple(v.shape))
        loss = sum((v * torch.tensor(upstream[name], dtype=dtype)).sum() for name, v in values.items())
        wanted = {**leaves, **{f"x {k + 1}": x for k, x in enumerate(xs)}}
        gradients = torch.autograd.grad(loss, list(wanted.values()), allow_unused=True)
        found = {name: v.detach().numpy() for name, v in values.items()}
        for (name, leaf), g in zip(wanted.items(), gradients, strict=True):
            found[f"d_{name}"] = (torch.zeros_like(leaf) if g is None else g).numpy()
        return found
    finally:
        torch.set_default_dtype(previous)


def column(v):
    v = np.asarray(v)
    return v.reshape(v.shape + (1,) * (2 - v.ndim))


@given(programs())
def test_backpropagation_through_time_is_right(program):
    torch = require("torch")
    arguments, inputs, _ = drawn_sequence(program)
    upstream = {}
    try:
        exact = torch_unrolled(program, arguments, inputs, upstream, torch.float64)
    except Near:
        event("near a kink")
        reject()
    grown = max(np.abs(exact[f"{s} {k}"]).max(initial=0) for s in program.states for k in range(1, STEPS))
    if grown > LARGEST:
        event("the states grow")
        reject()
    rough = torch_unrolled(program, arguments, inputs, upstream, torch.float32)
    cell = sl.cell(compiled(program, numpy_namespace()))
    sizes = {size: program.sizes[str(size)] for size in cell.dims}
    steps, now = [], dict(arguments)
    for k in range(STEPS):
        if inputs:
            now["x"] = inputs[k]
        values = by_equations(cell, now, sizes)
        steps.append({name: column(v) for name, v in values.items()})
        now |= {f"{s}_prev": np.reshape(values[s], np.shape(arguments[f"{s}_prev"])) for s in program.states}
    direct = [{n: column(upstream[f"{n} {k + 1}"]) for n in (*program.states, *program.outputs)} for k in range(STEPS)]
    gradients = followed(sl.bptt(cell), steps, direct, sizes)
    found = {f"d_{name}": v for name, v in gradients.items() if name != "x"}
    found |= {f"d_x {k + 1}": v for k, v in enumerate(gradients.get("x", []))}
    assert set(found) == {name for name in exact if name.startswith("d_")}
    agree(found, exact, program, exact, noise(rough, exact))
