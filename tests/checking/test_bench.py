"""Every wrong implementation is rejected and its mistake named first; no right one is."""

import itertools

import pytest

import symlstm as sl
from tests.checking.bench import BUGS, STYLES, implementation

ANOTHER_ORDER = {("joined", "output gate for input gate")}
"""Without names for its gates this is the same function as another order with another mistake."""


@pytest.mark.parametrize("style", STYLES)
def test_a_right_implementation_is_accepted_in_every_style(style):
    function, example = implementation(style)
    report = sl.check(function, "lstm", example=example)
    assert report.ok and not report.findings, str(report)
    assert all(row["scaled"] <= row["bound"] for row in report.ulps.values())


@pytest.mark.parametrize(("style", "bug"), list(itertools.product(STYLES, BUGS)))
def test_a_wrong_implementation_is_rejected_and_the_mistake_named(style, bug):
    holes, message, equation = BUGS[bug]
    function, example = implementation(style, **holes)
    report = sl.check(function, "lstm", example=example)
    assert not report.ok
    if (style, bug) not in ANOTHER_ORDER:
        assert message in report.findings[0].message, str(report)
        assert report.findings[0].equation == equation


def test_two_mistakes_are_both_named():
    function, example = implementation("course", b_g="i", H="o * c")
    report = sl.check(function, "lstm", example=example)
    assert {f.equation for f in report.findings if f.name != "unused"} == {"c_tilde", "h"}
    assert any("b_i in place of b_c" in f.message for f in report.findings)


def test_the_convention_is_said_in_one_line():
    function, example = implementation("cs231n")
    said = sl.check(function, "lstm", example=example).convention
    assert said.startswith(
        "gates i, f, o, c stacked along axis 1; x @ W; separate W and U; one bias; rows are the batch"
    )
