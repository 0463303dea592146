"""Implementations run on formulas: what agrees for all inputs, what differs, what cannot be read."""

import random

import numpy as np
import pytest

import symlstm as sl
from symlstm.checking.exponentials import Unreadable, number, variable
from tests.checking.bench import implementation

SEED = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def softmax(x):
    e_x = np.exp(x - np.max(x))
    return e_x / e_x.sum(axis=0)

def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    Wf, bf, Wi, bi = parameters["Wf"], parameters["bf"], parameters["Wi"], parameters["bi"]
    Wc, bc, Wo, bo = parameters["Wc"], parameters["bc"], parameters["Wo"], parameters["bo"]
    Wy, by = parameters["Wy"], parameters["by"]
    n_y, n_a = Wy.shape
    concat = np.zeros([xt.shape[0] + Wy.shape[1], xt.shape[1]])
    concat[: n_a, :] = a_prev
    concat[n_a :, :] = xt
    ft = sigmoid(np.dot(Wf, concat) + bf)
    it = sigmoid(np.dot(Wi, concat) + bi)
    cct = np.tanh(np.dot(Wc, concat) + bc)
    c_next = np.multiply(ft, c_prev) + np.multiply(it, cct)
    ot = sigmoid(np.dot(Wo, concat) + bo)
    a_next = np.multiply(ot, np.tanh(c_next))
    yt_pred = PREDICTION
    cache = (a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, parameters)
    return a_next, c_next, yt_pred, cache
"""
RIGHT = "softmax(np.dot(Wy, a_next) + by)"


def example(n, m, batch, rng):
    d = rng.standard_normal
    p = {f"W{g}": d((n, n + m)) for g in "fico"} | {f"b{g}": d((n, 1)) for g in "fico"}
    return d((m, batch)), d((n, batch)), d((n, batch)), p | {"Wy": d((5, n)), "by": d((5, 1))}


def predicting(prediction):
    space = {}
    exec(SEED.replace("PREDICTION", prediction), space)
    return sl.check(space["lstm_cell_forward"], "lstm_softmax", example=example)


def test_a_prediction_that_ignores_its_weights():
    report = predicting("softmax(a_next)")
    assert not report.ok
    first, second = report.findings
    assert first.equation == "y" and first.message.startswith("softmax(h_t) in place of softmax(W_y h_t + b_y)")
    assert second.name == "unused" and second.where == "parameters.Wy, parameters.by"
    assert report.reading == (
        "read symbolically: the formulas of h, c, y agree for all inputs (n = 3, m = 4) with what was found"
    )


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        ("softmax(np.dot(Wy, a_next))", "b_y is missing"),
        ("softmax(np.dot(Wy, c_next) + by)", "c_t in place of h_t"),
        ("sigmoid(np.dot(Wy, a_next) + by)", "sigmoid in place of softmax"),
        ("np.dot(Wy, a_next) + by", "no activation in place of softmax"),
        ("softmax((np.dot(Wy, a_next) + by).T).T", "softmax runs along the batch"),
    ],
)
def test_wrong_predictions(prediction, message):
    report = predicting(prediction)
    assert not report.ok and message in report.findings[0].message and report.findings[0].equation == "y"


@pytest.mark.parametrize("prediction", [RIGHT, "np.exp(Wy @ a_next + by) / np.exp(Wy @ a_next + by).sum(0)"])
def test_right_predictions_with_and_without_a_shift(prediction):
    report = predicting(prediction)
    assert report.ok and not report.findings and "y" in report.ulps
    assert report.reading == "read symbolically: the formulas of h, c, y agree for all inputs (n = 3, m = 4)"


@pytest.mark.parametrize(
    "sigma",
    ["np.exp(zf) / (1 + np.exp(zf))", "0.5 * (1 + np.tanh(zf / 2))", "np.where(zf > 0, sigmoid(zf), 1 - sigmoid(-zf))"],
)
def test_a_function_written_in_another_way_is_the_same_formula(sigma):
    function, make = implementation("course", F=sigma)
    report = sl.check(function, "lstm", example=make)
    assert report.ok and "h, c agree for all inputs" in report.reading


def test_what_the_probe_cannot_see_the_formulas_show():
    function, make = implementation("course", C="f * c_prev + i * g + 1e-30")
    report = sl.check(function, "lstm", example=make)
    assert [f.name for f in report.findings] == ["reading_differs"] and report.ok


def test_what_cannot_be_read_is_said_and_probed():
    function, make = implementation("course", G="np.tanh(zg.astype(np.float64))")
    report = sl.check(function, "lstm", example=make)
    assert report.ok and report.reading.startswith("not read symbolically: ")


def test_formulas_are_numbers():
    rng = random.Random(0)
    a, b = variable(rng, 0.3), variable(rng, -1.2)
    assert ((a + b).exp()).same(a.exp() * b.exp())
    assert (2 * a).tanh().same(2 * a.tanh() / (1 + a.tanh() ** 2))
    assert (a.exp() * b).exp().same((a.exp() * b / 2).exp() ** 2)
    assert not (a * b).exp().same(a.exp() * b.exp())
    assert (a * 0.2).same(a / 5) and number(1 / 6).same(number(1) / 6)
    deep = a
    with pytest.raises(Unreadable, match="deep"):
        for _ in range(9):
            deep = deep.exp()


def test_np_zeros_is_what_it_was_afterwards():
    before = np.zeros, np.asarray
    predicting(RIGHT)
    assert (np.zeros, np.asarray) == before and np.zeros(2).dtype == float
