"""LSTM with a projection (Sak, Senior and Beaufays 2014, without peepholes).

    hx = [h_prev; x]
    f, i, o = sigmoid(W hx + b)       c_tilde = tanh(W_c hx + b_c)
    c  = f c_prev + i c_tilde
    g  = o tanh(c)
    h  = W_h g

h is (p,), c is (n,); W_f, W_i, W_c, W_o are (n, p+m), W_h (p, n), the biases (n,); states (h, c).
"""

from __future__ import annotations

import numpy as np

from tests.oracles.loops import add, arrays, outer, product, sigmoid, transposed_product, upstream_of
from tests.oracles.lstm import gate_gradients


def forward(p, x, states):
    """hx, f, i, c_tilde, c, o, h."""
    v = _values(p, x, states)
    return arrays({name: v[name] for name in ("hx", "f", "i", "c_tilde", "c", "o", "h")})


def _values(p, x, states):
    h_prev, c_prev = states
    hx = [*h_prev, *x]
    z = {gate: add(product(p[f"W_{gate}"], hx), p[f"b_{gate}"]) for gate in "fico"}
    f, i, o = ([sigmoid(each) for each in z[gate]] for gate in "fio")
    c_tilde = [np.tanh(each) for each in z["c"]]
    c = [f[j] * c_prev[j] + i[j] * c_tilde[j] for j in range(len(c_prev))]
    g = [o[j] * np.tanh(c[j]) for j in range(len(c))]
    return {"hx": hx, "f": f, "i": i, "c_tilde": c_tilde, "c": c, "o": o, "g": g, "h": product(p["W_h"], g)}


def backward(p, x, states, upstream):
    """The gradients, given dL/dh and dL/dc in `upstream`: dg = W_h^T dh, then as for the LSTM with dg for dh."""
    c_prev = states[1]
    v = _values(p, x, states)
    f, i, c_tilde, c, o = (v[name] for name in ("f", "i", "c_tilde", "c", "o"))
    dh, dc = upstream_of(upstream, "h", v["h"]), upstream_of(upstream, "c", c)
    dg = transposed_product(p["W_h"], dh)
    d = {"f": [], "i": [], "c": [], "o": []}
    dc_prev = []
    for j in range(len(c)):
        t = np.tanh(c[j])
        dc_total = dc[j] + dg[j] * o[j] * (1 - t * t)
        d["o"].append(dg[j] * t * o[j] * (1 - o[j]))
        d["f"].append(dc_total * c_prev[j] * f[j] * (1 - f[j]))
        d["i"].append(dc_total * c_tilde[j] * i[j] * (1 - i[j]))
        d["c"].append(dc_total * i[j] * (1 - c_tilde[j] * c_tilde[j]))
        dc_prev.append(dc_total * f[j])
    more = {"W_h": outer(dh, v["g"]), "c_prev": dc_prev}
    return arrays(gate_gradients(p, v["hx"], d, len(states[0])) | more)
