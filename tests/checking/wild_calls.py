"""Calls as people make them: buffers for results, masks, states in one container, stacks of matrices, short names."""

from collections import namedtuple

import numpy as np

State = namedtuple("State", "h c")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gates_of(z, n):
    return sigmoid(z[:, :n]), sigmoid(z[:, n : 2 * n]), sigmoid(z[:, 2 * n : 3 * n]), np.tanh(z[:, 3 * n :])


def into_buffers(x, h, c, W, U, b, out_h, out_c):
    i, f, o, g = gates_of(x @ W + h @ U + b, h.shape[1])
    np.multiply(f, c, out=out_c)
    out_c += i * g
    np.multiply(o, np.tanh(out_c), out=out_h)
    return out_h, out_c


def buffers_example(n, m, batch, rng):
    draw = rng.standard_normal
    return (*weights_example(n, m, batch, rng), draw((batch, n)), draw((batch, n)))


def weights_example(n, m, batch, rng):
    draw = rng.standard_normal
    return draw((batch, m)), draw((batch, n)), draw((batch, n)), draw((m, 4 * n)), draw((n, 4 * n)), draw(4 * n)


def masked(x, mask, h0, c0, W, U, b):
    """x (T, N, D), mask (T, N)."""
    hs, h, c = [], h0, c0
    for xt, kept in zip(x, mask[..., None], strict=True):
        i, f, o, g = gates_of(xt @ W + h @ U + b, h.shape[1])
        now = f * c + i * g
        c, h = kept * now + (1 - kept) * c, kept * (o * np.tanh(now)) + (1 - kept) * h
        hs.append(h)
    return np.stack(hs), h, c


def masked_example(n, m, batch, T, rng):
    x, *rest = weights_example(n, m, batch, rng)
    return (rng.standard_normal((T, batch, m)), np.ones((T, batch)), *rest)


def in_one_container(x, s, W, U, b, result=lambda h, c, s: State(h, c)):
    i, f, o, g = gates_of(x @ W + s.h @ U + b, s.h.shape[1])
    c = f * s.c + i * g
    return result(o * np.tanh(c), c, s)


def container_example(n, m, batch, rng):
    x, h, c, *rest = weights_example(n, m, batch, rng)
    return (x, State(h, c), *rest)


def clipped(x, h, c, W, U, b):
    i, f, o, g = gates_of(x @ W + h @ U + b, h.shape[1])
    c = np.clip(f * c + i * g, -10, 10)
    return o * np.tanh(c), c


def one_matrix_a_gate(X, U, V, B):
    """X (N, T, D), U (4, D, H), V (4, H, H), B (4, H): gates i, f, candidate, o; all starts from zero."""
    N, T, _ = X.shape
    h = c = np.zeros((N, V.shape[-1]))
    out = np.empty((N, T, V.shape[-1]))
    for t in range(T):
        z = np.einsum("nd,gdh->gnh", X[:, t], U) + np.einsum("nh,ghk->gnk", h, V) + B[:, None]
        c = sigmoid(z[1]) * c + sigmoid(z[0]) * np.tanh(z[2])
        h = out[:, t] = sigmoid(z[3]) * np.tanh(c)
    return out


def matrices_example(n, m, batch, T, rng):
    draw = rng.standard_normal
    return draw((batch, T, m)), draw((4, m, n)), draw((4, n, n)), draw((4, n))


def letters(xs, hs_prev, cs_prev, w_ii, w_hi, w_if, w_hf, w_ig, w_hg, w_io, w_ho):
    """A list of columns; w_ig is of the candidate g, not of the input gate."""
    hs, cs = {-1: hs_prev}, {-1: cs_prev}
    for t, x in enumerate(xs):
        i, f, o = (sigmoid(w @ x + u @ hs[t - 1]) for w, u in ((w_ii, w_hi), (w_if, w_hf), (w_io, w_ho)))
        cs[t] = f * cs[t - 1] + i * np.tanh(w_ig @ x + w_hg @ hs[t - 1])
        hs[t] = o * np.tanh(cs[t])
    return hs, cs


def letters_example(n, m, batch, T, rng):
    draw = rng.standard_normal
    weights = [draw((n, k)) for _ in range(4) for k in (m, n)]
    return [draw((m, 1)) for _ in range(T)], draw((n, 1)), draw((n, 1)), *weights


def peepholes(x, h_prev, c_prev, W, R, p, b):
    """One dict of each kind by gate; z is the block input."""
    at = {g: W[g] @ x + R[g] @ h_prev + b[g] for g in "zifo"}
    c = sigmoid(at["f"] + p["f"] * c_prev) * c_prev + sigmoid(at["i"] + p["i"] * c_prev) * np.tanh(at["z"])
    return sigmoid(at["o"] + p["o"] * c) * np.tanh(c), c


def peepholes_example(n, m, batch, rng):
    draw = rng.standard_normal
    W, R, b = ({g: draw(shape) for g in "zifo"} for shape in ((n, m), (n, n), n))
    return draw(m), draw(n), draw(n), W, R, {g: draw(n) for g in "ifo"}, b


def gru(x, h, w_ih, w_hh, b_ih, b_hh):
    (r, z, n), (hr, hz, hn) = np.split(x @ w_ih.T + b_ih, 3, axis=1), np.split(h @ w_hh.T + b_hh, 3, axis=1)
    z = sigmoid(z + hz)
    return (1 - z) * np.tanh(n + sigmoid(r + hr) * hn) + z * h


def gru_example(n, m, batch, rng):
    draw = rng.standard_normal
    return draw((batch, m)), draw((batch, n)), draw((3 * n, m)), draw((3 * n, n)), draw(3 * n), draw(3 * n)


class KeepsItsState:
    """The step of a well-known post: the state is an attribute, x the only argument."""

    def __init__(self, n_in, n_hidden):
        self.W_xh, self.W_hh = np.ones((n_hidden, n_in)), np.ones((n_hidden, n_hidden))
        self.h = np.zeros(n_hidden)

    def step(self, x):
        self.h = np.tanh(np.dot(self.W_hh, self.h) + np.dot(self.W_xh, x))
        return self.h
