"""The hand-written cells agree with torch's own, with torch's autograd, and with themselves in long double.

The bound. Two correct programs differ by their rounding errors alone. Every number here is a sum of at most
k = 20 products (8 columns; 5 rows of up to 4 gates; a batch of 7), whose factors carry some 10 roundings each
(an activation, its derivative, a product or two). `instance` keeps the pre-activations out of saturation, so
that no 1 - tanh^2 cancels and enlarges them. Two such sums, added in other orders, differ by about
sqrt(k) + 10 eps of their terms' size on either side: 32 eps max|b| allows for both. Measured over a hundred
draws a cell: 13. A wrong sign, term or index moves max|b| itself.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from symlstm.plugins import registered
from tests.oracles import batched, torch_cells, torch_plain
from tests.oracles.instances import CELLS, instance, oracle
from tests.support.ulps import scaled_ulps

ALLOWED = 32  # times eps max|b|


def test_every_cell_that_comes_with_symlstm_has_an_oracle():
    """A cell is tested against plain loops; an oracle for it is a module here and a row of `instances.CELLS`."""
    built_in = {name for name, point in registered("symlstm.cells").items() if point.value.startswith("symlstm.")}
    without = sorted(built_in - set(CELLS))
    assert not without, f"no oracle for {', '.join(without)}: add tests/oracles/<cell>.py and a row to instances.py"
    assert built_in == set(CELLS)


def farthest(ours, theirs):
    """The largest scaled distance over all names in `theirs`."""
    return max(scaled_ulps(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batch", [(), (1,), (7,)], ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_forward_and_gradients_agree_with_torch(cell, batch, dtype):
    peer = torch_cells if cell in torch_cells.LAYOUTS else torch_plain
    for seed in range(5):
        numbers = instance(cell, batch=batch, rng=seed, dtype=dtype)
        values = batched.forward(oracle(cell), *numbers[:3])
        gradients = batched.backward(oracle(cell), *numbers)
        their_values, their_gradients = peer.forward_and_gradients(cell, *numbers)
        assert farthest(values, their_values) <= ALLOWED
        assert gradients.keys() == their_gradients.keys()
        assert farthest(gradients, their_gradients) <= ALLOWED


@pytest.mark.skipif(np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps, reason="no long double here")
@pytest.mark.parametrize("cell", CELLS)
def test_float64_is_the_rounded_long_double(cell):
    p, x, states, upstream = numbers = instance(cell)
    exact = (
        {name: value.astype(np.longdouble) for name, value in p.items()},
        x.astype(np.longdouble),
        tuple(state.astype(np.longdouble) for state in states),
        {name: value.astype(np.longdouble) for name, value in upstream.items()},
    )
    for ours, better in [
        (oracle(cell).forward(*numbers[:3]), oracle(cell).forward(*exact[:3])),
        (oracle(cell).backward(*numbers), oracle(cell).backward(*exact)),
    ]:
        assert all(value.dtype == np.longdouble for value in better.values())
        assert farthest(ours, {name: value.astype(np.float64) for name, value in better.items()}) <= ALLOWED


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_central_differences_in_long_double(cell):
    """A check of the backward passes that involves no framework: (L(v+e) - L(v-e)) / 2e in every number.

    The truncation error is e^2/6 times a third derivative, here of order 1 to 10; e = 1e-5 leaves some 1e-10.
    """
    p, x, states, upstream = instance(cell, n=3, m=2, q=2)
    numbers = {"x": x, **p}
    numbers |= {f"{name}_prev": state for name, state in zip(CELLS[cell][1], states, strict=True)}
    numbers = {name: value.astype(np.longdouble) for name, value in numbers.items()}
    step = np.longdouble(1e-5)

    def split():
        previous = tuple(numbers[f"{name}_prev"] for name in CELLS[cell][1])
        return {name: numbers[name] for name in p}, numbers["x"], previous

    def loss():
        values = oracle(cell).forward(*split())
        return sum((values[name] * d).sum() for name, d in upstream.items())

    gradients = oracle(cell).backward(*split(), upstream)
    assert gradients.keys() == numbers.keys()
    for name, value in numbers.items():
        for index in np.ndindex(value.shape):
            centre = value[index]
            value[index] = centre + step
            above = loss()
            value[index] = centre - step
            below = loss()
            value[index] = centre
            assert abs((above - below) / (2 * step) - gradients[name][index]) < 1e-8


@pytest.mark.parametrize("cell", CELLS)
def test_float32_stays_float32(cell):
    numbers = instance(cell, dtype=np.float32)
    both = [*oracle(cell).forward(*numbers[:3]).values(), *oracle(cell).backward(*numbers).values()]
    assert {value.dtype for value in both} == {np.dtype(np.float32)}


@pytest.mark.parametrize("cell", CELLS)
def test_an_upstream_left_out_is_zero(cell):
    p, x, states, upstream = instance(cell)
    named = {name: d if name == "h" else 0 * d for name, d in upstream.items()}
    left_out = oracle(cell).backward(p, x, states, {"h": upstream["h"]})
    for name, value in oracle(cell).backward(p, x, states, named).items():
        np.testing.assert_array_equal(left_out[name], value)


@pytest.mark.parametrize("cell", CELLS)
def test_saturated_gates_neither_overflow_nor_warn(cell):
    p, x, states, upstream = instance(cell)
    huge = {name: 1e6 * value for name, value in p.items()}
    gradients = oracle(cell).backward(huge, x, states, upstream)
    assert all(np.isfinite(value).all() for value in gradients.values())


def test_the_oracles_import_nothing_from_symlstm_and_use_no_array_products():
    for cell in [*CELLS, "loops", "batched"]:
        with open(oracle(cell).__file__, encoding="utf-8") as file:
            source = file.read()
        assert not re.search(r"import symlstm|from symlstm|np\.(dot|matmul|einsum|outer)| @ ", source)
