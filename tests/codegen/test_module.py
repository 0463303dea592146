"""The exported module: it stands alone, reads well, and gives the same numbers."""

import ast
import json
import subprocess
import sys

import numpy as np
import pytest

import symlstm as sl
from symlstm.codegen import export
from tests.codegen.adhoc import CELLS as ADHOC
from tests.codegen.numbers import BUILT_IN, cell_of, numbers
from tests.support.frameworks import require

every_cell = pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC])

VERY_LONG = {"deep"}
"""Cells with lines so long that a formatter breaks them in its own way."""

RUN = """
import json, sys
sys.path.insert(0, {folder!r})
import numpy as np
given = np.load({data!r})
p = {{k[2:]: given[k] for k in given.files if k.startswith("p.")}}
xs = tuple(given[k] for k in given.files if k.startswith("x."))
x = None if not xs else xs[0] if len(xs) == 1 else xs
states = tuple(given[k] for k in given.files if k.startswith("s."))
up = {{k[2:]: given[k] for k in given.files if k.startswith("u.")}}
import exported
found = dict(exported.values(p, x, states))
found |= {{"step." + str(i): a for i, a in enumerate(exported.step(p, x, states))}}
found |= {{"d." + k: a for k, a in exported.vjp(p, x, states, up).items()}}
found["J"] = exported.state_jacobian(p, x, states)
np.savez({out!r}, **found)
print(json.dumps([m for m in sys.modules if m.split(".")[0] in ("symlstm", "sympy", "mpmath")]))
"""


@pytest.mark.parametrize("name", ["lstm", "gru", "attention", "two_inputs", "no_input", "one_number"])
def test_it_runs_with_numpy_alone_and_gives_the_same_bits(name, tmp_path):
    cell = cell_of(name)
    k = sl.compile(cell)
    p, x, states, up = numbers(cell, batch=(3,))
    (tmp_path / "exported.py").write_text(export(cell), encoding="utf-8")
    data, out = str(tmp_path / "given.npz"), str(tmp_path / "out.npz")
    xs = () if x is None else x if isinstance(x, tuple) else (x,)
    np.savez(
        data,
        **{f"p.{q}": v for q, v in p.items()},
        **{f"x.{j}": v for j, v in enumerate(xs)},
        **{f"s.{j}": v for j, v in enumerate(states)},
        **{f"u.{q}": v for q, v in up.items()},
    )
    code = RUN.format(folder=str(tmp_path), data=data, out=out)
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    found = np.load(out)
    assert all(np.array_equal(found[q], v) for q, v in k.values(p, x, states).items())
    assert all(np.array_equal(found[f"d.{q}"], v) for q, v in k.vjp(p, x, states, up).items())
    assert np.array_equal(found["J"], k.state_jacobian(p, x, states))
    assert np.array_equal(found["step.0"], k.step(p, x, states)[0])


@every_cell
def test_it_imports_numpy_alone_and_every_line_fits(name):
    source = export(cell_of(name))
    tree = ast.parse(source)
    imported = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert imported == ["import numpy as np"]
    assert max(map(len, source.splitlines())) <= 120
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    one_step = ["values", "step", "state_jacobian", "vjp"]
    sequence = ["prepare", "forward", "backward", "finish", "run", "gradients"]
    assert [f.name for f in functions][-10:] == [*one_step, *sequence]
    assert all(ast.get_docstring(f) for f in functions)


@every_cell
def test_ruff_has_nothing_to_say(name, tmp_path):
    require("ruff")
    path = tmp_path / "exported.py"
    path.write_text(export(cell_of(name)), encoding="utf-8")
    commands = [["check", "--select", "E,F,W,I,UP,B,SIM"], ["format", "--check"]]
    for command in commands[:1] if name in VERY_LONG else commands:
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length", "120", str(path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_equation_stands_beside_its_line():
    source = sl.compile("lstm").source
    assert source == export(sl.cell("lstm"))
    assert "    f = sigmoid(hx @ W_f.T + b_f)  # f_t = σ(W_f hx_t + b_f): forget gate\n" in source
    assert "    c = f * c_prev + i * c_tilde  # c_t = f_t ⊙ c_{t-1} + i_t ⊙ c̃_t: cell state\n" in source
    assert "    diagonal(dc_dc_prev)[...] = f  # ∂c_t/∂c_{t-1} = diag(f_t)\n" in source
    assert "    d_W_f = outer_sum(delta_f, hx)  # dW_f = δf_t hx_tᵀ\n" in source
    assert "Hochreiter and Schmidhuber, Long Short-Term Memory, Neural Computation 9(8), 1997" in source
    assert "    W_f                (n, n+m)\n" in source


def test_only_the_helpers_that_are_needed_are_carried():
    assert "def softmax" not in export(sl.cell("lstm"))
    assert "def softmax" in export(sl.cell("lstm_softmax"))
    assert "def unit_step" in export(cell_of("inner_reset"))


def test_a_state_jacobian_makes_no_products_with_diagonal_matrices():
    for name in BUILT_IN:
        source = export(sl.cell(name))
        assert "diagonal_matrix" not in source and "np.eye" not in source
