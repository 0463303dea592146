"""Derivatives over several steps: the products of forget gates and of state Jacobians, and what they equal."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import symlstm as sl
from symlstm.errors import NameUnknown, SymlstmError
from symlstm.expr.build import add, diag, hadamard, matmul, negative
from symlstm.expr.nodes import t
from symlstm.expr.text import text
from symlstm.expr.time import MatmulOver, expand


def shown(*arguments, **options):
    return text(sl.derive(*arguments, **options).shown)


def test_over_k_steps_the_direct_path_of_the_cell_state_is_the_product_of_the_forget_gates():
    assert shown("lstm", "c", "c_prev", lag=2) == "diag(f_t ⊙ f_{t-1})"
    assert shown("lstm", "c", "c_prev", lag=4) == "diag(f_t ⊙ f_{t-1} ⊙ f_{t-2} ⊙ f_{t-3})"
    assert shown("lstm", "c", "c_prev", lag=5) == "diag(⨀_{j=t-4}^{t} f_j)"
    assert shown("lstm", "c", "c_prev", lag="k") == "diag(⨀_{j=t-k+1}^{t} f_j)"
    assert shown("lstm", "c", "c_prev", lag=sp.Symbol("w")) == "diag(⨀_{j=t-w+1}^{t} f_j)"


def test_matrices_keep_their_order_the_latest_on_the_left():
    assert shown("rnn", "h", "h_prev", lag=2) == "diag(1 - h_t²) U diag(1 - h_{t-1}²) U"
    assert shown("rnn", "h", "h_prev", lag="k") == "∏←_{j=t-k+1}^{t} (diag(1 - h_j²) U)"
    assert shown("gru", "h", "h_prev", lag="k") == "∏←_{j=t-k+1}^{t} ∂h_j/∂h_{j-1}"


def test_all_paths_are_a_product_of_state_jacobians_and_one_detour_of_two_steps_has_two_ways():
    d = sl.derive("lstm", "c", "c_prev", paths="total", lag=2)
    assert text(d.shown) == "(J_t J_{t-1})[n+1:2n, :] [∂h_{t-2}/∂c_{t-2}; I]"
    assert [(way.detours, text(way.shown)) for way in d.ways] == [
        (0, "diag(f_t ⊙ f_{t-1})"),
        (1, "∂c_t/∂h_{t-1} ∂h_{t-1}/∂c_{t-2}"),
        (1, "∂c_t/∂c_{t-1} ∂c_{t-1}/∂h_{t-2} ∂h_{t-2}/∂c_{t-2}"),
        (2, "∂c_t/∂h_{t-1} ∂h_{t-1}/∂h_{t-2} ∂h_{t-2}/∂c_{t-2}"),
    ]
    assert text(sl.derive("lstm", "c", "c_prev", paths="total", lag="k").shown) == (
        "(∏←_{j=t-k+1}^{t} J_j)[n+1:2n, :] [∂h_{t-k}/∂c_{t-k}; I]"
    )


def test_a_lag_of_one_is_the_derivation_that_it_always_was():
    for paths in ("partial", "total"):
        plain = sl.derive("lstm", "c", "c_prev", paths=paths)
        assert sl.derive("lstm", "c", "c_prev", paths=paths, lag=1) == plain
        assert sl.derive("lstm", "c", "c_prev", paths=paths, lag="1") == plain


@pytest.mark.parametrize("paths", ["partial", "total"])
def test_at_k_equal_to_one_the_closed_form_in_k_is_the_derivative_of_one_step(paths):
    one = sl.derive("lstm", "c", "c_prev", paths=paths)
    d = sl.derive("lstm", "c", "c_prev", paths=paths, lag="k")
    again = replace(one, result=d.instance(d.result, 1))
    assert again.evidence().ok


def cells(name):
    def three(x: "m", a_prev: "n", b_prev: "n", d_prev: "n", *, A: "n n", B: "n n", D: "n n", W: "n m"):
        a = np.tanh(A @ b_prev + W @ x)
        b = sl.sigmoid(B @ d_prev) * b_prev + a
        d = np.tanh(D @ a_prev) + b * d_prev
        return a, b, d

    return sl.cell(three if name == "three states" else name)


ASKED = [
    *[("lstm", "c", "c_prev", paths, lag) for paths in ("partial", "total") for lag in (2, 3, 5, "k")],
    ("lstm", "h", "h_prev", "partial", 3),
    ("lstm", "h", "h_prev", "total", "k"),
    ("lstm", "o", "c_prev", "total", 2),
    ("lstm_peephole", "c", "c_prev", "partial", "k"),
    ("lstm_peephole", "c", "h_prev", "total", 2),
    ("gru", "h", "h_prev", "total", 3),
    ("gru_reset_before", "h", "h_prev", "partial", "k"),
    ("rnn", "h", "h_prev", "partial", 6),
    ("three states", "a", "d_prev", "total", 2),
    ("three states", "d", "d_prev", "total", "k"),
    ("three states", "d", "d_prev", "partial", 3),
    ("three states", "a", "a_prev", "partial", "k"),
]


@pytest.mark.parametrize(("cell", "of", "wrt", "paths", "lag"), ASKED)
def test_every_rung_holds_and_every_format_takes_it(cell, of, wrt, paths, lag):
    d = sl.derive(cells(cell), of, wrt, paths=paths, lag=lag)
    found = d.evidence()
    assert [r.held for r in found.rungs] == [True, True, True], str(found)
    for show in (d.text, d.markdown, d.latex, d.json):
        assert show(steps=True)
    assert repr(d).startswith(f"<{d.cell.name}: ") and d._repr_latex_().startswith("$")


def numeric_lstm(p, xs, h, c, cut=None, by=None):
    """c of the last step, in plain NumPy; at step `cut` the cell state is replaced by `by` before anything reads it."""
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    for step, x in enumerate(xs):
        hx = np.concatenate([h, x])
        f, i, o = (sigmoid(p[f"W_{g}"] @ hx + p[f"b_{g}"]) for g in "fio")
        c = f * c + i * np.tanh(p["W_c"] @ hx + p["b_c"])
        c = by if step == cut else c
        h = o * np.tanh(c)
    return c


def test_the_total_derivative_over_three_steps_counts_every_path_of_a_plain_numpy_lstm():
    n, m, lag = 3, 2, 3
    rng = np.random.default_rng(5)
    cell = sl.cell("lstm")
    p = {name: rng.normal(size=v.shape) for name, v in sl.parameters(cell, n=n, m=m, rng=0).items()}
    xs, h, c = rng.normal(size=(lag + 1, m)), rng.normal(size=n), rng.normal(size=n)
    at_cut = numeric_lstm(p, xs[:1], h, c)
    columns = []
    for k in range(n):
        by = at_cut + 1e-30j * np.eye(n)[k]
        columns.append(numeric_lstm(p, xs, h, c, cut=0, by=by).imag / 1e-30)
    truth = np.stack(columns, axis=1)
    values = dict(p)
    k = sl.compile(cell)
    for step in range(lag + 1):
        here = k.values(p, xs[step], (h, c))
        for name, value in {**here, "x": xs[step], "h_prev": h, "c_prev": c}.items():
            q = cell.quantity(name)
            values[cell.at(q, q.time - (lag - step)).name] = value
        h, c = here["h"], here["c"]
    from symlstm.codegen import formula

    d = sl.derive(cell, "c", "c_prev", paths="total", lag=lag)
    for found in (d.result, d.inserted, add(*[way.product for way in d.ways])):
        np.testing.assert_allclose(formula(expand(found, cell.at))(values), truth, rtol=1e-12, atol=1e-15)
    direct = formula(sl.derive(cell, "c", "c_prev", lag=lag).result)(values)
    assert np.max(np.abs(direct - truth)) > 0.01


def wrong(d):
    f, before = d.cell.quantity("f"), d.cell.at(d.cell.quantity("f"), t - 1)
    yield "one gate too few", replace(d, result=diag(f), shown=diag(f))
    yield "the same gate twice", replace(d, result=diag(hadamard(f, f)), shown=diag(hadamard(f, f)))
    yield "the other sign", replace(d, result=negative(d.result))
    yield "what is shown is not the result", replace(d, shown=diag(hadamard(before, before)))
    yield "total for partial", replace(d, paths_kind="total")
    yield "a lag more", replace(d, lag=3)


@pytest.mark.parametrize("k", range(6))
def test_a_wrong_product_is_noticed_by_every_rung(k):
    name, broken = list(wrong(sl.derive("lstm", "c", "c_prev", lag=2)))[k]
    assert [r.held for r in broken.evidence().rungs] == [False] * 3, name


def test_a_way_with_a_factor_too_few_and_a_product_in_the_wrong_order_are_noticed():
    d = sl.derive("lstm", "c", "c_prev", paths="total", lag=2)
    first, second, *others = d.ways
    short = replace(second, product=matmul(*second.product.args[1:]))
    assert not replace(d, ways=(first, short, *others)).evidence(rungs=["float64"]).ok
    rnn = sl.derive("rnn", "h", "h_prev", lag=2)
    a, b, *rest = rnn.result.args
    assert not replace(rnn, result=matmul(rest[0], b, a, b)).evidence(rungs=["digits"]).ok


def test_a_symbolic_product_that_stops_a_step_early_is_noticed():
    d = sl.derive("rnn", "h", "h_prev", lag="k")
    over = d.result
    early = MatmulOver(over.term, over.index, over.first + 1, over.last)
    assert [r.held for r in replace(d, result=early, shown=early).evidence().rungs] == [False] * 3


MISTAKES = {
    "no step": (0, "is no number of steps back"),
    "backwards": (-1, "is no number of steps back"),
    "half a step": (1.5, "cannot be read"),
    "a truth value": (True, "is no number of steps back"),
    "no letter": ("2k", "cannot be read"),
    "the time": ("t", "is the time step already"),
    "a size": ("n", "is a size of lstm already"),
    "a quantity": ("f", "is a quantity of lstm already"),
    "the length": ("T", "is the number of steps already"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_lag_that_is_none_is_explained(mistake):
    lag, told = MISTAKES[mistake]
    with pytest.raises(SymlstmError, match=told):
        sl.derive("lstm", "c", "c_prev", lag=lag)


def test_a_lag_goes_from_a_value_back_to_a_state():
    with pytest.raises(NameUnknown, match="a lag counts steps between states"):
        sl.derive("lstm", "c", "W_f", lag=2)
    with pytest.raises(SymlstmError, match="is not made in step t"):
        sl.derive("lstm", "x", "c_prev", lag=2)
