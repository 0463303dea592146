"""The gated recurrent unit with the reset gate inside the product, as in the paper.

Cho et al., Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation, EMNLP 2014,
equations 5 to 8: z keeps the old state.
"""

from symlstm.functions import sigmoid, tanh


def gru_reset_before(
    x: "m", h_prev: "n", *,
    W_r: "n m", U_r: "n n", b_r: "n", W_z: "n m", U_z: "n n", b_z: "n",
    W_h: "n m", U_h: "n n", b_h: "n",
):  # fmt: skip
    """Gated recurrent unit, reset before the product U_h (r * h_{t-1})."""
    r = sigmoid(W_r @ x + U_r @ h_prev + b_r)  # reset gate
    z = sigmoid(W_z @ x + U_z @ h_prev + b_z)  # update gate
    h_tilde = tanh(W_h @ x + U_h @ (r * h_prev) + b_h)  # candidate
    h = z * h_prev + (1 - z) * h_tilde  # hidden state
    return h
