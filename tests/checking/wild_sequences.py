"""A course's sequence in rows (batch, time, features) and another's in columns (features, batch, time)."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def rows_step(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = x.dot(Wx) + prev_h.dot(Wh) + b
    i, f, o, g = sigmoid(a[:, :H]), sigmoid(a[:, H : 2 * H]), sigmoid(a[:, 2 * H : 3 * H]), np.tanh(a[:, 3 * H :])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


def rows_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    da = np.hstack(
        [dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * tanh_c * o * (1 - o), dc * i * (1 - g**2)]
    )
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def rows_forward(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    h, cache = np.zeros((N, T, h0.shape[1])), {}
    prev_h, prev_c = h0, np.zeros_like(h0)
    for t in range(T):
        prev_h, prev_c, cache[t] = rows_step(x[:, t], prev_h, prev_c, Wx, Wh, b)
        h[:, t] = prev_h
    return h, cache


def rows_backward(dh, cache, carry=1):
    N, T, H = dh.shape
    _, _, _, Wx, Wh, *_ = cache[0]
    dx, dWx, dWh, db = np.zeros((N, T, Wx.shape[0])), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(4 * H)
    dh0, dprev_c = np.zeros((N, H)), np.zeros((N, H))
    for t in reversed(range(T)):
        above = dh[:, t] + carry * dh0
        dx[:, t], dh0, dprev_c, dWx_t, dWh_t, db_t = rows_step_backward(above, dprev_c, cache[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dh0, dWx, dWh, db


def rows(n, m, batch, rng):
    draw = rng.standard_normal
    return draw((batch, 3, m)), draw((batch, n)), draw((m, 4 * n)), draw((n, 4 * n)), draw(4 * n)


def softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


def columns_forward(x, a0, parameters):
    p = parameters
    T = x.shape[2]
    a, c, y = (np.zeros((rows, x.shape[1], T)) for rows in (len(a0), len(a0), len(p["Wy"])))
    a_next, c_next, caches = a0, np.zeros_like(a0), []
    for t in range(T):
        hx = np.concatenate((a_next, x[:, :, t]), axis=0)
        f, i, o = (sigmoid(p[f"W{g}"] @ hx + p[f"b{g}"]) for g in "fio")
        c_next = f * c_next + i * np.tanh(p["Wc"] @ hx + p["bc"])
        a_next = o * np.tanh(c_next)
        a[:, :, t], c[:, :, t], y[:, :, t] = a_next, c_next, softmax(p["Wy"] @ a_next + p["by"])
        caches.append((a_next, c_next, f, i, o, p))
    return a, y, c, (caches, x)


def columns(n, m, batch, rng):
    draw = rng.standard_normal
    p = {f"W{g}": draw((n, n + m)) for g in "fico"} | {f"b{g}": draw((n, 1)) for g in "fico"}
    return draw((m, batch, 7)), draw((n, batch)), p | {"Wy": draw((2, n)), "by": draw((2, 1))}
