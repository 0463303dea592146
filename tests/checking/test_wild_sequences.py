"""Whole sequences as people write them: caches that look like results, predictions at every step, unnamed gradients."""

import numpy as np
import pytest

import symlstm as sl
from tests.checking import wild_sequences as wild


def test_a_cache_that_holds_states_is_no_result():
    report = sl.check(wild.rows_forward, "lstm", example=wild.rows, backward=wild.rows_backward)
    assert report.ok, str(report)
    assert {"h", "dx", "dh0", "dWx", "dWh", "db"} <= set(report.ulps)
    assert [f.name for f in report.findings if f.severity == "note"] == ["not_returned", "zero_initial_state"]


def test_the_missing_carry_is_named():
    def backward(dh, cache):
        dx, dh0, dWx, dWh, db = wild.rows_backward(dh, cache, carry=0)
        return dx, dh0, dWx, dWh, db

    report = sl.check(wild.rows_forward, "lstm", example=wild.rows, backward=backward)
    assert not report.ok
    assert report.findings[0].message.startswith("the carry through time is missing"), str(report)


def test_gradients_without_names_are_told_by_their_shapes():
    def backward(dHout_in, cache):
        return tuple(wild.rows_backward(dHout_in, cache))

    report = sl.check(wild.rows_forward, "lstm", example=wild.rows, backward=backward)
    assert report.ok and {"dx", "dWx", "dWh", "db"} <= set(report.ulps), str(report)


def test_predictions_at_every_step_are_compared():
    report = sl.check(wild.columns_forward, "lstm_softmax", example=wild.columns)
    assert report.ok and set(report.ulps) == {"h", "c", "y"}, str(report)
    assert "y (p, B, T)" in report.convention


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: {**p, "by": np.zeros_like(p["by"])}, "b_y is missing"),
        (lambda p: {**p, "bi": p["bf"]}, "b_f in place of b_i"),
    ],
)
def test_a_mistake_is_named_through_the_whole_sequence(change, message):
    def forward(x, a0, parameters):
        return wild.columns_forward(x, a0, change(parameters))

    report = sl.check(forward, "lstm_softmax", example=wild.columns)
    assert not report.ok and message in report.findings[0].message, str(report)
