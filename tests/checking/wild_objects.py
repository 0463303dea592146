"""Implementations whose parameters are objects that hold more than a value, as people write them."""

from types import SimpleNamespace

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Param:
    """A value, its gradient and its momentum."""

    def __init__(self, value):
        self.v, self.d, self.m = value, np.zeros_like(value), np.zeros_like(value)


def step_of_a_character_model(x, h_prev, C_prev, p):
    """Returns every intermediate value; the logits v and their softmax y have one shape."""
    z = np.vstack((h_prev, x))
    f = sigmoid(np.dot(p.W_f.v, z) + p.b_f.v)
    i = sigmoid(np.dot(p.W_i.v, z) + p.b_i.v)
    C_bar = np.tanh(np.dot(p.W_C.v, z) + p.b_C.v)
    C = f * C_prev + i * C_bar
    o = sigmoid(np.dot(p.W_o.v, z) + p.b_o.v)
    h = o * np.tanh(C)
    v = np.dot(p.W_v.v, h) + p.b_v.v
    y = np.exp(v) / np.sum(np.exp(v))
    return z, f, i, C_bar, C, o, h, v, y


def character_model(n, m, batch, rng):
    """The vocabulary is both what goes in and what comes out."""
    draw = rng.standard_normal
    p = SimpleNamespace(**{f"W_{g}": Param(draw((n, n + m))) for g in "fiCo"})
    vars(p).update({f"b_{g}": Param(draw((n, 1))) for g in "fiCo"}, W_v=Param(draw((m, n))), b_v=Param(draw((m, 1))))
    return {"x": draw((m, 1)), "h_prev": draw((n, 1)), "C_prev": draw((n, 1)), "p": p}


class Node:
    """The cell state is called s, h is s times o, and gradients lie beside the weights."""

    def __init__(self, param):
        self.param, self.state = param, SimpleNamespace()

    def put_in(self, x, s_prev, h_prev):
        p, s, xc = self.param, self.state, np.hstack((x, h_prev))
        s.g = np.tanh(p.wg @ xc + p.bg)
        s.i = sigmoid(p.wi @ xc + p.bi)
        s.f = sigmoid(p.wf @ xc + p.bf)
        s.o = sigmoid(p.wo @ xc + p.bo)
        s.s = s.g * s.i + s_prev * s.f
        s.h = s.s * s.o
        return s.h, s.s


def step_of_a_node(x, s_prev, h_prev, param):
    return Node(param).put_in(x, s_prev, h_prev)


def node(n, m, batch, rng):
    draw = rng.standard_normal
    param = SimpleNamespace(**{f"w{g}": draw((n, m + n)) for g in "gifo"}, **{f"b{g}": draw(n) for g in "gifo"})
    vars(param).update({f"{name}_diff": np.zeros_like(value) for name, value in list(vars(param).items())})
    return {"x": draw(m), "s_prev": draw(n), "h_prev": draw(n), "param": param}


class Resets:
    """Keeps its states in attributes, and sets them to zero at the start of a sequence."""

    def __init__(self, input_size, hidden_size):
        self.hidden_size = hidden_size
        self.W, self.b = np.ones((4 * hidden_size, hidden_size + input_size)), np.ones(4 * hidden_size)
        self.h = self.c = np.zeros(hidden_size)

    def forget(self):
        self.h, self.c = np.zeros(self.hidden_size), np.zeros(self.hidden_size)

    def forward(self, xs):
        self.forget()
        return np.array([self.step(x) for x in xs])

    def step(self, x):
        i, f, o, g = np.split(self.W @ np.concatenate([self.h, x]) + self.b, 4)
        i, f, o = (1 / (1 + np.exp(-z)) for z in (i, f, o))
        self.c = f * self.c + i * np.tanh(g)
        self.h = o * np.tanh(self.c)
        return self.h


class ResetsTheOutput(Resets):
    def forget(self):
        self.h = np.zeros(self.hidden_size)

    def step(self, x):
        self.c = np.zeros(self.hidden_size)
        return super().step(x)
