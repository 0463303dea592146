"""LSTM with a forget gate (Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000).

    hx = [h_prev; x]
    f  = sigmoid(W_f hx + b_f)      i = sigmoid(W_i hx + b_i)      o = sigmoid(W_o hx + b_o)
    c_tilde = tanh(W_c hx + b_c)
    c  = f c_prev + i c_tilde
    h  = o tanh(c)

W_f, W_i, W_c, W_o are (n, n+m), the biases (n,); states (h, c).
"""

from __future__ import annotations

import numpy as np

from tests.oracles.loops import add, arrays, outer, product, sigmoid, transposed_product, upstream_of


def forward(p, x, states):
    """hx, f, i, c_tilde, c, o, h."""
    h_prev, c_prev = states
    n = len(h_prev)
    hx = [*h_prev, *x]
    f = [sigmoid(z) for z in add(product(p["W_f"], hx), p["b_f"])]
    i = [sigmoid(z) for z in add(product(p["W_i"], hx), p["b_i"])]
    c_tilde = [np.tanh(z) for z in add(product(p["W_c"], hx), p["b_c"])]
    o = [sigmoid(z) for z in add(product(p["W_o"], hx), p["b_o"])]
    c = [f[j] * c_prev[j] + i[j] * c_tilde[j] for j in range(n)]
    h = [o[j] * np.tanh(c[j]) for j in range(n)]
    return arrays({"hx": hx, "f": f, "i": i, "c_tilde": c_tilde, "c": c, "o": o, "h": h})


def backward(p, x, states, upstream):
    """The gradients, given dL/dh and dL/dc in `upstream`. d_f is dL/d(pre-activation of f), and so on.

    d_o = dh tanh(c) o (1-o)             dc_total = dc + dh o (1 - tanh^2 c)
    d_f = dc_total c_prev f (1-f)        d_i = dc_total c_tilde i (1-i)
    d_c = dc_total i (1 - c_tilde^2)     dc_prev = dc_total f
    dW_g = d_g hx^T, db_g = d_g, d_hx = sum over g of W_g^T d_g
    """
    c_prev = states[1]
    v = forward(p, x, states)
    hx, f, i, c_tilde, c, o = (v[name] for name in ("hx", "f", "i", "c_tilde", "c", "o"))
    dh, dc = upstream_of(upstream, "h", c), upstream_of(upstream, "c", c)
    d = {"f": [], "i": [], "c": [], "o": []}
    dc_prev = []
    for j in range(len(c)):
        t = np.tanh(c[j])
        dc_total = dc[j] + dh[j] * o[j] * (1 - t * t)
        d["f"].append(dc_total * c_prev[j] * f[j] * (1 - f[j]))
        d["i"].append(dc_total * c_tilde[j] * i[j] * (1 - i[j]))
        d["c"].append(dc_total * i[j] * (1 - c_tilde[j] * c_tilde[j]))
        d["o"].append(dh[j] * t * o[j] * (1 - o[j]))
        dc_prev.append(dc_total * f[j])
    return arrays(gate_gradients(p, hx, d, len(c)) | {"c_prev": dc_prev})


def gate_gradients(p, hx, d, n):
    """From dL/d(pre-activation of each gate): dW_g, db_g, and d_hx split into h_prev (its first n) and x."""
    gradients = {}
    for gate in d:
        gradients[f"W_{gate}"] = outer(d[gate], hx)
        gradients[f"b_{gate}"] = d[gate]
    d_hx = add(*(transposed_product(p[f"W_{gate}"], d[gate]) for gate in d))
    return gradients | {"h_prev": d_hx[:n], "x": d_hx[n:]}
