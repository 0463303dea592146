"""Recurrent cells as people write them, in NumPy: what a user brings to `sl.cell`.

Nothing here is written for symlstm. Batches are columns in the course style and rows in the CS231n style.
"""

# ruff: noqa: B905  (people zip without strict, and unpack sizes that they do not use)

from __future__ import annotations

import functools

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(x):
    e_x = np.exp(x - np.max(x, axis=0))
    return e_x / e_x.sum(axis=0)


# --- the course notebook: a dict of parameters, one example a column -----------------------------------------------


def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    Wf = parameters["Wf"]
    bf = parameters["bf"]
    Wi = parameters["Wi"]
    bi = parameters["bi"]
    Wc = parameters["Wc"]
    bc = parameters["bc"]
    Wo = parameters["Wo"]
    bo = parameters["bo"]
    Wy = parameters["Wy"]
    by = parameters["by"]

    n_x, m = xt.shape
    n_y, n_a = Wy.shape

    concat = np.concatenate((a_prev, xt), axis=0)

    ft = sigmoid(np.dot(Wf, concat) + bf)
    it = sigmoid(np.dot(Wi, concat) + bi)
    cct = np.tanh(np.dot(Wc, concat) + bc)
    c_next = np.multiply(ft, c_prev) + np.multiply(it, cct)
    ot = sigmoid(np.dot(Wo, concat) + bo)
    a_next = np.multiply(ot, np.tanh(c_next))

    yt_pred = softmax(np.dot(Wy, a_next) + by)

    cache = (a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, parameters)
    return a_next, c_next, yt_pred, cache


def rnn_cell_forward(xt, a_prev, parameters):
    Wax = parameters["Wax"]
    Waa = parameters["Waa"]
    Wya = parameters["Wya"]
    ba = parameters["ba"]
    by = parameters["by"]
    a_next = np.tanh(np.dot(Wax, xt) + np.dot(Waa, a_prev) + ba)
    yt_pred = softmax(np.dot(Wya, a_next) + by)
    cache = (a_next, a_prev, xt, parameters)
    return a_next, yt_pred, cache


# --- CS231n: one example a row, slices of one stacked pre-activation ------------------------------------------------


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    N, H = prev_h.shape
    a = x.dot(Wx) + prev_h.dot(Wh) + b
    i = sigmoid(a[:, 0:H])
    f = sigmoid(a[:, H : 2 * H])
    o = sigmoid(a[:, 2 * H : 3 * H])
    g = np.tanh(a[:, 3 * H :])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    cache = (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)
    return next_h, next_c, cache


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    cache = (x, prev_h, Wx, Wh, next_h)
    return next_h, cache


# --- stacked weights ------------------------------------------------------------------------------------------------


def lstm_split(x, h_prev, c_prev, W, U, b):
    z = W @ x + U @ h_prev + b
    i, f, g, o = np.split(z, 4)
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, (h, c)


def lstm_split_rows(x, h, c, params):
    gates = np.dot(x, params["W_ih"].T) + params["b_ih"] + np.dot(h, params["W_hh"].T) + params["b_hh"]
    ingate, forgetgate, cellgate, outgate = np.split(gates, 4, axis=1)
    ingate = 1.0 / (1.0 + np.exp(-ingate))
    forgetgate = 1.0 / (1.0 + np.exp(-forgetgate))
    cellgate = np.tanh(cellgate)
    outgate = 1.0 / (1.0 + np.exp(-outgate))
    c = forgetgate * c + ingate * cellgate
    h = outgate * np.tanh(c)
    return h, c


def lstm_hstack(x, h_prev, c_prev, W, b):
    n = h_prev.shape[0]
    hx = np.hstack([h_prev, x])
    z = np.dot(W, hx) + b
    f = sigmoid(z[:n])
    i = sigmoid(z[n : 2 * n])
    o = sigmoid(z[2 * n : 3 * n])
    g = np.tanh(z[3 * n : 4 * n])
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, c


# --- loops, nested dicts, helpers, objects --------------------------------------------------------------------------


def lstm_gate_loop(x, h_prev, c_prev, params):
    gates = {}
    for name, activation in (("f", sigmoid), ("i", sigmoid), ("o", sigmoid), ("g", np.tanh)):
        gates[name] = activation(params["W"][name] @ x + params["U"][name] @ h_prev + params["b"][name])
    c = gates["f"] * c_prev + gates["i"] * gates["g"]
    h = gates["o"] * np.tanh(c)
    return h, c


