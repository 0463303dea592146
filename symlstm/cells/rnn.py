"""The plain recurrent network with tanh.

Elman, Finding Structure in Time, Cognitive Science 14(2), 1990.
"""

from symlstm.functions import tanh


def rnn(x: "m", h_prev: "n", *, W: "n m", U: "n n", b: "n"):
    """Plain recurrent network."""
    h = tanh(W @ x + U @ h_prev + b)  # hidden state
    return h
