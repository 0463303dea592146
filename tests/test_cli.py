"""The command line: what it prints, where it writes, and how it exits (0 done, 1 no, 2 wrong usage)."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from symlstm.cli import app
from symlstm.plugins import CELLS, registered

MY_CELL = """
import numpy as np

def mine(x, h_prev, *, W, U, b):
    h = np.tanh(W @ x + U @ h_prev + b)
    return h

def branching(x, h_prev, *, W):
    if h_prev.sum() > 0:
        return h_prev
    return W @ x
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MY_CELL)

    def run(*arguments):
        return CliRunner().invoke(app, list(arguments))

    return run


def test_cells_lists_what_is_installed(run):
    done = run("cells")
    assert done.exit_code == 0
    for name in registered(CELLS):
        assert name in done.stdout


def test_show_prints_the_equations(run):
    done = run("show", "lstm")
    assert done.exit_code == 0
    assert "forget gate" in done.stdout and "f_t ⊙ c_{t-1} + i_t ⊙ c̃_t" in done.stdout


def test_derive_prints_the_forget_gate_and_what_was_checked(run):
    done = run("derive", "lstm", "c", "c_prev")
    assert done.exit_code == 0
    assert "diag(f_t)" in done.stdout
    for rung in ("float64", "digits", "exact"):
        assert rung in done.stdout


def test_steps_are_shown_on_demand(run):
    assert "product rule" not in run("derive", "lstm", "c", "c_prev").stdout
    assert "product rule" in run("derive", "lstm", "c", "c_prev", "--steps").stdout


def test_backpropagation_through_time(run):
    done = run("bptt", "lstm")
    assert done.exit_code == 0
    assert "dc_{t+1} ⊙ f_{t+1}" in done.stdout and "Σ_{t=1}^{T} δf_t [h_{t-1}; x_t]ᵀ" in done.stdout
    for rung in ("float64", "digits", "exact"):
        assert f"✓ {rung}" in done.stdout
    assert "one step later" not in done.stdout
    assert "one step later" in run("bptt", "mine.py:mine", "--steps", "--no-evidence").stdout


def test_a_lag_is_a_number_of_steps_or_a_letter(run):
    assert "diag(f_t ⊙ f_{t-1})" in run("derive", "lstm", "c", "c_prev", "--lag", "2").stdout
    done = run("derive", "lstm", "c", "c_prev", "--paths", "total", "--lag", "k", "-o", "c.tex")
    assert done.exit_code == 0, done.output


def test_the_solution_and_its_proof(run, tmp_path):
    done = run("solution", "lstm")
    assert done.exit_code == 0
    assert "Σ_{k=1}^{t} (⨀_{j=k+1}^{t} f_j) ⊙ i_k ⊙ c̃_k" in done.stdout and "✓ induction" in done.stdout
    assert run("solution", "gru", "h", "--over", "w", "-o", "gru.tex").exit_code == 0
    assert "h_{t-w}" in (tmp_path / "gru.tex").read_text()


def test_a_cell_of_the_users_own_file(run):
    done = run("derive", "mine.py:mine", "h", "h_prev")
    assert done.exit_code == 0
    assert "diag(1 - h_t²) U" in done.stdout


def test_everything_about_the_lstm(run):
    done = run("derive", "lstm", "--no-evidence")
    assert done.exit_code == 0
    for part in ("diag(f_t)", "W_f", "h_{t-1}"):
        assert part in done.stdout


@pytest.mark.parametrize("ending", ["tex", "md", "txt", "json"])
def test_the_format_follows_the_ending(run, tmp_path, ending):
    done = run("derive", "lstm", "c", "c_prev", "--paths", "total", "-o", f"out.{ending}")
    assert done.exit_code == 0, done.output
    text = (tmp_path / f"out.{ending}").read_text()
    marks = {"tex": r"\documentclass", "md": "```math", "txt": "diag(f_t)", "json": '"schema"'}
    assert marks[ending] in text
    if ending == "json":
        json.loads(text)


def test_export_writes_a_module_that_runs_with_numpy_alone(run, tmp_path):
    assert run("export", "lstm", "-o", "lstm_numpy.py").exit_code == 0
    check = "import sys, lstm_numpy; assert not [m for m in sys.modules if m.split('.')[0] in ('symlstm', 'sympy')]"
    subprocess.run([sys.executable, "-c", check], cwd=tmp_path, check=True)


MISTAKES = {
    "a misspelt cell": (["derive", "lstn"], "did you mean lstm"),
    "a misspelt quantity": (["derive", "lstm", "cc", "c_prev"], "did you mean c"),
    "one quantity of two": (["derive", "lstm", "c"], "by which quantity"),
    "unknown paths": (["derive", "lstm", "c", "c_prev", "--paths", "all"], "partial"),
    "a cell without a gated state": (["solution", "rnn"], "a ⊙ s_{t-1} + b"),
    "a lag of no steps": (["derive", "lstm", "c", "c_prev", "--lag", "0"], "lag is 1, 2, 3"),
    "a missing file": (["show", "no.py:cell"], "there is no file no.py"),
    "a misspelt function": (["show", "mine.py:mien"], "did you mean mine"),
    "a branching cell": (["show", "mine.py:branching"], "np.where"),
    "an unknown ending": (["show", "lstm", "-o", "out.doc"], ".tex"),
    "an unwritable output": (["show", "lstm", "-o", "missing/folder/out.md"], "missing/folder"),
    "an unknown notation": (["show", "lstm", "--notation", "blogg"], "did you mean blog"),
    "values that are no JSON": (["walk", "rnn", "--values", "mine.py"], "mine.py"),
    "an unwritable module": (["export", "lstm", "-o", "missing/folder/x.py"], "missing/folder"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_what_to_do_and_status_2(run, tmp_path, mistake):
    arguments, told = MISTAKES[mistake]
    before = sorted(tmp_path.iterdir())
    done = run(*arguments)
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.output
    assert sorted(p for p in tmp_path.iterdir() if p.name != "__pycache__") == before


def test_a_cell_file_that_fails_to_import_is_named_with_its_line(run, tmp_path):
    (tmp_path / "broken.py").write_text("import numpy\n\nimport no_such_package\n")
    done = run("show", "broken.py:cell")
    assert done.exit_code == 2
    assert "broken.py:3 cannot be imported" in done.stderr and "no_such_package" in done.stderr


def test_wrong_usage_exits_with_2(run):
    assert run("derive").exit_code == 2
    assert run("no-such-command").exit_code == 2


def test_a_formula_that_fails_its_evidence_is_not_shown_and_the_answer_is_no(run, monkeypatch):
    from dataclasses import replace

    from symlstm.calculus.forward import forward
    from symlstm.expr.build import hadamard
    from symlstm.expr.functions import ELEMENTWISE

    wrong = replace(ELEMENTWISE["sigmoid"], derivatives=(lambda z, s: hadamard(s, s),))
    monkeypatch.setitem(ELEMENTWISE, "sigmoid", wrong)
    forward.cache_clear()
    done = run("derive", "lstm", "f", "b_f")
    forward.cache_clear()
    assert done.exit_code == 1
    assert "diag(f_t ⊙ f_t)" not in done.stdout
    assert "did not pass" in done.stderr


def test_wrong_usage_is_called_so(run):
    done = run("derive", "lstm", "c")
    assert done.exit_code == 2
    assert "error[usage]: by which quantity is c to be differentiated?" in done.stderr
