"""`run` and `gradients` of the exported module: NumPy alone, the same bits, and each equation beside its line."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

import symlstm as sl
from symlstm.codegen import export
from symlstm.codegen.comments import in_comment
from symlstm.codegen.sequence.plan import plan
from tests.codegen.adhoc import CELLS as ADHOC
from tests.codegen.numbers import BUILT_IN, cell_of
from tests.codegen.sequence import repeated

every_cell = pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC])

RUN = """
import json, sys
sys.path.insert(0, {folder!r})
import numpy as np
given = np.load({data!r})
def named(start):
    return {{k[2:]: given[k] for k in given.files if k.startswith(start)}}
xs = tuple(named("x.").values())
x = {steps} if not xs else xs[0] if len(xs) == 1 else xs
import exported
states = tuple(named("s.").values())
found = exported.run(named("p."), x, states)
for every in (None, 3):
    d = exported.gradients(named("p."), x, states, named("u."), every)
    found |= {{"d" + str(every) + "." + k: a for k, a in d.items()}}
np.savez({out!r}, **found)
print(json.dumps([m for m in sys.modules if m.split(".")[0] in ("symlstm", "sympy", "mpmath")]))
"""


@pytest.mark.parametrize("name", [*BUILT_IN, "attention", "two_inputs", "no_input", "one_number", "three_states"])
def test_it_runs_with_numpy_alone_and_gives_the_same_bits(name, tmp_path):
    k = sl.compile(cell_of(name))
    p, x, states, upstream, given = repeated.numbers(k.cell, 8, batch=(2, 3))
    (tmp_path / "exported.py").write_text(export(k.cell), encoding="utf-8")
    data, out = str(tmp_path / "given.npz"), str(tmp_path / "out.npz")
    xs = () if x is None else x if isinstance(x, tuple) else (x,)
    groups = {"p": p, "x": dict(enumerate(xs)), "s": dict(enumerate(states)), "u": upstream}
    np.savez(data, **{f"{g}.{q}": a for g, arrays in groups.items() for q, a in arrays.items()})
    code = RUN.format(folder=str(tmp_path), data=data, out=out, steps=8)
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    wanted = dict(k.run(p, x, states, **given))
    for every in (None, 3):
        d = k.gradients(p, x, states, upstream, checkpoint_every=every, **given)
        wanted |= {f"d{every}.{q}": g for q, g in d.items()}
    found = np.load(out)
    assert set(found.files) == set(wanted)
    assert all(found[q].dtype == a.dtype and np.array_equal(found[q], a) for q, a in wanted.items())


def function(source, name):
    """The text of one function."""
    return re.search(rf"^def {name}\(.*?(?=^\S|\Z)", source, re.MULTILINE | re.DOTALL)[0]


@every_cell
def test_each_way_has_one_loop_over_time(name):
    source = export(cell_of(name))
    loops = [re.findall(r"^ +for .*$", function(source, way), re.MULTILINE) for way in ("forward", "backward")]
    (forward,), (backward,) = loops
    assert re.fullmatch(r"    for (\w+) in range\((\w+)\):", forward)
    assert re.fullmatch(r"    for (\w+) in reversed\(range\((\w+)\)\):", backward)


def commented(line, lines):
    """The comment of a line of code: behind it, or in the lines above it."""
    if lines[line].strip().startswith("#"):
        return ""
    if "  # " in lines[line]:
        return lines[line].split("  # ", 1)[1]
    above = []
    while line and lines[line - 1].strip().startswith("# "):
        line -= 1
        above.insert(0, lines[line].strip()[2:])
    return " ".join(above)


@every_cell
def test_each_equation_of_the_cell_stands_beside_its_line(name):
    cell = cell_of(name)
    lines = function(export(cell), "forward").splitlines()
    comments = [commented(k, lines) for k in range(len(lines))]
    made = plan(cell)
    for e in (*made.before, *made.steps, *made.after):
        own = cell.equation(e.quantity) or e
        wanted = f"{in_comment(own.quantity)} = {in_comment(own.expr)}"
        found = [c for c in comments if c == wanted or c.startswith(f"{wanted}: ")]
        assert len(found) == 1, (wanted, comments)


def test_the_loop_of_the_lstm_reads_like_its_equations():
    source = function(export(sl.cell("lstm")), "forward")
    assert "    a = every(x, V, b)  # a_t = V x_t + b\n" in source
    assert "        z = h[t] @ U.T + a[t]  # z_t = U h_{t-1} + a_t\n" in source
    assert "        f[t] = sigmoid(z[..., :n])  # f_t = σ(W_f hx_t + b_f): forget gate\n" in source
    assert "        h[t + 1] = o[t] * tanh_c[t]  # h_t = o_t ⊙ tanh(c_t): hidden state\n" in source
    back = function(export(sl.cell("lstm")), "backward")
    assert "        d_tanh_c = d_h * o[t]  # dtanh_{c,t} = dh_t ⊙ o_t\n" in back
    assert '    d["U"] = d.get("U", 0) + outer_sum(d_z, h[:-1])  # of U\n' in back


def test_the_number_of_steps_may_be_a_numpy_integer():
    k = sl.compile(cell_of("no_input"))
    p, _, states, upstream, _ = repeated.numbers(k.cell, 5, batch=(2,))
    module = {}
    exec(k.source, module)
    assert np.array_equal(module["run"](p, np.int64(5), states)["h"], module["run"](p, 5, states)["h"])
    found = module["gradients"](p, np.int64(5), states, upstream)
    assert all(np.array_equal(found[q], g) for q, g in module["gradients"](p, 5, states, upstream).items())
