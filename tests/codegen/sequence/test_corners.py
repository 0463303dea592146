"""Cells that sequences once got wrong, or did not compile: each against the repeated step and the repeated vjp."""

import itertools

import numpy as np
import pytest

import symlstm as sl
from symlstm.functions import concat, relu, sigmoid, softmax, tanh
from tests.codegen.numbers import cell_of
from tests.codegen.sequence import repeated
from tests.codegen.sequence.test_repeated_steps import LIMIT, farthest


def matrix_state(x: "m", C_prev: "n n", s_prev: "n", *, K: "n m", V: "n m", Q: "n m", w: "m"):
    """The decay does not depend on the state, so that it is computed in front of the loop."""
    f = sigmoid(w @ x)
    C = f * C_prev + np.outer(V @ x, K @ x)
    s = C @ (Q @ x) + 0.5 * s_prev
    return C, s


def matrix_through_tanh(x: "m", C_prev: "n m", *, W: "n m", U: "n n"):
    C = tanh(U @ C_prev) * W + np.outer(W @ x, x)
    return C


def a_number_beside_a_vector(x: "m", h_prev: "n", s_prev: "", *, w: "m", U: "n n", a: "", v: "n"):
    s = tanh(w @ x + a * s_prev + v @ h_prev)
    h = tanh(U @ h_prev) * s
    return h, s


def an_output_of_one_number(x: "m", u: "k", h_prev: "n", *, W: "n m", V: "n k", A: "m k"):
    b = x @ (A @ u)
    h = tanh(W @ x + V @ u) * b + 0.5 * h_prev
    y = b * h.sum()
    return h, y


def one_number(x: "", h_prev: "", *, a: ""):
    h = tanh(a * x + h_prev)
    return h


def named_batch(batch: "m", h_prev: "n", *, W: "n m"):
    h = tanh(W @ batch + h_prev)
    return h


def named_as_arguments_are(checkpoint_every: "m", up: "k", h_prev: "n", *, W: "n m", V: "n k"):
    h = tanh(W @ checkpoint_every + V @ up + h_prev)
    return h


def named_checkpoint_every(checkpoint_every: "m", h_prev: "n", *, W: "n m"):
    h = tanh(W @ checkpoint_every + h_prev)
    return h


def named_prepare(prepare: "m", h_prev: "n", *, W: "n m"):
    h = tanh(W @ prepare + h_prev)
    return h


def named_up(up: "m", h_prev: "n", *, W: "n m"):
    h = tanh(W @ up + h_prev)
    return h


def an_output_named_batch(x: "n", h_prev: "n", *, a: "n"):
    h = tanh(x * a + h_prev)
    batch = h * a
    return h, batch


def names_of_the_generated_code(
    x: "n", h_prev: "n", *, T: "n n", t: "n", w: "n", kept: "n", d: "n", u: "n", U: "n n", a: "n", V: "n n", b: "n",
    z: "n n", steps: "n", every: "n", outer_sum: "n", SHAPES: "n", forward: "n",
):  # fmt: skip
    r = sigmoid(T @ x + U @ h_prev + t * w)
    q = sigmoid(V @ x + z @ h_prev + kept * d)
    h = tanh(r * q + u * a * b + steps * every * h_prev + outer_sum * SHAPES * forward)
    return h


def parameters_named_as_gradients(
    x: "n", h_prev: "n", *, a: "", d_a: "n", up_h: "n", d_h_next: "n", d_z: "n n", delta_h: "n", z: "n n"
):
    """The gradient of a, d_a in the loop, once overwrote the parameter."""
    h = tanh(a * h_prev * (d_a + x) + up_h * (d_z @ h_prev) + d_h_next * (z @ h_prev) * delta_h) * a
    return h


def a_gradient_named_as_a_number(x: "n", h_prev: "n", *, a: "n", d_a: "", d_d_a: "n", sum_a: "n", d_h: "n n"):
    h = tanh(a * h_prev * sigmoid(a * h_prev) + d_a * h_prev * x + d_d_a) * d_a + sum_a * (d_h @ h_prev)
    return h


def one_gradient_for_two_parameters(h_prev: "n", *, b: "n", c: "n", s: ""):
    h = tanh(h_prev + sigmoid(b + c) * s)
    return h


def one_gradient_for_two_states(x: "m", h_prev: "n", c_prev: "n", *, W: "n m"):
    h = tanh(W @ x + h_prev + c_prev)
    c = 0.5 * x.mean() * h
    return h, c


def a_sum_of_two_products(h_prev: "n", *, U: "n n", V: "n n", b: "n"):
    """Both products are stacked; b belongs to their sum, once."""
    h = tanh(U @ h_prev + V @ h_prev + b)
    return h


def a_sum_within_a_sum(x: "m", h_prev: "n", *, U: "n n", V: "n n", b: "n", c: "n", W: "n m"):
    h = 0.3 * relu(U @ h_prev + W @ x + b) * h_prev + 0.1 * (V @ h_prev) + c
    return h


def two_sums_of_one_equation(h_prev: "n", *, U: "n n", V: "n n", b: "n", c: "n"):
    h = 0.3 * (U @ h_prev + b) * h_prev + V @ h_prev + c
    return h


def two_states_of_one_expression(x: "m", h_prev: "n", c_prev: "n", *, W: "n m"):
    """What does not depend on the state is hoisted once, and its gradient is that of both."""
    v = sigmoid(x)
    h = tanh(W @ v)
    c = tanh(W @ v)
    return h, c


