"""Every wrong implementation is rejected and its mistake named first; no right one is."""

import itertools

import pytest

import symlstm as sl
from tests.checking.bench import BUGS, STYLES, implementation


@pytest.mark.parametrize("style", STYLES)
def test_a_right_implementation_is_accepted_in_every_style(style):
    function, example = implementation(style)
    report = sl.check(function, "lstm", example=example)
    assert report.ok and not report.findings, str(report)
    assert all(row["scaled"] <= 8 < row["bound"] for row in report.ulps.values())


STACKED = ("cs231n", "torch", "joined")
CASES = list(itertools.product(STYLES, BUGS))


@pytest.mark.parametrize(("style", "bug"), CASES)
def test_a_wrong_implementation_is_rejected_and_the_mistake_named(style, bug):
    holes, message, equation = BUGS[bug]
    function, example = implementation(style, **holes)
    report = sl.check(function, "lstm", example=example)
    assert not report.ok
    first = report.findings[0]
    said = first.message + first.evidence
    assert message in said, str(report)
