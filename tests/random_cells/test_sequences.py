"""Random cells over three steps: `run` and `gradients`, with and without a batch and checkpoints, against torch."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import symlstm as sl
from tests.random_cells.bounds import agree, noise
from tests.random_cells.programs import programs
from tests.random_cells.runs import compiled, numpy_namespace, sequence_reference

STEPS = 3


def over_time(arrays, batch):
    """(T, ...) of every example as (T, *batch, ...)."""
    return np.stack(arrays, axis=1) if batch else arrays[0]


BATCHES, CHECKPOINTS = st.sampled_from([(), (2,)]), st.sampled_from([None, 1, 2])


@given(programs(), BATCHES, CHECKPOINTS)
def test_a_sequence_agrees_with_torch(program, batch, checkpoint_every):
    agrees_with_torch(program, batch, checkpoint_every, "numpy")


def agrees_with_torch(program, batch, checkpoint_every, backend):
    runs = [sequence_reference(program, STEPS, k) for k in range(int(np.prod(batch)))]
    arguments, _, exact, _ = runs[0]
    k = sl.compile(sl.cell(compiled(program, numpy_namespace())), backend=backend)
    p = {q.name: arguments[q.name] for q in k.cell.parameters}
    x = over_time([run[0]["x"] for run in runs], batch) if "x" in arguments else None
    previous = [f"{s}_prev" for s in program.states]
    states = tuple(np.reshape([run[0][name] for run in runs], (*batch, -1)) for name in previous)
    upstream = {name: over_time([run[1][name] for run in runs], batch) for name in runs[0][1]}

    how_long = {} if "x" in arguments else {"steps": STEPS}
    found = k.run(p, x, states, **how_long)
    gradients = k.gradients(p, x, states, upstream, checkpoint_every=checkpoint_every, **how_long)
    found |= {f"d_{name}": g for name, g in gradients.items()}

    wanted = {}
    for name in exact:
        arrays = [run[2][name] for run in runs]
        bare = name.removeprefix("d_")
        if name.startswith("d_") and bare in p:
            wanted[name] = np.sum(arrays, axis=0)
        elif bare in previous:
            wanted[name] = np.reshape(arrays, (*batch, -1))
        else:
            wanted[name] = over_time(arrays, batch)

    assert set(found) == set(wanted)
    assert all(np.shape(found[name]) == np.shape(wanted[name]) for name in wanted)
    agree(found, wanted, program, wanted, sum(noise(rough, exact) for _, _, exact, rough in runs))
