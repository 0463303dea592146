"""Random parameters: one buffer, scaled by the fan-in, sizes by name."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import ValueUnusable
from tests.codegen.numbers import cell_of


def test_they_are_views_of_one_buffer_in_the_order_of_the_cell():
    p = sl.parameters("lstm", n=5, m=3)
    buffer = p["W_f"].base
    assert list(p) == ["W_f", "b_f", "W_i", "b_i", "W_c", "b_c", "W_o", "b_o"]
    assert all(v.base is buffer and v.flags.c_contiguous for v in p.values())
    assert np.array_equal(buffer, np.concatenate([v.ravel() for v in p.values()]))
    assert p["W_f"].shape == (5, 8) and p["b_o"].shape == (5,)


def test_the_same_seed_gives_the_same_numbers_and_a_generator_goes_on():
    cell = sl.cell("gru")
    one, two = sl.parameters(cell, rng=1), sl.parameters(cell, rng=1)
    assert all(np.array_equal(one[q], two[q]) for q in one)
    assert not np.array_equal(one["U_r"], sl.parameters(cell, rng=2)["U_r"])
    rng = np.random.default_rng(1)
    assert np.array_equal(sl.parameters(cell, rng=rng)["U_r"], one["U_r"])
    assert not np.array_equal(sl.parameters(cell, rng=rng)["U_r"], one["U_r"])


def test_matrices_have_variance_one_over_fan_in_and_biases_are_small():
    p = sl.parameters("lstm", n=200, m=100)
    assert abs(p["W_f"].std() * np.sqrt(300) - 1) < 0.02
    assert 0.08 < p["b_f"].std() < 0.12
    turned = sl.parameters(cell_of("rows"), n=200, m=50)
    assert abs(turned["W"].std() * np.sqrt(50) - 1) < 0.05


def test_dtype_and_other_sizes():
    p = sl.parameters("lstm_softmax", n=4, m=3, p=7, dtype=np.float32)
    assert p["W_y"].shape == (7, 4) and {v.dtype for v in p.values()} == {np.dtype(np.float32)}
    assert sl.parameters("rnn")["W"].shape == (64, 32)


@pytest.mark.parametrize(
    ("sizes", "message", "hint"),
    [
        ({}, "lstm_softmax also needs the size p", "parameters(cell, ..., p=10)"),
        ({"p": 3, "q": 3}, "there is no size of lstm_softmax named 'q'", "there are: n, m, p"),
        ({"p": 0}, "the size p must be a positive whole number, not 0", ""),
        ({"p": 2.0}, "the size p must be a positive whole number, not 2.0", ""),
    ],
)
def test_sizes_that_are_wrong(sizes, message, hint):
    with pytest.raises(sl.SymlstmError) as caught:
        sl.parameters("lstm_softmax", **sizes)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_integers_are_no_parameters():
    with pytest.raises(sl.SymlstmError, match="parameters are floating-point numbers, not int64"):
        sl.parameters("lstm", dtype=np.int64)


@pytest.mark.parametrize("rng", [-1, "a", 1.5, {}], ids=repr)
def test_what_is_no_seed_is_refused(rng):
    with pytest.raises(ValueUnusable, match="seeds no random numbers") as caught:
        sl.parameters("rnn", rng=rng)
    assert caught.value.hint == "give a whole number from 0 on, or a numpy.random.Generator"


def test_what_is_no_dtype_is_refused():
    with pytest.raises(ValueUnusable, match="parameters are floating-point numbers, not 'foo'"):
        sl.parameters("rnn", dtype="foo")
