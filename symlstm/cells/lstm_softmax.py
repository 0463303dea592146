"""The LSTM with a softmax prediction read off its hidden state, as course notebooks have it.

The cell is that of symlstm.cells.lstm; the prediction y = softmax(W_y h + b_y) is the usual output layer.
"""

from symlstm.functions import concat, sigmoid, softmax, tanh


def lstm_softmax(
    x: "m", h_prev: "n", c_prev: "n", *,
    W_f: "n n+m", b_f: "n", W_i: "n n+m", b_i: "n", W_c: "n n+m", b_c: "n", W_o: "n n+m", b_o: "n",
    W_y: "p n", b_y: "p",
):  # fmt: skip
    """LSTM with a prediction y, a probability for each of p classes."""
    hx = concat(h_prev, x)
    f = sigmoid(W_f @ hx + b_f)  # forget gate
    i = sigmoid(W_i @ hx + b_i)  # input (update) gate
    c_tilde = tanh(W_c @ hx + b_c)  # candidate
    c = f * c_prev + i * c_tilde  # cell state
    o = sigmoid(W_o @ hx + b_o)  # output gate
    h = o * tanh(c)  # hidden state
    y = softmax(W_y @ h + b_y)  # prediction
    return h, c, y
