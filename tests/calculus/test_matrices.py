"""Derivatives where a matrix is differentiated, or differentiated by, or stands in between."""

import dataclasses
import unicodedata

import numpy as np
import pytest

import symlstm as sl
from symlstm.calculus import entries, forward
from symlstm.errors import ShapeError
from symlstm.expr import nodes as x
from symlstm.expr.text import text
from tests.calculus.matrix_cells import CELLS
from tests.calculus.numeric import TINY, instance, step
from tests.support.frameworks import require
from tests.trace.reading import value

every_cell = pytest.mark.parametrize("name", CELLS)


def decomposed(shown):
    return unicodedata.normalize("NFD", shown)


def by_index(d):
    return " + ".join(" ".join(f"({text(array)})_{at}" for array, at in term.factors) for term in d.index)


CLOSED = [
    ("matrix_state", "h", "h_prev", "k_t k_tᵀ + U"),
    ("matrix_state", "h", "x", "((h_{t-1}ᵀ k_t) I + C_t) diag(1 - k_t²) W"),
    ("delta_rule", "h", "h_prev", "(-(k_tᵀ k_t) C_{t-1} + (v_t - C_{t-1} k_t) k_tᵀ + C_t) diag(1 - k_t²)"),
    ("sum_and_matrix", "h", "h_prev", "a wᵀ + a 1ᵀ"),
]


@pytest.mark.parametrize(("cell", "of", "wrt", "closed"), CLOSED)
def test_a_vector_by_a_vector_is_a_matrix_whatever_stands_in_between(cell, of, wrt, closed):
    d = sl.derive(CELLS[cell], of, wrt)
    assert text(d.result) == closed
    assert not d.acts and d.result.shape == (d.of.shape[0], d.wrt.shape[0])


BY_INDEX = [
    ("matrix_state", "C", "h_prev", "(k_t)_i (I)_jk"),
    ("matrix_state", "C", "C_prev", "(0.5 I)_ik (I)_jl"),
    ("delta_rule", "C", "C_prev", "(I)_ik (I)_jl + (-I)_ik (k_t)_j (k_t)_l"),
    ("gated_rows", "C", "C_prev", "(diag(f_t))_ik (I)_jl"),
    ("gated_columns", "C", "C_prev", "(I)_ik (diag(f_t))_jl"),
    ("gated_rows", "h", "C_prev", "(diag(f_t))_ij (Q x_t)_k"),
    ("mlstm", "C", "C_prev", "(f_t)_ (I)_ik (I)_jl"),
]


@pytest.mark.parametrize(("cell", "of", "wrt", "form"), BY_INDEX)
def test_with_more_indices_there_is_a_form_by_index(cell, of, wrt, form):
    assert by_index(sl.derive(CELLS[cell], of, wrt)) == form


def test_the_actions_of_the_delta_rule():
    d = sl.derive(CELLS["delta_rule"], "C", "C_prev")
    assert text(d.change) == decomposed("Ċ_{t-1} - Ċ_{t-1} k_t k_tᵀ")
    assert text(d.result) == "dC_t - dC_t k_t k_tᵀ"
    shown = " ".join(d.text(steps=True).split())
    assert "∂(C_t)_{ij}/∂(C_{t-1})_{kl} = δ_{ik} δ_{jl} - δ_{ik} (k_t)_j (k_t)_l" in shown
    assert decomposed("Ċ_t = Ċ_{t-1} - Ċ_{t-1} k_t k_tᵀ") in shown
    assert "dC_{t-1} = dC_t - dC_t k_t k_tᵀ" in shown


def test_what_is_no_sum_of_products_of_entries_is_given_by_its_actions():
    d = sl.derive(CELLS["mixed_memory"], "C", "x")
    assert d.index == () and d.acts
    assert d.evidence().ok
    with pytest.raises(entries.NotClosed):
        entries.read(d.change, d.moved)


