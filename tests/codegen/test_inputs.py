"""What is said about numbers that cannot be used, word for word."""

import numpy as np
import pytest

import symlstm as sl
from tests.codegen.numbers import cell_of, numbers


def lstm(n=2, m=2):
    p = sl.parameters("lstm", n=n, m=m)
    return sl.compile("lstm"), p, np.full(m, 0.5), (np.full(n, 0.25), np.full(n, 0.75))


def refused(call):
    with pytest.raises(sl.SymlstmError) as caught:
        call()
    return caught.value.code, caught.value.message, caught.value.hint


def test_the_error_that_started_this_project():
    k, p, x, states = lstm()
    code, message, hint = refused(lambda: k.step({**p, "W_f": np.ones((2, 2))}, x, states))
    assert code == "shape"
    assert message == (
        "W_f must be 2 x 4 (n x n+m): [h_prev, x] is one column of 4 numbers, h_prev above x, not two columns"
    )
    assert hint == ""


def concat_first(x: "m", u: "k", h_prev: "n", *, W: "n m+n+k", V: "m+n k"):
    from symlstm.functions import concat, tanh

    return tanh(W @ concat(x, h_prev, u) + h_prev * (concat(x, h_prev) @ V).mean())


def test_the_parts_of_a_concatenation_are_named_in_its_order():
    k = sl.compile(concat_first)
    p = sl.parameters(k.cell, n=2, m=3, k=4)
    x, h = (np.ones(3), np.ones(4)), np.ones(2)
    assert refused(lambda: k.step({**p, "W": np.ones((2, 2))}, x, h))[1] == (
        "W must be 2 x 9 (n x m+n+k): [x, h_prev, u] is one column of 9 numbers, x above h_prev above u, "
        "not three columns"
    )
    assert refused(lambda: k.step({**p, "V": np.ones((2, 4))}, x, h))[1] == (
        "V must be 5 x 4 (m+n x k): [x, h_prev] is one row of 5 numbers, x before h_prev, not two rows"
    )


SHAPES = {
    "rows": ("W_f", (3, 4), "W_f must be 2 x 4 (n x n+m), not 3 x 4", "n = 2 is read from h_prev, m = 2 from x"),
    "turned": ("W_f", (4, 2), "W_f must be 2 x 4 (n x n+m), not 4 x 2", "give W_f.T"),
    "neither": (
        "W_f", (2, 7),
        "W_f must be 2 x 4 (n x n+m): [h_prev, x] is one column of 4 numbers, h_prev above x, not two columns",
        "W_f is 2 x 7; n = 2 is read from h_prev, m = 2 from x",
    ),
    "flat": ("W_f", (8,), "W_f must be 2 x 4 (n x n+m), not 8", "n = 2 is read from h_prev, m = 2 from x"),
    "bias": ("b_i", (3,), "b_i must have 2 numbers (n), not 3", "n = 2 is read from h_prev, m = 2 from x"),
    "column": ("b_i", (2, 1), "b_i must have 2 numbers (n), not 2 x 1", "give b_i.ravel()"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "shape", "message", "hint"), SHAPES.values(), ids=SHAPES)
def test_a_parameter_of_the_wrong_shape(name, shape, message, hint):
    k, p, x, states = lstm()
    assert refused(lambda: k.step({**p, name: np.ones(shape)}, x, states)) == ("shape", message, hint)


def test_states_and_inputs_of_the_wrong_shape():
    k, p, x, (h, c) = lstm(n=3)
    assert refused(lambda: k.step(p, x, (h, c[:2]))) == (
        "shape", "c_prev must have 3 numbers (n), not 2", "n = 3 is read from h_prev, m = 2 from x",
    )  # fmt: skip
    assert refused(lambda: k.step(p, x, (h, np.ones((3, 7)))))[1:] == (
        "c_prev must have 3 numbers (n), not 7", "vectors are in the last axis: give c_prev.T",
    )  # fmt: skip
    assert refused(lambda: k.step(p, np.float64(1.0), (h, c)))[1] == "x must have 2 numbers (m), not one number"
    assert refused(lambda: k.step(p, np.ones((7, 2)), (np.ones((4, 3)), c)))[1:] == (
        "the batch axes do not fit: x has 7, h_prev has 4, c_prev has none",
        "all axes but the last must be equal, 1 or absent",
    )


