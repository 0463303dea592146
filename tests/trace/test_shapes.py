"""Sizes: read from annotations, inferred from use, and explained in the user's own names where they do not fit."""

import numpy as np
import pytest
import sympy as sp

import symlstm as sl
from symlstm.errors import CellError
from symlstm.functions import concat, sigmoid, tanh


def shown(cell):
    return {name: " ".join(str(s).replace(" ", "") for s in shape) for name, shape in cell.shapes.items()}


def test_sizes_are_inferred_from_use():
    def cell(x, h_prev, W, U, b):
        h = np.tanh(W @ x + U @ h_prev + b)
        return h

    assert shown(sl.cell(cell)) == {"x": "m", "h_prev": "n", "W": "n m", "U": "n n", "b": "n"}


def test_one_annotation_is_enough_to_rename_a_size():
    def cell(x: "inputs", h_prev: "hidden", W, U):
        h = np.tanh(W @ x + U @ h_prev)
        return h

    assert shown(sl.cell(cell)) == {"x": "inputs", "h_prev": "hidden", "W": "hidden inputs", "U": "hidden hidden"}


def test_annotations_and_inference_mix():
    def cell(x, h_prev, c_prev, *, W: "4*n n+m", b):
        z = W @ concat(h_prev, x) + b
        i, f, g, o = np.split(z, 4)
        c = sigmoid(f) * c_prev + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        return h, c

    assert shown(sl.cell(cell)) == {"x": "m", "h_prev": "n", "c_prev": "n", "W": "4*n m+n", "b": "4*n"}


def test_a_size_between_two_matrices_gets_a_letter_of_its_own():
    def cell(x, h_prev, A, B, V):
        h = np.tanh(V @ x + A @ (B @ h_prev))
        return h

    assert shown(sl.cell(cell)) == {"x": "m", "h_prev": "n", "V": "n m", "A": "n p", "B": "p n"}


def test_slices_say_how_long_a_stack_is():
    def cell(x, h_prev, W, U):
        n = h_prev.shape[0]
        z = W @ x + U @ h_prev
        h = sigmoid(z[:n]) * tanh(z[n : 2 * n])
        return h

    assert shown(sl.cell(cell))["W"] == "2*n m"


def test_shapes_can_be_given_beside_the_function():
    def cell(x, h_prev, W, U, scale):
        h = scale * np.tanh(W @ x + U @ h_prev)
        return h

    assert sl.cell(cell, shapes={"scale": ""}).shapes["scale"] == ()
    assert sl.cell(cell, shapes={"scale": "n"}).shapes["scale"] == (sp.Symbol("n", integer=True, positive=True),)


def test_sizes_may_be_plain_numbers():
    def cell(x: "2", h_prev: "3", W, U):
        h = np.tanh(W @ x + U @ h_prev)
        return h

    assert shown(sl.cell(cell)) == {"x": "2", "h_prev": "3", "W": "3 2", "U": "3 3"}


def test_a_state_that_changes_its_size_is_refused():
    def cell(x: "m", h_prev: "n", *, W: "k m"):
        h = np.tanh(W @ x)
        return h

    with pytest.raises(CellError, match="the new state for h_prev is a column of k, h_prev itself is a column of n"):
        sl.cell(cell)


def test_a_wrong_inner_size_names_both_factors_and_their_sizes():
    def cell(x: "m", h_prev: "n", *, W_f: "n n"):
        hx = concat(h_prev, x)
        h = sigmoid(W_f @ hx)
        return h

    with pytest.raises(CellError) as caught:
        sl.cell(cell)
    message = caught.value.message
    assert "W_f" in message and "n x n" in message and "m+n" in message
    assert "`h = sigmoid(W_f @ hx)`" in message
    assert "order of concatenation" in caught.value.hint


def test_a_wrong_bias_names_both_terms_and_their_sizes():
    def cell(x: "m", h_prev: "n", *, W: "n m", b: "m"):
        h = tanh(W @ x + b)
        return h

    with pytest.raises(CellError, match="b has shape m: they cannot be combined element by element"):
        sl.cell(cell)


def test_a_transposed_weight_is_refused_with_its_line():
    def cell(x: "m", h_prev: "n", *, W: "m n", U: "n n"):
        z = U @ h_prev
        h = tanh(W @ x + z)
        return h

    with pytest.raises(CellError, match="inner sizes differ") as caught:
        sl.cell(cell)
    assert "`h = tanh(W @ x + z)`" in caught.value.message


def test_an_argument_of_three_axes_is_refused():
    def cell(x: "m", h_prev: "n", *, W: "n m n"):
        return tanh(h_prev)

    with pytest.raises(CellError, match="W has 3 axes"):
        sl.cell(cell)


def test_a_split_into_parts_that_do_not_fit_is_refused():
    def cell(x, h_prev, W):
        i, g = np.split(W @ x, 3)
        h = i * g * h_prev
        return h

    with pytest.raises(CellError, match="too many values to unpack"):
        sl.cell(cell)


def test_rows_and_columns_are_not_mixed():
    def cell(x, h_prev, W, U):
        _, _ = x.shape
        h = np.tanh(x @ W + U @ h_prev)
        return h

    with pytest.raises(CellError):
        sl.cell(cell)


def test_input_and_state_of_one_size_are_found_to_be():
    def highway(x, h_prev, W, U):
        z = sigmoid(W @ x + U @ h_prev)
        h = z * h_prev + (1 - z) * x
        return h

    assert shown(sl.cell(highway)) == {"x": "n", "h_prev": "n", "W": "n n", "U": "n n"}


def test_sizes_read_off_a_weight_are_those_of_the_weight():
    def cell(x, h_prev, W, U):
        n, m = W.shape
        h = np.tanh(W @ x / m + U @ h_prev / n)
        return h

    read = sl.cell(cell)
    assert shown(read)["W"] == "n m"
    assert {str(s) for s in read.equations[0].expr.atoms(sp.Symbol)} >= {"n", "m"}
