"""The gated recurrent unit with the reset gate after the product, as in PyTorch and cuDNN.

Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, EMNLP 2014 (arXiv:1406.1078v1 has this form);
z keeps the old state.
"""

from symlstm.functions import sigmoid, tanh


def gru(
    x: "m", h_prev: "n", *,
    W_r: "n m", U_r: "n n", b_r: "n", W_z: "n m", U_z: "n n", b_z: "n",
    W_n: "n m", U_n: "n n", b_n: "n", c_n: "n",
):  # fmt: skip
    """Gated recurrent unit, reset after the product U_n h_{t-1} + c_n."""
    r = sigmoid(W_r @ x + U_r @ h_prev + b_r)  # reset gate
    z = sigmoid(W_z @ x + U_z @ h_prev + b_z)  # update gate
    n = tanh(W_n @ x + b_n + r * (U_n @ h_prev + c_n))  # candidate
    h = (1 - z) * n + z * h_prev  # hidden state
    return h
