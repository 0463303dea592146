"""The plain recurrent network with tanh.

Elman, Finding Structure in Time, Cognitive Science 14(2), 1990.
"""

# ruff: noqa: F722, F821  (the annotations are shapes)

from symlstm.functions import tanh


def rnn(x: "m", h_prev: "n", *, W: "n m", U: "n n", b: "n"):
    """Plain recurrent network."""
    h = tanh(W @ x + U @ h_prev + b)  # hidden state
    return h
