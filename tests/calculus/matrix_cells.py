"""Cells with a matrix for a state, as they are used: fast weights, delta rule, linear attention, mLSTM."""

import numpy as np

from symlstm.functions import sigmoid, tanh
from tests.calculus.through_time_cells import matrix_state
from tests.codegen.adhoc import memory, mixed_memory
from tests.emit.unusual_cells import mlstm


def delta_rule(x: "m", C_prev: "n n", h_prev: "n", *, W: "n m", V: "n m"):
    """What is stored under a key is replaced by a new value."""
    k = tanh(W @ x + h_prev)
    v = V @ x
    C = C_prev + np.outer(v - C_prev @ k, k)
    h = C @ k
    return C, h


def gated_rows(x: "m", C_prev: "n p", *, W: "n m", V: "p m", Q: "p m"):
    """Linear attention with a gate for each row: diag(f) C_prev."""
    f = sigmoid(W @ x)
    C = f[:, None] * C_prev + np.outer(tanh(W @ x), V @ x)
    h = C @ (Q @ x)
    return C, h


def gated_columns(x: "m", C_prev: "n p", h_prev: "n", *, W: "p m", U: "p n", V: "n m"):
    """The same with a gate for each column, which depends on what was read before: C_prev diag(f)."""
    f = sigmoid(W @ x + U @ h_prev)
    C = C_prev * f + np.outer(V @ x, 1 - f)
    h = tanh(C @ f)
    return C, h


def sum_and_matrix(h_prev: "n", *, A: "n n", a: "n", w: "n"):
    """A matrix that has no name."""
    h = (A + np.outer(a, h_prev)) @ w + a * np.sum(h_prev)
    return h


CELLS = {
    f.__name__: f
    for f in (
        matrix_state, delta_rule, gated_rows, gated_columns, memory, mlstm, mixed_memory, sum_and_matrix,
    )
}  # fmt: skip
