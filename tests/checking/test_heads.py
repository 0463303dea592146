"""Upstream gradients of outputs: dy, dlogits, dscores are those of an output where there is one."""

import pytest

import symlstm as sl
from symlstm.checking.head import with_head
from tests.checking.bench_backward import LSTM, RNN, lstm_example
from tests.checking.cases import Case

HEAD = """
def softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)

def step(xt, a_prev, parameters):
    Wax, Waa, ba = parameters["Wax"], parameters["Waa"], parameters["ba"]
    a_next = np.tanh(np.dot(Wax, xt) + np.dot(Waa, a_prev) + ba)
    scores = np.dot(parameters["Wya"], a_next) + parameters["by"]
    return a_next, SHOWN, (a_next, a_prev, xt, parameters, softmax(scores))

def back(GIVEN, da_next, cache):
    a_next, a_prev, xt, parameters, y = cache
    dz_y = LOGITS
    da = da_next + np.dot(parameters["Wya"].T, dz_y)
    dz = (1 - a_next ** 2) * da
    return {"dxt": np.dot(parameters["Wax"].T, dz), "dWax": np.dot(dz, xt.T), "dWaa": np.dot(dz, a_prev.T),
            "da_prev": np.dot(parameters["Waa"].T, dz), "dba": np.sum(dz, axis=1, keepdims=True),
            "dWya": np.dot(dz_y, a_next.T), "dby": np.sum(dz_y, axis=1, keepdims=True)}
"""


def example(n, m, batch, rng):
    d = rng.standard_normal
    p = {"Waa": d((n, n)), "Wax": d((n, m)), "ba": d((n, 1)), "Wya": d((7, n)), "by": d((7, 1))}
    return d((m, batch)), d((n, batch)), p


def report(shown, given, logits, *changes, cell="rnn"):
    text = HEAD.replace("SHOWN", shown).replace("GIVEN", given).replace("LOGITS", logits)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return Case(f"head {shown} {given} {changes}", text, example, cell).report()


OF_SOFTMAX = "y * (dy - (y * dy).sum(axis=0))"
RIGHT = {
    "scores, by scores": ("scores", "dscores", "dscores", ["head"]),
    "scores, by y": ("scores", "dy", "dy", ["head"]),
    "softmax": ("softmax(scores)", "dy", OF_SOFTMAX, ["head"]),
    "softmax, by logits": ("softmax(scores)", "dlogits", "dlogits", ["head", "upstream_taken_as"]),
}


@pytest.mark.parametrize("case", RIGHT)
def test_the_gradient_by_an_output_is_taken_as_such(case):
    *texts, names = RIGHT[case]
    found = report(*texts)
    assert found.ok and [f.name for f in found.findings] == names, str(found)
    assert {"dWya", "dby", "dWaa", "dxt"} <= set(found.ulps)


def test_a_mistake_behind_the_output_is_named():
    found = report("scores", "dscores", "dscores", ("np.dot(dz_y, a_next.T)", "np.dot(dz_y, a_prev.T)"))
    assert not found.ok and "h_{t-1} in place of h_t" in found.findings[0].message, str(found)
    assert r"\textcolor{red}{h_{t-1}}" in found.findings[0].latex


def test_the_missing_derivative_of_softmax_is_named():
    found = report("softmax(scores)", "dy", "dy")
    assert not found.ok and "the derivative of softmax is missing" in found.findings[0].message


def test_a_cell_with_an_output_takes_its_gradient_as_such():
    found = report("softmax(scores)", "dy", OF_SOFTMAX, cell=with_head(sl.cell("rnn"), "softmax(W_y h + b_y)"))
    assert found.ok and not found.findings and {"y", "dWya", "dxt"} <= set(found.ulps), str(found)


def test_without_an_output_the_gradient_is_that_of_h_and_the_report_says_so():
    found = Case(
        "dy for h", RNN.replace("da_next, cache", "dy, cache").replace("* da_next", "* dy"), EXAMPLE, "rnn"
    ).report()
    assert found.ok, str(found)
    (note,) = found.findings
    assert note.name == "upstream_taken_as" and "dy is taken as the gradient by h" in note.message
    assert "is not checked" in note.message


def EXAMPLE(n, m, batch, rng):
    d = rng.standard_normal
    return d((m, batch)), d((n, batch)), {"Waa": d((n, n)), "Wax": d((n, m)), "ba": d((n, 1))}


def test_a_cell_whose_output_is_not_computed_is_checked_without_it():
    found = Case("no y", LSTM, lstm_example, "lstm_softmax").report()
    assert "not_given" in [f.name for f in found.findings] and "dWx" in found.ulps
    assert not [f for f in found.findings if f.name.startswith("backward")], str(found)


SEQUENCE = """
def step(x, h0, Wx, Wh, b, Wy, by):
    hs = [h0]
    for t in range(x.shape[1]):
        hs.append(np.tanh(x[:, t] @ Wx + hs[-1] @ Wh + b))
    h = np.stack(hs[1:], axis=1)
    return h @ Wy + by, h, (x, hs, Wx, Wh, Wy)

def back(dlogits, cache):
    x, hs, Wx, Wh, Wy = cache
    dx, dWx, dWh, db, dWy, dh0 = np.zeros_like(x), 0, 0, 0, 0, 0
    for t in reversed(range(x.shape[1])):
        dWy = dWy + hs[t + 1].T @ dlogits[:, t]
        dz = (dlogits[:, t] @ Wy.T + dh0) * (1 - hs[t + 1] ** 2)
        dWx, dWh = dWx + x[:, t].T @ dz, dWh + hs[t].T @ dz
        db = db + dz.sum(axis=0)
        dx[:, t], dh0 = dz @ Wx.T, dz @ Wh.T
    return dx, dh0, dWx, dWh, db, dWy, dlogits.sum(axis=(0, 1))
"""


def sequence_example(n, m, batch, T, rng):
    d = rng.standard_normal
    return d((batch, T, m)), d((batch, n)), d((m, n)), d((n, n)), d(n), d((n, 6)), d(6)


def test_the_gradient_by_the_outputs_of_a_sequence():
    found = Case("logits", SEQUENCE, sequence_example, "rnn").report()
    assert found.ok and [f.name for f in found.findings] == ["head"], str(found)
    assert {"dx", "dWy", "dWh"} <= set(found.ulps)
    cut = SEQUENCE.replace("Wy.T + dh0)", "Wy.T)")
    found = Case("logits, no carry", cut, sequence_example, "rnn").report()
    assert found.findings[0].name == "backward_carry_missing" and "dz = (dlogits" in found.findings[0].code
