"""Cells that could lead the compiled loops astray, and cells that they leave to NumPy."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.functions import concat, logsumexp, norm, sigmoid, softmax, tanh
from tests.codegen import numbers
from tests.codegen.sequence import repeated
from tests.codegen.sequence.test_arrays import same_bits
from tests.codegen.sequence.test_corners import CELLS as CORNERS
from tests.codegen.sequence.test_repeated_steps import LIMIT, farthest
from tests.support.frameworks import require

require("numba")


def words_of_the_loops(
    t: "n", h_prev: "n", buffer_prev: "n", *, T: "n n", row: "n", batch: "n", j: "n", length: "", number_1: "",
    buffer_1: "n", buffer_2: "n n", v1: "n", of_1: "n", product: "n n", product_turned: "n n", square: "n",
    each_tanh: "n", each_sigmoid: "", whole_sum: "n", whole_softmax: "n", njit: "n", np_: "n", forward_steps: "n",
    backward_steps: "n", forward_steps_chain_1: "n", backward_steps_chain_1: "n", value_1: "", sum_1: "n", to_1: "n",
    each_divide: "n",
):  # fmt: skip
    z = tanh(T @ h_prev + product @ t + row * batch) * square + each_tanh * sigmoid(product_turned @ h_prev * length)
    r = number_1**3 * np.mean(z**2) * each_sigmoid
    q = softmax(z * j + whole_sum) * np.sum(buffer_2 @ h_prev * v1 + of_1) + r * value_1
    buffer = tanh(buffer_prev * buffer_1 + njit * forward_steps * backward_steps)
    buffer = buffer + forward_steps_chain_1 * backward_steps_chain_1
    h = q * 0.3 + tanh(sum_1 * to_1 + whole_softmax * np_ * buffer) / (2 + each_divide**2)
    return h, buffer


def sizes_named_as_words(
    x: "batch", h_prev: "buffer_1", *, W: "buffer_1 batch", U: "product buffer_1", V: "buffer_1 product"
):
    h = tanh(W @ x + V @ tanh(U @ h_prev)) + np.mean(h_prev)
    return h


def more_sizes_named_as_words(x: "T", h_prev: "j", *, W: "j T", U: "row j", V: "j row"):
    h = tanh(W @ x + V @ tanh(U @ h_prev)) + 0.3 * np.mean(h_prev)
    return h


def one_product_for_two_gradients(x: "n", h_prev: "n", c_prev: "n", *, U: "n n"):
    """d h_prev and d c_prev share a product; each is read by nobody else before it is renewed."""
    h = tanh(U @ (h_prev + c_prev) + x)
    c = 0.5 * c_prev
    return h, c


def gradients_that_are_one(x: "n", h_prev: "n", c_prev: "n", *, U: "n n"):
    h = tanh(U @ (h_prev + c_prev) + x)
    c = x + 0 * c_prev
    return h, c


def linear(x: "n", h_prev: "n", c_prev: "n", *, U: "n n", V: "n n"):
    h = U @ c_prev
    c = V @ h_prev + x
    return h, c


def only_exchanged(x: "n", h_prev: "n", c_prev: "n"):
    h = c_prev + 0 * x
    c = h_prev
    return h, c


def numbers_and_vectors(x: "", h_prev: "", c_prev: "n", *, a: "", w: "n"):
    h = tanh(a * x + h_prev + w @ c_prev)
    c = tanh(c_prev * h) + w
    return h, c


def quadratic(x: "n", h_prev: "n", *, U: "n n"):
    s = h_prev @ (U @ h_prev)
    h = tanh(x * s) + h_prev / 3
    return h


def rank_one(x: "n", h_prev: "n", *, U: "n n"):
    h = np.outer(x, h_prev) @ (U @ x) + tanh(h_prev)
    return h


def a_state_of_parameters(x: "n", h_prev: "n", c_prev: "n", *, b: "n"):
    h = tanh(x) * h_prev
    c = sigmoid(b)
    return h, c


def functions_of_rows(x: "n", h_prev: "n", *, a: "n"):
    h = h_prev / norm(h_prev) + a * np.max(h_prev * x) + x * logsumexp(h_prev) + np.var(h_prev)
    return h


def choices(x: "n", h_prev: "n", *, a: "n"):
    h = np.where(h_prev > 0.2, tanh(h_prev / 3), 0.1 * h_prev) + np.clip(h_prev * a, -0.5, 0.3) + x.mean() * abs(h_prev)
    return h


def halves_exchanged(x: "n", h_prev: "2*n", *, U: "n n"):
    n = x.shape[0]
    a, b = h_prev[:n], h_prev[n:]
    h = concat(tanh(U @ b + x), a * b)
    return h


def joined_and_cut_elsewhere(x: "n", h_prev: "2*n", *, U: "2*n 2*n"):
    """What is read is not the entry that was just computed."""
    n = x.shape[0]
    u = tanh(concat(x, x) + U @ h_prev)
    h = sigmoid(u) * concat(u[n:], u[:n])
    return h


def one_matrix_in_and_before_the_loop(x: "n", h_prev: "n", *, W: "n n"):
    """Its gradient has a sum that waits for the end of the loop, and others that do not."""
    h = tanh(W @ h_prev) * (sigmoid(W @ x) * tanh(W @ (x * x)))
    return h


def one_matrix_for_two_inputs(x: "m", y: "m", h_prev: "n", c_prev: "n", *, W: "n m", U: "n n", V: "n n"):
    h = tanh(W @ x + U @ h_prev)
    c = tanh(W @ y + V @ c_prev)
    return h, c


HARD = (
    one_matrix_in_and_before_the_loop, one_matrix_for_two_inputs,
    words_of_the_loops, sizes_named_as_words, more_sizes_named_as_words, one_product_for_two_gradients,
    gradients_that_are_one, linear, only_exchanged, numbers_and_vectors, quadratic, rank_one, a_state_of_parameters,
    functions_of_rows, choices, halves_exchanged, joined_and_cut_elsewhere,
    *(CORNERS[name] for name in ("names_of_the_generated_code", "an_output_named_batch", "named_as_arguments_are",
                                 "parameters_named_as_gradients", "a_gradient_named_as_a_number",
                                 "columns_that_no_parameter_tells",
                                 "one_gradient_for_two_states", "a_sum_of_two_products", "exchanges", "one_number",
                                 "takes_the_input", "a_state_is_an_output_too", "size_of_the_state_alone",
                                 "no_size_at_all", "a_sum_within_a_sum")),
)  # fmt: skip


def a_product_of_matrices(x: "m", h_prev: "n", *, W: "n m"):
    """Its gradient is a matrix that the loop on the way back would add up; the way there has vectors alone."""
    h = tanh(h_prev) * np.sum(W @ W.T @ h_prev) + W @ x
    return h


LEFT_TO_NUMPY = (CORNERS["matrix_state"], CORNERS["columns_sliced_at_the_state"])


@pytest.fixture(autouse=True)
def _sizes(monkeypatch):
    unlucky = {"batch": 3, "T": 3, "product": 5, "buffer_1": 4, "j": 4, "row": 5}
    monkeypatch.setattr(numbers, "SIZES", {**numbers.SIZES, **unlucky})
    monkeypatch.setattr(repeated, "SIZES", numbers.SIZES)


def runs(function):
    """(what the compiled loops find, what NumPy's find), for some batches and lengths."""
    fast, slow = sl.compile(function, backend="numba"), sl.compile(function)
    for batch, steps in [((), 5), ((7,), 5), ((1,), 1), ((2, 3), 0)]:
        p, x, states, upstream, given = repeated.numbers(fast.cell, steps, batch=batch)
        yield fast.run(p, x, states, **given), slow.run(p, x, states, **given)
        for every in (None, 2):
            yield tuple(k.gradients(p, x, states, upstream, checkpoint_every=every, **given) for k in (fast, slow))


@pytest.mark.parametrize("function", HARD, ids=lambda f: f.__name__)
def test_a_hard_cell_is_compiled_and_agrees(function):
    assert {"forward_steps", "backward_steps"} <= sl.compile(function, backend="numba")._functions.keys()
    assert max(farthest(found, wanted) for found, wanted in runs(function)) < LIMIT


def test_one_loop_may_be_compiled_without_the_other():
    made = sl.compile(a_product_of_matrices, backend="numba")._functions.keys()
    assert "forward_steps" in made and "backward_steps" not in made
    assert max(farthest(found, wanted) for found, wanted in runs(a_product_of_matrices)) < LIMIT


@pytest.mark.parametrize("function", LEFT_TO_NUMPY, ids=lambda f: f.__name__)
def test_what_is_not_compiled_is_numpys_to_the_bit(function):
    k = sl.compile(function, backend="numba")
    assert k.source == sl.compile(function).source
    assert all(same_bits(found, wanted) for found, wanted in runs(function))
