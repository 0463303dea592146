"""Implementations with JAX, as people write them: right ones, and wrong ones with what must be said first."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def arrays(rng, *shape):
    return jnp.asarray(rng.standard_normal(shape), dtype=jnp.float32)


def step(params, state, x):
    """A step for lax.scan: weights in a dict."""
    h, c = state
    z = x @ params["kernel"] + h @ params["recurrent"] + params["bias"]
    i, f, g, o = jnp.split(z, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def weights(n, m, rng):
    return {"kernel": arrays(rng, m, 4 * n), "recurrent": arrays(rng, n, 4 * n), "bias": arrays(rng, 4 * n)}


def step_example(n, m, batch, rng):
    return weights(n, m, rng), (arrays(rng, batch, n), arrays(rng, batch, n)), arrays(rng, batch, m)


def scanned(params, xs, h0, c0, step=step):
    (h, c), hs = lax.scan(partial(step, params), (h0, c0), xs)
    return hs, h, c


def scanned_example(n, m, batch, T, rng):
    return weights(n, m, rng), arrays(rng, T, batch, m), arrays(rng, batch, n), arrays(rng, batch, n)


@jax.jit
def compiled(params, xs, h0, c0):
    return scanned(params, xs, h0, c0)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Cell:
    """A module as a dataclass of arrays."""

    Wf: Any
    Wi: Any
    Wg: Any
    Wo: Any
    b: Any

    def __call__(self, x, h, c):
        xh = jnp.concatenate([x, h])
        bf, bi, bg, bo = jnp.split(self.b, 4)
        c = jax.nn.sigmoid(self.Wf @ xh + bf) * c + jax.nn.sigmoid(self.Wi @ xh + bi) * jnp.tanh(self.Wg @ xh + bg)
        return jax.nn.sigmoid(self.Wo @ xh + bo) * jnp.tanh(c), c


class Made:
    """A class that asks for a key."""

    def __init__(self, key, input_size, hidden_size):
        k1, k2 = jax.random.split(key)
        self.W = jax.random.normal(k1, (input_size, 3 * hidden_size))
        self.U = jax.random.normal(k2, (hidden_size, 3 * hidden_size))
        self.b = jnp.zeros(3 * hidden_size)

    def __call__(self, x, h):
        n = h.shape[-1]
        a, b = x @ self.W + self.b, h @ self.U
        z, r = jax.nn.sigmoid(a[:, :n] + b[:, :n]), jax.nn.sigmoid(a[:, n : 2 * n] + b[:, n : 2 * n])
        return (1 - z) * jnp.tanh(a[:, 2 * n :] + r * b[:, 2 * n :]) + z * h


def _dense(cell, x, h, c):
    return cell(x, h, c)


def dense_example(n, m, batch, rng):
    cell = Cell(*(arrays(rng, n, m + n) for _ in range(4)), arrays(rng, 4 * n))
    return cell, arrays(rng, m), arrays(rng, n), arrays(rng, n)


def rows_example(n, m, batch, rng):
    cell, *_ = dense_example(n, m, batch, rng)
    return cell, arrays(rng, batch, m), arrays(rng, batch, n), arrays(rng, batch, n)


RIGHT = {
    "a step": (step, "lstm", step_example),
    "a compiled step": (jax.jit(step), "lstm", step_example),
    "a scan": (scanned, "lstm", scanned_example),
    "a compiled scan": (compiled, "lstm", scanned_example),
    "a dataclass": (_dense, "lstm", dense_example),
    "over a batch": (
        jax.vmap(_dense, in_axes=(None, 0, 0, 0)),
        "lstm",
        rows_example,
    ),
    "a class that asks for a key": (Made, "gru", None),
}  # fmt: skip


def _with(**holes):
    """The step with other lines."""

    def changed(params, state, x):
        h, c = state
        z = x @ params["kernel"] + h @ params["recurrent"] + params["bias"]
        i, f, g, o = jnp.split(z, 4, axis=-1)
        f = holes.get("f", lambda f: jax.nn.sigmoid(f))(f)
        new = f * c + jax.nn.sigmoid(i) * holes.get("g", jnp.tanh)(g)
        h = jax.nn.sigmoid(o) * holes.get("out", jnp.tanh)(new)
        return (h, new), h

    return changed


def restarted(params, xs, h0, c0):
    hs = jax.vmap(lambda x: step(params, (h0, c0), x)[1])(xs)
    return hs, hs[-1]


def backwards(params, xs, h0, c0):
    (h, c), hs = lax.scan(partial(step, params), (h0, c0), xs, reverse=True)
    return hs, h, c


def _swapped(params, xs, h0, c0):
    return scanned(params, xs, c0, h0)


WRONG = {
    "relu candidate": (_with(g=jax.nn.relu), "lstm", step_example),
    "compiled, hard sigmoid": (jax.jit(_with(f=jax.nn.hard_sigmoid)), "lstm", step_example),
    "no forget gate": (_with(f=jnp.ones_like), "lstm", step_example),
    "float32 inside": (
        _with(out=lambda c: jnp.tanh(c.astype(jnp.float32)).astype(c.dtype)), "lstm", step_example,
    ),
    "not carried": (restarted, "lstm", scanned_example),
    "from the end": (backwards, "lstm", scanned_example),
    "initial states exchanged": (_swapped, "lstm", scanned_example),
    "another GRU": (Made, "gru_reset_before", None),
}  # fmt: skip


def _cut_off(params, state, x):
    h, c = state
    return step(params, (jax.lax.stop_gradient(h), c), x)


@jax.custom_vjp
def _tanh(z):
    return jnp.tanh(z)


_tanh.defvjp(lambda z: (jnp.tanh(z), z), lambda z, dh: (dh * (1 - z**2),))

WRONG_GRADIENTS = {
    "h is cut off": (partial(scanned, step=_cut_off), "lstm", scanned_example),
    "a derivative by hand": (_with(g=_tanh), "lstm", step_example),
}
