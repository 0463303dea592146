"""Float32 arrays, lists of Python's floats, one vector of parameters: right ones pass, wrong ones are told."""

from functools import partial

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import ValueUnusable
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


VECTORS = [
    (wild.one_vector, wild.one_vector_example, "x @ W; [x, h]; one bias"),
    (wild.by_columns, wild.by_columns_example, "one array a gate (in the order i, f, o, c); W @ x"),
    (wild.one_vector_in_time, wild.one_vector_in_time_example, "W @ x; separate W and U; two biases"),
]


@pytest.mark.parametrize("function, example, convention", VECTORS)
def test_one_vector_of_parameters_is_cut_as_the_code_cuts_it(function, example, convention):
    report = sl.check(function, "lstm", example=example)
    assert report.ok and convention in report.convention, str(report)
    wrong = sl.check(partial(function, candidate=wild.sigmoid), "lstm", example=example)
    assert not wrong.ok and names(wrong)[0] == "variant_sigmoid_candidate", str(wrong)


def test_where_the_cuts_cannot_be_seen_a_wrapper_is_told():
    def hidden(x, h, c, theta):
        return wild.one_vector(x, h, c, np.array(theta.tolist()))

    with pytest.raises(ValueUnusable, match="no weights were found") as told:
        sl.check(hidden, "lstm", example=wild.one_vector_example)
    assert "theta is one vector" in told.value.hint and "return " in told.value.hint


def test_the_gradient_of_one_vector_is_compared_part_by_part():
    right = sl.check(wild.one_vector, "lstm", example=wild.one_vector_example, backward=wild.one_vector_backward)
    assert right.ok and not right.findings, str(right)
    backward = partial(wild.one_vector_backward, of_bias=1.5)
    wrong = sl.check(wild.one_vector, "lstm", example=wild.one_vector_example, backward=backward)
    assert not wrong.ok and "block2" in wrong.findings[0].message, str(wrong)
