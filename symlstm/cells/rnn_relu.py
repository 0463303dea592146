"""The plain recurrent network with rectified linear units.

Le, Jaitly and Hinton, A Simple Way to Initialize Recurrent Networks of Rectified Linear Units, 2015 (arXiv:1504.00941).
"""

from symlstm.functions import relu


def rnn_relu(x: "m", h_prev: "n", *, W: "n m", U: "n n", b: "n"):
    """Plain recurrent network with relu."""
    h = relu(W @ x + U @ h_prev + b)  # hidden state
    return h
