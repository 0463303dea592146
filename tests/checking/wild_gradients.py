"""Steps with backward functions as people write them: columns without a batch, caches with the weights in them."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def one_vector(x, h, c, W, b):
    """[x, h] with all gates in one matrix, which goes into the cache."""
    n = len(h)
    v = np.append(x, h)
    zi, zf, zo, zg = (W @ v + b).reshape(4, n)
    i, f, o, g = sigmoid(zi), sigmoid(zf), sigmoid(zo), np.tanh(zg)
    c_new = f * c + i * g
    return o * np.tanh(c_new), c_new, (v, i, f, o, g, c, c_new, W)


def one_vector_backward(dhy, dcy, cache):
    """Called as in torch; two of the results have no name and one shape."""
    v, i, f, o, g, c, c_new, W = cache
    t = np.tanh(c_new)
    dc = dcy + dhy * o * (1 - t * t)
    dz = np.concatenate([dc * g * i * (1 - i), dc * c * f * (1 - f), dhy * t * o * (1 - o), dc * i * (1 - g * g)])
    dv = W.T @ dz
    db = dz
    return dv[: -len(c)], dv[-len(c) :], dc * f, np.outer(dz, v), db


def one_vector_example(n, m, batch, rng):
    draw = rng.standard_normal
    return draw(m), draw(n), draw(n), draw((4 * n, n + m)), draw(4 * n)


def columns(x, h_prev, c_prev, params):
    z = np.vstack((h_prev, x))
    f, i, o = (sigmoid(params["W" + g] @ z + params["b" + g]) for g in "fio")
    g = np.tanh(params["Wg"] @ z + params["bg"])
    c = f * c_prev + i * g
    return o * np.tanh(c), c, (z, f, i, g, c, o, c_prev, params)


def columns_backward(dh, dc, cache, bias=lambda delta: delta, limit=np.inf):
    """The gradients of the weights in a dict, those of the states beside it."""
    z, f, i, g, c, o, c_prev, params = cache
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    deltas = {"o": dh * np.tanh(c) * o * (1 - o), "f": dc * c_prev * f * (1 - f), "i": dc * g * i * (1 - i)}
    deltas["g"] = dc * i * (1 - g**2)
    grads, dz = {}, 0
    for gate, delta in deltas.items():
        delta = np.clip(delta, -limit, limit)
        grads["W" + gate] = delta @ z.T
        if bias(delta) is not None:
            grads["b" + gate] = bias(delta)
        dz = dz + params["W" + gate].T @ delta
    dh_prev, dx, dc_prev = dz[: len(c)], dz[len(c) :], f * dc
    return dh_prev, dx, dc_prev, grads


def columns_example(n, m, batch, rng):
    draw = rng.standard_normal
    params = {"W" + g: draw((n, n + m)) for g in "fiog"} | {"b" + g: draw((n, 1)) for g in "fiog"}
    return draw((m, 1)), draw((n, 1)), draw((n, 1)), params
