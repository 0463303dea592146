"""Whole sequences run on formulas: over a few steps, what comes back is what the cell gives, for all inputs."""

import numpy as np
import pytest

import symlstm as sl
from tests.checking.sequence_bench import STYLES

READ = "read symbolically: the formulas of "
FOR_ALL = "agree for all inputs (n = 3, m = 4)"


@pytest.mark.parametrize("style", STYLES)
def test_right_sequences_are_read_in_every_layout(style):
    function, example = STYLES[style]()
    reading = sl.check(function, "lstm", example=example).reading
    assert reading.startswith(READ) and reading.endswith(f"steps {FOR_ALL}"), reading


@pytest.mark.parametrize(
    ("style", "bug"), [("time_major", "two back"), ("lists", "backwards"), ("zero_inside", "x shifted")]
)
def test_a_mistake_in_time_that_is_found_makes_the_formulas_agree(style, bug):
    function, example = STYLES[style](bug)
    report = sl.check(function, "lstm", example=example)
    assert not report.ok and report.reading.endswith(f"over 3 steps {FOR_ALL} with what was found"), report.reading


def changed(step):
    """A sequence of an RNN whose states a function of (h, t) changes."""

    def rnn(X, h0, W, U, b):
        h, hs = h0, []
        for t in range(len(X)):
            h = step(np.tanh(X[t] @ W + h @ U + b), t)
            hs.append(h)
        return np.stack(hs)

    return rnn


def example(n, m, batch, rng):
    sizes = {"X": (5, batch, m), "h0": (batch, n), "W": (m, n), "U": (n, n), "b": (n,)}
    return {name: rng.normal(size=size) for name, size in sizes.items()}


def test_what_is_too_small_for_float64_is_another_formula():
    report = sl.check(changed(lambda h, t: h + 1e-18), "rnn", example=example)
    assert report.ok and report.findings[0].name == "reading_differs"
    assert report.findings[0].message.startswith("read symbolically over 3 steps, h is another formula")


def test_a_mistake_of_the_third_step_alone_is_read():
    report = sl.check(changed(lambda h, t: h + 1e-18 * (t == 2)), "rnn", example=example)
    assert [f.name for f in report.findings] == ["reading_differs"]


def test_what_formulas_cannot_follow_is_said():
    right = changed(lambda h, t: h)

    def of_five_steps(X, h0, W, U, b):
        return right(X.reshape(5, *h0.shape[:1], len(W)), h0, W, U, b)

    report = sl.check(of_five_steps, "rnn", example=example)
    assert report.ok and report.reading == "not read symbolically: it takes 5 steps only, and formulas can follow 3"