def lstm_local_helpers(x, h_prev, c_prev, W_f, W_i, W_o, W_g, b_f, b_i, b_o, b_g):
    xh = np.concatenate([x, h_prev])
    sig = lambda v: np.exp(v) / (1 + np.exp(v))  # noqa: E731

    def affine(W, b):
        return W @ xh + b

    f, i, o = sig(affine(W_f, b_f)), sig(affine(W_i, b_i)), sig(affine(W_o, b_o))
    g = np.tanh(affine(W_g, b_g))
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, c


def gru_object(x, h_prev, p):
    z = sigmoid(p.Wz @ x + p.Uz @ h_prev + p.bz)
    r = sigmoid(p.Wr @ x + p.Ur @ h_prev + p.br)
    n = np.tanh(p.Wn @ x + r * (p.Un @ h_prev) + p.bn)
    return (1 - z) * n + z * h_prev


class GRU:
    """A layer object: parameters as keyword arguments of its step."""

    def __init__(self, activation=np.tanh):
        self.activation = activation

    def step(self, x, h_prev, *, W_z, W_r, W_h):
        xh = np.concatenate((x, h_prev))
        z = sigmoid(W_z @ xh)
        r = sigmoid(W_r @ xh)
        h_hat = self.activation(W_h @ np.concatenate((x, r * h_prev)))
        h = z * h_prev + (1 - z) * h_hat
        return h


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@logged
def rnn_decorated(x, h_prev, W, U, b):
    h = np.tanh(np.matmul(W, x) + np.matmul(U, h_prev) + b)
    return h


def rnn_activation(x, h_prev, W, U, b, activation):
    h = activation(W @ x + U @ h_prev + b)
    return h


rnn_partial = functools.partial(rnn_activation, activation=np.tanh)


def lstm_coupled(x, h_prev, c_prev, Wf, Uf, bf, Wg, Ug, bg, Wo, Uo, bo, forget_bias=1.0):
    f = 0.5 * (np.tanh(0.5 * (Wf @ x + Uf @ h_prev + bf + forget_bias)) + 1)
    g = np.tanh(Wg @ x + Ug @ h_prev + bg)
    o = 0.5 * (np.tanh(0.5 * (Wo @ x + Uo @ h_prev + bo)) + 1)
    c = f * c_prev + (1.0 - f) * g
    h = o * np.tanh(c)
    return h, c


# --- peepholes, projections, layer norm -----------------------------------------------------------------------------


def lstm_peepholes(x, h_prev, c_prev, Wi, Ri, pi, bi, Wf, Rf, pf, bf, Wz, Rz, bz, Wo, Ro, po, bo):
    z_bar = Wz.dot(x) + Rz.dot(h_prev) + bz
    z = np.tanh(z_bar)
    i = sigmoid(Wi.dot(x) + Ri.dot(h_prev) + pi * c_prev + bi)
    f = sigmoid(Wf.dot(x) + Rf.dot(h_prev) + pf * c_prev + bf)
    c = z * i + c_prev * f
    o = sigmoid(Wo.dot(x) + Ro.dot(h_prev) + po * c + bo)
    h = np.tanh(c) * o
    return h, c


def lstm_projection(x, h_prev, c_prev, W, R, b, W_p):
    i, f, g, o = np.split(W @ x + R @ h_prev + b, 4)
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g)
    h = W_p @ (sigmoid(o) * np.tanh(c))
    return h, c


def layer_norm(v, gain, bias, eps=1e-5):
    mean = np.mean(v)
    var = np.var(v)
    return gain * (v - mean) / np.sqrt(var + eps) + bias


def rnn_layer_norm(x, h_prev, W, U, gain, bias):
    a = W @ x + U @ h_prev
    h = np.tanh(layer_norm(a, gain, bias))
    return h


def rnn_layer_norm_rows(x, h_prev, W, U, g, b, eps=1e-6):
    a = x @ W + h_prev @ U
    mu = a.mean(axis=-1, keepdims=True)
    sigma = np.sqrt(((a - mu) ** 2).mean(axis=-1, keepdims=True) + eps)
    h = np.tanh(g * (a - mu) / sigma + b)
    return h


def rnn_rms_norm(x, h_prev, W, U, g):
    a = W @ x + U @ h_prev
    h = np.tanh(g * a / np.sqrt(np.mean(a**2) + 1e-8))
    return h


# --- other recurrent units ------------------------------------------------------------------------------------------


def minimal_gated_unit(x, h_prev, W_f, U_f, b_f, W_h, U_h, b_h):
    f = sigmoid(W_f @ x + U_f @ h_prev + b_f)
    h_tilde = np.tanh(W_h @ x + U_h @ (f * h_prev) + b_h)
    return (1 - f) * h_prev + f * h_tilde


