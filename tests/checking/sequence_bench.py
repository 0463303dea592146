"""Whole sequences in the wild's styles, right and wrong in time: how steps follow each other is one function with
holes, layouts are those that libraries and courses use. Nothing here uses symlstm.
"""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def drive(step, xs, h0, c0, bug=""):
    """step(x, h, c) -> (h, c) over the inputs xs; the states at every step."""
    hs, cs, T = [], [], len(xs)
    zero = 0 * h0
    if bug == "starts exchanged":
        h0, c0 = c0, h0
    if bug == "h0 ignored":
        h0 = zero
    if bug == "both ignored":
        h0 = c0 = zero
    if bug in ("backwards", "backwards in that order"):
        xs = xs[::-1]
    for t in range(T):
        h, c = (hs[-1], cs[-1]) if t else (h0, c0)
        if bug in ("h not carried", "neither carried"):
            h = h0
        if bug in ("c not carried", "neither carried"):
            c = c0
        if bug == "c reset":
            c = zero
        if bug == "h reset":
            h = zero
        if bug == "c carried as h":
            h = cs[-1] if t else h0
        if bug == "h carried as c":
            c = hs[-1] if t else c0
        if bug == "two back":
            h = hs[-2] if t > 1 else h0
        x = {"first x": xs[0], "last x": xs[-1], "x shifted": xs[max(t - 1, 0)], "next x": xs[min(t + 1, T - 1)]}.get(
            bug, xs[t]
        )
        h, c = step(x, h, c)
        hs.append(h)
        cs.append(c)
    if bug == "backwards":
        hs, cs = hs[::-1], cs[::-1]
    if bug == "outputs shifted":
        hs = [h0, *hs[:-1]]
    if bug == "outputs repeated":
        hs = [hs[-1]] * T
    return hs, cs


BUGS = {
    "h not carried": ("h is not carried", "h is reset to zero"),
    "c not carried": ("c is not carried", "c is reset to zero"),
    "neither carried": ("h and c are not carried", "h and c are reset to zero"),
    "h reset": ("h is reset to zero", "h is not carried"),
    "c reset": ("c is reset to zero", "c is not carried"),
    "c carried as h": ("c_t is carried to the next step as h",),
    "h carried as c": ("h_t is carried to the next step as c",),
    "two back": ("h is taken from two steps before",),
    "first x": ("the x of the first step",),
    "last x": ("the x of the last step",),
    "x shifted": ("reads the x of step t - 1",),
    "next x": ("reads the x of step t + 1",),
    "backwards": ("from the last step to the first",),
    "backwards in that order": ("from the last step to the first",),
    "outputs shifted": ("are those before each step",),
    "outputs repeated": ("is returned for every step",),
    "h0 ignored": ("the initial h is ignored",),
    "both ignored": ("the initial h and the initial c are ignored",),
    "starts exchanged": ("in each other's place",),
}
"""What the message of the first finding says: any of these."""
NEED_STATES = {"h0 ignored", "both ignored", "starts exchanged"}
NEED_EVERY_H = {"outputs shifted", "outputs repeated"}


def gates(f="f", i="i", g="c", o="o", h="tanh"):
    """Which letters of the parameters feed which gate, and the activation of the cell state."""
    return {"f": f, "i": i, "g": g, "o": o}, {"tanh": np.tanh, "identity": lambda c: c}[h]


