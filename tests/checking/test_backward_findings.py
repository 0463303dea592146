"""Findings about a backward pass: the very line, the equation with the wrong term marked, arrays changed in place."""

import pytest

from tests.checking.bench_backward import LSTM, RNN, lstm_example, rnn_example
from tests.checking.cases import Case
from tests.checking.test_sequence_backward import WRONG, course
from tests.support.emitted import displays
from tests.support.katex import Formula, parse_all


def findings(source, *changes, example=lstm_example, cell="lstm"):
    for old, new in changes:
        assert old in source
        source = source.replace(old, new, 1)
    report = Case(f"backward {changes}", source, example, cell).report()
    return [f for f in report.findings if f.severity == "wrong"]


LINES = {
    "dc = dnext_c + dnext_h * o * (1 - tc ** 2)": "dc = dnext_h * o * (1 - tc ** 2)",
    "daf = dc * prev_c * f * (1 - f)": "daf = dc * prev_c * f * 1 - f",
    "dprev_c = dc * f": "dprev_c = dc * i",
    "dWh = prev_h.T @ da": "dWh = (o * np.tanh(c)).T @ da",
}


@pytest.mark.parametrize("right", LINES)
def test_the_line_of_a_mistake_on_the_way_back_is_named_and_the_wrong_term_marked(right):
    (finding,) = findings(LSTM, (right, LINES[right]))
    assert finding.code.endswith(f"  {LINES[right]}") and finding.where in finding.code
    assert r"\textcolor{red}" in finding.latex or r"\textcolor{teal}" in finding.latex
    assert parse_all([Formula(right, each) for each in displays(finding.latex)]) == []


def test_a_gradient_that_is_handed_on_as_it_came_has_its_line():
    (finding,) = findings(RNN, ("(1 - a_next ** 2) * da_next", "da_next"), example=rnn_example, cell="rnn")
    assert finding.code.endswith("dz = da_next")


IN_TIME = {
    "no carry of c": "gradients = lstm_cell_backward(da[:, :, t] + da_prevt, 0, caches[t])",
    "overwritten": "total[name] = gradients[name]",
    "x reversed": 'dx[:, :, T_x - 1 - t] = gradients["dxt"]',
    "off by one": "dcct, dit, dft = ",
}


@pytest.mark.parametrize("bug", IN_TIME)
def test_the_line_of_a_mistake_in_a_backward_pass_through_time(bug):
    first = next(f for f in course(WRONG[bug][0]).findings if f.name.startswith("backward_"))
    assert f"  {IN_TIME[bug]}" in first.code


IN_PLACE = {
    "upstream": (("    dc = dnext_c + ", "    dnext_c += 1; dnext_c -= 1.5\n    dc = 0.5 + dnext_c + "), "dnext_c is"),
    "cache": (("    dprev_c = dc * f\n", "    dprev_c = dc * f\n    f *= 0\n"), "cache[6] (f) is"),
    "parameters": (
        ("    return dx, dprev_h", "    Wx -= 0.1 * dWx\n    Wh -= 0.1 * dWh\n    return dx, dprev_h"),
        "cache[3] (Wx) is",
    ),
}


@pytest.mark.parametrize("what", IN_PLACE)
def test_a_backward_function_that_changes_arrays_of_its_caller_is_told_so(what):
    change, said = IN_PLACE[what]
    found = findings(LSTM, change)
    assert {f.name for f in found} == {"backward_changed_input"} and said in found[0].message
    assert found[0].code.split("  ")[-1] in change[1]


def test_arguments_that_only_a_named_mistake_leaves_unused_are_no_second_fault():
    text = LSTM.partition("def back")[0].replace("x @ Wx + prev_h @ Wh", "x @ Wx", 1)
    report = Case("unused", text, lstm_example, "lstm").report()
    assert "unused" not in [f.name for f in report.findings if f.severity == "wrong"]
    (note,) = [f for f in report.findings if f.name == "unused"]
    assert "Wh" in note.where and "follows from the mistakes" in note.message


def test_an_argument_that_no_named_mistake_explains_stays_a_fault():
    text = (
        LSTM.partition("def back")[0].replace("def step(x,", "def step(mask, x,").replace("np.tanh(ag)", "sigmoid(ag)")
    )

    def example(n, m, batch, rng):
        return {
            "mask": rng.standard_normal((batch, n + 5)),
            **dict(zip(NAMES, lstm_example(n, m, batch, rng), strict=True)),
        }

    report = Case("mask", text, example, "lstm").report()
    assert "mask" in next(f for f in report.findings if f.name == "unused" and f.severity == "wrong").message


NAMES = ("x", "prev_h", "prev_c", "Wx", "Wh", "b")
