"""The compiled cells agree with hand-written loops and with torch's own cells: forward and every gradient.

Neither side shares code with symlstm. The bound is the one derived in tests/oracles/test_oracles.py.
"""

import numpy as np
import pytest

import symlstm as sl
from tests.oracles import batched, torch_cells
from tests.oracles.instances import CELLS, instance, oracle
from tests.oracles.test_oracles import ALLOWED, farthest


def compiled(cell, numbers):
    """Values and gradients by name, from the compiled cell."""
    p, x, states, upstream = numbers
    k = sl.compile(sl.cell(cell))
    return k.values(p, x, states), k.vjp(p, x, states, upstream)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batch", [(), (1,), (7,), (2, 3)], ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_forward_and_all_gradients_agree_with_plain_loops(cell, batch, dtype):
    for seed in range(3):
        numbers = instance(cell, batch=batch, rng=seed, dtype=dtype)
        values, gradients = compiled(cell, numbers)
        expected = batched.forward(oracle(cell), *numbers[:3])
        assert values.keys() <= expected.keys()
        assert farthest(expected, values) <= ALLOWED
        expected = batched.backward(oracle(cell), *numbers)
        assert gradients.keys() == expected.keys()
        assert farthest(gradients, expected) <= ALLOWED


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batch", [(1,), (7,)], ids=str)
@pytest.mark.parametrize("cell", torch_cells.LAYOUTS)
def test_forward_and_all_gradients_agree_with_torchs_own_cells(cell, batch, dtype):
    for seed in range(3):
        numbers = instance(cell, batch=batch, rng=seed, dtype=dtype)
        their_values, their_gradients = torch_cells.forward_and_gradients(cell, *numbers)
        values, gradients = compiled(cell, numbers)
        assert farthest(values, their_values) <= ALLOWED
        assert gradients.keys() == their_gradients.keys()
        assert farthest(gradients, their_gradients) <= ALLOWED