def course(bug="", **wrong):
    """x (n_x, m, T_x), one array a gate by name, a0 alone; returns a, y, c, caches."""
    feeds, squash = gates(**wrong)

    def lstm_forward(x, a0, parameters):
        p, caches = parameters, []
        T_x = x.shape[2]

        def cell(xt, a_prev, c_prev):
            z = np.concatenate((a_prev, xt), axis=0)
            ft, it = (sigmoid(p["W" + feeds[g]] @ z + p["b" + feeds[g]]) for g in "fi")
            cct = np.tanh(p["W" + feeds["g"]] @ z + p["b" + feeds["g"]])
            ot = sigmoid(p["W" + feeds["o"]] @ z + p["b" + feeds["o"]])
            c = ft * c_prev + it * cct
            a = ot * squash(c)
            caches.append((a, c, a_prev, c_prev, ft, it, cct, ot, xt, p))
            return a, c

        hs, cs = drive(cell, [x[:, :, t] for t in range(T_x)], a0, np.zeros_like(a0), bug)
        a, c = np.stack(hs, axis=2), np.stack(cs, axis=2)
        y = np.exp(np.einsum("yn,nmt->ymt", p["Wy"], a) + p["by"][..., None])
        return a, y / y.sum(axis=0), c, (caches, x)

    def example(n, m, batch, T, rng):
        d = rng.standard_normal
        p = {f"W{g}": d((n, n + m)) for g in "fico"} | {f"b{g}": d((n, 1)) for g in "fico"}
        return {"x": d((m, batch, T)), "a0": d((n, batch)), "parameters": p | {"Wy": d((6, n)), "by": d((6, 1))}}

    return lstm_forward, example


def stacked(z, n, order, feeds, squash, c):
    at = {letter: z[..., k * n : (k + 1) * n] for k, letter in enumerate(order)}
    f, i, o = (sigmoid(at[feeds[g]]) for g in "fio")
    c = f * c + i * np.tanh(at[feeds["g"]])
    return o * squash(c), c


def time_major(bug="", **wrong):
    """x (T, B, m), both initial states in a tuple; returns all h and the last (h, c), as torch does."""
    feeds, squash = gates(**wrong)

    def forward(x, state, w_ih, w_hh, b_ih, b_hh):
        def step(xt, h, c):
            return stacked(xt @ w_ih.T + h @ w_hh.T + b_ih + b_hh, h.shape[1], "ifco", feeds, squash, c)

        hs, cs = drive(step, list(x), *state, bug)
        return np.stack(hs), ((hs[-1] if bug != "outputs shifted" else step(x[-1], hs[-1], cs[-2])[0]), cs[-1])

    def example(n, m, batch, T, rng):
        d = rng.standard_normal
        return d((T, batch, m)), (d((batch, n)), d((batch, n))), d((4 * n, m)), d((4 * n, n)), d(4 * n), d(4 * n)

    return forward, example


def batch_major(bug="", **wrong):
    """x (B, T, m), h0 alone, i f o g stacked; returns all h (B, T, n), as in a well-known course."""
    feeds, squash = gates(**wrong)

    def lstm_forward(x, h0, Wx, Wh, b):
        def step(xt, h, c):
            return stacked(xt @ Wx + h @ Wh + b, h.shape[1], "ifoc", feeds, squash, c)

        hs, _ = drive(step, [x[:, t] for t in range(x.shape[1])], h0, np.zeros_like(h0), bug)
        return np.stack(hs, axis=1)

    def example(n, m, batch, rng):
        d = rng.standard_normal
        return {"x": d((batch, 7, m)), "h0": d((batch, n)), "Wx": d((m, 4 * n)), "Wh": d((n, 4 * n)), "b": d(4 * n)}

    return lstm_forward, example


def lists(bug="", **wrong):
    """A list of vectors, dicts of states that start at -1, as character models have it; no batch."""
    feeds, squash = gates(**wrong)

    def forward(inputs, hprev, cprev, W, b):
        n = len(hprev)

        def step(x, h, c):
            return stacked(W @ np.concatenate([x, h]) + b, n, "fico", feeds, squash, c)

        hs, cs = drive(step, inputs, hprev, cprev, bug)
        return {-1: hprev, **dict(enumerate(hs))}, {-1: cprev, **dict(enumerate(cs))}

    def example(n, m, batch, steps, rng):
        d = rng.standard_normal
        return {
            "inputs": [d(m) for _ in range(steps)],
            "hprev": d(n),
            "cprev": d(n),
            "W": d((4 * n, n + m)),
            "b": d(4 * n),
        }

    return forward, example


