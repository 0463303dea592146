"""Which sums of rows are made together: all, as far as nothing in between needs one of them."""

import ast
import textwrap

import numpy as np
import pytest

import symlstm as sl
from tests.support.frameworks import require

require("numba")
merged = require("symlstm.codegen.fast.merging").merged
rows = require("symlstm.codegen.fast.rows")

N = 4


def fill_rows(out, *terms):
    out[...] = sum(((1 if v is None else v[:, None]) * m for v, m in terms), 0)


def diagonal(matrix):
    return np.einsum("...ii->...i", matrix)


def body_of(*lines):
    return merged("def f(J, W, v, out=None):\n" + textwrap.indent("\n".join([*lines, "return J"]), "    "))


def run(text):
    calls = []

    def together(*sums):
        calls.append([one for one in sums if one])
        for out, *terms in calls[-1]:
            fill_rows(out, *terms)

    space = {"np": np, "fill_rows": fill_rows, "fill_together": together, "diagonal": diagonal}
    exec(text, space)
    rng = np.random.default_rng(0)
    J, W, v = np.full((2 * N, 2 * N), 7.0), rng.normal(size=(N, N)), rng.normal(size=N)
    return space["f"](J, W, v, J), [len(c) for c in calls]


VIEWS = f"a, b = J[:{N}, :{N}], J[:{N}, {N}:]"
MORE = f"c, d = J[{N}:, :{N}], J[{N}:, {N}:]"


@pytest.mark.parametrize(
    "lines, together",
    [
        (["fill_rows(a, (v, W))", "fill_rows(b, (None, W), (v, W.T))"], [2]),
        (["fill_rows(a, (v, W))", "u = np.tanh(v)", "fill_rows(b, (u, a))"], [2]),
        (["fill_rows(a, (v, W))", "u = W @ a", "fill_rows(b, (v, u))"], []),
        (["fill_rows(a, (v, W))", "fill_rows(b, (v, a.T))"], []),
        (["fill_rows(a, (v, W))", "fill_rows(b, (v + a[0], W))"], []),
        (["fill_rows(a, (v, W))", "diagonal(a)[...] += v", "fill_rows(b, (v, W))"], [2]),
        (["fill_rows(a, (v, W))", "diagonal(a)[...] += v", "fill_rows(b, (v, a))"], []),
        (["fill_rows(a, (v, W))", "diagonal(a)[...] += b[0]", "fill_rows(b, (v, W))"], []),
        (["fill_rows(a, (v, W))", "fill_rows(b, (v, W))", "diagonal(a)[...] += b[0]"], [2]),
        (["fill_rows(a, (v, W))", "v = 2 * v", "fill_rows(b, (v, W))"], []),
        (["fill_rows(a, (v, W))", "v[0] = 0", "fill_rows(b, (v, W))"], []),
        (["fill_rows(a, (v, c))", "fill_rows(c, (v, W))"], []),
        (["fill_rows(a, (v, W))", "fill_rows(b, (v, a))", "diagonal(a)[...] += v"], [2]),
        (["fill_rows(a, (v, W))", "diagonal(a)[...] += v", "diagonal(a)[...] *= v", "fill_rows(b, (v, W))"], []),
        (["fill_rows(a, (v, W))", "J[...] *= 2", "fill_rows(b, (v, W))"], []),
        (["fill_rows(a, (v, W))", "fill_rows(a, (v, W.T))", "fill_rows(b, (v, W))"], [2]),
        (["a[...] = b[...] = 0", "diagonal(b)[...] = v", "fill_rows(c, (v, W))", "fill_rows(d, (v, c))"], [4]),
        (["if out is not None:", "    a[...] = b[...] = 0", "fill_rows(c, (v, W))"], [3]),
        (["if out is not None:", "    a[...] = 0", "    b[...] = 0", "fill_rows(c, (v, W))"], [3]),
        (["if out is not None:", "    a[...] = 0", "    v = 2 * v", "fill_rows(c, (v, W))"], []),
        (["if out is None:", "    a[...] = 0", "fill_rows(c, (v, W))"], [1]),
        (["if v[0] > 0:", "    fill_rows(a, (v, W))", "else:", "    a[...] = 1", "fill_rows(b, (v, a))"], []),
        (["a[...] = 0"], []),
        (["J[...] = 0", "diagonal(b)[...] = v", "fill_rows(a, (v, W))"], []),
        (["if out is not None:", "    J[...] = 0", "b[..., :, 0] = v", "fill_rows(a, (v, W))"], []),
        (["a[...] = b[...] = 0", "c[...] = 0", "diagonal(c)[...] = v"], []),
        (["c[...] = 2", "u = c[0]", "fill_rows(a, (v, c))", "diagonal(c)[...] += v", "fill_rows(b, (v, W))"], []),
        (["fill_rows(a, (v, W))", "diagonal(a)[...] += v", "v = 2 * v", "fill_rows(b, (v, W))"], []),
        (["c[...] = W", "fill_rows(a, (v, c[0][None]))", "fill_rows(c, (v, W.T))"], []),
        (["c[...] = W", "u = c[::-1]", "fill_rows(a, (v, u))", "fill_rows(c, (v, W.T))"], []),
    ],
)
def test_what_is_made_together_gives_the_same(lines, together):
    plain = "def f(J, W, v, out=None):\n" + textwrap.indent("\n".join([VIEWS, MORE, *lines, "return J"]), "    ")
    expected, _ = run(plain)
    found, calls = run(body_of(VIEWS, MORE, *lines))
    np.testing.assert_array_equal(found, expected)
    assert calls == together


@pytest.mark.parametrize("name", ["lstm", "lstm_peephole"])
def test_all_blocks_of_an_lstm_are_one_pass(name):
    tree = ast.parse(merged(sl.compile(name).source))
    (function,) = (f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == "state_jacobian")
    calls = [c for c in ast.walk(function) if isinstance(c, ast.Call) and isinstance(c.func, ast.Name)]
    assert [len(c.args) for c in calls if c.func.id == "fill_together"] == [4]
    assert not [c for c in calls if c.func.id == "fill_rows"]
