"""Cells as people write them, beside the built-in ones: what the emitters must cope with."""

import numpy as np

from symlstm import functions as F
from symlstm.plugins import CELLS, registered

BUILT_IN = tuple(registered(CELLS))
NOTATIONS = ("default", "blog", "course", "course_letters")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def from_a_course(xt, a_prev, c_prev, parameters):
    Wf = parameters["Wf"]
    bf = parameters["bf"]
    Wi, bi = parameters["Wi"], parameters["bi"]
    Wc, bc = parameters["Wc"], parameters["bc"]
    Wo, bo = parameters["Wo"], parameters["bo"]
    concat = np.concatenate([a_prev, xt])
    ft = sigmoid(np.dot(Wf, concat) + bf)
    it = sigmoid(np.dot(Wi, concat) + bi)
    cct = np.tanh(np.dot(Wc, concat) + bc)
    c_next = np.multiply(ft, c_prev) + np.multiply(it, cct)
    ot = sigmoid(np.dot(Wo, concat) + bo)
    a_next = np.multiply(ot, np.tanh(c_next))
    return a_next, c_next


def looped(x, h_prev, c_prev, *, p):
    gates = {}
    for k in "fioc":
        gates[k] = p["W_" + k] @ x + p["U_" + k] @ h_prev
    f = sigmoid(gates["f"])
    i = sigmoid(gates["i"])
    c = f * c_prev + i * np.tanh(gates["c"])
    h = sigmoid(gates["o"]) * np.tanh(c)
    return h, c


def stacked(x, h_prev, c_prev, *, W: "4*n n+m", b: "4*n"):
    n = h_prev.shape[0]
    z = W @ np.hstack([h_prev, x]) + b
    f = 1 / (1 + np.exp(-z[:n]))
    i = sigmoid(z[n : 2 * n])
    g = np.tanh(z[2 * n : 3 * n])
    o = sigmoid(z[3 * n :])
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, c


def sliced(x, h_prev, *, W: "n n+m", b: "n", a: ""):
    n = h_prev.shape[0]
    z = W[:, :n] @ h_prev + W[:, n:] @ x + b
    u = a * np.tanh(z) ** 2 - 0.5 * h_prev
    h = (W[:, :n] @ u) * h_prev / (1 + u**2)
    return h


def everything(x: "m", h_prev: "n", *, W: "n n+m", V: "n n", p: "n", a: ""):
    """Every function of the tables and every node type, in one cell."""
    n = h_prev.shape[0]
    z = W @ np.concatenate([h_prev, x])
    e = np.exp(z) + np.log(z) + np.sqrt(z) + np.abs(z) + np.sign(z) + np.expm1(z) + np.log1p(z)
    s = np.sin(z) + np.cos(z) + np.sinh(z) + np.cosh(z) + np.arctan(z) + np.heaviside(z, 0.0)
    g = F.relu(z) + F.softplus(z) + F.log_sigmoid(z) + F.sigmoid(z) * np.tanh(z) ** 3
    u = np.maximum(e, s) / (2 + np.minimum(g, p) ** 2)
    r = np.sum(u) + np.mean(s) + np.var(s) + np.max(s) + F.norm(s) + F.logsumexp(s)
    v = r * F.softmax(V.T @ u) + np.outer(p, u) @ h_prev - W[:, :n] @ h_prev
    h = a * v - (p @ v) * h_prev
    return h


OWN = (from_a_course, looped, stacked, sliced)