def janet(x, h_prev, U_f, W_f, b_f, U_c, W_c, b_c, beta=1):
    s = U_f @ h_prev + W_f @ x + b_f
    c_tilde = np.tanh(U_c @ h_prev + W_c @ x + b_c)
    h = sigmoid(s) * h_prev + (1 - sigmoid(s - beta)) * c_tilde
    return h


def sru(x, c_prev, W, W_f, W_r, v_f, v_r, b_f, b_r):
    f = sigmoid(W_f @ x + v_f * c_prev + b_f)
    c = f * c_prev + (1 - f) * (W @ x)
    r = sigmoid(W_r @ x + v_r * c_prev + b_r)
    h = r * c + (1 - r) * (W @ x)
    return h, c


def qrnn(x, c_prev, W_z, W_f, W_o):
    z, f, o = np.tanh(x @ W_z), sigmoid(x @ W_f), sigmoid(x @ W_o)
    c = f * c_prev + (1 - f) * z
    h = o * c
    return h, c


def fast_grnn(x, h_prev, W, U, b_z, b_h, zeta, nu):
    pre = W @ x + U @ h_prev
    z = sigmoid(pre + b_z)
    h_tilde = np.tanh(pre + b_h)
    h = (sigmoid(zeta) * (1 - z) + sigmoid(nu)) * h_tilde + z * h_prev
    return h


def ugrnn(x, h_prev, W, b, forget_bias=1.0):
    g_act, c_act = np.array_split(np.concatenate([x, h_prev], 0) @ W + b, 2)
    c = np.tanh(c_act)
    g = sigmoid(g_act + forget_bias)
    h = g * h_prev + (1.0 - g) * c
    return h


def mogrifier_rnn(x, h_prev, Q, R, W, U, b, rounds=2):
    h = h_prev
    for i in range(1, rounds + 1):
        if i % 2 == 1:
            x = 2 * sigmoid(Q @ h) * x
        else:
            h = 2 * sigmoid(R @ x) * h
    h = np.tanh(W @ x + U @ h + b)
    return h


def leaky_echo_state(u, x_prev, W_in, W, leak):
    x = (1 - leak) * x_prev + leak * np.tanh(W_in @ u + W @ x_prev)
    return x


def slstm(x, h_prev, c_prev, n_prev, m_prev, W_z, R_z, b_z, W_i, R_i, b_i, W_f, R_f, b_f, W_o, R_o, b_o):
    z = np.tanh(W_z @ x + R_z @ h_prev + b_z)
    i_tilde = W_i @ x + R_i @ h_prev + b_i
    f_tilde = W_f @ x + R_f @ h_prev + b_f
    o = sigmoid(W_o @ x + R_o @ h_prev + b_o)
    m = np.maximum(f_tilde + m_prev, i_tilde)
    i = np.exp(i_tilde - m)
    f = np.exp(f_tilde + m_prev - m)
    c = f * c_prev + i * z
    n = f * n_prev + i
    h = o * (c / n)
    return h, c, n, m


def autonomous(h_prev, *, W, b):
    return np.tanh(W @ h_prev + b)


def jordan(x, y_prev, W_h, U_h, b_h, W_y, b_y):
    h = sigmoid(W_h @ x + U_h @ y_prev + b_h)
    y = W_y @ h + b_y
    return y


def multiplicative_rnn(x, h_prev, W_fx, W_fh, W_hf, W_hx, b):
    factor = (W_fx @ x) * (W_fh @ h_prev)
    h = np.tanh(W_hf @ factor + W_hx @ x + b)
    return h


def mlstm_rebound(x, h, c, wx, wh, wmx, wmh, b):
    """The style of a published multiplicative LSTM: everything is rebound."""
    m = np.dot(x, wmx) * np.dot(h, wmh)
    z = np.dot(x, wx) + np.dot(m, wh) + b
    i, f, o, u = np.split(z, 4, axis=-1)
    i = sigmoid(i)
    f = sigmoid(f)
    o = sigmoid(o)
    u = np.tanh(u)
    c = f * c + i * u
    h = o * np.tanh(c)
    return h, c


def relu_rnn(x, h_prev, W, U, b):
    z = W @ x + U @ h_prev + b
    return np.where(z > 0, z, 0)


def leaky_relu_rnn(x, h_prev, W, U, b, slope=0.01):
    z = np.einsum("ij,j->i", W, x) + np.einsum("ij,j->i", U, h_prev) + b
    h = np.where(z >= 0, z, slope * z)
    return h


def stable_sigmoid(z):
    return np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))


def accumulating(x, h_prev, W, U, b):
    z = W @ x
    z += U @ h_prev
    z += b
    h = stable_sigmoid(z)
    return h


