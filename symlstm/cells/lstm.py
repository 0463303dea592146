"""The long short-term memory cell with a forget gate.

Hochreiter and Schmidhuber, Long Short-Term Memory, Neural Computation 9(8), 1997; the forget gate is from
Gers, Schmidhuber and Cummins, Learning to Forget, Neural Computation 12(10), 2000.
"""

from symlstm.functions import concat, sigmoid, tanh


def lstm(
    x: "m", h_prev: "n", c_prev: "n", *,
    W_f: "n n+m", b_f: "n", W_i: "n n+m", b_i: "n", W_c: "n n+m", b_c: "n", W_o: "n n+m", b_o: "n",
):  # fmt: skip
    """Long short-term memory: a cell state c behind a forget, an input and an output gate."""
    hx = concat(h_prev, x)
    f = sigmoid(W_f @ hx + b_f)  # forget gate
    i = sigmoid(W_i @ hx + b_i)  # input gate
    c_tilde = tanh(W_c @ hx + b_c)  # candidate
    c = f * c_prev + i * c_tilde  # cell state
    o = sigmoid(W_o @ hx + b_o)  # output gate
    h = o * tanh(c)  # hidden state
    return h, c