def test_an_input_that_all_parameters_contradict_is_the_one_that_is_wrong():
    k, p, x, (h, c) = lstm(n=3)
    hint = "n = 3 is read from b_f, m = 2 from W_f"
    assert refused(lambda: k.step(p, np.ones(5), (h, c))) == ("shape", "x must have 2 numbers (m), not 5", hint)
    longer = "h_prev must have 3 numbers (n), not 4"
    assert refused(lambda: k.step(p, x, (np.ones(4), np.ones(4)))) == ("shape", longer, hint)
    assert refused(lambda: k.step(p, x, (np.ones(4), c))) == ("shape", longer, hint)
    with pytest.raises(sl.SymlstmError, match=r"x must have 2 numbers \(m\), not 5"):
        sl.walk(k.cell, {**p, "x": np.ones(5), "h_prev": h, "c_prev": c})


def test_of_one_parameter_against_one_input_the_parameter_is_named():
    p, k = sl.parameters("rnn", n=3, m=2), sl.compile("rnn")
    assert refused(lambda: k.step(p, np.ones(5), np.ones(3))) == (
        "shape", "W must be 3 x 5 (n x m), not 3 x 2", "n = 3 is read from h_prev, m = 5 from x",
    )  # fmt: skip


def test_upstream_that_is_none_altogether():
    k, p, x, states = lstm()
    hint = "give one for each state, None for zero, or a dict by name"
    start = "upstream, the gradients from outside, must be"
    assert refused(lambda: k.vjp(p, x, states, None)) == ("shape", f"{start} a tuple (h, c), not None", hint)
    assert refused(lambda: k.vjp(p, x, states, 3.0))[1] == f"{start} a tuple (h, c), not one number"
    one = sl.compile("rnn")
    p = sl.parameters("rnn", n=2, m=2)
    assert refused(lambda: one.vjp(p, x, np.ones(2), None))[1] == f"{start} that by h, not None"
    assert refused(lambda: k.vjp(p, x, states, {1: x}))[0] == "name"


def test_masked_entries_are_refused_by_name():
    k, p, x, (h, c) = lstm()
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    wanted = ("value", "x is masked at [1]", ".filled(0.0) puts a number in the place of what is missing")
    assert refused(lambda: k.step(p, masked, (h, c))) == wanted
    assert refused(lambda: sl.walk(k.cell, {**p, "x": masked, "h_prev": h, "c_prev": c})) == wanted
    assert refused(lambda: k.step({**p, "b_f": masked}, x, (h, c)))[1] == "b_f is masked at [1]"
    assert refused(lambda: k.vjp(p, x, (h, c), (masked, None)))[1] == "upstream of h is masked at [1]"
    assert np.array_equal(k.step(p, np.ma.array(x), (h, c)), k.step(p, x, (h, c)))


def test_states_in_another_order():
    k = sl.compile(cell_of("three_states"))
    p, x, (h, c, s), _ = numbers(k.cell)
    code, _, hint = refused(lambda: k.step(p, x, (c, h, s)))
    assert (code, hint) == ("shape", "the states seem to be in another order: give (h_prev, c_prev, s_prev)")


def test_the_number_of_states_and_inputs():
    k, p, x, (h, c) = lstm()
    states = "lstm has 2 states (h_prev, c_prev)"
    assert refused(lambda: k.step(p, x, (h, c, c)))[1:] == (f"{states}, not 3", "give a tuple (h_prev, c_prev)")
    assert refused(lambda: k.step(p, x, h))[1] == f"{states}, not one array"
    assert refused(lambda: k.step(p, None, (h, c)))[1] == "lstm needs its input x"
    none = sl.compile(cell_of("no_input"))
    q = sl.parameters(none.cell, n=2)
    assert refused(lambda: none.step(q, x, h))[1] == "no_input has no input: x must be None"
    assert none.step(q, None, h)[0].shape == (2,)
    assert refused(lambda: none.step(q, None, (h, c)))[1] == "no_input has one state (h_prev), not 2"