def test_all_paths_of_a_derivative_by_a_matrix_state_count():
    partial = sl.derive(CELLS["matrix_state"], "h", "C_prev")
    total = sl.derive(CELLS["matrix_state"], "h", "C_prev", paths="total")
    assert text(partial.result) == "0.5 dh_t k_tᵀ"
    assert text(total.result) == "0.5 dh_t k_tᵀ + (Uᵀ dh_t + k_t dh_tᵀ k_t) k_{t-1}ᵀ"


def everything(cell):
    states = [s.previous.name for s in cell.states]
    for of in [*(s.current.name for s in cell.states), *(q.name for q in cell.outputs)]:
        for wrt in [*states, *(q.name for q in cell.inputs), *(q.name for q in cell.parameters)]:
            for paths in ("partial", "total") if wrt in states else ("partial",):
                yield sl.derive(cell, of, wrt, paths=paths)


@every_cell
def test_every_rung_holds_and_every_format_takes_it(name):
    for d in everything(sl.cell(CELLS[name])):
        assert [r.held for r in d.evidence().rungs] == [True] * 3, (d.symbol, str(d.evidence()))
        for show in (d.text, d.markdown, d.latex, d.json):
            assert show(steps=True, paths=True)
        assert repr(d).startswith(f"<{d.cell.name}: ") and d._repr_latex_().startswith("$")


@every_cell
def test_the_single_paths_add_up_to_the_result(name):
    cell = sl.cell(CELLS[name])
    values, sizes = instance(cell)
    known = step(cell, values, sizes)
    for d in everything(cell):
        if not d.acts and d.paths_kind == "partial":
            whole = value(d.result, known, sizes)
            parts = sum((value(path.product, known, sizes) for path in d.paths), np.zeros_like(whole))
            np.testing.assert_allclose(parts, whole, rtol=1e-12, atol=1e-14)


def entries_of(d, known, sizes):
    """The form by index as an array, an axis a letter."""
    letters = "ijkl"[: sum(size != 1 for q in (d.of, d.wrt) for size in q.shape)]
    lengths = [sizes[size] for q in (d.of, d.wrt) for size in q.shape if size != 1]
    total = np.zeros(lengths)
    for term in d.index:
        arrays = [value(a, known, sizes) for a in term.matrices]
        shaped = [
            a if len(at) == 2 else a.reshape(-1 if at else ()) for a, (_, at) in zip(arrays, term.factors, strict=True)
        ]
        every = [np.ones(length) for length in lengths]
        names = ",".join([*(at for _, at in term.factors), *letters])
        total += np.einsum(f"{names}->{letters}", *shaped, *every)
    return total


@pytest.mark.parametrize("name", [name for name in CELLS if name != "mlstm"])  # |z| has no complex step
def test_both_actions_and_the_form_by_index_are_those_of_complex_steps(name):
    cell = sl.cell(CELLS[name])
    values, sizes = instance(cell)
    known = step(cell, values, sizes)
    rng = np.random.default_rng(4)
    for d in everything(cell):
        if not d.acts or d.paths_kind == "total":
            continue
        change, upstream = rng.normal(size=known[d.wrt.name].shape), rng.normal(size=known[d.of.name].shape)
        moved = {**values, d.wrt.name: values[d.wrt.name] + 1j * TINY * change}
        exact = step(cell, moved, sizes)[d.of.name].imag / TINY
        found = value(d.change, {**known, d.moved.name: change}, sizes)
        np.testing.assert_allclose(found, exact, rtol=1e-11, atol=1e-13)
        pulled = value(d.result, {**known, d.upstream.name: upstream}, sizes)
        assert np.vdot(pulled, change) == pytest.approx(np.vdot(upstream, exact), rel=1e-10)
        if d.index:
            form = entries_of(d, known, sizes)
            summed = form.reshape(*np.squeeze(exact).shape, -1) @ change.ravel()
            np.testing.assert_allclose(summed, np.squeeze(exact), rtol=1e-11, atol=1e-13)


