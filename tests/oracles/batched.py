"""The oracles over leading batch axes: one sample at a time, parameter gradients added up."""

from __future__ import annotations

import numpy as np


def _samples(x, states):
    """Every batch index, with that sample's x and previous states."""
    for index in np.ndindex(x.shape[:-1]):
        yield index, x[index], tuple(state[index] for state in states)


def forward(oracle, p, x, states):
    """`oracle.forward` for x (..., m) and states (..., n): each value by name, with the same leading axes."""
    values = {}
    for index, x_one, states_one in _samples(x, states):
        for name, value in oracle.forward(p, x_one, states_one).items():
            values.setdefault(name, np.empty((*x.shape[:-1], *value.shape), value.dtype))[index] = value
    return values


def backward(oracle, p, x, states, upstream):
    """`oracle.backward` with leading axes: parameter gradients summed over them, the others one a sample."""
    axes, gradients = x.shape[:-1], {}
    for index, x_one, states_one in _samples(x, states):
        one = oracle.backward(p, x_one, states_one, {name: d[index] for name, d in upstream.items()})
        for name, value in one.items():
            if name in p:
                gradients[name] = gradients[name] + value if name in gradients else value
            else:
                gradients.setdefault(name, np.empty((*axes, *value.shape), value.dtype))[index] = value
    return gradients
