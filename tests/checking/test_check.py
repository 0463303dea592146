"""What the report says about the seeds' cell, precision, manners, gradients, and wrong usage."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import symlstm as sl
from symlstm.cli import app
from symlstm.errors import SymlstmError
from tests.checking.bench import implementation, source

BACKWARD = """
def back(da_next, dc_next, cache):
    a_next, c, a_prev, c_prev, f, i, g, o, xt, p = cache
    n = len(a_next)
    do = da_next * np.tanh(c) * o * (1 - o)
    dc = dc_next + da_next * o * (1 - np.tanh(c) ** 2)
    df, di, dg = dc * c_prev * f * (1 - f), dc * g * i * (1 - i), dc * i * (1 - g**2)
    hx, grads = np.concatenate((a_prev, xt)), {"dc_prev": dc * f}
    for name, d in (("f", df), ("i", di), ("c", dg), ("o", do)):
        grads |= {"dW" + name: d @ hx.T, "db" + name: d.sum(1, keepdims=True)}
    dhx = p["Wf"].T @ df + p["Wi"].T @ di + p["Wc"].T @ dg + p["Wo"].T @ do
    return {**grads, "da_prev": dhx[:n], "dxt": dhx[n:]}
"""


def gradients(old="", new=""):
    assert old in BACKWARD
    space = {"np": np}
    exec(BACKWARD.replace(old, new, 1), space)
    function, example = implementation("course")
    return sl.check(function, "lstm", example=example, backward=space["back"])


def test_a_right_backward_function_agrees_gradient_by_gradient():
    report = gradients()
    assert report.ok, str(report)
    assert {"dWf", "dbo", "dxt", "da_prev", "dc_prev"} <= set(report.ulps)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("dc_next + ", "", "Δc_t is missing"),
        ("o * (1 - np.tanh(c) ** 2)", "o * (1 - c**2)", "no activation in place of tanh"),
        ("i * (1 - i)", "i * 1 - i", "a parenthesis is missing in the derivative of i"),
        ("dc * c_prev * f", "dc * c * f", "c_t in place of c_{t-1}"),
        ('p["Wf"].T @ df + ', "", "W_fᵀ δf_t is missing"),
    ],
)
def test_a_wrong_backward_function_is_diagnosed(old, new, message):
    report = gradients(old, new)
    assert not report.ok and message in report.findings[0].message


def test_a_relative_error_of_1e_minus_12_in_a_gradient_is_caught():
    report = gradients("np.tanh(c) * o * (1 - o)", "np.tanh(c) * o * (1 - o) * (1 + 1e-12)")
    assert [f.name for f in report.findings] == ["backward_imprecise"]


def test_float32_inside_is_imprecise_not_wrong():
    function, example = implementation("course", G="np.tanh(zg.astype(np.float32)).astype(float)")
    report = sl.check(function, "lstm", example=example)
    assert [f.name for f in report.findings] == ["imprecise"] and "float32" in report.findings[0].message


def test_the_prediction_of_the_course_notebook():
    step, make = implementation("course")

    def cell(xt, a_prev, c_prev, parameters):
        h, c, _ = step(xt, a_prev, c_prev, parameters)
        return h, c, np.exp(h) / np.exp(h).sum(axis=0), parameters

    def example(n, m, batch, rng):
        made = make(n, m, batch, rng)
        made["parameters"] |= {"Wy": rng.standard_normal((5, n)), "by": rng.standard_normal((5, 1))}
        return made

    report = sl.check(cell, "lstm", example=example)
    assert [f.name for f in report.findings] == ["prediction", "unused"]
    assert "parameters.Wy, parameters.by" in report.findings[1].where


def test_changed_inputs_and_chance_are_named():
    step, example = implementation("separate")

    def changes(x, h_prev, c_prev, **p):
        c_prev *= 2
        return step(x, h_prev, c_prev / 2, **p)

    def chance(x, h_prev, c_prev, **p):
        return step(x, h_prev * np.random.default_rng().random(), c_prev, **p)

    assert "changed_input" in [f.name for f in sl.check(changes, "lstm", example=example).findings]
    assert [f.name for f in sl.check(chance, "lstm", example=example).findings] == ["nondeterministic"]


def test_an_example_may_be_one_call_or_left_out():
    step, make = implementation("course")
    assert sl.check(step, "lstm", example=make(5, 3, 7, np.random.default_rng(0))).ok
    assert sl.check(step, "lstm").ok


def test_wrong_usage_is_explained():
    step, make = implementation("course")
    with pytest.raises(SymlstmError, match="the example is a int"):
        sl.check(step, "lstm", example=3)
    with pytest.raises(SymlstmError, match="the example does not fit step"):
        sl.check(step, "lstm", example=(1.0,))
    with pytest.raises(SymlstmError, match="is not a function of one step"):
        sl.check(3, "lstm")


def test_the_command_answers_with_its_exit_status(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = (
        "\ndef example(n, m, batch, rng):\n    d = rng.standard_normal\n    return (d((batch, m)), d((batch, n)), "
    )
    example += "d((batch, n)), d((m, 4 * n)), d((n, 4 * n)), d(4 * n))\n"
    (tmp_path / "right.py").write_text(source("cs231n") + example)
    (tmp_path / "wrong.py").write_text(source("cs231n", H="o * c") + example)

    def run(name, *more):
        return CliRunner().invoke(app, ["check", f"{name}.py:step", "--example", f"{name}.py:example", *more])

    assert run("right").exit_code == 0
    told = run("wrong", "--json")
    assert told.exit_code == 1 and json.loads(told.stdout)["findings"][0]["name"] == "variant_no_output_tanh"
    assert run("missing").exit_code == 2
