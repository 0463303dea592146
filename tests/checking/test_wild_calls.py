"""What goes in and comes out as people have it, and mistakes in that; mistakes that numbers of size one hide."""

from functools import partial

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import ValueUnusable
from tests.checking import wild_calls as wild
from tests.checking.wild_gradients import columns, columns_backward, columns_example


def names(report):
    return [f.name for f in report.findings]


def test_buffers_for_results_are_no_mistake_and_changed_states_are():
    assert sl.check(wild.into_buffers, "lstm", example=wild.buffers_example).ok

    def in_place(x, h, c, W, U, b):
        return wild.into_buffers(x, h, c, W, U, b, h.copy(), c)

    assert "changed_input" in names(sl.check(in_place, "lstm", example=wild.weights_example))


def test_a_mask_is_kept_at_one_and_told():
    report = sl.check(wild.masked, "lstm", example=wild.masked_example)
    assert report.ok and names(report) == ["mask"], str(report)


@pytest.mark.parametrize(
    "result, found",
    [
        (lambda h, c, s: wild.State(h, c), []),
        (lambda h, c, s: wild.State(h, s.c), ["returned_old", "not_returned"]),
        (lambda h, c, s: (h, wild.State(c, h)), ["states_exchanged"]),
        (lambda h, c, s: {"output": h * c, "state": wild.State(h, c)}, ["another_h"]),
    ],
)
def test_what_is_returned_is_the_new_states_in_their_order(result, found):
    step = partial(wild.in_one_container, result=result)
    assert names(sl.check(step, "lstm", example=wild.container_example)) == found


def test_a_limit_that_numbers_of_size_one_do_not_reach_is_found():
    report = sl.check(wild.clipped, "lstm", example=wild.weights_example)
    assert names(report) == ["limited"] and report.findings[0].equation == "c", str(report)


def test_clipped_gradients_are_found():
    report = sl.check(columns, "lstm", example=columns_example, backward=partial(columns_backward, limit=100))
    assert names(report) == ["backward_limited"], str(report)


@pytest.mark.parametrize(
    "step, cell, example",
    [
        (wild.one_matrix_a_gate, "lstm", wild.matrices_example),
        (wild.letters, "lstm", wild.letters_example),
        (wild.peepholes, "lstm_peephole", wild.peepholes_example),
    ],
)
def test_weights_in_shapes_and_under_names_of_their_own(step, cell, example):
    assert sl.check(step, cell, example=example).ok


def test_another_cell_with_fewer_states_is_named():
    report = sl.check(wild.gru, "lstm", example=wild.gru_example)
    assert names(report) == ["variant_gru"] and "this is gru, not lstm" in str(report)


def test_a_state_that_no_argument_brings_is_named():
    def without_a_cell_state(x, h, w_ih, w_hh, b_ih, b_hh):
        return wild.gru(x, h, w_ih, w_hh, b_ih, b_hh) * h

    with pytest.raises(ValueUnusable, match="c_prev of lstm is not among the arguments"):
        sl.check(without_a_cell_state, "lstm", example=wild.gru_example)


def test_an_example_may_ask_for_less():
    assert sl.check(wild.gru, "gru", example=lambda: wild.gru_example(3, 4, 2, np.random.default_rng(0))).ok


def test_gates_on_an_axis_of_their_own_are_said_so_and_not_converted():
    report = sl.check(wild.one_matrix_a_gate, "lstm", example=wild.matrices_example)
    assert "stacked along axis 0 of their own" in report.convention
    with pytest.raises(ValueUnusable, match="U has an axis of its own for the gates"):
        report.conversion("torch")


def test_a_state_may_be_an_attribute():
    report = sl.check(wild.KeepsItsState, "rnn")
    assert report.ok, str(report)
