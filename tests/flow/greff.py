"""The vanilla LSTM and its eight variants, as a user writes them in a file.

Greff, Srivastava, Koutnik, Steunebrink and Schmidhuber, LSTM: A Search Space Odyssey, IEEE TNNLS 28(10), 2017.
"""

from symlstm.functions import sigmoid, tanh


def vanilla(x: "m", y_prev: "n", c_prev: "n", *, W_z: "n m", R_z: "n n", b_z: "n",
            W_i: "n m", R_i: "n n", p_i: "n", b_i: "n", W_f: "n m", R_f: "n n", p_f: "n", b_f: "n",
            W_o: "n m", R_o: "n n", p_o: "n", b_o: "n"):  # fmt: skip
    z = tanh(W_z @ x + R_z @ y_prev + b_z)
    i = sigmoid(W_i @ x + R_i @ y_prev + p_i * c_prev + b_i)
    f = sigmoid(W_f @ x + R_f @ y_prev + p_f * c_prev + b_f)
    c = z * i + c_prev * f
    o = sigmoid(W_o @ x + R_o @ y_prev + p_o * c + b_o)
    y = tanh(c) * o
    return y, c


def no_input_gate(x: "m", y_prev: "n", c_prev: "n", *, W_z: "n m", R_z: "n n", b_z: "n",
                  W_f: "n m", R_f: "n n", p_f: "n", b_f: "n",
                  W_o: "n m", R_o: "n n", p_o: "n", b_o: "n"):  # fmt: skip
    z = tanh(W_z @ x + R_z @ y_prev + b_z)
    f = sigmoid(W_f @ x + R_f @ y_prev + p_f * c_prev + b_f)
    c = z + c_prev * f
    o = sigmoid(W_o @ x + R_o @ y_prev + p_o * c + b_o)
    y = tanh(c) * o
    return y, c


def no_forget_gate(x: "m", y_prev: "n", c_prev: "n", *, W_z: "n m", R_z: "n n", b_z: "n",
                   W_i: "n m", R_i: "n n", p_i: "n", b_i: "n",
                   W_o: "n m", R_o: "n n", p_o: "n", b_o: "n"):  # fmt: skip
    z = tanh(W_z @ x + R_z @ y_prev + b_z)
    i = sigmoid(W_i @ x + R_i @ y_prev + p_i * c_prev + b_i)
    c = z * i + c_prev
    o = sigmoid(W_o @ x + R_o @ y_prev + p_o * c + b_o)
    y = tanh(c) * o
    return y, c


def no_output_gate(x: "m", y_prev: "n", c_prev: "n", *, W_z: "n m", R_z: "n n", b_z: "n",
                   W_i: "n m", R_i: "n n", p_i: "n", b_i: "n", W_f: "n m", R_f: "n n", p_f: "n", b_f: "n"):  # fmt: skip
    z = tanh(W_z @ x + R_z @ y_prev + b_z)
    i = sigmoid(W_i @ x + R_i @ y_prev + p_i * c_prev + b_i)
    f = sigmoid(W_f @ x + R_f @ y_prev + p_f * c_prev + b_f)
    c = z * i + c_prev * f
    y = tanh(c)
    return y, c


def no_input_activation(x: "m", y_prev: "n", c_prev: "n", *, W_z: "n m", R_z: "n n", b_z: "n",
                        W_i: "n m", R_i: "n n", p_i: "n", b_i: "n", W_f: "n m", R_f: "n n", p_f: "n", b_f: "n",
                        W_o: "n m", R_o: "n n", p_o: "n", b_o: "n"):  # fmt: skip
    z = W_z @ x + R_z @ y_prev + b_z
    i = sigmoid(W_i @ x + R_i @ y_prev + p_i * c_prev + b_i)
    f = sigmoid(W_f @ x + R_f @ y_prev + p_f * c_prev + b_f)
    c = z * i + c_prev * f
    o = sigmoid(W_o @ x + R_o @ y_prev + p_o * c + b_o)
    y = tanh(c) * o
    return y, c


def no_output_activation(x: "m", y_prev: "n", c_prev: "n", *, W_z: "n m", R_z: "n n", b_z: "n",
                         W_i: "n m", R_i: "n n", p_i: "n", b_i: "n", W_f: "n m", R_f: "n n", p_f: "n", b_f: "n",
                         W_o: "n m", R_o: "n n", p_o: "n", b_o: "n"):  # fmt: skip
    z = tanh(W_z @ x + R_z @ y_prev + b_z)
    i = sigmoid(W_i @ x + R_i @ y_prev + p_i * c_prev + b_i)
    f = sigmoid(W_f @ x + R_f @ y_prev + p_f * c_prev + b_f)
    c = z * i + c_prev * f
    o = sigmoid(W_o @ x + R_o @ y_prev + p_o * c + b_o)
    y = c * o
    return y, c


def coupled_gates(x: "m", y_prev: "n", c_prev: "n", *, W_z: "n m", R_z: "n n", b_z: "n",
                  W_i: "n m", R_i: "n n", p_i: "n", b_i: "n",
                  W_o: "n m", R_o: "n n", p_o: "n", b_o: "n"):  # fmt: skip
    z = tanh(W_z @ x + R_z @ y_prev + b_z)
    i = sigmoid(W_i @ x + R_i @ y_prev + p_i * c_prev + b_i)
    f = 1 - i
    c = z * i + c_prev * f
    o = sigmoid(W_o @ x + R_o @ y_prev + p_o * c + b_o)
    y = tanh(c) * o
    return y, c


def no_peepholes(x: "m", y_prev: "n", c_prev: "n", *, W_z: "n m", R_z: "n n", b_z: "n",
                 W_i: "n m", R_i: "n n", b_i: "n", W_f: "n m", R_f: "n n", b_f: "n",
                 W_o: "n m", R_o: "n n", b_o: "n"):  # fmt: skip
    z = tanh(W_z @ x + R_z @ y_prev + b_z)
    i = sigmoid(W_i @ x + R_i @ y_prev + b_i)
    f = sigmoid(W_f @ x + R_f @ y_prev + b_f)
    c = z * i + c_prev * f
    o = sigmoid(W_o @ x + R_o @ y_prev + b_o)
    y = tanh(c) * o
    return y, c


def full_gate_recurrence(x: "m", y_prev: "n", c_prev: "n", i_prev: "n", f_prev: "n", o_prev: "n", *,
                         W_z: "n m", R_z: "n n", b_z: "n",
                         W_i: "n m", R_i: "n n", p_i: "n", b_i: "n", W_f: "n m", R_f: "n n", p_f: "n", b_f: "n",
                         W_o: "n m", R_o: "n n", p_o: "n", b_o: "n",
                         R_ii: "n n", R_fi: "n n", R_oi: "n n", R_if: "n n", R_ff: "n n", R_of: "n n",
                         R_io: "n n", R_fo: "n n", R_oo: "n n"):  # fmt: skip
    z = tanh(W_z @ x + R_z @ y_prev + b_z)
    i = sigmoid(W_i @ x + R_i @ y_prev + p_i * c_prev + b_i + R_ii @ i_prev + R_fi @ f_prev + R_oi @ o_prev)
    f = sigmoid(W_f @ x + R_f @ y_prev + p_f * c_prev + b_f + R_if @ i_prev + R_ff @ f_prev + R_of @ o_prev)
    c = z * i + c_prev * f
    o = sigmoid(W_o @ x + R_o @ y_prev + p_o * c + b_o + R_io @ i_prev + R_fo @ f_prev + R_oo @ o_prev)
    y = tanh(c) * o
    return y, c, i, f, o
