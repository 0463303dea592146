"""Random cells: everything that `sl.compile` gives, with and without batch axes, against torch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import symlstm as sl
from symlstm.plugins import CELLS, registered
from tests.random_cells.bounds import agree, noise
from tests.random_cells.programs import Program, programs
from tests.random_cells.runs import compiled, numpy_namespace, reference

BATCHES = [(), (1,), (3,), (2, 2)]


CONSTANT_PART = Program(
    source="""\
def cell(h_prev: "n", *, W0: "n n", W1: "n 2*n"):
    v0 = h_prev + h_prev
    v1 = np.sin(W0 @ tanh(v0))
    v2 = concat(v1, v0)
    h = tanh(W1 @ sigmoid(v2))
    return h
""",
    states=["h"],
    shapes={"h_prev": (("n",),), "W0": (("n",), ("n",)), "W1": (("n",), ("n", "n"))},
    sizes={"n": 3},
)
"""Part of d v2 / d h_prev is 2 I, the same for every example of a batch."""


def stacked(arrays, batch):
    return np.reshape(np.array(arrays), (*batch, *np.shape(arrays[0])))


@given(programs(), st.sampled_from(BATCHES))
@example(CONSTANT_PART, (3,))
def test_the_compiled_cell_agrees_with_torch(program, batch):
    runs = [reference(program, seed) for seed in range(int(np.prod(batch)))]
    arguments = runs[0][0]
    cell = sl.cell(compiled(program, numpy_namespace()))
    k = sl.compile(cell)
    p = {q.name: arguments[q.name] for q in cell.parameters}
    x = stacked([run[0]["x"] for run in runs], batch) if "x" in arguments else None
    states = tuple(stacked([run[0][f"{s}_prev"] for run in runs], batch) for s in program.states)
    upstream = {name: stacked([run[1][name] for run in runs], batch) for name in runs[0][1]}

    found = dict(zip(program.states, k.step(p, x, states), strict=True))
    values = k.values(p, x, states)
    found |= {name: values[name] for name in program.outputs}
    found |= {f"d_{name}": g for name, g in k.vjp(p, x, states, upstream).items()}
    for s, r in itertools.product(program.states, repeat=2):
        found[f"d_{s}/d_{r}_prev"] = k.jacobian(p, x, states, s, f"{r}_prev")
    whole = k.state_jacobian(p, x, states)

    wanted = {}
    for name in runs[0][2]:
        arrays = [run[2][name] for run in runs]
        of_a_parameter = name.removeprefix("d_") in p
        wanted[name] = np.sum(arrays, axis=0) if of_a_parameter else stacked(arrays, batch)
    rows = [np.concatenate([wanted[f"d_{s}/d_{r}_prev"] for r in program.states], -1) for s in program.states]
    wanted["state Jacobian"] = np.concatenate(rows, -2)
    found["state Jacobian"] = whole

    assert set(found) == set(wanted)
    assert all(np.shape(found[name]) == np.shape(wanted[name]) for name in wanted)
    agree(found, wanted, program, wanted, sum(noise(rough, exact) for _, _, exact, rough in runs))


@given(programs())
def test_float32_stays_float32(program):
    arguments, upstream, _, _ = reference(program)
    cell = sl.cell(compiled(program, numpy_namespace()))
    k = sl.compile(cell)
    single = {name: np.float32(a) for name, a in arguments.items()}
    p = {q.name: single[q.name] for q in cell.parameters}
    given_ = (p, single.get("x"), tuple(single[f"{s}_prev"] for s in program.states))
    results = [*k.step(*given_), *k.values(*given_).values(), k.state_jacobian(*given_)]
    results += k.vjp(*given_, {name: np.float32(g) for name, g in upstream.items()}).values()
    assert {np.asarray(r).dtype for r in results} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", registered(CELLS))
def test_the_built_in_cells_compile(name):
    assert "def step" in sl.compile(name).source