def no_size_at_all(h_prev: "n"):
    h = tanh(h_prev - h_prev)
    return h


def size_of_the_state_alone(h_prev: "n", *, s: ""):
    v = (h_prev - h_prev) + s
    h = tanh(v * tanh(s)) + h_prev
    return h


def columns_that_no_parameter_tells(x: "m", h_prev: "n", *, W: "k n+m", V: "k n+m"):
    z = concat(h_prev, x)
    h = h_prev * np.sum(tanh(W @ z) * tanh(V @ z))
    return h


def columns_sliced_at_the_state(x: "m", h_prev: "n", *, W: "k n+m", b: "k"):
    n = h_prev.shape[0]
    h = h_prev * np.sum(tanh(W[:, :n] @ h_prev + W[:, n:] @ x + b))
    return h


def rows_that_no_parameter_tells(x: "m", h_prev: "n", *, W: "n+m k", V: "n+m k", q: "k"):
    v = q * h_prev.sum()
    h = h_prev * np.mean(tanh(W @ v) + tanh(V @ v)) + 0.1 * x.sum()
    return h


def takes_the_input(x: "n", h_prev: "n"):
    h = x
    return h


def exchanges(x: "n", h_prev: "n", c_prev: "n", *, a: "n"):
    h = c_prev
    c = a * h_prev + x
    return h, c


def a_state_is_an_output_too(x: "m", h_prev: "n", *, W: "n m"):
    h = tanh(W @ x + h_prev)
    y = h
    return h, y


def an_output_before_the_state(x: "m", h_prev: "n", *, W: "n m", M: "n n"):
    y = M @ h_prev
    h = tanh(W @ x) * h_prev
    return h, y


def an_output_without_arguments(x: "m", h_prev: "n", *, W: "n m"):
    """One row for all steps and examples."""
    h = tanh(h_prev)
    y = softmax(W @ (x - x))
    return h, y


CELLS = {f.__name__: f for f in (
    matrix_state, matrix_through_tanh, a_number_beside_a_vector, an_output_of_one_number,
    one_number, named_batch, named_as_arguments_are, named_checkpoint_every, named_prepare, named_up,
    an_output_named_batch, names_of_the_generated_code, parameters_named_as_gradients, a_gradient_named_as_a_number,
    one_gradient_for_two_parameters, one_gradient_for_two_states,
    a_sum_of_two_products, a_sum_within_a_sum, two_sums_of_one_equation, two_states_of_one_expression,
    no_size_at_all, size_of_the_state_alone,
    columns_that_no_parameter_tells, columns_sliced_at_the_state, rows_that_no_parameter_tells, takes_the_input,
    exchanges, a_state_is_an_output_too, an_output_before_the_state, an_output_without_arguments,
)}  # fmt: skip
every_corner = pytest.mark.parametrize("name", CELLS)


@every_corner
@pytest.mark.parametrize("batch", [(), (3,), (2, 2)], ids=str)
def test_it_is_the_repeated_step_and_the_repeated_vjp(name, batch):
    k = sl.compile(CELLS[name])
    p, x, states, upstream, given = repeated.numbers(k.cell, 5, batch=batch)
    wanted, _ = repeated.run(k, p, x, states, 5)
    assert farthest(k.run(p, x, states, **given), wanted) < LIMIT
    wanted = repeated.gradients(k, p, x, states, upstream, 5)
    for checkpoint_every in (None, 2):
        found = k.gradients(p, x, states, upstream, checkpoint_every=checkpoint_every, **given)
        assert farthest(found, wanted) < LIMIT


@pytest.mark.parametrize("name", [*CELLS, "lstm", "gru", "lstm_softmax", "scalars", "shared_weights"])
@pytest.mark.parametrize("steps", [0, 1, 4])
def test_no_two_results_share_memory_and_none_is_the_users(name, steps):
    k = sl.compile(CELLS[name] if name in CELLS else cell_of(name))
    p, x, states, upstream, given = repeated.numbers(k.cell, steps, batch=(2,))
    users = [*p.values(), *(x if isinstance(x, tuple) else () if x is None else (x,)), *states, *upstream.values()]
    for found in (k.run(p, x, states, **given), k.gradients(p, x, states, upstream, **given)):
        assert not any(np.shares_memory(a, b) for a, b in itertools.combinations(found.values(), 2))
        assert not any(np.shares_memory(a, b) for a in found.values() for b in users)
        assert all(a.flags.writeable for a in found.values() if isinstance(a, np.ndarray))


@pytest.mark.parametrize("name", ["elu, named", "log", "inverse", "exponential used twice", "joined"])
def test_what_is_not_chosen_may_overflow_at_any_step(name):
    from tests.codegen.test_choices import CELLS as CHOICES
    from tests.codegen.test_choices import POINTS, at, by_hand, close

    k = sl.compile(sl.cell(CHOICES[name][0]))
    p, x, states = at(POINTS)
    p = {**p, "U": np.zeros_like(p["U"])}
    h, slope = by_hand(name, POINTS)
    upstream = np.linspace(-1, 2, len(POINTS))
    found = k.gradients(p, np.stack([x, x]), states, (np.stack([upstream, -upstream]),))
    close(k.run(p, np.stack([x, x]), states)["h"][1], h)
    close(found["x"][1], -upstream * slope)
    assert np.isfinite(found["W"]).all()
