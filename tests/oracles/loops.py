"""The few loops that the cells are written with. Vectors are lists of NumPy scalars, matrices arrays."""

from __future__ import annotations

import numpy as np


def sigmoid(z):
    """1 / (1 + e^-z), written so that the exponential never overflows."""
    if z >= 0:
        return 1 / (1 + np.exp(-z))
    return np.exp(z) / (1 + np.exp(z))


def softmax(z):
    """y_k = e^(z_k) / sum_l e^(z_l), the largest z taken out first so that no exponential overflows."""
    top = max(z)
    e = [np.exp(each - top) for each in z]
    total = e[0]
    for each in e[1:]:
        total = total + each
    return [each / total for each in e]


def product(W, v):
    """(W v)_j = sum_k W_jk v_k."""
    result = []
    for j in range(W.shape[0]):
        total = W[j, 0] * v[0]
        for k in range(1, W.shape[1]):
            total = total + W[j, k] * v[k]
        result.append(total)
    return result


def transposed_product(W, d):
    """(W^T d)_k = sum_j W_jk d_j: what a gradient d at W v gives v."""
    result = []
    for k in range(W.shape[1]):
        total = W[0, k] * d[0]
        for j in range(1, W.shape[0]):
            total = total + W[j, k] * d[j]
        result.append(total)
    return result


def outer(d, v):
    """(d v^T)_jk = d_j v_k: what a gradient d at W v gives W."""
    return [[d_j * v_k for v_k in v] for d_j in d]


def add(*vectors):
    """u + v + ..., entry by entry, from left to right."""
    result = list(vectors[0])
    for vector in vectors[1:]:
        for j in range(len(result)):
            result[j] = result[j] + vector[j]
    return result


def upstream_of(upstream, name, like):
    """The gradient given for `name` as a list; zeros as long as `like` when there is none."""
    if name in upstream:
        return list(upstream[name])
    return [0 * each for each in like]


def arrays(values):
    """The values, each a NumPy array."""
    return {name: np.array(value) for name, value in values.items()}
