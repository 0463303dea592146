"""Whole sequences: right ones are accepted in every layout, and a mistake in how steps follow each other is named."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.checking.report import NOTE
from tests.checking.sequence_bench import BUGS, EQUATIONS, STYLES, an_object, cases, course, time_major, zero_inside

NOTES = {"zero_initial_state", "not_returned"}


@pytest.mark.parametrize("style", STYLES)
def test_a_right_sequence_is_accepted_in_every_layout(style):
    function, example = STYLES[style]()
    report = sl.check(function, "lstm", example=example)
    assert report.ok and {f.name for f in report.findings} <= NOTES, str(report)
    assert all(row["scaled"] <= row["bound"] for row in report.ulps.values())


@pytest.mark.parametrize(("style", "bug"), list(cases()))
def test_a_mistake_in_time_is_named_first(style, bug):
    function, example = STYLES[style](bug)
    report = sl.check(function, "lstm", example=example)
    assert not report.ok
    assert any(message in report.findings[0].message for message in BUGS[bug]), str(report)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("bug", ["the input gate's parameters in the candidate", "no tanh in h"])
def test_a_mistake_in_an_equation_is_named_through_the_sequence(style, bug):
    wrong, message = EQUATIONS[bug]
    function, example = STYLES[style](**wrong)
    report = sl.check(function, "lstm", example=example)
    assert not report.ok and message in next(f for f in report.findings if f.severity != NOTE).message, str(report)


@pytest.mark.parametrize("style", ["course", "zero_inside"])
def test_names_that_contradict_what_the_arrays_do_are_a_finding(style):
    wrong, message = EQUATIONS["f and i exchanged"]
    function, example = STYLES[style](**wrong)
    report = sl.check(function, "lstm", example=example)
    assert not report.ok and message in report.findings[0].name, str(report)


def test_a_mistake_in_time_and_one_in_an_equation_are_both_named():
    function, example = time_major("c not carried", h="identity")
    report = sl.check(function, "lstm", example=example)
    said = " ".join(f.message for f in report.findings[:2])
    assert "no activation in place of tanh" in said and ("c is not carried" in said or "c is reset" in said)


@pytest.mark.parametrize("style", [course, time_major, zero_inside])
def test_one_example_without_a_function_that_makes_it_is_enough(style):
    function, example = style()
    assert sl.check(function, "lstm", example=example(6, 3, 8, 4, np.random.default_rng(0))).ok


def test_a_number_of_steps_that_is_fixed_inside_is_said():
    function, make = time_major()

    def only_six(x, *rest):
        assert len(x) == 6
        return function(x, *rest)

    report = sl.check(only_six, "lstm", example=lambda n, m, batch, rng: make(n, m, batch, 6, rng))
    assert report.ok and [f.name for f in report.findings] == ["fixed_length"], str(report)


def test_zero_states_inside_are_said_with_what_that_hides():
    function, example = zero_inside()
    found = next(f for f in sl.check(function, "lstm", example=example).findings if f.name == "zero_initial_state")
    assert found.severity == NOTE and "the initial h and c are zero inside" in found.message


def test_batch_and_time_confused_is_named():
    function, _ = zero_inside()

    def confused(params, x):  # x is (B, T, m); it runs along the batch
        return np.stack([function(params, x[:, t]) for t in range(x.shape[1])], axis=1)

    def example(n, m, batch, T, rng):
        params = zero_inside()[1](n, m, batch, T, rng)["params"]
        return {"params": params, "x": rng.standard_normal((batch, T, m))}

    report = sl.check(confused, "lstm", example=example)
    assert not report.ok and "batch_and_time_confused" in [f.name for f in report.findings]


def test_a_class_and_a_method_of_an_object_are_checked_alike():
    made, example = an_object()
    assert sl.check(made, "lstm", example=example).ok
    assert sl.check(made(3, 5).forward, "lstm", example=example).ok
    assert not sl.check(an_object("h not carried")[0](3, 5).forward, "lstm", example=example).ok


def test_the_layout_is_said_in_the_convention():
    function, example = course()
    said = sl.check(function, "lstm", example=example).convention
    assert "x is (m, B, T), initial h (n, B), h (n, B, T), c (n, B, T)" in said
