"""The simple recurrent network with relu (Le, Jaitly and Hinton 2015): h = max(0, W x + U h_prev + b).

W is (n, m), U (n, n), b (n,); state (h,).
"""

from __future__ import annotations

from tests.oracles.loops import add, arrays, outer, product, transposed_product, upstream_of


def forward(p, x, states):
    """h."""
    (h_prev,) = states
    h = [max(s, 0 * s) for s in add(product(p["W"], x), product(p["U"], h_prev), p["b"])]
    return arrays({"h": h})


def backward(p, x, states, upstream):
    """The gradients, given dL/dh in `upstream`: d = dh where h > 0, else 0."""
    (h_prev,) = states
    h = forward(p, x, states)["h"]
    dh = upstream_of(upstream, "h", h)
    d = [dh[j] if h[j] > 0 else 0 * dh[j] for j in range(len(h))]
    gradients = {
        **{"W": outer(d, x), "U": outer(d, h_prev), "b": d},
        "x": transposed_product(p["W"], d),
        "h_prev": transposed_product(p["U"], d),
    }
    return arrays(gradients)
