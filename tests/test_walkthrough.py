"""One step in numbers: `sl.walk` and `symlstm walk` compute what loops written by hand do, and show every stage."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import symlstm as sl
from derivations import five_numbers
from symlstm.cli import app
from symlstm.codegen import formula
from symlstm.emit import emit
from symlstm.errors import NameUnknown, ShapeError, ValueUnusable
from symlstm.expr.tree import quantities
from symlstm.plugins import CELLS, registered
from symlstm.walkthrough import LARGEST, read_values
from tests.oracles.instances import CELLS as ORACLES
from tests.oracles.instances import instance, oracle
from tests.oracles.test_oracles import ALLOWED
from tests.support.tex import compile_tex
from tests.support.ulps import scaled_ulps

ROOT = Path(__file__).parents[1]
F = "(0.47502081, 0.68997448, 0.549834, 0.4875026, 0.66818777)"


def given(name, **sizes):
    """The numbers of one step of a built-in cell, by name."""
    p, x, states, _ = instance(name, **sizes)
    return {"x": x, **{f"{s}_prev": v for s, v in zip(ORACLES[name][1], states, strict=True)}, **p}


def by_loops(name, numbers):
    """Every named value of the step, from the hand-written loops."""
    states = tuple(numbers[f"{s}_prev"] for s in ORACLES[name][1])
    return oracle(name).forward({k: numbers[k] for k in ORACLES[name][0]}, numbers["x"], states)


@pytest.mark.parametrize("name", ORACLES)
def test_the_values_are_those_of_loops_written_by_hand(name):
    numbers = given(name)
    walked, expected = sl.walk(sl.cell(name), numbers).values, by_loops(name, numbers)
    assert walked.keys() == {e.name for e in sl.cell(name).equations}
    for quantity in walked.keys() & expected.keys():
        assert scaled_ulps(walked[quantity], expected[quantity]) <= ALLOWED, quantity
    assert {*ORACLES[name][1], *ORACLES[name][2]} <= walked.keys() & expected.keys()


@pytest.mark.parametrize("name", registered(CELLS))
def test_every_stage_of_an_equation_has_the_value_of_the_equation(name):
    """Each stage is the expression with more numbers in place: whatever is left to compute gives the same value."""
    numbers = given(name)
    walked = sl.walk(sl.cell(name), numbers)
    known = {**numbers, **walked.values} | {q.name: v for q, v in walked.numbers.items()}
    for line in walked.lines:
        assert line.stages[0] != line.equation.expr
        for stage in line.stages:
            found = formula(stage)({q.name: known[q.name] for q in quantities(stage)})
            np.testing.assert_array_equal(np.reshape(found, line.value.shape), line.value)


def test_a_stage_has_one_computation_less_than_the_one_before():
    walked = sl.walk(sl.cell("lstm"), five_numbers.values())
    f = next(line for line in walked.lines if line.equation.name == "f")
    assert [str(type(stage).__name__) for stage in f.stages] == ["Apply"] * 3
    shown = emit(walked.document(), "terminal").split("Forget gate")[1].split("Input gate")[0]
    assert [line.strip() for line in shown.strip().splitlines()] == [
        "f_t = σ(W_f [h_{t-1}; x_t] + b_f)",
        "= σ(W_f [h_{t-1}; x_t] + (0, 0, 0, 0, 0))",
        "= σ((-0.1, 0.8, 0.2, -0.05, 0.7) + (0, 0, 0, 0, 0))",
        "= σ((-0.1, 0.8, 0.2, -0.05, 0.7))",
        f"= {F}",
    ]


def test_lists_and_arrays_are_read_alike():
    numbers = given("gru")
    lists = {name: np.asarray(v).tolist() for name, v in numbers.items()}
    a, b = sl.walk(sl.cell("gru"), numbers).values, sl.walk(sl.cell("gru"), lists).values
    assert all(np.array_equal(a[name], b[name]) for name in a)


def changed(**changes):
    numbers = {name: np.asarray(v, dtype=float).tolist() for name, v in given("lstm", n=2, m=3).items()} | changes
    return {name: v for name, v in numbers.items() if v is not None}


WRONG = {
    "one missing": (changed(b_f=None), ValueUnusable, "b_f is missing"),
    "two missing": (changed(b_f=None, x=None), ValueUnusable, "x, b_f are missing"),
    "unknown": (changed(W_g=[1.0]), NameUnknown, "no input, state or parameter of lstm named 'W_g'"),
    "ragged": (changed(W_f=[[1.0], [1.0, 2.0]]), ValueUnusable, "W_f is not an array of numbers"),
    "words": (changed(x="three"), ValueUnusable, "x is not an array of numbers"),
    "too few rows": (changed(b_f=[1.0]), ShapeError, "b_f"),
    "too few columns": (changed(W_f=[[1.0, 2.0], [3.0, 4.0]]), ShapeError, "W_f must be 2 x 5"),
    "a matrix for a vector": (changed(b_f=[[1.0], [2.0]]), ShapeError, "b_f"),
    "not a number": (changed(x=[1.0, float("nan"), 0.0]), ValueUnusable, "x .*(NaN|nan)"),
    "infinite": (changed(c_prev=[1.0, float("inf")]), ValueUnusable, "c_prev .*inf"),
    "nothing": (changed(x=[]), (ValueUnusable, ShapeError), "x"),
}


@pytest.mark.parametrize("case", WRONG)
def test_numbers_that_cannot_be_used_are_named(case):
    numbers, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        sl.walk(sl.cell("lstm"), numbers)


@pytest.mark.parametrize("case", WRONG)
def test_the_command_says_the_same_and_exits_with_2(case, tmp_path):
    numbers, _, message = WRONG[case]
    path = tmp_path / "numbers.json"
    path.write_text(json.dumps(numbers))
    done = CliRunner().invoke(app, ["walk", "lstm", "--values", str(path)])
    assert done.exit_code == 2
    assert re.search(message, done.stderr) and done.stderr.startswith("error[")
    assert not done.stdout


BAD_FILES = {
    "{not json": "is not JSON",
    "[1, 2]": "holds no names",
    "3": "holds no names",
    "": "is not JSON",
}


@pytest.mark.parametrize("text", BAD_FILES)
def test_a_file_that_holds_no_numbers_by_name_is_refused(text, tmp_path):
    path = tmp_path / "numbers.json"
    path.write_text(text)
    with pytest.raises(ValueUnusable, match=BAD_FILES[text]):
        read_values(path)
    assert CliRunner().invoke(app, ["walk", "lstm", "--values", str(path)]).exit_code == 2


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path):
    with pytest.raises(ValueUnusable, match="cannot be read"):
        read_values(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueUnusable, match="is not JSON"):
        read_values(tmp_path / "bytes.json")


def test_markdown_and_tex_and_json(tmp_path):
    walked = sl.walk(sl.cell("lstm"), five_numbers.values())
    markdown = emit(walked.document(), "markdown")
    assert "# One step of lstm in numbers" in markdown and "### Forget gate" in markdown
    assert r"0.47502081,\, 0.68997448,\, 0.549834,\, 0.4875026,\, 0.66818777" in markdown
    source = tmp_path / "walk.tex"
    source.write_text(emit(walked.document(), "latex", standalone=True))
    assert "0.47502081" in source.read_text()
    compiled = compile_tex(source)
    assert compiled.pdf.stat().st_size > 10_000
    data = json.loads(emit(walked.document(), "json"))
    assert "0.47502081" in json.dumps(data)


def test_so_many_digits_as_are_asked_for():
    walked = sl.walk(sl.cell("lstm"), five_numbers.values(), digits=3)
    assert "(0.475, 0.69, 0.55, 0.488, 0.668)" in emit(walked.document(), "terminal")


@pytest.mark.parametrize("n", [LARGEST, LARGEST + 1])
def test_long_vectors_stay_names_and_large_matrices_are_shortened(n):
    """Up to eight numbers are written out where a vector is used; a longer one keeps its name."""
    text = emit(sl.walk(sl.cell("lstm"), given("lstm", n=n, m=3)).document(), "terminal")
    stages = text.split("Forget gate")[1].split("Input gate")[0]
    assert ("+ b_f" in stages.partition("=")[2].partition("=")[2]) == (n > LARGEST)
    matrix = text.split("W_f = ")[1].split("b_f")[0]
    assert ("…" in matrix) == (n > LARGEST)
    assert text.split("Result")[1].count(",") == 2 * (n - 1)


def test_one_step_json_holds_the_numbers_of_the_question():
    held = read_values(five_numbers.ONE_STEP)
    assert held == five_numbers.values()
    walked = sl.walk(sl.cell("lstm"), held)
    np.testing.assert_allclose(walked.values["f"], five_numbers.F, rtol=0, atol=5.1e-9)
    for name, expected in five_numbers.by_hand().items():
        assert scaled_ulps(walked.values[name], np.asarray(expected)) <= ALLOWED


@pytest.mark.parametrize("page", ["README.md", "derivations/five_numbers.md"])
def test_the_command_as_printed_runs(page):
    """From the folder of the project, word for word."""
    (command,) = set(re.findall(r"symlstm (walk .*?\.json)", (ROOT / page).read_text()))
    done = subprocess.run(
        [sys.executable, "-m", "symlstm", *command.split()],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert F in done.stdout


@pytest.mark.parametrize("digits", [0, -1, 18, 2.5, "8", True])
def test_digits_that_no_number_has_are_refused(digits):
    with pytest.raises(ValueUnusable) as caught:
        sl.walk(sl.cell("rnn"), given("rnn"), digits=digits)
    assert (caught.value.message, caught.value.hint) == (
        f"digits={digits!r} cannot be shown", "digits is a whole number from 1 to 17",
    )  # fmt: skip


def test_a_walk_takes_what_a_cell_is_made_of_and_values_by_name():
    assert sl.walk("rnn", given("rnn")).text() == sl.walk(sl.cell("rnn"), given("rnn")).text()
    with pytest.raises(ValueUnusable, match="the values must be a dict by name, not NoneType"):
        sl.walk("rnn", None)


def test_a_walk_ends_where_a_plain_number_stands_in_front():
    def halved(x: "n", h_prev: "n"):
        h = 0.5 * (x * h_prev)
        return h

    made = sl.walk(sl.cell(halved), {"x": [2.0, 4.0], "h_prev": [1.0, 3.0]})
    assert made.values["h"].tolist() == [1.0, 6.0]
    assert "0.5 (2, 12)" in made.text()


def test_a_walk_knows_how_long_its_vectors_are():
    def centred(x: "n", h_prev: "n"):
        h = x - np.mean(x + h_prev)
        return h

    made = sl.walk(sl.cell(centred), {"x": [2.0, 4.0], "h_prev": [1.0, 3.0]})
    assert made.values["h"].tolist() == [-3.0, -1.0]
