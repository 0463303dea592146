"""LSTM with peepholes (Gers and Schmidhuber 2000; in the form of Greff et al. 2017, section II).

    hx = [h_prev; x]
    f  = sigmoid(W_f hx + p_f c_prev + b_f)      i = sigmoid(W_i hx + p_i c_prev + b_i)
    c_tilde = tanh(W_c hx + b_c)
    c  = f c_prev + i c_tilde
    o  = sigmoid(W_o hx + p_o c + b_o)           (the new cell state)
    h  = o tanh(c)

W_f, W_i, W_c, W_o are (n, n+m); p_f, p_i, p_o and the biases (n,); states (h, c).
"""

from __future__ import annotations

import numpy as np

from tests.oracles.loops import add, arrays, product, sigmoid, upstream_of
from tests.oracles.lstm import gate_gradients


def forward(p, x, states):
    """hx, f, i, c_tilde, c, o, h."""
    h_prev, c_prev = states
    n = len(h_prev)
    hx = [*h_prev, *x]
    z_f, z_i, z_c, z_o = (add(product(p[f"W_{gate}"], hx), p[f"b_{gate}"]) for gate in "fico")
    f = [sigmoid(z_f[j] + p["p_f"][j] * c_prev[j]) for j in range(n)]
    i = [sigmoid(z_i[j] + p["p_i"][j] * c_prev[j]) for j in range(n)]
    c_tilde = [np.tanh(z_c[j]) for j in range(n)]
    c = [f[j] * c_prev[j] + i[j] * c_tilde[j] for j in range(n)]
    o = [sigmoid(z_o[j] + p["p_o"][j] * c[j]) for j in range(n)]
    h = [o[j] * np.tanh(c[j]) for j in range(n)]
    return arrays({"hx": hx, "f": f, "i": i, "c_tilde": c_tilde, "c": c, "o": o, "h": h})


def backward(p, x, states, upstream):
    """The gradients, given dL/dh and dL/dc in `upstream`. As for the LSTM, with the three peepholes:

    d_o = dh tanh(c) o (1-o)        dc_total = dc + dh o (1 - tanh^2 c) + p_o d_o
    dp_f = d_f c_prev, dp_i = d_i c_prev, dp_o = d_o c
    dc_prev = dc_total f + p_f d_f + p_i d_i
    """
    c_prev = states[1]
    v = forward(p, x, states)
    hx, f, i, c_tilde, c, o = (v[name] for name in ("hx", "f", "i", "c_tilde", "c", "o"))
    dh, dc = upstream_of(upstream, "h", c), upstream_of(upstream, "c", c)
    d = {"f": [], "i": [], "c": [], "o": []}
    dp_f, dp_i, dp_o, dc_prev = [], [], [], []
    for j in range(len(c)):
        t = np.tanh(c[j])
        d_o = dh[j] * t * o[j] * (1 - o[j])
        dc_total = dc[j] + dh[j] * o[j] * (1 - t * t) + p["p_o"][j] * d_o
        d_f = dc_total * c_prev[j] * f[j] * (1 - f[j])
        d_i = dc_total * c_tilde[j] * i[j] * (1 - i[j])
        d["f"].append(d_f)
        d["i"].append(d_i)
        d["c"].append(dc_total * i[j] * (1 - c_tilde[j] * c_tilde[j]))
        d["o"].append(d_o)
        dp_f.append(d_f * c_prev[j])
        dp_i.append(d_i * c_prev[j])
        dp_o.append(d_o * c[j])
        dc_prev.append(dc_total * f[j] + p["p_f"][j] * d_f + p["p_i"][j] * d_i)
    peepholes = {"p_f": dp_f, "p_i": dp_i, "p_o": dp_o, "c_prev": dc_prev}
    return arrays(gate_gradients(p, hx, d, len(c)) | peepholes)