@every_cell
def test_compiled_jacobians_are_those_of_jax(name):
    jax = require("jax")
    cell = sl.cell(CELLS[name])
    k, rng = sl.compile(cell), np.random.default_rng(2)
    numbers = {"n": 3, "m": 2, "p": 4}
    p = sl.parameters(cell, rng=1, **{size.name: numbers[size.name] for size in cell.dims})
    drawn = [rng.normal(size=[numbers[str(s)] for s in cell.shapes[s_.previous.name]]) for s_ in cell.states]
    xs = rng.normal(size=2) if cell.inputs else None
    names = [s.previous.name for s in cell.states]
    with jax.enable_x64(True):
        for j, wrt in enumerate(names):
            for of in cell.states:

                def run(v, j=j, of=of):
                    states = [*drawn[:j], v, *drawn[j + 1 :]]
                    return by_jax(jax, cell, p, xs, dict(zip(names, states, strict=True)))[of.current]

                exact = np.asarray(jax.jacobian(run)(drawn[j]))
                found = k.jacobian(p, xs, tuple(drawn), of=of.current.name, wrt=wrt)
                np.testing.assert_allclose(found, exact.reshape(found.shape), rtol=1e-10, atol=1e-12)


def by_jax(jax, cell, p, xs, states):
    """The equations node by node in jax.numpy, vectors in one axis."""
    jnp = jax.numpy
    values = {**p, **states, **({"x": xs} if cell.inputs else {})}
    functions = {"tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid, "exp": jnp.exp, "abs": jnp.abs, "maximum": jnp.maximum,
                 "divide": jnp.divide}  # fmt: skip

    def column(v):
        v = jnp.asarray(v)
        return v.reshape(v.shape + (1,) * (2 - v.ndim))

    def run(e):
        if isinstance(e, x.Quantity):
            return column(values[e.name])
        if isinstance(e, x.Add):
            return sum(run(a) for a in e.args)
        if isinstance(e, x.Scale):
            return float(e.args[0]) * run(e.args[1])
        if isinstance(e, x.Matmul):
            out = run(e.args[0])
            for a in e.args[1:]:
                out = out @ run(a)
            return out
        if isinstance(e, x.Hadamard):
            out = run(e.args[0])
            for a in e.args[1:]:
                out = out * run(a)
            return out
        if isinstance(e, x.Transposed):
            return run(e.args[0]).T
        if isinstance(e, x.Spread):
            return run(e.args[0])
        if isinstance(e, x.Whole):
            return jnp.sum(run(e.args[1]), keepdims=True)
        if isinstance(e, x.Apply):
            return functions[e.function](*[run(a) for a in e.arrays])
        numbers = {"n": 3, "m": 2, "p": 4}
        assert isinstance(e, x.Ones), e
        return jnp.ones([numbers.get(str(s), s) if not s.is_Integer else int(s) for s in e.shape])

    out = {}
    for equation in cell.equations:
        found = run(equation.expr)
        rows, cols = equation.quantity.shape
        values[equation.name] = out[equation.quantity] = found if cols != 1 else found[:, 0]
    return out


