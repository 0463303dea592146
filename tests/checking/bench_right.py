"""Right implementations in every convention: none may be rejected."""

import itertools

from tests.checking.bench import STYLES, source
from tests.checking.bench_backward import ALL as BACKWARD
from tests.checking.bench_gru import ALL as GRU
from tests.checking.bench_others import ALL as OTHERS
from tests.checking.cases import HELPERS, Case

STACKED = """
def step({arguments}):
    n = {h}.shape[{units}]
    a = {product}
    {names} = {parts}
    memory = {f} * {c} + {i} * np.tanh(g)
    return {returned}
"""


def stacked(order, across, joined, biases, columns, returned, offset=0):
    """A stacked LSTM: gate order, x @ W or W @ x, [x, h] or [h, x] or apart, how many biases, the axis of the batch."""
    turned = across == "x @ W"
    x, h, c = (("inp", "hid", "mem"), ("x", "h", "c"), ("xt", "h_prev", "c_prev"))[len(order + joined) % 3]
    axis = 0 if columns else 1
    both = {"xh": f"np.concatenate([{x}, {h}], axis={axis})", "hx": f"np.concatenate([{h}, {x}], axis={axis})"}
    names, shapes = [x, h, c], {x: "m", h: "n", c: "n"}

    def times(w, v):
        w = w if turned == (not columns) else f"{w}.T"
        return f"{w} @ {v}" if columns else f"{v} @ {w}"

    def matrix(name, inner):
        names.append(name)
        shapes[name] = (inner, "4n") if turned else ("4n", inner)

    if joined in both:
        matrix("kernel", "n+m")
        product = times("kernel", both[joined])
    else:
        matrix("W_x", "m")
        matrix("W_h", "n")
        product = f"{times('W_x', x)} + {times('W_h', h)}"
    for k in range(biases):
        names.append(f"bias{k}")
        shapes[f"bias{k}"] = ("4n", "1") if columns else ("4n",)
        product += f" + bias{k}"
    parts = f"np.split(a, 4, axis={axis})"
    gates = ", ".join({"i": "ig", "f": "fg", "o": "og", "g": "g"}[gate] for gate in order)
    text = STACKED.format(
        arguments=", ".join(names), h=h, c=c, units=0 if columns else 1, product=product, names=gates, parts=parts,
        f=f"sigmoid(fg + {offset})" if offset else "sigmoid(fg)", i="sigmoid(ig)", returned=returned,
    )  # fmt: skip

    def example(n, m, batch, rng):
        lengths = {"n": n, "m": m, "4n": 4 * n, "n+m": n + m, "1": 1}
        made = {}
        for name in names:
            shape = shapes[name]
            if isinstance(shape, str):
                shape = (shape, batch) if columns else (batch, shape)
            made[name] = rng.standard_normal([lengths.get(length, length) for length in shape])
        return made

    said = f"{order} {across} {joined} {biases} {'columns' if columns else 'rows'} {returned} {offset}"
    return Case(f"right: {said}", text, example, "lstm")


