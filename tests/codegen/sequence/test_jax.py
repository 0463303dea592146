"""Whole sequences against jax.lax.scan and jax.grad."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.functions import concat, sigmoid, softmax, tanh
from tests.codegen.numbers import cell_of
from tests.codegen.sequence import repeated
from tests.support.frameworks import require

BOUND = 1e-12
"""Of the largest entry. Measured: at most 1.5e-15."""


def decaying(x: "m", h_prev: "n", c_prev: "n", *, W: "n n+m", V: "n n", a: "n", W_y: "q n"):
    """A user's cell: a learned decay, a layer norm, a product inside of a product, an output."""
    z = V @ tanh(W @ concat(h_prev, x))
    c = sigmoid(a) * c_prev + (z - np.mean(z)) / np.sqrt(np.var(z) + 0.1)
    h = sigmoid(z) * tanh(c)
    y = softmax(W_y @ h)
    return h, c, y


def jax_cells():
    """The same cells written for jax: (p, states, x) -> states and outputs, for a batch of rows."""
    jax = require("jax")
    jnp, sig = jax.numpy, jax.nn.sigmoid

    def lstm(p, states, x):
        h, c = states
        z = jnp.concatenate([h, x], -1)
        f, i, o = (sig(z @ p[f"W_{g}"].T + p[f"b_{g}"]) for g in "fio")
        c = f * c + i * jnp.tanh(z @ p["W_c"].T + p["b_c"])
        return (o * jnp.tanh(c), c)

    def gru_reset_before(p, states, x):
        (h,) = states
        r, z = (sig(x @ p[f"W_{g}"].T + h @ p[f"U_{g}"].T + p[f"b_{g}"]) for g in "rz")
        new = jnp.tanh(x @ p["W_h"].T + (r * h) @ p["U_h"].T + p["b_h"])
        return (z * h + (1 - z) * new,)

    def decaying(p, states, x):
        h, c = states
        z = jnp.tanh(jnp.concatenate([h, x], -1) @ p["W"].T) @ p["V"].T
        c = sig(p["a"]) * c + (z - z.mean(-1, keepdims=True)) / jnp.sqrt(z.var(-1, keepdims=True) + 0.1)
        h = sig(z) * jnp.tanh(c)
        return (h, c, jax.nn.softmax(h @ p["W_y"].T))

    return {"lstm": lstm, "gru_reset_before": gru_reset_before, "decaying": decaying}


def apart(found, wanted):
    assert found.shape == wanted.shape and found.dtype == wanted.dtype
    return np.abs(found - wanted).max() / np.abs(wanted).max()


@pytest.mark.parametrize("name", ["lstm", "gru_reset_before", "decaying"])
@pytest.mark.parametrize("steps", [1, 50])
def test_values_and_gradients_agree_with_a_scan(name, steps):
    jax = require("jax")
    cell = jax_cells()[name]
    k = sl.compile(decaying if name == "decaying" else cell_of(name))
    p, x, states, upstream, _ = repeated.numbers(k.cell, steps, batch=(7,))
    count = len(states)

    def rows(p, x, states):
        def body(carry, x_t):
            new = cell(p, carry, x_t)
            return new[:count], new

        return jax.lax.scan(body, states, x)[1]

    def loss(p, x, states):
        return sum((row * g).sum() for row, g in zip(rows(p, x, states), upstream.values(), strict=True))

    found, wanted = k.run(p, x, states), rows(p, x, states)
    assert max(apart(a, np.asarray(b)) for a, b in zip(found.values(), wanted, strict=True)) <= BOUND
    by_p, by_x, by_states = jax.grad(loss, (0, 1, 2))(p, x, states)
    wanted = {**by_p, "x": by_x, **{s.previous.name: g for s, g in zip(k.cell.states, by_states, strict=True)}}
    found = k.gradients(p, x, states, upstream)
    assert found.keys() == wanted.keys()
    assert max(apart(found[q], np.asarray(wanted[q])) for q in wanted) <= BOUND