BROKEN = {
    "a factor forgotten": (x.Hadamard, lambda expr, symbol: entries.read(expr.args[-1], symbol)),
    "not transposed": (x.Transposed, lambda expr, symbol: entries.read(expr.args[0], symbol)),
    "a term forgotten": (x.Add, lambda expr, symbol: entries.read(expr.args[0], symbol)),
    "the other sign": (x.Scale, lambda expr, symbol: entries.read(expr.args[1], symbol)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_way_of_reading_is_noticed_by_every_rung(monkeypatch, name):
    node, broken = BROKEN[name]
    forward.forward.cache_clear()
    monkeypatch.setitem(entries.READ, node, broken)
    failed = set()
    for cell in ("delta_rule", "gated_columns", "matrix_state"):
        for of, wrt in (("h", "h_prev"), ("C", "h_prev"), ("C", "C_prev")):
            try:
                rungs = sl.derive(CELLS[cell], of, wrt).evidence().rungs
            except (StopIteration, KeyError, ShapeError):  # no formula at all
                continue
            failed |= {r.name for r in rungs if r.held is False}
    forward.forward.cache_clear()
    assert failed == {"float64", "digits", "exact"}


def test_a_wrong_action_on_a_change_is_noticed_by_every_rung():
    d = sl.derive(CELLS["delta_rule"], "C", "h_prev")
    wrong = dataclasses.replace(d, change=d.change.args[0])
    assert [r.held for r in wrong.evidence().rungs] == [False] * 3


LAGS = [
    ("delta_rule", "C", "C_prev", "partial", "w", "Ċ_t = Ċ_{t-w} (∏←_{j=t-w+1}^{t} (I - k_j k_jᵀ))ᵀ"),
    ("gated_rows", "C", "C_prev", "total", "w", "Ċ_t = diag(⨀_{j=t-w+1}^{t} f_j) Ċ_{t-w}"),
    ("gated_columns", "C", "C_prev", "partial", "w", "Ċ_t = Ċ_{t-w} diag(⨀_{j=t-w+1}^{t} f_j)"),
    ("mlstm", "C", "C_prev", "total", "w", "Ċ_t = (⨀_{j=t-w+1}^{t} f_j) Ċ_{t-w}"),
    ("matrix_state", "C", "C_prev", "partial", "w", "Ċ_t = 0.5^w Ċ_{t-w}"),
]


@pytest.mark.parametrize(("cell", "of", "wrt", "paths", "lag", "closed"), LAGS)
def test_over_many_steps_gates_multiply_a_change_of_a_matrix(cell, of, wrt, paths, lag, closed):
    d = sl.derive(CELLS[cell], of, wrt, paths=paths, lag=lag)
    (row,) = d.rows
    assert f"{text(row[0])} = {text(row[1])}" == decomposed(closed)


def test_what_is_no_product_over_the_steps_is_a_recurrence_of_changes():
    d = sl.derive(CELLS["matrix_state"], "h", "h_prev", paths="total", lag="w")
    assert d.change is None and d.result is None
    assert [f"{text(symbol)} = {text(expr)}" for symbol, expr in d.rows] == [
        decomposed(line) for line in ("Ċ_{t-w} = 0", "Ċ_j = 0.5 Ċ_{j-1} + k_j ḣ_{j-1}ᵀ", "ḣ_j = Ċ_j k_j + U ḣ_{j-1}")
    ]
    assert "From step t-w+1 on" in d.text()


def test_over_a_few_steps_a_vector_by_a_vector_is_a_matrix():
    d = sl.derive(CELLS["matrix_state"], "h", "h_prev", paths="total", lag=2)
    assert text(d.result) == "0.5 k_{t-1} k_tᵀ + (k_t k_tᵀ + U) (k_{t-1} k_{t-1}ᵀ + U)"


SOME_LAGS = {"matrix_state": "hC", "delta_rule": "hC", "gated_rows": "C", "gated_columns": "hC", "memory": "C"}


@pytest.mark.parametrize("lag", [2, 5, "w"])
@pytest.mark.parametrize("paths", ["partial", "total"])
@pytest.mark.parametrize("name", SOME_LAGS)
def test_every_rung_holds_over_several_steps(name, paths, lag):
    cell = sl.cell(CELLS[name])
    wrt = [s.previous.name for s in cell.states if s.current.name in SOME_LAGS[name]]
    for of in SOME_LAGS[name]:
        for state in wrt:
            d = sl.derive(cell, of, state, paths=paths, lag=lag)
            found = d.evidence()
            assert [r.held for r in found.rungs] == [True] * 3, (of, state, str(found))
            for show in (d.text, d.markdown, d.latex, d.json):
                assert show(steps=True)


@pytest.mark.parametrize("lag", [2, "w"])
def test_a_wrong_product_or_recurrence_is_noticed_by_every_rung(lag):
    closed = sl.derive(CELLS["delta_rule"], "C", "C_prev", lag=lag)
    for broken in (
        dataclasses.replace(closed, change=closed.change.args[0]),
        dataclasses.replace(closed, result=closed.upstream),
    ):
        assert [r.held for r in broken.evidence().rungs] == [False] * 3
    d = sl.derive(CELLS["matrix_state"], "C", "h_prev", paths="total", lag="w")
    (q, expr), *others = d.onward
    forgotten = dataclasses.replace(d, onward=((q, expr.args[0]), *others))
    assert [r.held for r in forgotten.evidence().rungs] == [False] * 3
