"""What is said about sequences that cannot be used, word for word."""

import numpy as np
import pytest

import symlstm as sl
from tests.codegen.numbers import cell_of
from tests.codegen.sequence import repeated
from tests.codegen.test_inputs import refused

STEPS = 900


def lstm():
    """(compiled cell, p, X, states, upstream), with n = 4, m = 3 and seven examples."""
    k = sl.compile("lstm")
    p = sl.parameters("lstm", n=4, m=3, rng=0)
    x = np.random.default_rng(0).uniform(-1, 1, (STEPS, 7, 3))
    return k, p, x, k.zero_states(p, 7), {"h": np.ones((STEPS, 7, 4))}


def both(k, p, x, states, upstream):
    """The error of `run`, which is that of `gradients` too."""
    found = refused(lambda: k.run(p, x, states))
    assert refused(lambda: k.gradients(p, x, states, upstream)) == found
    return found


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_the_step_at_which_an_input_is_not_finite_is_named(value, word):
    k, p, x, states, upstream = lstm()
    x[812, 3, 1] = value
    assert both(k, p, x, states, upstream) == (
        "value", f"x has {word} at [812, 3, 1]", "the first index is the step (from 0)",
    )  # fmt: skip


def test_inputs_of_the_wrong_shape():
    k, p, x, states, upstream = lstm()
    assert both(k, p, np.ones((STEPS, 7, 5)), states, upstream) == (
        "shape", "x must have 3 numbers (m), not 5", "n = 4 is read from b_f, m = 3 from W_f",
    )  # fmt: skip
    assert both(k, p, x[0, 0], states, upstream) == (
        "shape", "x has no axis of time: its shape is (3,)", "a sequence is (T, m), any batch axes after the first",
    )  # fmt: skip
    assert both(k, p, np.float64(1), states, upstream)[1] == "x has no axis of time: its shape is ()"
    assert both(k, p, [], states, upstream)[1] == "x has no axis of time: its shape is (0,)"
    assert both(k, p, x[:, :0], states, upstream)[:2] == ("value", "x is empty: its shape is 900 x 0 x 3")
    assert both(k, p, None, states, upstream)[1] == "lstm needs its input x"
    assert both(k, p, [[[1.0]], [[1.0, 2.0]]], states, upstream)[1] == "x is ragged: its rows have different lengths"
    assert both(k, p, x > 0, states, upstream)[1] == "x holds truth values (bool), not floating-point numbers"


def test_time_in_the_second_axis():
    k, p, x, states, upstream = lstm()
    assert both(k, p, x.transpose(1, 0, 2), states, upstream)[1] == (
        "the batch axes do not fit: x has 900, h_prev has 7, c_prev has 7"
    )


def test_states_and_parameters_of_the_wrong_shape():
    k, p, x, (h, c), upstream = lstm()
    assert both(k, p, x, (h[:, :3], c), upstream) == (
        "shape", "h_prev must have 4 numbers (n), not 3", "n = 4 is read from b_f, m = 3 from W_f",
    )  # fmt: skip
    assert both(k, p, x, (h[:5], c), upstream)[1] == ("the batch axes do not fit: x has 7, h_prev has 5, c_prev has 7")
    assert both(k, p, x, h, upstream)[1] == "lstm has 2 states (h_prev, c_prev), not one array"
    assert both(k, p, x, None, upstream)[1] == "lstm has 2 states (h_prev, c_prev), not one array"
    assert both(k, {**p, "b_i": np.ones(5)}, x, (h, c), upstream)[1] == "b_i must have 4 numbers (n), not 5"
    assert both(k, {**p, "b_i": np.full(4, np.nan)}, x, (h, c), upstream)[1] == "b_i has NaN at [0]"
    without = {q: v for q, v in p.items() if q != "b_i"}
    assert both(k, without, x, (h, c), upstream)[1] == "lstm needs the parameter b_i"


def test_several_inputs():
    k = sl.compile(cell_of("two_inputs"))
    p, (x, u), states, upstream, _ = repeated.numbers(k.cell, 5, batch=(2,))
    assert both(k, p, (x, u[:3]), states, upstream)[1] == (
        "the inputs have different numbers of steps: x has 5, u has 3"
    )
    assert both(k, p, x, states, upstream)[1] == "two_inputs has 2 inputs: give a tuple (x, u)"
    assert both(k, p, (x, u[0, 0]), states, upstream)[1:] == (
        "u has no axis of time: its shape is (5,)", "a sequence is (T, k), any batch axes after the first",
    )  # fmt: skip
    u[3, 1, 2] = np.nan
    assert both(k, p, (x, u), states, upstream)[1] == "u has NaN at [3, 1, 2]"


@pytest.mark.parametrize("steps", [-1, 2.5, True, "3", np.float64(3)])
def test_steps_that_are_no_number_of_steps(steps):
    k = sl.compile(cell_of("no_input"))
    p, h = sl.parameters(k.cell, n=4), np.ones(4)
    message = f"steps must be a whole number, 0 or more, not {steps!r}"
    assert refused(lambda: k.run(p, None, h, steps=steps)) == ("shape", message, "")
    assert refused(lambda: k.gradients(p, None, h, {}, steps=steps))[1] == message


