"""The LSTM with peephole connections: the gates also see the cell state.

Gers and Schmidhuber, Recurrent Nets that Time and Count, IJCNN 2000; in the form ("vanilla LSTM") of
Greff, Srivastava, Koutnik, Steunebrink and Schmidhuber, LSTM: A Search Space Odyssey, IEEE TNNLS 28(10), 2017.
"""

from symlstm.functions import concat, sigmoid, tanh


def lstm_peephole(
    x: "m", h_prev: "n", c_prev: "n", *,
    W_f: "n n+m", b_f: "n", p_f: "n", W_i: "n n+m", b_i: "n", p_i: "n",
    W_c: "n n+m", b_c: "n", W_o: "n n+m", b_o: "n", p_o: "n",
):  # fmt: skip
    """LSTM with peepholes: input and forget gate see c_{t-1}, the output gate sees c_t."""
    hx = concat(h_prev, x)
    f = sigmoid(W_f @ hx + p_f * c_prev + b_f)  # forget gate
    i = sigmoid(W_i @ hx + p_i * c_prev + b_i)  # input gate
    c_tilde = tanh(W_c @ hx + b_c)  # candidate (block input)
    c = f * c_prev + i * c_tilde  # cell state
    o = sigmoid(W_o @ hx + p_o * c + b_o)  # output gate
    h = o * tanh(c)  # hidden state (block output)
    return h, c
