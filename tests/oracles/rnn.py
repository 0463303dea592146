"""The simple recurrent network (Elman 1990): h = tanh(W x + U h_prev + b).

W is (n, m), U (n, n), b (n,); state (h,).
"""

from __future__ import annotations

import numpy as np

from tests.oracles.loops import add, arrays, outer, product, transposed_product, upstream_of


def forward(p, x, states):
    """h."""
    (h_prev,) = states
    h = [np.tanh(s) for s in add(product(p["W"], x), product(p["U"], h_prev), p["b"])]
    return arrays({"h": h})


def backward(p, x, states, upstream):
    """The gradients, given dL/dh in `upstream`: d = dh (1 - h^2), dW = d x^T, dU = d h_prev^T, db = d."""
    (h_prev,) = states
    h = forward(p, x, states)["h"]
    dh = upstream_of(upstream, "h", h)
    d = [dh[j] * (1 - h[j] * h[j]) for j in range(len(h))]
    gradients = {
        **{"W": outer(d, x), "U": outer(d, h_prev), "b": d},
        "x": transposed_product(p["W"], d),
        "h_prev": transposed_product(p["U"], d),
    }
    return arrays(gradients)
