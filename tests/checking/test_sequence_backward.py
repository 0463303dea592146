"""Backward functions of whole sequences: every gradient, and the mistakes that people make through time."""

import linecache

import numpy as np
import pytest

import symlstm as sl

COURSE = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def lstm_forward(x, a0, parameters):
    p, caches, T_x = parameters, [], x.shape[2]
    a, c = np.zeros((*a0.shape, T_x)), np.zeros((*a0.shape, T_x))
    a_prev, c_prev = a0, np.zeros(a0.shape)
    for t in range(T_x):
        z = np.concatenate((a_prev, x[:, :, t]))
        ft, it, ot = (sigmoid(p["W" + g] @ z + p["b" + g]) for g in "fio")
        cct = np.tanh(p["Wc"] @ z + p["bc"])
        c_next = ft * c_prev + it * cct
        a_next = ot * np.tanh(c_next)
        caches.append((a_next, c_next, a_prev, c_prev, ft, it, cct, ot, x[:, :, t], p))
        a[:, :, t], c[:, :, t] = a_next, c_next
        a_prev, c_prev = a_next, c_next
    return a, c, (caches, x)

def lstm_cell_backward(da_next, dc_next, cache):
    a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, p = cache
    n_a = a_next.shape[0]
    dot = da_next * np.tanh(c_next) * ot * (1 - ot)
    dc = dc_next + ot * (1 - np.square(np.tanh(c_next))) * da_next
    dcct, dit, dft = dc * it * (1 - np.square(cct)), dc * cct * it * (1 - it), dc * c_prev * ft * (1 - ft)
    concat = np.concatenate((a_prev, xt)).T
    gradients = {"dWf": dft @ concat, "dWi": dit @ concat, "dWc": dcct @ concat, "dWo": dot @ concat}
    gradients |= {"db" + g: d.sum(axis=1, keepdims=True) for g, d in zip("fico", (dft, dit, dcct, dot))}
    back = p["Wf"].T @ dft + p["Wi"].T @ dit + p["Wc"].T @ dcct + p["Wo"].T @ dot
    return gradients | {"da_prev": back[:n_a], "dc_prev": dc * ft, "dxt": back[n_a:]}

def lstm_backward(da, caches):
    caches, x = caches
    n_a, m, T_x = da.shape
    dx, da_prevt, dc_prevt = np.zeros(x.shape), np.zeros((n_a, m)), np.zeros((n_a, m))
    total = {}
    for t in reversed(range(T_x)):
        gradients = lstm_cell_backward(da[:, :, t] + da_prevt, dc_prevt, caches[t])
        da_prevt, dc_prevt = gradients["da_prev"], gradients["dc_prev"]
        dx[:, :, t] = gradients["dxt"]
        for name in gradients:
            if name[1] in "Wb":
                total[name] = total.get(name, 0) + gradients[name]
    return {"dx": dx, "da0": gradients["da_prev"], **total}
