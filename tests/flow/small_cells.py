"""Cells that are not built in, as users write them in a file."""

import numpy as np


def autonomous(h_prev: "n", *, U: "n n"):
    h = np.tanh(U @ h_prev)
    return h


def fast_weights(x: "m", A_prev: "n m", h_prev: "n", *, W: "n m", U: "n n"):
    f = 1 / (1 + np.exp(-(U @ h_prev)))
    A = 0.9 * A_prev + np.outer(f * np.tanh(W @ x), x)
    h = np.tanh(A @ x)
    return A, h
