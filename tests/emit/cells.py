"""Cells as people write them, beside the built-in ones: what the emitters must cope with."""

import numpy as np

BUILT_IN = ("lstm", "lstm_softmax", "lstm_peephole", "gru", "gru_reset_before", "rnn")
NOTATIONS = ("default", "blog", "course", "course_letters")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def from_a_course(xt, a_prev, c_prev, parameters):
    Wf = parameters["Wf"]
    bf = parameters["bf"]
    Wi, bi = parameters["Wi"], parameters["bi"]
    Wc, bc = parameters["Wc"], parameters["bc"]
    Wo, bo = parameters["Wo"], parameters["bo"]
    concat = np.concatenate([a_prev, xt])
    ft = sigmoid(np.dot(Wf, concat) + bf)
    it = sigmoid(np.dot(Wi, concat) + bi)
    cct = np.tanh(np.dot(Wc, concat) + bc)
    c_next = np.multiply(ft, c_prev) + np.multiply(it, cct)
    ot = sigmoid(np.dot(Wo, concat) + bo)
    a_next = np.multiply(ot, np.tanh(c_next))
    return a_next, c_next


def looped(x, h_prev, c_prev, *, p):
    gates = {}
    for k in "fioc":
        gates[k] = p["W_" + k] @ x + p["U_" + k] @ h_prev
    f = sigmoid(gates["f"])
    i = sigmoid(gates["i"])
    c = f * c_prev + i * np.tanh(gates["c"])
    h = sigmoid(gates["o"]) * np.tanh(c)
    return h, c


def stacked(x, h_prev, c_prev, *, W: "4*n n+m", b: "4*n"):
    n = h_prev.shape[0]
    z = W @ np.hstack([h_prev, x]) + b
    f = 1 / (1 + np.exp(-z[:n]))
    i = sigmoid(z[n : 2 * n])
    g = np.tanh(z[2 * n : 3 * n])
    o = sigmoid(z[3 * n :])
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, c


def sliced(x, h_prev, *, W: "n n+m", b: "n", a: ""):
    n = h_prev.shape[0]
    z = W[:, :n] @ h_prev + W[:, n:] @ x + b
    u = a * np.tanh(z) ** 2 - 0.5 * h_prev
    h = (W[:, :n] @ u) * h_prev / (1 + u**2)
    return h


OWN = (from_a_course, looped, stacked, sliced)