"""


def course(*changes):
    text = COURSE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    name, space = f"<course {changes}>", {}
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    exec(compile(text, name, "exec"), space)

    def example(n, m, batch, T, rng):
        d = rng.standard_normal
        p = {f"W{g}": d((n, n + m)) for g in "fico"} | {f"b{g}": d((n, 1)) for g in "fico"}
        return {"x": d((m, batch, T)), "a0": d((n, batch)), "parameters": p}

    return sl.check(space["lstm_forward"], "lstm", example=example, backward=space["lstm_backward"])


def test_a_right_backward_pass_agrees_gradient_by_gradient():
    report = course()
    assert report.ok, str(report)
    assert {"dx", "da0", "dWf", "dWi", "dWc", "dWo", "dbf", "dbi", "dbc", "dbo"} <= set(report.ulps)
    assert all(row["scaled"] <= row["bound"] for row in report.ulps.values())


def test_the_published_notebook_lacks_the_carry_through_time():
    report = course(
        (" + da_prevt, dc_prevt, caches", ", dc_prevt, caches"),
        ('        da_prevt, dc_prevt = gradients["da_prev"], gradients["dc_prev"]\n', ""),
    )
    assert not report.ok and report.findings[0].name == "backward_carry_missing"
    assert "sends back to h and c is not added" in report.findings[0].message


WRONG = {
    "no carry of h": ((" + da_prevt, dc_prevt, caches", ", dc_prevt, caches"), "sends back to h is not added"),
    "no carry of c": (("+ da_prevt, dc_prevt, caches", "+ da_prevt, 0, caches"), "sends back to c is not added"),
    "overwritten": (("total.get(name, 0) + ", ""), "first step alone"),
    "last step alone": (
        ("total.get(name, 0) + gradients[name]", "total.get(name, gradients[name])"),
        "last step alone",
    ),
    "upstream of the last alone": (
        ("da[:, :, t] + da_prevt", "(da[:, :, t] if t == T_x - 1 else 0) + da_prevt"),
        "used in the last step alone",
    ),
    "one upstream for all": (
        ("da[:, :, t] + da_prevt", "da[:, :, -1] + da_prevt"),
        "by the last state is used in every step",
    ),
    "off by one": (("dc * c_prev * ft", "dc * c_next * ft"), "c_t in place of c_{t-1}"),
    "x reversed": (("dx[:, :, t] =", "dx[:, :, T_x - 1 - t] ="), "from the last step to the first"),
    "a factor is missing": (('"dc_prev": dc * ft', '"dc_prev": dc'), "f_t is missing"),
    "W for its transpose": (('p["Wf"].T @ dft', 'np.r_[p["Wf"][:, :n_a], p["Wf"][:, n_a:].T] @ dft'), "in place of"),
    "tanh' for sigma'": (
        ("np.tanh(c_next) * ot * (1 - ot)", "np.tanh(c_next) * (1 - ot**2)"),
        "the derivative of tanh",
    ),
    "parenthesis": (("cct * it * (1 - it)", "cct * it * 1 - it"), "a parenthesis is missing in the derivative of i"),
    "squared raw c": (("np.square(np.tanh(c_next))", "np.square(c_next)"), "in place of tanh"),
    "x of the last step": (
        ("concat = np.concatenate((a_prev, xt)).T", "concat = np.concatenate((a_next, xt)).T"),
        "h_t",
    ),
}


@pytest.mark.parametrize("bug", WRONG)
def test_a_mistake_on_the_way_back_is_named_first(bug):
    change, message = WRONG[bug]
    report = course(change)
    first = next(f for f in report.findings if f.name.startswith("backward_"))
    assert not report.ok and message in first.message, str(report)


def test_a_mistake_in_time_and_one_in_a_step_are_both_named():
    report = course(WRONG["no carry of c"][0], WRONG["off by one"][0])
    said = " ".join(f.message for f in report.findings)
    assert "sends back to c is not added" in said and "c_t in place of c_{t-1}" in said


def test_a_relative_error_of_1e_minus_11_is_caught_through_the_sequence():
    report = course(('"dc_prev": dc * ft', '"dc_prev": dc * ft * (1 + 1e-11)'))
    assert "backward_imprecise" in [f.name for f in report.findings]


class Layer:
    """Weights and gradients are attributes; backward takes the gradient by all h, batch first."""

    carry = True

    def __init__(self, input_size, hidden_size):
        d = np.random.default_rng(0).standard_normal
        self.n = hidden_size
        self.Wx, self.Wh, self.b = d((input_size, 4 * self.n)), d((self.n, 4 * self.n)), d(4 * self.n)
        self.dWx, self.dWh, self.db = (np.zeros_like(w) for w in (self.Wx, self.Wh, self.b))

    def forward(self, x, h0, c0):
        self.x, self.kept, h, c, n = x, [], h0, c0, self.n
        hs = []
        for t in range(x.shape[1]):
            z = x[:, t] @ self.Wx + h @ self.Wh + self.b
            i, f, o = (1 / (1 + np.exp(-z[:, k * n : (k + 1) * n])) for k in range(3))
            g, h_prev, c_prev = np.tanh(z[:, 3 * n :]), h, c
            c = f * c_prev + i * g
            h = o * np.tanh(c)
            self.kept.append((h_prev, c_prev, i, f, o, g, c))
            hs.append(h)
        return np.stack(hs, axis=1)

    def backward(self, dh):
        self.dWx, self.dWh, self.db = (np.zeros_like(w) for w in (self.Wx, self.Wh, self.b))
        dx, back, dc = np.zeros_like(self.x), 0, 0
        for t in reversed(range(dh.shape[1])):
            h_prev, c_prev, i, f, o, g, c = self.kept[t]
            d = dh[:, t] + back
            dc = dc + d * o * (1 - np.tanh(c) ** 2)
            z = [dc * g * i * (1 - i), dc * c_prev * f * (1 - f), d * np.tanh(c) * o * (1 - o), dc * i * (1 - g**2)]
            dz = np.concatenate(z, axis=1)
            self.dWx += self.x[:, t].T @ dz
            self.dWh += h_prev.T @ dz
            self.db += dz.sum(axis=0)
            dx[:, t], back, dc = dz @ self.Wx.T, dz @ self.Wh.T if self.carry else 0, dc * f
        return dx


class Forgetful(Layer):
    carry = False


def layer_example(n, m, batch, T, rng):
    d = rng.standard_normal
    return {"x": d((batch, T, m)), "h0": d((batch, n)), "c0": d((batch, n))}


def test_an_object_that_keeps_its_gradients_is_checked():
    report = sl.check(Layer, "lstm", example=layer_example, backward="backward")
    assert report.ok, str(report)
    assert {"dx", "dWx", "dWh", "db"} <= set(report.ulps)
    one = Layer(3, 5)
    assert sl.check(one.forward, "lstm", example=layer_example, backward=one.backward).ok


def test_an_object_without_the_carry_of_h_is_told_so():
    report = sl.check(Forgetful, "lstm", example=layer_example, backward="backward")
    assert not report.ok and "sends back to h is not added" in report.findings[0].message, str(report)
