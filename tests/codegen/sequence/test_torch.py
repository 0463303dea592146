"""Whole sequences against torch.nn.LSTM, GRU and RNN: every state, and every gradient."""

import numpy as np
import pytest

import symlstm as sl
from tests.oracles import torch_cells, torch_layers
from tests.oracles.instances import instance

BOUND = {np.float64: 1e-12, np.float32: 1e-5}
"""Of the largest entry. Measured, over the cases below: at most 3.1e-15 and 4.2e-6."""


def apart(found, wanted):
    assert found.shape == wanted.shape and found.dtype == wanted.dtype
    return np.abs(found - wanted).max() / np.abs(wanted).max()


def sequence(cell, steps, batch, n, m, dtype):
    """(p, X, states, upstream): of h at all steps, of c at the last."""
    p, _, states, _ = instance(cell, n=n, m=m, batch=(batch,), dtype=dtype)
    rng = np.random.default_rng([steps, batch])
    x = rng.uniform(-1, 1, (steps, batch, m)).astype(dtype)
    return p, x, states, rng.uniform(-1, 1, (steps, batch, n)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=lambda d: d.__name__)
@pytest.mark.parametrize(("n", "m"), [(5, 3), (3, 8), (32, 17)])
@pytest.mark.parametrize(("steps", "batch"), [(1, 1), (1, 7), (20, 7), (200, 1), (200, 7)])
@pytest.mark.parametrize("cell", torch_cells.LAYOUTS)
def test_every_state_and_every_gradient_agree_with_torchs_own_layer(cell, steps, batch, n, m, dtype):
    k = sl.compile(cell)
    p, x, states, upstream = sequence(cell, steps, batch, n, m, dtype)
    above = {"h": upstream}
    theirs = {"h": upstream}
    if "c" in torch_cells.LAYOUTS[cell].states:
        above["c"] = np.zeros_like(upstream)
        above["c"][-1] = theirs["c"] = upstream[0]
    rows, ends, wanted = torch_layers.run_and_gradients(cell, p, x, states, theirs)
    found = k.run(p, x, states)
    assert apart(found["h"], rows) <= BOUND[dtype]
    assert all(apart(found[name][-1], end) <= BOUND[dtype] for name, end in ends.items())
    for checkpoint_every in (None, 7):
        gradients = k.gradients(p, x, states, above, checkpoint_every=checkpoint_every)
        assert gradients.keys() == wanted.keys()
        worst = {name: apart(gradients[name], wanted[name]) for name in wanted}
        assert max(worst.values()) <= BOUND[dtype], worst