def hard_sigmoid_gru(x, h_prev, Wz, Uz, Wh, Uh):
    z = np.clip(0.2 * (Wz @ x + Uz @ h_prev) + 0.5, 0.0, 1.0)
    h = z * h_prev + (1 - z) * np.tanh(Wh @ x + Uh @ h_prev)
    return h


def expit_rnn(x, h_prev, W, U, b):
    from scipy.special import expit

    h = expit(W @ x + U @ h_prev + b)
    return h


def state_first(h_prev, x, W, U, b):
    h = np.tanh(W @ x + U @ h_prev + b)
    return h


def parameters_first(params, state, x):
    h_prev, c_prev = state
    z = params["W"] @ np.concatenate([x, h_prev]) + params["b"]
    f, i, g, o = np.split(z, 4)
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return (h, c)


def carry_first(carry, x, W, U, b):
    h = np.tanh(W @ x + U @ carry + b)
    return h, h


def attention_memory(x, h_prev, W, U, M, b):
    """Reads a memory of k rows: weights softmax(M h), value M^T w."""
    scores = M @ h_prev
    weights = np.exp(scores - np.max(scores)) / np.sum(np.exp(scores - np.max(scores)))
    h = np.tanh(W @ x + U @ (M.T @ weights) + b)
    return h


# --- states and parameters in containers ----------------------------------------------------------------------------


def dict_of_states(params, state, x):
    z = params["W"] @ x + params["U"] @ state["h"] + params["b"]
    i, f, g, o = np.split(z, 4)
    c = sigmoid(f) * state["c"] + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return {"h": h, "c": c}


def tuple_of_parameters(x, h_prev, params):
    W, U, b = params
    h = np.tanh(W @ x + U @ h_prev + b)
    return h


def dicts_by_gate(x, h_prev, c_prev, W, U, b):
    gates = {}
    for g in "ifog":
        pre = W[g] @ x + U[g] @ h_prev + b[g]
        gates[g] = np.tanh(pre) if g == "g" else sigmoid(pre)
    c = gates["f"] * c_prev + gates["i"] * gates["g"]
    h = gates["o"] * np.tanh(c)
    return h, c


class LSTMCell:
    """Weights as attributes, set somewhere else; traced as the plain function LSTMCell.forward."""

    def forward(self, x, state):
        h, c = state
        z = self.W.dot(np.concatenate((x, h))) + self.b
        H = h.shape[0]
        i, f, o = sigmoid(z[:H]), sigmoid(z[H : 2 * H]), sigmoid(z[2 * H : 3 * H])
        g = np.tanh(z[3 * H :])
        c_new = f * c + i * g
        h_new = o * np.tanh(c_new)
        return h_new, (h_new, c_new)


def min_char_rnn(x, hprev, Wxh, Whh, Why, bh, by):
    hs = np.tanh(np.dot(Wxh, x) + np.dot(Whh, hprev) + bh)
    ys = np.dot(Why, hs) + by
    ps = np.exp(ys) / np.sum(np.exp(ys))
    return ps, hs


def columns_by_reshape(x, h_prev, W, b):
    hx = np.vstack((h_prev.reshape(-1, 1), x.reshape(-1, 1)))
    h = np.tanh(np.dot(W, hx) + b.reshape(-1, 1))
    return h


def subscripts_as_in_the_paper(x_t, h_t_1, c_tm1, W):
    f, i, o, g = [act(z) for act, z in zip([sigmoid] * 3 + [np.tanh], np.split(W @ np.append(h_t_1, x_t), 4))]
    c_t = f * c_tm1 + i * g
    h_t = o * np.tanh(c_t)
    return h_t, c_t


def antisymmetric_rnn(x, h_prev, W, V, b, eps=0.01, gamma=0.01):
    h = h_prev + eps * np.tanh((W - W.T) @ h_prev - gamma * h_prev + V @ x + b)
    return h


def legendre_memory_unit(x, h_prev, m_prev, e_x, e_h, e_m, A, B, W_x, W_h, W_m):
    u = e_x @ x + e_h @ h_prev + e_m @ m_prev
    m = A @ m_prev + B * u
    h = np.tanh(W_x @ x + W_h @ h_prev + W_m @ m)
    return h, m


def indrnn(x, h_prev, W, u, b):
    return np.maximum(0, W @ x + u * h_prev + b)


def fast_weights(x, h_prev, W, C, A, decay=0.95, eta=0.5):
    fast = decay * A + eta * np.outer(h_prev, h_prev)
    h = np.tanh(W @ h_prev + C @ x + fast @ h_prev)
    return h


def scaled_weights(x, h_prev, W, U):
    h = np.tanh(0.5 * W @ x + np.sin(U) @ h_prev)
    return h