RETURNS = (
    "sigmoid(og) * np.tanh(memory), memory",
    "memory, sigmoid(og) * np.tanh(memory)",
    '{"h": sigmoid(og) * np.tanh(memory), "c": memory}',
    "sigmoid(og) * np.tanh(memory), (sigmoid(og) * np.tanh(memory), memory)",
)
GRID = [
    stacked(order, across, joined, biases, columns, RETURNS[k % 4])
    for k, (order, across, joined, biases, columns) in enumerate(
        itertools.product(("ifgo", "ifog", "iofg", "gofi"), ("x @ W", "W @ x"), ("xh", "hx", "apart"), (1, 2), (0, 1))
    )
    if k % 3 == 0
]
OBJECTS = """
from collections import namedtuple
from dataclasses import dataclass
State = namedtuple("State", "h c")

@dataclass
class Gate:
    kernel: object
    bias: object

class Cell:
    def __init__(self, forget, update, candidate, output):
        self.forget, self.update, self.candidate, self.output = forget, update, candidate, output

    def gate(self, g, z):
        return np.einsum("ij,j->i", g.kernel, z) + g.bias

    def __call__(self, x, state):
        z = np.concatenate([x, state.h])
        c = sigmoid(self.gate(self.forget, z)) * state.c
        c = c + sigmoid(self.gate(self.update, z)) * np.tanh(self.gate(self.candidate, z))
        return State(sigmoid(self.gate(self.output, z)) * np.tanh(c), c)

def step(cell, x, state):
    return cell(x, state)
"""
FOLDED = """
def step(x, h, c, W):
    ones = np.ones((len(x), 1))
    a = np.hstack([ones, x, h]) @ W
    f, i, g, o = np.split(a, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c
"""
BUFFER = """
def step(xt, hidden, memory, parameters):
    wf, wi, wg, wo = parameters["w"]
    bf, bi, bg, bo = parameters["b"]
    z = np.zeros((hidden.shape[0] + xt.shape[0], xt.shape[1]))
    z[:hidden.shape[0]] = hidden
    z[hidden.shape[0]:] = xt
    new = sigmoid(wf.dot(z) + bf) * memory + sigmoid(wi.dot(z) + bi) * np.tanh(wg.dot(z) + bg)
    return sigmoid(wo.dot(z) + bo) * np.tanh(new), new, z
"""
STABLE = """
def stable(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))

def step(x, h_prev, c_prev, U, V, b):
    n = len(h_prev)
    a = U @ x + V @ h_prev + b
    i, f, o = stable(a[:n]), stable(a[n:2 * n]), stable(a[2 * n:3 * n])
    c = f * c_prev + i * (2 * stable(2 * a[3 * n:]) - 1)
    return o * np.tanh(c), c
"""
LOOPED = """
def step(x, h, c, w, u, b):
    gates = []
    for k in range(4):
        gates.append(x @ w[k] + h @ u[k] + b[k])
    i, f, g, o = gates
    c_new = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
    return np.tanh(c_new) / (1 + np.exp(-o)), c_new
"""
SINGLE_PRECISION = """
def step(x, h, c, W, U, b):
    n = h.shape[1]
    a = x @ W + h @ U + b
    i, f, g, o = (a[:, k * n:(k + 1) * n] for k in range(4))
    c = c * sigmoid(f) + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c
"""


class Gate:
    """Two arrays."""

    def __init__(self, kernel, bias):
        self.kernel, self.bias = kernel, bias


def _objects(n, m, batch, rng):
    d, space = rng.standard_normal, {"__name__": "bench"}
    exec(HELPERS + OBJECTS, space)
    cell = space["Cell"](*(space["Gate"](d((n, n + m)), d(n)) for _ in range(4)))
    return {"cell": cell, "x": d(m), "state": space["State"](d(n), d(n))}


def _folded(n, m, batch, rng):
    d = rng.standard_normal
    return d((batch, m)), d((batch, n)), d((batch, n)), d((1 + n + m, 4 * n))


def _buffer(n, m, batch, rng):
    d = rng.standard_normal
    p = {"w": [d((n, n + m)) for _ in range(4)], "b": [d((n, 1)) for _ in range(4)]}
    return d((m, batch)), d((n, batch)), d((n, batch)), p


def _stable(n, m, batch, rng):
    d = rng.standard_normal
    return d(m), d(n), d(n), d((4 * n, m)), d((4 * n, n)), d(4 * n)


def _looped(n, m, batch, rng):
    d = rng.standard_normal
    each = [[d(shape) for _ in range(4)] for shape in ((m, n), (n, n), n)]
    return d((batch, m)), d((batch, n)), d((batch, n)), *each


def _rows(n, m, batch, rng):
    d = rng.standard_normal
    return d((batch, m)), d((batch, n)), d((batch, n)), d((m, 4 * n)), d((n, 4 * n)), d(4 * n)


def _singles(n, m, batch, rng):
    return tuple(a.astype("float32") for a in _rows(n, m, batch, rng))


WHOLE = [
    Case("right: objects, namedtuple, einsum", OBJECTS, _objects, "lstm"),
    Case("right: bias folded in", FOLDED, _folded, "lstm"),
    Case("right: a buffer filled in parts, lists", BUFFER, _buffer, "lstm"),
    Case("right: a sigmoid that never overflows", STABLE, _stable, "lstm"),
    Case("right: a list of gates", LOOPED, _looped, "lstm"),
    Case("right: generator of parts", SINGLE_PRECISION, _rows, "lstm"),
    Case("right: float32 goes in", SINGLE_PRECISION, _singles, "lstm"),
]
IN_STYLE = [Case(f"right: {s}", source(s).removeprefix(HELPERS), style.example, "lstm") for s, style in STYLES.items()]
FAMILIES = [Case(f"right: {s[0]}", *s[1:4]) for s in (*GRU, *OTHERS, *BACKWARD)]
RIGHT = [*WHOLE, *IN_STYLE, *FAMILIES, *GRID]
