"""Plain networks, peephole LSTMs, predictions, and cells of one's own; and what people get wrong in them."""

import numpy as np

from tests.checking.cases import mutated, paired

RNN_COURSE = """
def step(xt, a_prev, parameters):
    Wax, Waa, Wya = parameters["Wax"], parameters["Waa"], parameters["Wya"]
    ba, by = parameters["ba"], parameters["by"]
    a_next = np.tanh(np.dot(Waa, a_prev) + np.dot(Wax, xt) + ba)
    scores = np.dot(Wya, a_next) + by
    yt_pred = np.exp(scores) / np.exp(scores).sum(axis=0)
    return a_next, yt_pred, (a_next, a_prev, xt, parameters)
"""
RNN_TORCH = """
class Net:
    def __init__(self, weight_ih, weight_hh, bias_ih, bias_hh):
        self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh = weight_ih, weight_hh, bias_ih, bias_hh

def step(net, inp, hidden):
    return np.tanh(inp @ net.weight_ih.T + net.bias_ih + hidden @ net.weight_hh.T + net.bias_hh)
"""
PEEPHOLE = """
def step(x_t, h_tm1, c_tm1, p):
    z = np.concatenate([x_t, h_tm1])
    f = sigmoid(p["W_f"] @ z + p["w_cf"] * c_tm1 + p["b_f"])
    i = sigmoid(p["W_i"] @ z + p["w_ci"] * c_tm1 + p["b_i"])
    g = np.tanh(p["W_c"] @ z + p["b_c"])
    c = f * c_tm1 + i * g
    o = sigmoid(p["W_o"] @ z + p["w_co"] * c + p["b_o"])
    return o * np.tanh(c), c
"""
PEEPHOLE_ONNX = """
def step(X, H, C, W, R, B, P):
    n = H.shape[1]
    pre = X @ W.T + H @ R.T + B[:4 * n] + B[4 * n:]
    i = sigmoid(pre[:, :n] + P[:n] * C)
    f = sigmoid(pre[:, 2 * n:3 * n] + P[2 * n:] * C)
    Ct = f * C + i * np.tanh(pre[:, 3 * n:])
    o = sigmoid(pre[:, n:2 * n] + P[n:2 * n] * Ct)
    return o * np.tanh(Ct), Ct
"""
MINIMAL = """
def step(x, s, W, U, b):
    k = s.shape[1]
    f = sigmoid(x @ W[:, :k] + s @ U[:, :k] + b[:k])
    new = np.tanh(x @ W[:, k:] + (f * s) @ U[:, k:] + b[k:])
    return (1 - f) * s + f * new
"""
COUPLED = """
def step(x, h, c, W, b):
    n = len(h)
    a = W @ np.concatenate([x, h]) + b
    f, o = sigmoid(a[:n]), sigmoid(a[2 * n:])
    g = np.tanh(a[n:2 * n])
    c = f * c + (1 - f) * g
    return c, o * np.tanh(c)
"""


def minimal(x: "m", h_prev: "n", *, Wf: "n m", Uf: "n n", bf: "n", Wg: "n m", Ug: "n n", bg: "n"):
    """A minimal gated unit, as its own user wrote it."""
    f = 1 / (1 + np.exp(-(Wf @ x + Uf @ h_prev + bf)))
    g = np.tanh(Wg @ x + Ug @ (f * h_prev) + bg)
    h = (1 - f) * h_prev + f * g
    return h


def coupled(
    x: "m", h_prev: "n", c_prev: "n", *, W_f: "n n+m", b_f: "n", W_c: "n n+m", b_c: "n", W_o: "n n+m", b_o: "n"
):
    """An LSTM with coupled input and forget gates."""
    hx = np.concatenate([h_prev, x])
    f = 1 / (1 + np.exp(-(W_f @ hx + b_f)))
    c_tilde = np.tanh(W_c @ hx + b_c)
    c = f * c_prev + (1 - f) * c_tilde
    o = 1 / (1 + np.exp(-(W_o @ hx + b_o)))
    h = o * np.tanh(c)
    return h, c


def rnn_course_example(n, m, batch, rng):
    d = rng.standard_normal
    p = {"Waa": d((n, n)), "Wax": d((n, m)), "Wya": d((7, n)), "ba": d((n, 1)), "by": d((7, 1))}
    return d((m, batch)), d((n, batch)), p


class Weights:
    """An object of arrays."""


def rnn_torch_example(n, m, batch, rng):
    d, net = rng.standard_normal, Weights()
    net.weight_ih, net.weight_hh, net.bias_ih, net.bias_hh = d((n, m)), d((n, n)), d(n), d(n)
    return {"net": net, "inp": d((batch, m)), "hidden": d((batch, n))}


def peephole_example(n, m, batch, rng):
    d, p = rng.standard_normal, {}
    for g in "fico":
        p |= {f"W_{g}": d((n, n + m)), f"b_{g}": d(n)} | ({f"w_c{g}": d(n)} if g != "c" else {})
    return d(m), d(n), d(n), p


