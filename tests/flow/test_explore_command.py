"""`symlstm explore`: what it reads, writes and prints, and what it says of bad input and of Ctrl-C."""

import csv

import pytest
from typer.testing import CliRunner

import symlstm as sl
import symlstm.exploration.explore as module
from symlstm.cli import app
from tests.support.frameworks import require

for name in ("joblib", "cloudpickle", "threadpoolctl", "pyarrow", "matplotlib"):
    require(name)

OWN = """
from symlstm import sigmoid, tanh

def mine(x: "m", s_prev: "d", *, U: "d d", V: "d m", keep: "d"):
    k = sigmoid(U @ s_prev + keep)
    v = tanh(V @ x)
    s = k * s_prev + (1 - k) * v
    return s
"""
QUICK = ["--n", "6", "--steps", "20", "--jobs", "1"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    return lambda *arguments: CliRunner().invoke(app, ["explore", *arguments])


def test_it_writes_the_table_and_the_picture_of_what_explore_gives(run, tmp_path):
    grid = ["--forget-bias", "0,1", "--gain", "0.5:1:2", "--seeds", "3,7", "--input-std", "1"]
    done = run("lstm", *grid, *QUICK, "-o", "sweep.csv", "--plot", "sweep.svg")
    assert done.exit_code == 0, done.output
    assert "wrote sweep.csv" in done.stderr and "wrote sweep.svg" in done.stderr
    wanted = sl.explore("lstm", [0, 1], gain=[0.5, 1], n=6, seeds=[3, 7], input_std=1, steps=20, jobs=1)
    assert done.stdout == f"{wanted}\n"
    with open("sweep.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["exponent"]) for row in rows] == [row["exponent"] for row in wanted.rows]
    assert (tmp_path / "sweep.svg").read_text().startswith("<?xml")


def test_a_cell_from_a_file_runs_in_other_processes_and_on_its_own_size(run):
    done = run("own.py:mine", "--chrono", "10,100", "--size", "m=3", "--seeds", "2", *QUICK[:4], "--jobs", "2")
    assert done.exit_code == 0, done.output
    assert "chrono T_max = 10, n = 6" in done.stdout and "critical gain" in done.stdout


def test_further_biases_are_swept_by_name(run):
    done = run("gru", "--bias", "b_r=0,2", "--bias", "b_z=1", *QUICK)
    assert done.exit_code == 0, done.output
    assert "b_r = 0, n = 6" in done.stdout and "predicted 1.13534" in done.stdout  # 1 + exp(-2)


def test_ctrl_c_says_how_to_go_on(run, monkeypatch):
    measure, done = module.measure, []

    def interrupted(*point):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(point)
        return measure(*point)

    monkeypatch.setattr(module, "measure", interrupted)
    found = run("lstm", "--seeds", "3", *QUICK, "-o", "sweep.csv")
    assert found.exit_code == 130
    assert "interrupted: 3 of 6 points are done, kept in sweep.csv.points.jsonl: the same command" in found.stderr


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["rnn", "--forget-bias", "1"], "a forget bias does not apply to rnn"),
        (["lstm", "--gain", "1:2"], "--gain 1:2 cannot be read"),
        (["lstm", "--gain", "a"], "--gain a cannot be read"),
        (["lstm", "--n", "4.5"], "--n 4.5 cannot be read"),
        (["lstm", "--seeds", "x"], "--seeds x cannot be read"),
        (["gru", "--bias", "b_r"], "--bias b_r cannot be read"),
        (["gru", "--bias", "b_q=1"], "there is no bias of gru named 'b_q'"),
        (["lstm_projected"], "lstm_projected also needs the size p"),
        (["lstm", "-o", "sweep.xlsx"], "sweep.xlsx does not end in .parquet or .csv"),
        (["lstm", "--plot", "sweep.gif"], "sweep.gif does not end in .svg, .png, .pdf"),
        (["lstm", "--jobs", "0"], "jobs must be"),
    ],
)
def test_bad_input_is_told_with_exit_status_2(run, arguments, told):
    done = run(*arguments)
    assert done.exit_code == 2 and told in done.stderr