def test_steps_that_are_missing_or_not_those_of_the_input():
    k = sl.compile(cell_of("no_input"))
    p, h = sl.parameters(k.cell, n=4), np.ones(4)
    assert refused(lambda: k.run(p, None, h))[1:] == ("no_input has no input that says how many steps", "give steps=")
    assert refused(lambda: k.run(p, np.ones((3, 4)), h, steps=3))[1] == "no_input has no input: x must be None"
    assert k.run(p, None, h, steps=np.int64(3))["h"].shape == (3, 4)
    k, p, x, states, _ = lstm()
    assert refused(lambda: k.run(p, x, states, steps=5))[1:] == ("steps=5, but x has 900 steps", "leave steps out")
    assert refused(lambda: k.run(p, x, states, steps=np.ones(2)))[0] == "shape"
    assert k.run(p, x, states, steps=STEPS)["h"].shape == (STEPS, 7, 4)


def test_upstream_names():
    k, p, x, states, upstream = lstm()
    h = upstream["h"]
    assert refused(lambda: k.gradients(p, x, states, {"hh": h})) == (
        "name", "there is no state or output of lstm named 'hh'", "did you mean h?",
    )  # fmt: skip
    assert refused(lambda: k.gradients(p, x, states, {1: h}))[1] == "there is no state or output of lstm named '1'"
    said = "upstream must be a dict by name, or one gradient for each of h, c"
    for wrong in ((h,), [h, h, h], h, None, 3, "h"):
        assert refused(lambda wrong=wrong: k.gradients(p, x, states, wrong)) == (
            "shape", said, 'for example {"h": dH}',
        )  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((5, 7, 4), "must have 900 steps along its first axis, not 5"),
        ((), "must have 900 steps along its first axis, not none"),
        ((900, 7, 5), "must be 900 x 7 x 4, as h is, not 900 x 7 x 5"),
        ((900, 6, 4), "must be 900 x 7 x 4, as h is, not 900 x 6 x 4"),
        ((900, 1, 7, 4), "must be 900 x 7 x 4, as h is, not 900 x 1 x 7 x 4"),
        ((900,), "must be 900 x 7 x 4, as h is, not 900"),
    ],
    ids=str,
)
def test_upstream_of_the_wrong_shape(shape, message):
    k, p, x, states, _ = lstm()
    found = refused(lambda: k.gradients(p, x, states, {"h": np.ones(shape)}))
    assert found == ("shape", f"the upstream gradient of h {message}", "")


def test_upstream_that_is_not_finite():
    k, p, x, states, upstream = lstm()
    upstream["h"][30, 2, 1] = np.nan
    assert refused(lambda: k.gradients(p, x, states, upstream))[1] == "upstream of h has NaN at [30, 2, 1]"


@pytest.mark.parametrize("every", [0, -1, 2.5, 1.0, True, "3"])
def test_checkpoints_that_are_no_number_of_steps(every):
    k, p, x, states, upstream = lstm()
    assert refused(lambda: k.gradients(p, x, states, upstream, checkpoint_every=every)) == (
        "value", f"checkpoint_every must be a whole number of steps, 1 or more, not {every!r}", "",
    )  # fmt: skip


def overflowing(x: "m", h_prev: "n", *, W: "n m"):
    e = np.exp(W @ x)
    h = e * h_prev
    return h


@pytest.mark.parametrize(("steps", "at"), [(20, 14), (2000, 1999)])
def test_the_step_and_the_quantity_that_overflow_are_named(steps, at):
    """e^50 a step, from x = 1 on: the state passes 1.8e308 at the fifteenth of these."""
    k = sl.compile(overflowing)
    x = np.zeros((steps, 1))
    x[at - 14 :] = 1.0
    states, upstream = np.ones(2), {"h": np.ones((steps, 2))}
    assert both(k, {"W": np.full((2, 1), 50.0)}, x, states, upstream) == (
        "value",
        f"at step {at} (from 0), h has infinity at [0], though every number given is finite: h_t = e_t ⊙ h_{{t-1}}",
        "2 of its 2 numbers are not finite",
    )


def test_a_quantity_in_front_of_the_loop_that_overflows():
    k = sl.compile(overflowing)
    x = np.zeros((30, 1))
    x[17] = 1.0
    found = both(k, {"W": np.full((2, 1), 800.0)}, x, np.ones(2), {"h": np.ones((30, 2))})
    assert found[1] == (
        "at step 17 (from 0), e has infinity at [0], though every number given is finite: e_t = exp(W x_t)"
    )


def test_a_gradient_that_is_not_finite_is_named():
    def root(h_prev: "n", *, b: "n"):
        h = np.sqrt(h_prev) + b
        return h

    k = sl.compile(root)
    assert refused(lambda: k.gradients({"b": np.ones(1)}, None, np.zeros(1), np.ones((3, 1)), steps=3))[1] == (
        "the gradient of h_prev has infinity at [0], though every value of the sequence is finite"
    )


def test_zero_states_that_cannot_be_made():
    k, p, *_ = lstm()
    for batch_shape in (-1, 2.5, "ab", None, (2, -1), (True,)):
        assert refused(lambda b=batch_shape: k.zero_states(p, b))[1] == (
            f"batch_shape must be a whole number or a tuple of them, not {batch_shape!r}"
        )
    assert refused(lambda: k.zero_states({**p, "W_f": np.ones(3)}))[1] == "W_f must be n x n+m, not 3"

    def sizeless(h_prev: "n", *, a: ""):
        h = a * h_prev
        return h

    assert refused(lambda: sl.compile(sizeless).zero_states({"a": np.ones(())})) == (
        "shape", "the parameters do not say what the size n of h_prev is", "make it yourself: numpy.zeros((..., n))",
    )  # fmt: skip
