"""The LSTM with a prediction: y = softmax(W_y h + b_y), W_y (q, n), b_y (q,); states (h, c), output y.

The rest is `lstm`, see there.
"""

from __future__ import annotations

from tests.oracles import lstm
from tests.oracles.loops import add, arrays, outer, product, softmax, transposed_product, upstream_of


def forward(p, x, states):
    """hx, f, i, c_tilde, c, o, h, y."""
    values = lstm.forward(p, x, states)
    y = softmax(add(product(p["W_y"], values["h"]), p["b_y"]))
    return values | arrays({"y": y})


def backward(p, x, states, upstream):
    """The gradients, given dL/dh, dL/dc and dL/dy in `upstream`.

    d_k = y_k (dy_k - sum_l dy_l y_l)        dW_y = d h^T, db_y = d
    dh grows by W_y^T d; the rest is the LSTM's own.
    """
    v = forward(p, x, states)
    h, y = v["h"], v["y"]
    dy = upstream_of(upstream, "y", y)
    mean = dy[0] * y[0]
    for k in range(1, len(y)):
        mean = mean + dy[k] * y[k]
    d = [y[k] * (dy[k] - mean) for k in range(len(y))]
    dh = add(upstream_of(upstream, "h", h), transposed_product(p["W_y"], d))
    return lstm.backward(p, x, states, {**upstream, "h": dh}) | arrays({"W_y": outer(d, h), "b_y": d})
