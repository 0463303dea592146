"""Backward functions in the wild: what each result is a gradient of, and results that cannot be one."""

from functools import partial

import numpy as np

import symlstm as sl
from tests.checking.wild_gradients import (
    columns,
    columns_backward,
    columns_example,
    one_vector,
    one_vector_backward,
    one_vector_example,
)


def of_columns(**how):
    wrong = partial(columns_backward, **how)
    wrong.__name__ = "wrong"
    return sl.check(columns, "lstm", example=columns_example, backward=wrong)


def test_columns_without_a_batch_are_columns_on_the_way_back_too():
    report = sl.check(columns, "lstm", example=columns_example, backward=columns_backward)
    assert report.ok and not report.findings, str(report)
    assert {"dh_prev", "dc_prev", "dx", "grads.Wg", "grads.bo"} <= set(report.ulps)


def test_weights_in_the_cache_do_not_hide_the_order_of_columns():
    report = sl.check(one_vector, "lstm", example=one_vector_example)
    assert report.ok and "[x, h]" in report.convention, str(report)


def test_results_without_a_name_are_told_by_shape_and_place():
    report = sl.check(one_vector, "lstm", example=one_vector_example, backward=one_vector_backward)
    assert report.ok and not report.findings, str(report)
    assert {"dx", "dh", "dc", "dW", "db"} <= set(report.ulps)


def test_a_gradient_of_another_shape_is_wrong():
    report = of_columns(bias=lambda delta: delta.sum(keepdims=True))
    assert not report.ok and {f.name for f in report.findings} == {"gradient_shape"}, str(report)
    assert "bf has (3, 1)" in str(report)


def test_parameters_of_an_output_need_no_gradient_where_none_comes_from_outside():
    def with_output(x, h_prev, c_prev, params, W_y, b_y):
        h, c, cache = columns(x, h_prev, c_prev, params)
        e = np.exp(W_y @ h + b_y)
        return h, c, e / e.sum(axis=0), cache

    def example(n, m, batch, rng):
        return (*columns_example(n, m, batch, rng), rng.standard_normal((2, n)), rng.standard_normal((2, 1)))

    report = sl.check(with_output, "lstm_softmax", example=example, backward=columns_backward)
    assert report.ok and "y" in report.ulps, str(report)


def test_a_missing_gradient_of_a_bias_is_wrong():
    report = of_columns(bias=lambda delta: None)
    assert [f.name for f in report.findings] == ["gradient_missing"], str(report)
    assert "params.bf" in report.findings[0].message
