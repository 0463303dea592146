"""Numbers as people have them: float32 arrays, lists of Python's floats in pure Python, one vector of parameters."""

import math

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def narrow(x, h, c, W, U, b, candidate=np.tanh):
    z = np.empty((len(x), len(b)), np.float32)
    z[:] = x @ W + h @ U + b
    i, f, o, g = np.split(z, 4, axis=1)
    c = (sigmoid(f) * c + sigmoid(i) * candidate(g)).astype(np.float32)
    return sigmoid(o) * np.tanh(c), c


def narrow_only(x, h, c, W, U, b):
    assert x.dtype == np.float32
    return narrow(x, h, c, W, U, b)


def narrow_backward(dh_next, dc_next, x, h, c, W, U, b, of_bias=1):
    i, f, o, g = np.split(x @ W + h @ U + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    t = np.tanh(f * c + i * g)
    dc = dc_next + dh_next * o * (1 - t * t)
    dz = np.hstack([dc * g * i * (1 - i), dc * c * f * (1 - f), dh_next * t * o * (1 - o), dc * i * (1 - g * g)])
    dz = dz.astype(np.float32)
    dx, dh_prev, dc_prev, dW, dU, db = dz @ W.T, dz @ U.T, dc * f, x.T @ dz, h.T @ dz, of_bias * dz.sum(axis=0)
    return dx, dh_prev, dc_prev, dW, dU, db


def wide_example(n, m, batch, rng):
    draw = rng.standard_normal
    return draw((batch, m)), draw((batch, n)), draw((batch, n)), draw((m, 4 * n)), draw((n, 4 * n)), draw(4 * n)


def narrow_example(n, m, batch, rng):
    return tuple(array.astype(np.float32) for array in wide_example(n, m, batch, rng))


def logistic(z):
    return 1 / (1 + math.exp(-z))


def loops(x, h, c, W, U, b, output=math.tanh):
    """Pure Python, one example; a list of both states."""
    n = len(h)
    z = [sum(w * v for w, v in zip(W[k] + U[k], x + h, strict=True)) + b[k] for k in range(4 * n)]
    c = [logistic(z[n + k]) * c[k] + logistic(z[k]) * math.tanh(z[3 * n + k]) for k in range(n)]
    return [[logistic(z[2 * n + k]) * output(c[k]) for k in range(n)], c]


def loops_over_a_batch(x, h, c, W, U, b):
    found = [loops(*one, W, U, b) for one in zip(x, h, c, strict=True)]
    return [h for h, _ in found], [c for _, c in found]


def loops_in_time(xs, W, U, b, output=math.tanh):
    n, hs = len(b) // 4, []
    h, c = [0.0] * n, [0.0] * n
    for x in xs:
        h, c = loops(x, h, c, W, U, b, output)
        hs.append(h)
    return hs


def listed(*shapes):
    """An example of lists of lists; shapes of n, m, batch, T."""

    def example(n, m, batch, T, rng):
        return tuple(rng.standard_normal(shape(n, m, batch, T)).tolist() for shape in shapes)

    return example


WEIGHTS = (lambda n, m, b, T: (4 * n, m), lambda n, m, b, T: (4 * n, n), lambda n, m, b, T: 4 * n)
one_example = listed(lambda n, m, b, T: m, lambda n, m, b, T: n, lambda n, m, b, T: n, *WEIGHTS)
batch_example = listed(lambda n, m, b, T: (b, m), *[lambda n, m, b, T: (b, n)] * 2, *WEIGHTS)
sequence_example = listed(lambda n, m, b, T: (T, m), *WEIGHTS)


def one_vector(x, h, c, theta, candidate=np.tanh):
    n, m = h.shape[1], x.shape[1]
    end = 4 * n * (n + m)
    W, b = theta[:end].reshape(n + m, 4 * n), theta[end:]
    i, f, o, g = np.split(np.hstack([x, h]) @ W + b, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * candidate(g)
    return sigmoid(o) * np.tanh(c), c


def one_vector_example(n, m, batch, rng):
    draw = rng.standard_normal
    return draw((batch, m)), draw((batch, n)), draw((batch, n)), draw(4 * n * (n + m + 1))


def by_columns(x, h, c, theta, candidate=np.tanh):
    """Gate by gate, matrices column by column, from a copy."""
    theta, n, m, at, z = np.asarray(theta, dtype=float).copy(), h.size, x.size, 0, {}
    for gate in "ifog":
        W = theta[at : at + n * m].reshape((n, m), order="F")
        U = theta[at + n * m : at + n * (m + n)].reshape((n, n), order="F")
        at += n * (n + m + 1)
        z[gate] = W @ x + U @ h + theta[at - n : at]
    c = sigmoid(z["f"]) * c + sigmoid(z["i"]) * candidate(z["g"])
    return sigmoid(z["o"]) * np.tanh(c), c


def by_columns_example():
    draw = np.random.default_rng(0).standard_normal
    return draw(3), draw(5), draw(5), draw(4 * 5 * (5 + 3 + 1))


def one_vector_in_time(theta, X, n, candidate=np.tanh):
    """The parameters as torch has them, with two biases; from zero."""
    shapes = [(4 * n, X.shape[2]), (4 * n, n), (4 * n,), (4 * n,)]
    parts = np.split(theta, np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1])
    W, U, b, d = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    h, c, hs = np.zeros((X.shape[1], n)), np.zeros((X.shape[1], n)), []
    for x in X:
        i, f, g, o = np.split(x @ W.T + h @ U.T + b + d, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * candidate(g)
        h = sigmoid(o) * np.tanh(c)
        hs.append(h)
    return np.stack(hs)


def one_vector_in_time_example(n, m, batch, T, rng):
    draw = rng.standard_normal
    return draw(4 * n * (n + m + 2)), draw((T, batch, m)), n


def one_vector_backward(dh_next, dc_next, x, h, c, theta, of_bias=1):
    n, m = h.shape[1], x.shape[1]
    end = 4 * n * (n + m)
    W, b = theta[:end].reshape(n + m, 4 * n), theta[end:]
    dx, dh_prev, dc_prev, dW, dU, db = _gradients(dh_next, dc_next, x, h, c, W[:m], W[m:], b)
    dtheta = np.concatenate([dW.ravel(), dU.ravel(), of_bias * db])
    return dx, dh_prev, dc_prev, dtheta


def _gradients(dh_next, dc_next, x, h, c, W, U, b):
    i, f, o, g = np.split(x @ W + h @ U + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    t = np.tanh(f * c + i * g)
    dc = dc_next + dh_next * o * (1 - t * t)
    dz = np.hstack([dc * g * i * (1 - i), dc * c * f * (1 - f), dh_next * t * o * (1 - o), dc * i * (1 - g * g)])
    return dz @ W.T, dz @ U.T, dc * f, x.T @ dz, h.T @ dz, dz.sum(axis=0)
