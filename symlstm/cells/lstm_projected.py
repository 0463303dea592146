"""The LSTM with a projection of the hidden state.

Sak, Senior and Beaufays, Long Short-Term Memory Based Recurrent Neural Network Architectures for Large Vocabulary
Speech Recognition, 2014 (arXiv:1402.1128); without peepholes, as in PyTorch (proj_size) and cuDNN.
"""

from symlstm.functions import concat, sigmoid, tanh


def lstm_projected(
    x: "m", h_prev: "p", c_prev: "n", *,
    W_f: "n p+m", b_f: "n", W_i: "n p+m", b_i: "n", W_c: "n p+m", b_c: "n", W_o: "n p+m", b_o: "n",
    W_h: "p n",
):  # fmt: skip
    """LSTM whose hidden state is a projection W_h of the gated cell state."""
    hx = concat(h_prev, x)
    f = sigmoid(W_f @ hx + b_f)  # forget gate
    i = sigmoid(W_i @ hx + b_i)  # input gate
    c_tilde = tanh(W_c @ hx + b_c)  # candidate
    c = f * c_prev + i * c_tilde  # cell state
    o = sigmoid(W_o @ hx + b_o)  # output gate
    h = W_h @ (o * tanh(c))  # hidden state
    return h, c
