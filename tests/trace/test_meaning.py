"""Python's own meaning is kept: what is written in place, copied, rebound or guessed comes out as the code says."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import CellError
from tests.support.ulps import scaled_ulps
from tests.trace.reading import by_equations, numbers, written


def equations(function, **options):
    return [f"{e.name} = {written(e.expr)}" for e in sl.cell(function, **options).equations]


def test_an_array_written_in_place_is_seen_under_all_its_names():
    def cell(x, h_prev, W, U):
        z = W @ x
        same = z
        z += U @ h_prev
        h = np.tanh(same)
        return h

    assert equations(cell)[-1] in ("h = tanh(z)", "h = tanh(same)")
    read = sl.cell(cell)
    arguments, sizes = numbers(read)
    returned, _ = read.call(arguments)
    assert scaled_ulps(returned, by_equations(read, arguments, sizes)["h"]) <= 16


def test_a_copy_does_not_follow_what_is_written_later():
    def cell(x, h_prev, W, U):
        z = W @ x
        before = z.copy()
        z += U @ h_prev
        h = np.tanh(z) * before
        return h

    read = sl.cell(cell)
    arguments, sizes = numbers(read)
    returned, _ = read.call(arguments)
    assert scaled_ulps(returned, by_equations(read, arguments, sizes)["h"]) <= 16


def test_a_number_added_to_in_place_is_made_anew():
    def cell(x, h_prev, W):
        total = np.sum(x)
        first = total
        total += 1
        h = np.tanh(W @ x + h_prev) * first * total
        return h

    read = sl.cell(cell)
    arguments, sizes = numbers(read)
    returned, _ = read.call(arguments)
    assert scaled_ulps(returned, by_equations(read, arguments, sizes)["h"]) <= 16


def test_a_name_used_for_several_values_in_turn_names_none_of_them():
    def cell(x, h_prev, W, V):
        z = W @ x
        a = np.tanh(z)
        z = V @ h_prev
        h = a * np.tanh(z)
        return h

    assert equations(cell) == ["a = tanh(W @ x)", "h = a * tanh(V @ h_prev)"]


def test_a_name_carried_on_names_its_last_value():
    def cell(x, h_prev, W, U):
        i, g = np.split(W @ x + U @ h_prev, 2)
        i = 1 / (1 + np.exp(-i))
        h = i * np.tanh(g)
        return h

    assert equations(cell) == ["z = W @ x + U @ h_prev", "g = z[n:2*n]", "i = sigmoid(z[0:n])", "h = i * tanh(g)"]


def test_parts_of_several_dicts_under_one_key_stay_apart():
    def cell(x, h_prev, W, U):
        h = np.tanh(W["gate"] @ x + U["gate"] @ h_prev) * np.tanh(W["out"] @ x + U["out"] @ h_prev)
        return h

    assert set(sl.cell(cell).shapes) == {"x", "h_prev", "W_gate", "U_gate", "W_out", "U_out"}


def test_a_scaled_weight_is_a_matrix_and_a_scaled_rate_a_number():
    def cell(x, h_prev, W, alpha):
        h = (1 - alpha) * h_prev + alpha * np.tanh(2 * W @ x)
        return h

    read = sl.cell(cell)
    assert len(read.shapes["W"]) == 2 and read.shapes["alpha"] == ()


def test_a_guess_that_does_not_fit_is_taken_back():
    def cell(x, h_prev, w, B):
        h = np.tanh((0.5 * w) @ x + (2 * B) * h_prev)
        return h

    read = sl.cell(cell, shapes={"h_prev": "n"})
    assert len(read.shapes["w"]) == 2


def test_a_number_is_not_multiplied_with_at():
    def cell(x: "m", h_prev: "n", W: "n m", a: ""):
        h = np.tanh(W @ x + a @ h_prev)
        return h

    with pytest.raises(CellError, match="@ does not multiply by a number"):
        sl.cell(cell)


def test_the_known_ways_of_writing_sigma_are_recognised():
    def cell(x, h_prev, W, U, V):
        a = 1 / (1 + np.exp(-(W @ x)))
        c = np.exp(U @ h_prev) / (1 + np.exp(U @ h_prev))
        d = 0.5 * (np.tanh((V @ x) / 2) + 1)
        e = 0.5 + 0.5 * np.tanh(0.5 * h_prev)
        h = a * c * d * e
        return h

    assert equations(cell)[:4] == [
        "a = sigmoid(W @ x)",
        "c = sigmoid(U @ h_prev)",
        "d = sigmoid(V @ x)",
        "e = sigmoid(h_prev)",
    ]