def onnx_example(n, m, batch, rng):
    d = rng.standard_normal
    return d((batch, m)), d((batch, n)), d((batch, n)), d((4 * n, m)), d((4 * n, n)), d(8 * n), d(3 * n)


def minimal_example(n, m, batch, rng):
    d = rng.standard_normal
    return d((batch, m)), d((batch, n)), d((m, 2 * n)), d((n, 2 * n)), d(2 * n)


def coupled_example(n, m, batch, rng):
    d = rng.standard_normal
    return d(m), d(n), d(n), d((3 * n, n + m)), d(3 * n)


OF_RNN = [
    ("np.tanh(np.dot", "sigmoid(np.dot", "sigmoid in place of tanh", "h"),
    ("np.tanh(np.dot", "np.maximum(0, np.dot", "relu in place of tanh", "h"),
    (" + ba)", ")", "b is missing", "h"),
    ("np.dot(Waa, a_prev)", "np.dot(Waa.T, a_prev)", "Uᵀ", "h"),
    ("np.dot(Waa, a_prev) +", "", "is missing|is ignored", "h"),
    ("np.dot(Waa, a_prev) +", "np.dot(Waa, a_prev) -", "wrong sign", "h"),
]
OF_RNN_TORCH = [
    ("+ net.bias_hh", "", "is missing", "h"),
    ("np.tanh(inp", "(inp", "no activation in place of tanh", "h"),
    ("hidden @ net.weight_hh.T", "hidden @ net.weight_hh", "ᵀ", "h"),
    ("+ hidden @", "- hidden @", "wrong sign", "h"),
]
OF_PEEPHOLE = [
    ('p["w_cf"] * c_tm1', 'p["w_ci"] * c_tm1', "p_i in place of p_f", "f"),
    ('p["w_co"] * c +', 'p["w_co"] * c_tm1 +', "c_{t-1} in place of c_t", "o"),
    (' + p["w_co"] * c', "", "is missing", "o"),
    ('p["w_ci"] * c_tm1', 'p["w_ci"] * h_tm1', "h_{t-1} in place of c_{t-1}", "i"),
    ('p["w_ci"] * c_tm1', 'p["w_ci"]', "c_{t-1} is missing", "i"),
    ('+ p["b_c"]', '+ p["b_i"]', "b_i in place of b_c", "c_tilde"),
    ("f * c_tm1 + i * g", "f * c_tm1 + g", "i_t is missing", "c"),
    ("g = np.tanh(", "g = sigmoid(", "sigmoid in place of tanh", "c_tilde"),
    ("o * np.tanh(c)", "o * c", "no activation in place of tanh", "h"),
    ("f = sigmoid(", "f = np.tanh(", "tanh in place of sigmoid", "f"),
]
OF_ONNX = [
    ("P[n:2 * n] * Ct", "P[n:2 * n] * C", "c_{t-1} in place of c_t", "o"),
    ("P[2 * n:] * C", "P[:n] * C", "p_i in place of p_f", "f"),
    ("np.tanh(pre", "sigmoid(pre", "sigmoid in place of tanh", "c_tilde"),
    ("o * np.tanh(Ct)", "o * Ct", "no activation in place of tanh", "h"),
    (" + P[:n] * C", "", "is missing", "i"),
]
OF_MINIMAL = [
    ("(f * s) @", "s @", "f_t is missing", "g"),
    ("(1 - f) * s + f * new", "f * s + (1 - f) * new", "1 - |in place of|sign|exchanged", "h"),
    ("np.tanh(x", "sigmoid(x", "sigmoid in place of tanh", "g"),
    ("+ f * new", "+ new", "f_t is missing", "h"),
    ("f = sigmoid(", "f = np.tanh(", "tanh in place of sigmoid", "f"),
]
OF_COUPLED = [
    ("(1 - f) * g", "f * g", "f_t", "c"),
    ("(1 - f) * g", "g", "is missing", "c"),
    ("o * np.tanh(c)", "o * c", "no activation in place of tanh", "h"),
    ("f * c +", "c +", "f_t is missing", "c"),
    ("np.tanh(a", "sigmoid(a", "sigmoid in place of tanh", "c_tilde"),
]
ALL = [
    ("course RNN", RNN_COURSE, rnn_course_example, "rnn", OF_RNN),
    ("RNN of an object", RNN_TORCH, rnn_torch_example, "rnn", OF_RNN_TORCH),
    ("peephole LSTM", PEEPHOLE, peephole_example, "lstm_peephole", OF_PEEPHOLE),
    ("ONNX peephole LSTM", PEEPHOLE_ONNX, onnx_example, "lstm_peephole", OF_ONNX),
    ("minimal gated unit", MINIMAL, minimal_example, minimal, OF_MINIMAL),
    ("coupled gates", COUPLED, coupled_example, coupled, OF_COUPLED),
]
SINGLE = [case for style in ALL for case in mutated(*style)]
PAIRS = [case for style in ALL for case in paired(*style)]
