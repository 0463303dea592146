"""Gradients through time against the complex step of the hand-written loops, unrolled: no framework, no derivative."""

import numpy as np
import pytest

import symlstm as sl
from tests.oracles.instances import CELLS, instance, oracle
from tests.support.ulps import scaled_ulps

STEP = 1e-30
LIMIT = 256
"""Ulps of the largest entry. Measured: at most 20."""


def total(cell, p, xs, states, upstream):
    """L = sum over t of <upstream[name][t], name_t>, unrolled over the oracle's forward pass."""
    names = CELLS[cell][1]
    loss = 0
    for t, x in enumerate(xs):
        values = oracle(cell).forward(p, x, states)
        loss = loss + sum((values[name] * g[t]).sum() for name, g in upstream.items())
        states = tuple(values[name] for name in names)
    return loss


def moved(value):
    """Every entry in turn with an imaginary part of 1e-30."""
    for index in np.ndindex(value.shape):
        other = value.astype(complex)
        other[index] += 1j * STEP
        yield other


def by_complex_step(loss, value):
    return np.reshape([np.imag(loss(other)) / STEP for other in moved(value)], value.shape)


def in_complex_numbers(monkeypatch):
    """The oracles compare numbers with 0 and take the largest: on complex numbers, by their real parts."""
    from tests.oracles import loops

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def softmax(z):
        e = [np.exp(each) for each in z]
        return [each / sum(e) for each in e]

    for name in CELLS:
        for function in (sigmoid, softmax):
            if hasattr(oracle(name), function.__name__):
                monkeypatch.setattr(oracle(name), function.__name__, function)
    assert loops.sigmoid is not sigmoid


@pytest.mark.parametrize("cell", CELLS)
def test_every_gradient_is_the_complex_step_of_the_unrolled_loops(cell, monkeypatch):
    steps = 6
    p, _, states, _ = instance(cell, n=3, m=2, q=2)
    rng = np.random.default_rng(7)
    xs = rng.uniform(-1, 1, (steps, 2))
    k = sl.compile(cell)
    upstream = {name: rng.uniform(-1, 1, a.shape) for name, a in k.run(p, xs, states).items()}
    found = k.gradients(p, xs, states, upstream, checkpoint_every=4)
    in_complex_numbers(monkeypatch)
    wanted = {q: by_complex_step(lambda v, q=q: total(cell, {**p, q: v}, xs, states, upstream), p[q]) for q in p}
    wanted["x"] = by_complex_step(lambda v: total(cell, p, v, states, upstream), xs)
    for j, name in enumerate(CELLS[cell][1]):
        wanted[f"{name}_prev"] = by_complex_step(
            lambda v, j=j: total(cell, p, xs, (*states[:j], v, *states[j + 1 :]), upstream), states[j]
        )
    assert found.keys() == wanted.keys()
    assert max(scaled_ulps(found[q], wanted[q]) for q in wanted) <= LIMIT
