"""Cells on which backpropagation through time must not stumble."""

import numpy as np

from symlstm.functions import concat, sigmoid, tanh


def no_input(h_prev: "n", *, U: "n n"):
    h = tanh(U @ h_prev)
    return h


def no_memory(x: "m", h_prev: "n", *, W: "n m"):
    h = tanh(W @ x)
    return h


def three_states(x: "m", h_prev: "n", c_prev: "n", s_prev: "n", *, W: "n n+m", V: "n n", b: "n", a: "n"):
    z = concat(h_prev, x)
    c = tanh(W @ z + b) * c_prev + a * s_prev
    s = tanh(V @ c) + 0.5 * s_prev
    h = tanh(s) * c
    return h, c, s


def outputs(x: "m", h_prev: "n", *, U: "n n", V: "p n", W: "n m", R: "p n"):
    """Two outputs, one of them read off the state before."""
    h = tanh(U @ h_prev + W @ x)
    y = sigmoid(V @ h)
    e = R @ h_prev
    return h, y, e


def fed_through(x: "m", h_prev: "n", c_prev: "n", *, W: "n m"):
    """A state that stays what it was, and decides nothing else."""
    h = tanh(W @ x + c_prev) * h_prev
    return h, c_prev


def delayed(x: "m", h_prev: "n", d_prev: "m", *, W: "n m"):
    """A state that is the input of the step before."""
    h = tanh(W @ d_prev) * h_prev
    return h, x


def replaced(x: "m", h_prev: "n", c_prev: "n", *, W: "n m", b: "n"):
    """A state that is a parameter at every step."""
    h = tanh(W @ x + c_prev) * h_prev
    return h, b


def tied(x: "n", h_prev: "n", *, W: "n n", b: "n"):
    """A parameter in several places of one equation, and in two equations."""
    g = sigmoid(W @ x + b)
    h = tanh(W @ (W @ h_prev) + W.T @ x + b) * g
    return h


def layer_norm(x: "m", h_prev: "n", *, U: "n n", V: "n m", g: "n"):
    z = U @ h_prev + V @ x
    centred = z - np.mean(z)
    h = tanh(g * centred / np.sqrt(np.var(z) + 0.5))
    return h


def column_elsewhere(x: "m", h_prev: "n", *, W: "n n+m", g: "n+m"):
    """A column that is not only multiplied by weights."""
    hx = concat(h_prev, x)
    u = tanh(g * hx)
    h = tanh(W @ (u * hx))
    return h


def matrix_state(x: "m", h_prev: "n", C_prev: "n n", *, W: "n m", U: "n n"):
    """A fast memory."""
    k = tanh(W @ x)
    C = 0.5 * C_prev + np.outer(k, h_prev)
    h = C @ k + U @ h_prev
    return h, C


ODD = {
    function.__name__: function
    for function in (
        no_input, no_memory, three_states, outputs, fed_through, delayed, replaced, tied, layer_norm, column_elsewhere,
        matrix_state,
    )
}  # fmt: skip
