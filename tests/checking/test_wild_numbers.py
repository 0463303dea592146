"""Float32 arrays, lists of Python's floats, one vector of parameters: right ones pass, wrong ones are told."""

from functools import partial

import numpy as np
import pytest

import symlstm as sl
from tests.checking import wild_numbers as wild


def names(report):
    return [f.name for f in report.findings]


@pytest.mark.parametrize("step", [wild.narrow, wild.narrow_only])
def test_float32_is_held_to_its_own_bound_where_the_example_is_float32(step):
    report = sl.check(step, "lstm", example=wild.narrow_example)
    assert report.ok and names(report) == ["float32_only"], str(report)


def test_float32_inside_of_a_float64_example_is_called_that():
    report = sl.check(wild.narrow, "lstm", example=wild.wide_example)
    assert names(report) == ["imprecise"], str(report)


def test_a_mistake_in_float32_is_still_named():
    step = partial(wild.narrow, candidate=wild.sigmoid)
    report = sl.check(step, "lstm", example=wild.narrow_example)
    assert not report.ok and names(report)[0] == "variant_sigmoid_candidate", str(report)


def test_gradients_in_float32_are_held_to_its_bound():
    right = sl.check(wild.narrow, "lstm", example=wild.narrow_example, backward=wild.narrow_backward)
    assert right.ok and "W" in str(right.ulps), str(right)
    backward = partial(wild.narrow_backward, of_bias=np.float32(1.01))
    wrong = sl.check(wild.narrow, "lstm", example=wild.narrow_example, backward=backward)
    assert not wrong.ok, str(wrong)


@pytest.mark.parametrize(
    "step, example",
    [
        (wild.loops, wild.one_example),
        (wild.loops_over_a_batch, wild.batch_example),
        (wild.loops_in_time, wild.sequence_example),
    ],
)
def test_lists_of_floats_are_taken_as_arrays_are(step, example):
    report = sl.check(step, "lstm", example=example)
    assert report.ok and "overflow" in names(report), str(report)


@pytest.mark.parametrize("step, example", [(wild.loops, wild.one_example), (wild.loops_in_time, wild.sequence_example)])
def test_a_mistake_among_lists_is_named(step, example):
    report = sl.check(partial(step, output=float), "lstm", example=example)
    assert not report.ok and names(report)[0] == "variant_no_output_tanh", str(report)
