"""A convention stated by hand: the printed line is its own language, what is stated is used, a misfit is named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import symlstm as sl
from symlstm.checking.stated import BATCHES, JOINS, Stated, parsed
from symlstm.cli import app
from symlstm.errors import SymlstmError
from tests.checking.bench import STYLES, implementation, source

GATES = st.permutations(("f", "i", "c", "o")).map(tuple)
STATED = st.builds(
    lambda order, axis, apart, turned, join, biases, added, batch, returns: Stated(
        order if axis is not None or apart else (),
        None if apart else axis,
        apart,
        turned,
        False,
        join,
        biases,
        added,
        batch,
        "",
        returns,
    ),
    GATES,
    st.sampled_from([None, 0, 1]),
    st.booleans(),
    st.sampled_from([None, True, False]),
    st.sampled_from(["", *JOINS]),
    st.sampled_from([None, 0, 1, 2, 3]),
    st.dictionaries(st.sampled_from("fico"), st.sampled_from([1.0, -0.5, 2.0]), max_size=2),
    st.sampled_from(["", *BATCHES]),
    st.sampled_from([(), ("h",), ("h", "c"), ("c", "h")]),
)


@given(STATED)
def test_the_line_parses_back_to_itself(stated):
    assert parsed(stated.said()) == stated


@pytest.mark.parametrize("style", STYLES)
def test_the_line_of_a_report_parses_and_stating_it_gives_the_same_report(style):
    function, example = implementation(style)
    found = sl.check(function, "lstm", example=example)
    assert parsed(found.convention).said() == found.convention
    again = sl.check(function, "lstm", example=example, convention=found.convention)
    assert again.ok and again.convention == found.convention and again.ulps == found.ulps


def test_a_stated_order_is_used_and_the_mistake_is_then_another():
    """Without names f and i may be exchanged, or the order be another: who states the order is told the former."""
    body = {"F": "sigmoid(zi)", "I": "sigmoid(zf)"}
    function, example = implementation("cs231n", **body)
    assert sl.check(function, "lstm", example=example).ok
    report = sl.check(function, "lstm", example=example, convention="gates i, f, o, g stacked along axis 1")
    assert not report.ok and report.findings[0].name == "gates_exchanged"
    assert sl.check(function, "lstm", example=example, convention="gates f, i, o, g stacked along axis 1; x @ W").ok


def test_a_forget_offset_can_be_stated():
    function, example = implementation("cs231n", F="sigmoid(zf + 1)")
    assert not sl.check(function, "lstm", example=example).ok
    report = sl.check(function, "lstm", example=example, convention="+1 on the f gate")
    assert report.ok and "+1 on the f gate" in report.convention


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("gates i, f, o stacked along axis 1", "'gates i, f, o stacked along axis 1'; the cell has the gates"),
        ("gates i, f, o, q stacked along axis 1", "no gate named 'q'"),
        ("gates i, f, o, g stacked along axis 0", "'gates i, f, o, g stacked along axis 0'; the arrays say"),
        ("W @ x", "'W @ x'; Wx is 4 x 12"),
        ("[h, x]", r"'\[h, x\]'; gate . has Wh and Wx"),
        ("two biases", "'two biases'; the arrays say"),
        ("columns are the batch", "'columns are the batch'; the arrays say"),
        ("returns h", "'returns h'; 2 results"),
        ("one array a gate (by name)", "by name"),
        ("gates in some order", "'gates in some order' is no piece of a convention"),
    ],
)
def test_a_piece_that_does_not_fit_is_named(line, said):
    function, example = implementation("cs231n")
    with pytest.raises(SymlstmError, match=said):
        sl.check(function, "lstm", example=example, convention=line)


def test_columns_can_be_stated_where_they_are_wrong():
    function, example = implementation("joined")
    assert sl.check(function, "lstm", example=example, convention="[x, h]").ok
    assert not sl.check(function, "lstm", example=example, convention="[h, x]").ok


def test_the_option_of_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = (
        "\ndef example(n, m, batch, rng):\n    d = rng.standard_normal\n    return (d((batch, m)), d((batch, n)), "
    )
    example += "d((batch, n)), d((m, 4 * n)), d((n, 4 * n)), d(4 * n))\n"
    (tmp_path / "right.py").write_text(source("cs231n") + example)
    args = ["check", "right.py:step", "--example", "right.py:example", "--convention"]
    assert CliRunner().invoke(app, [*args, "gates i, f, o, g stacked along axis 1; returns h, c"]).exit_code == 0
    told = CliRunner().invoke(app, [*args, "gates a"])
    assert told.exit_code == 2 and "no piece of a convention" in told.stderr


def test_a_line_that_is_unused_costs_nothing():
    function, example = implementation("torch")
    assert sl.check(function, "lstm", example=example, convention="").ok
    assert np.isfinite(sl.check(function, "lstm", example=example, convention=" ; ").ulps["h"]["scaled"])