def zero_inside(bug="", **wrong):
    """x (T, m), no batch, zero states inside, a matrix a gate and side; returns all h."""
    feeds, squash = gates(**wrong)

    def run(params, x):
        n = len(params["b_f"])

        def step(xt, h, c):
            z = {g: params["W_x" + g] @ xt + params["W_h" + g] @ h + params["b_" + g] for g in "fico"}
            return stacked(np.concatenate([z[g] for g in "fico"]), n, "fico", feeds, squash, c)

        hs, _ = drive(step, list(x), np.zeros(n), np.zeros(n), bug)
        return np.array(hs)

    def example(n, m, batch, T, rng):
        d, p = rng.standard_normal, {}
        for g in "fico":
            p |= {f"W_x{g}": d((n, m)), f"W_h{g}": d((n, n)), f"b_{g}": d(n)}
        return {"params": p, "x": d((T, m))}

    return run, example


def last_only(bug="", **wrong):
    """x (B, T, m), zero states inside, the last h and c alone, as layers that return no sequences."""
    feeds, squash = gates(**wrong)

    def call(inputs, kernel, recurrent_kernel, bias):
        n = recurrent_kernel.shape[0]

        def step(xt, h, c):
            return stacked(xt @ kernel + h @ recurrent_kernel + bias, n, "ifco", feeds, squash, c)

        zero = np.zeros((inputs.shape[0], n))
        hs, cs = drive(step, [inputs[:, t] for t in range(inputs.shape[1])], zero, zero, bug)
        return hs[-1], cs[-1]

    def example(n, m, batch, T, rng):
        d = rng.standard_normal
        return d((batch, T, m)), d((m, 4 * n)), d((n, 4 * n)), d(4 * n)

    return call, example


def an_object(bug="", **wrong):
    """A class: weights are attributes, forward takes x (B, T, m) and the initial states."""
    feeds, squash = gates(**wrong)

    class LSTM:
        def __init__(self, input_size, hidden_size):
            self.hidden_size = hidden_size
            self.W = np.random.default_rng(3).standard_normal((4 * hidden_size, hidden_size + input_size))
            self.b = np.zeros(4 * hidden_size)
            self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

        def forward(self, x, h0, c0):
            def step(xt, h, c):
                z = np.concatenate([h, xt], axis=1) @ self.W.T + self.b
                return stacked(z, self.hidden_size, "oifc", feeds, squash, c)

            hs, cs = drive(step, [x[:, t] for t in range(x.shape[1])], h0, c0, bug)
            self.hs = np.stack(hs, axis=1)
            return self.hs, np.stack(cs, axis=1)

    def example(n, m, batch, T, rng):
        d = rng.standard_normal
        return {"x": d((batch, T, m)), "h0": d((batch, n)), "c0": d((batch, n))}

    return LSTM, example


STYLES = {s.__name__: s for s in (course, time_major, batch_major, lists, zero_inside, last_only, an_object)}
NO_STATES = {"zero_inside", "last_only"}
ONE_STATE = {"course", "batch_major"}
EQUATIONS = {
    "the input gate's parameters in the candidate": ({"g": "i"}, "those of gate i are used for gate c"),
    "f and i exchanged": ({"f": "i", "i": "f"}, "exchanged"),
    "no tanh in h": ({"h": "identity"}, "no activation in place of tanh"),
}


def cases():
    """(style, bug) where the bug can be seen, or told from others."""
    for style in STYLES:
        for bug in BUGS:
            states = bug in NEED_STATES and (style in NO_STATES or (style in ONE_STATE and bug != "h0 ignored"))
            if not states and not (bug in NEED_EVERY_H | {"backwards"} and style == "last_only"):
                yield style, bug
