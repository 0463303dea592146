"""The benchmarks run, at small sizes: every part gives a table with every candidate in it."""

import subprocess
import sys

import numpy as np
import pytest

from benchmarks import deriving, gradient_flow, growth, sequences, startup, state_jacobian
from tests.support.frameworks import require

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # torch.func's own imports


def rows(table):
    """The cells of a Markdown table, below its heading."""
    heading, rule, *lines = [line for line in table.splitlines() if line.startswith("|")]
    assert set(rule) <= set("|-: ")
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert all(len(row) == heading.count("|") - 1 for row in found)
    return found


def test_starting_is_timed():
    found = rows(startup.table(rounds=1))
    assert "`symlstm --help`" in [row[0] for row in found]


def test_deriving_is_timed_for_the_cells_named():
    ((name, formulas, bare, checked),) = rows(deriving.table(names=["rnn"], rounds=1))
    assert int(formulas) > 3 and name == "`rnn`" and bare.endswith("s") and checked.endswith("s")


def test_the_state_jacobian_is_timed():
    require("numba"), require("torch"), require("jax")
    found = rows(state_jacobian.table(sizes=(8,), rounds=1))
    names = [row[1] for row in found]
    assert {row[0] for row in found} == {"8"} and "symlstm" in names
    assert next(row for row in found if row[1] == "symlstm")[3] == "1.00"


def test_the_flow_of_gradients_is_timed_beside_every_peer():
    require("torch"), require("jax")
    times, _, memory = gradient_flow.table(size=6, count=2, steps=20, full=(3,), rounds=1, long=(10,)).split("\n\n")
    found = rows(times)
    assert [row[3] for row in found if row[1] == "symlstm"] == ["1.00"] * 4
    assert {"jax: jvp", "jax: stacked by hand", "torch: jacrev", "torch: jvp"} <= {row[1] for row in found}
    ((steps, _, peak),) = rows(memory)
    assert steps == "10" and peak.endswith("MB")


@pytest.mark.parametrize("mark", ["torch", "jax", "Numba"])
def test_a_peer_takes_part(mark):
    require("numba"), require("torch"), require("jax")
    names = [row[1] for row in rows(state_jacobian.table(sizes=(8,), rounds=1))]
    assert any(mark in name for name in names)


def test_a_sequence_is_timed_for_every_shape_and_dtype():
    require("numba"), require("torch"), require("jax")
    shapes = ((3, 2, 4, 5), (3, 1, 4, 5))
    medians, *_, ratios, said, others = sequences.table(shapes=shapes, rounds=1).split("\n\n")
    expected = [[", ".join(map(str, shape)), dtype] for shape in shapes for dtype in ("float64", "float32")]
    assert [row[:2] for row in rows(medians)] == [row[:2] for row in rows(ratios)] == expected
    assert [row[:2] for row in rows(others)] == expected and "OPENBLAS_CORETYPE=Haswell" in said
    assert all(cell.endswith("s") for row in (*rows(medians), *rows(others)) for cell in row[2:])
    assert all(float(cell) >= 0 for row in rows(ratios) for cell in row[2:])


def test_a_candidate_that_computes_something_else_is_not_timed():
    right = {"W": np.array([1.0, 2.0])}
    sequences.require_agreement({"one": right, "other": {"W": right["W"] + 1e-11}}, 1e-10)
    with pytest.raises(AssertionError, match="other: the gradient of W"):
        sequences.require_agreement({"one": right, "other": {"W": right["W"] + 1e-9}}, 1e-10)
    with pytest.raises(AssertionError, match="float32"):
        sequences.require_agreement({"one": right, "other": {"W": right["W"].astype("float32")}}, 1e-3)


def test_the_gemm_limit_has_as_many_products_as_the_gates(monkeypatch):
    done = []
    limit = sequences.gemm_limit(sequences.problem((7, 3, 4, 5), "float32"))
    monkeypatch.setattr(np, "matmul", lambda a, b, out: done.append((a.shape, b.shape, out.shape, out.dtype)))
    limit()
    assert done == 3 * [((21, 9), (9, 20), (21, 20), np.float32)]


def test_growth_is_timed_and_drawn(tmp_path):
    require("numba"), require("matplotlib")
    text = growth.table(steps=(2, 4), sizes=(3, 6), rounds=1, to=tmp_path / "growth.svg")
    assert [row[:2] for row in rows(text)] == [["2", "64"], ["4", "64"], ["50", "3"], ["50", "6"]]
    assert text.endswith("(growth.svg)") and (tmp_path / "growth.svg").read_text().startswith("<?xml")


def test_a_power_is_measured_from_the_point_before():
    points = {n: {"NumPy": 3e-6 * n**2} for n in (16, 32, 128)}
    assert growth.powers(points, "NumPy") == ["", "2.00", "2.00"]


def test_the_same_numbers_give_the_same_picture():
    require("matplotlib")
    points = {10: {"NumPy": 1e-3, "Numba": 5e-4}, 30: {"NumPy": 3e-3, "Numba": 1e-3}}
    drawn = growth.picture({"T": points, "n": points})
    assert drawn == growth.picture({"T": points, "n": points})
    for label in ("forward and all gradients (ms)", "steps T, at n = 64", "states n (entries), at T = 50"):
        assert label in drawn


def test_the_number_of_threads_is_set_before_numpy_is_there():
    code = """
import sys
import benchmarks.threads as threads
assert "numpy" not in sys.modules
import os
assert all(os.environ[name] == "2" for name in threads.SETTINGS)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