def test_names():
    k, p, x, states = lstm()
    without = {q: v for q, v in p.items() if q != "W_f"}
    assert refused(lambda: k.step(without, x, states))[1] == "lstm needs the parameter W_f"
    assert refused(lambda: k.step({**without, "Wf": p["W_f"]}, x, states)) == (
        "name", "there is no parameter of lstm named 'Wf'", "did you mean W_f?",
    )  # fmt: skip
    assert refused(lambda: k.step(list(p.values()), x, states))[1] == "the parameters must be a dict by name, not list"
    assert refused(lambda: k.jacobian(p, x, states, of="cc", wrt="h_prev"))[0] == "name"
    assert refused(lambda: k.vjp(p, x, states, {"hh": states[0]}))[:2] == (
        "name", "there is no state or output of lstm named 'hh'",
    )  # fmt: skip
    assert refused(lambda: sl.compile("lstm", backend="fortran"))[1] == "there is no backend named 'fortran'"


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
def test_nan_and_infinity_are_named(value, word):
    k, p, x, (h, c) = lstm()
    bad = p["W_i"].copy()
    bad[1, 3] = value
    assert refused(lambda: k.step({**p, "W_i": bad}, x, (h, c))) == ("value", f"W_i has {word} at [1, 3]", "")
    batch = np.ones((3, 2))
    batch[2, :] = value
    assert refused(lambda: k.values(p, batch, (h, c)))[1:] == (
        f"x has {word} at [2, 0]", "2 of its 6 numbers are not finite",
    )  # fmt: skip
    assert refused(lambda: k.vjp(p, x, (h, c), (np.array([1, value]), None)))[1] == f"upstream of h has {word} at [1]"


def overflowing(x: "m", h_prev: "n", *, W: "n m"):
    z = W @ x
    e = np.exp(z)
    h = np.tanh(e * h_prev)
    return h


def test_the_first_quantity_that_overflows_is_named():
    k = sl.compile(overflowing)
    p = {"W": np.full((2, 1), 100.0)}
    for call in (k.step, k.values, k.state_jacobian):
        assert refused(lambda call=call: call(p, np.array([9.0]), np.ones(2))) == (
            "value",
            "e has infinity at [0], though every number given is finite: e_t = exp(z_t)",
            "2 of its 2 numbers are not finite",
        )


def test_a_derivative_that_is_not_finite_is_named():
    def root(h_prev: "n", *, b: "n"):
        h = np.sqrt(h_prev) + b
        return h

    k = sl.compile(root)
    p = {"b": np.ones(1)}
    assert k.step(p, None, np.zeros(1))[0] == 1
    message = "the state jacobian has infinity at [0, 0], though every value of the step is finite"
    assert refused(lambda: k.state_jacobian(p, None, np.zeros(1)))[1] == message
    message = "the gradient of h_prev has infinity at [0], though every value of the step is finite"
    assert refused(lambda: k.vjp(p, None, np.zeros(1), np.ones(1)))[1] == message


def test_integers_truth_values_and_objects():
    k, p, x, (h, c) = lstm()
    assert refused(lambda: k.step(p, np.array([1, 2]), (h, c))) == (
        "value", "x holds integers (int64), not floating-point numbers", "x.astype(float)",
    )  # fmt: skip
    assert refused(lambda: k.step(p, [1, 2], (h, c)))[2] == "write 1.0 instead of 1"
    assert refused(lambda: k.step(p, x > 0, (h, c)))[1] == "x holds truth values (bool), not floating-point numbers"
    assert refused(lambda: k.step(p, x.astype(object), (h, c)))[1] == "x holds object, not floating-point numbers"
    assert refused(lambda: k.step(p, [[1.0], [1.0, 2.0]], (h, c)))[1] == (
        "x is ragged: its rows have different lengths"
    )


def test_an_empty_batch():
    k, p, _, (h, c) = lstm()
    assert refused(lambda: k.step(p, np.ones((0, 2)), (h, c))) == (
        "value", "x is empty: its shape is 0 x 2", "give at least one example",
    )  # fmt: skip


def test_upstream_of_the_wrong_shape():
    k, p, x, states = lstm()
    assert refused(lambda: k.vjp(p, x, states, (np.ones(3), None)))[1] == (
        "the upstream gradient of h must be 2, as h is, not 3"
    )
    assert refused(lambda: k.vjp(p, x, states, (np.ones(2),)))[1] == (
        "upstream has 1 gradients, lstm has 2 states (h, c)"
    )
