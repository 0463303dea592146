"""GRU, the reset gate before the product (Cho et al. 2014, equations 5 to 8), with biases.

    r = sigmoid(W_r x + U_r h_prev + b_r)
    z = sigmoid(W_z x + U_z h_prev + b_z)
    h_tilde = tanh(W_h x + U_h (r h_prev) + b_h)
    h = z h_prev + (1 - z) h_tilde                    z keeps the old state

W_r, W_z, W_h are (n, m), U_r, U_z, U_h (n, n); b_r, b_z, b_h (n,); state (h,).
"""

from __future__ import annotations

import numpy as np

from tests.oracles.loops import add, arrays, outer, product, sigmoid, transposed_product, upstream_of


def forward(p, x, states):
    """r, z, rh (= r h_prev), h_tilde, h."""
    (h_prev,) = states
    r = [sigmoid(s) for s in add(product(p["W_r"], x), product(p["U_r"], h_prev), p["b_r"])]
    z = [sigmoid(s) for s in add(product(p["W_z"], x), product(p["U_z"], h_prev), p["b_z"])]
    rh = [r[j] * h_prev[j] for j in range(len(r))]
    h_tilde = [np.tanh(s) for s in add(product(p["W_h"], x), product(p["U_h"], rh), p["b_h"])]
    h = [z[j] * h_prev[j] + (1 - z[j]) * h_tilde[j] for j in range(len(r))]
    return arrays({"r": r, "z": z, "rh": rh, "h_tilde": h_tilde, "h": h})


def backward(p, x, states, upstream):
    """The gradients, given dL/dh in `upstream`. d_r is dL/d(pre-activation of r), and so on.

    d_h = dh (1-z) (1-h_tilde^2)      d_z = dh (h_prev - h_tilde) z (1-z)
    d_rh = U_h^T d_h                  d_r = d_rh h_prev r (1-r)
    dW_h = d_h x^T, dU_h = d_h (r h_prev)^T, db_h = d_h
    dx = W_r^T d_r + W_z^T d_z + W_h^T d_h
    dh_prev = dh z + d_rh r + U_r^T d_r + U_z^T d_z
    """
    (h_prev,) = states
    v = forward(p, x, states)
    r, z, rh, h_tilde = (v[name] for name in ("r", "z", "rh", "h_tilde"))
    dh = upstream_of(upstream, "h", z)
    states_range = range(len(z))
    d_h = [dh[j] * (1 - z[j]) * (1 - h_tilde[j] * h_tilde[j]) for j in states_range]
    d_z = [dh[j] * (h_prev[j] - h_tilde[j]) * z[j] * (1 - z[j]) for j in states_range]
    d_rh = transposed_product(p["U_h"], d_h)
    d_r = [d_rh[j] * h_prev[j] * r[j] * (1 - r[j]) for j in states_range]
    kept = [dh[j] * z[j] + d_rh[j] * r[j] for j in states_range]
    back = transposed_product
    gradients = {
        **{"W_r": outer(d_r, x), "U_r": outer(d_r, h_prev), "b_r": d_r},
        **{"W_z": outer(d_z, x), "U_z": outer(d_z, h_prev), "b_z": d_z},
        **{"W_h": outer(d_h, x), "U_h": outer(d_h, rh), "b_h": d_h},
        "x": add(back(p["W_r"], d_r), back(p["W_z"], d_z), back(p["W_h"], d_h)),
        "h_prev": add(kept, back(p["U_r"], d_r), back(p["U_z"], d_z)),
    }
    return arrays(gradients)
