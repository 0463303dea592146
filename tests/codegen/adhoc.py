"""Cells that stretch the code generator, one for each thing that it must get right."""

# ruff: noqa: E741  (the annotations are shapes)

import numpy as np

from symlstm.functions import concat, logsumexp, norm, relu, sigmoid, softmax, softplus, tanh


def no_input(h_prev: "n", *, U: "n n", b: "n"):
    return tanh(U @ h_prev + b)


def tied(x: "m", h_prev: "n", *, W: "n n", V: "n m"):
    h = tanh(W @ tanh(W.T @ h_prev) + V @ x)
    return h


def scalars(x: "m", h_prev: "n", *, W: "n m", a: "", b: ""):
    z = a * (W @ x) + b
    h = tanh(z) * b + 0.25 * h_prev - x.mean() * a
    return h


def layer_norm(x: "m", h_prev: "n", *, W: "n m", U: "n n", g: "n", b: "n"):
    z = W @ x + U @ h_prev
    mu = np.mean(z)
    v = np.mean((z - mu) ** 2)
    y = g * (z - mu) / np.sqrt(v + 1e-5) + b
    h = tanh(y) + h_prev
    return h


def attention(x: "m", h_prev: "n", *, K: "n n", q: "n", W: "n m"):
    a = softmax(K @ h_prev)
    s = logsumexp(a * q)
    r = norm(W @ x + h_prev)
    h = tanh(s * (W @ x)) / r + a * h_prev
    return h


def stacked(x: "m", h_prev: "n", c_prev: "n", *, W: "4*n n+m", b: "4*n"):
    z = W @ concat(h_prev, x) + b
    n = h_prev.shape[0]
    i, f, g, o = sigmoid(z[:n]), sigmoid(z[n : 2 * n]), tanh(z[2 * n : 3 * n]), sigmoid(z[3 * n :])
    c = f * c_prev + i * g
    h = o * tanh(c)
    return h, c


def rows(x: "m", h_prev: "n", *, W: "m n", U: "n n", b: "n"):
    h = tanh(x @ W + h_prev @ U + b)
    return h


def inner_reset(x: "m", h_prev: "n", *, W_r: "n n+m", W_h: "n n+m", W_z: "n n+m", b: "n"):
    r = sigmoid(W_r @ concat(h_prev, x))
    z = sigmoid(W_z @ concat(h_prev, x) + b)
    w = relu(W_h @ concat(r * h_prev, x)) + softplus(b)
    h = (1 - z) * h_prev + z * w
    return h


def deep(x: "m", h_prev: "n", *, W_1: "k n+m", W_2: "k k", W_3: "n k"):
    u = tanh(W_1 @ concat(h_prev, x))
    w = tanh(W_2 @ u) + u
    h = W_3 @ (w * u) + h_prev
    return h


def three_states(x: "m", h_prev: "n", c_prev: "k", s_prev: "n", *, W: "n n+m", A: "k n", B: "n k", d: "n"):
    c = tanh(A @ h_prev) * c_prev
    s = d * s_prev + tanh(W @ concat(h_prev, x))
    h = sigmoid(B @ c + s) * h_prev
    return h, c, s


def one_number(x: "m", h_prev: "1", *, w: "1 m", a: ""):
    h = tanh(w @ x + a * h_prev)
    return h


def shared_weights(x: "m", h_prev: "n", *, W: "n m", M: "n n", b: "n"):
    A = M * sigmoid(M)
    t = tanh(b)
    h = tanh(A @ h_prev + W @ x + t * h_prev)
    return h


def two_inputs(x: "m", u: "k", h_prev: "n", *, W: "n m", V: "n k", b: "n"):
    h = tanh(W @ x + V @ u + b) * h_prev + np.exp(-(h_prev**2))
    return h


def awkward_names(
    x: "m", h_prev: "n", *, lambda_: "n", np_: "n m", p: "n", states: "n n", l: "n", v: "n", upstream: "n"
):
    sigmoid_ = sigmoid(np_ @ x + lambda_)
    n = states @ h_prev + p
    values = tanh(n) * sigmoid_ * l
    h = values + v * upstream * h_prev
    return h


def unused(x: "m", h_prev: "n", *, W: "n m", b: "n", spare: "n n"):
    h = tanh(W @ x + b) * h_prev
    return h


def forgetful(x: "m", h_prev: "n", *, b: "n"):
    h = tanh(b)
    return h


def with_output(x: "m", h_prev: "n", *, W: "n n+m", W_y: "q n"):
    h = tanh(W @ concat(h_prev, x))
    y = softmax(W_y @ h)
    return h, y


def memory(x: "m", C_prev: "n p", h_prev: "n", *, W_k: "p m", W_v: "n m", W_f: "n n", b: "p"):
    """A matrix state: a gate for each row, what is there already taken away (the delta rule), read by a query."""
    k = tanh(W_k @ x)
    v = W_v @ x + h_prev
    f = sigmoid(W_f @ h_prev)
    C = f[:, None] * C_prev + np.outer(v - C_prev @ k, k)
    h = tanh(C) @ (k * b)
    return C, h


def mixed_memory(x: "m", C_prev: "n n", *, A: "n n", B: "n n", W: "n m"):
    """Products of matrices, matrix by matrix and entry by entry, so that nothing can be written as one product."""
    C = A @ (B * tanh(A @ (B * np.outer(W @ x, W @ x)) @ C_prev)) + 0.5 * C_prev.T
    return C


CELLS = {
    f.__name__: f
    for f in (
        no_input, tied, scalars, layer_norm, attention, stacked, rows, inner_reset, deep, three_states, one_number,
        shared_weights, two_inputs, awkward_names, unused, forgetful, with_output,
    )
}  # fmt: skip

MATRICES = {f.__name__: f for f in (memory, mixed_memory)}
"""Cells with a matrix for a state."""
