"""GRU, the reset gate after the product (Cho et al. 2014, version 3 of the preprint; torch.nn.GRUCell).

    r = sigmoid(W_r x + U_r h_prev + b_r)
    z = sigmoid(W_z x + U_z h_prev + b_z)
    n = tanh(W_n x + b_n + r (U_n h_prev + c_n))      the candidate
    h = (1 - z) n + z h_prev                          z keeps the old state

W_r, W_z, W_n are (n, m), U_r, U_z, U_n (n, n); b_r, b_z, b_n, c_n (n,); state (h,).
"""

from __future__ import annotations

import numpy as np

from tests.oracles.loops import add, arrays, outer, product, sigmoid, transposed_product, upstream_of


def forward(p, x, states):
    """r, z, u (= U_n h_prev + c_n), n, h."""
    (h_prev,) = states
    r = [sigmoid(s) for s in add(product(p["W_r"], x), product(p["U_r"], h_prev), p["b_r"])]
    z = [sigmoid(s) for s in add(product(p["W_z"], x), product(p["U_z"], h_prev), p["b_z"])]
    u = add(product(p["U_n"], h_prev), p["c_n"])
    w = add(product(p["W_n"], x), p["b_n"])
    n = [np.tanh(w[j] + r[j] * u[j]) for j in range(len(u))]
    h = [(1 - z[j]) * n[j] + z[j] * h_prev[j] for j in range(len(u))]
    return arrays({"r": r, "z": z, "u": u, "n": n, "h": h})


def backward(p, x, states, upstream):
    """The gradients, given dL/dh in `upstream`. d_r is dL/d(pre-activation of r), and so on.

    d_n = dh (1-z) (1-n^2)       d_z = dh (h_prev - n) z (1-z)
    d_r = d_n u r (1-r)          d_u = d_n r
    dW_n = d_n x^T, db_n = d_n, dU_n = d_u h_prev^T, dc_n = d_u
    dx = W_r^T d_r + W_z^T d_z + W_n^T d_n
    dh_prev = dh z + U_r^T d_r + U_z^T d_z + U_n^T d_u
    """
    (h_prev,) = states
    v = forward(p, x, states)
    r, z, u, n = (v[name] for name in ("r", "z", "u", "n"))
    dh = upstream_of(upstream, "h", n)
    d_r, d_z, d_n, d_u, kept = [], [], [], [], []
    for j in range(len(n)):
        d_n.append(dh[j] * (1 - z[j]) * (1 - n[j] * n[j]))
        d_z.append(dh[j] * (h_prev[j] - n[j]) * z[j] * (1 - z[j]))
        d_r.append(d_n[j] * u[j] * r[j] * (1 - r[j]))
        d_u.append(d_n[j] * r[j])
        kept.append(dh[j] * z[j])
    back = transposed_product
    gradients = {
        **{"W_r": outer(d_r, x), "U_r": outer(d_r, h_prev), "b_r": d_r},
        **{"W_z": outer(d_z, x), "U_z": outer(d_z, h_prev), "b_z": d_z},
        **{"W_n": outer(d_n, x), "U_n": outer(d_u, h_prev), "b_n": d_n, "c_n": d_u},
        "x": add(back(p["W_r"], d_r), back(p["W_z"], d_z), back(p["W_n"], d_n)),
        "h_prev": add(kept, back(p["U_r"], d_r), back(p["U_z"], d_z), back(p["U_n"], d_u)),
    }
    return arrays(gradients)
