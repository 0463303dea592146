"""log|det J_t|: the closed forms, their evidence, and the numbers beside slogdet of the state Jacobian."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings

import symlstm as sl
from symlstm.errors import ValueUnusable
from symlstm.expr.text import text
from tests.flow.numbers import BUILT_IN, VARIANTS, states_of, variant
from tests.random_cells.programs import programs
from tests.random_cells.runs import compiled, drawn_numbers, numpy_namespace

FORMS = {
    "lstm": "log(abs(det(W_o[:, 1:n]))) + sum(log(abs(tanh(c_t))) + log(o_t) + log(1 - o_t)) + sum(log(f_t))",
    "rnn": "log(abs(det(U))) + sum(log(1 - h_t²))",
    "lstm_peephole": "log(abs(det(W_o[:, 1:n]))) + sum(log(abs(tanh(c_t))) + log(o_t) + log(1 - o_t)) + "
    "sum(log(abs(c_{t-1} ⊙ f_t ⊙ (1 - f_t) ⊙ p_f + f_t + c̃_t ⊙ i_t ⊙ (1 - i_t) ⊙ p_i)))",
}


def cell_of(name):
    return variant(name) if name in VARIANTS else sl.cell(name)


@pytest.mark.parametrize("name", FORMS)
def test_the_closed_form(name):
    found = sl.logdet(name)
    assert text(found.result) == FORMS[name] and found.closed and not found.singular


@pytest.mark.parametrize("name", ["gru", "gru_reset_before"])
def test_where_there_is_no_closed_form_it_says_so(name):
    found = sl.logdet(name)
    assert not found.closed and len(found.matrices) == 1
    assert "No closed form is found" in found.text()


@pytest.mark.parametrize("name", [*BUILT_IN, "no_forget_gate", "no_output_gate", "coupled_gates"])
def test_the_evidence_bears_it_out(name):
    found = sl.logdet(cell_of(name)).evidence()
    assert found.ok and found.rung("digits").held and found.rung("exact").held


def test_a_wrong_factor_fails_its_evidence():
    from dataclasses import replace

    from symlstm.expr.build import scale

    found = sl.logdet("rnn")
    wrong = replace(found, determinant=scale(-1, found.determinant))
    assert [r.held for r in wrong.evidence().rungs] == [False, False, False]


@pytest.mark.parametrize("name", [*BUILT_IN, *VARIANTS])
def test_the_number_is_that_of_the_state_jacobian(name):
    rng = np.random.default_rng(0)
    cell = cell_of(name)
    p, x, states = sl.parameters(cell, n=5, m=3, rng=rng), rng.normal(size=3), states_of(cell, 5, rng)
    found = sl.logdet(cell)
    if found.singular:
        assert name in ("no_output_gate", "full_gate_recurrence") and found.value(p, x, states) == -np.inf
        return
    jacobian = sl.compile(cell).state_jacobian(p, x, states)
    allowed = jacobian.shape[0] ** 2 * np.finfo(float).eps * np.linalg.cond(jacobian)
    assert abs(found.value(p, x, states) - np.linalg.slogdet(jacobian)[1]) <= allowed


def test_a_batch_has_a_number_for_each_example():
    rng = np.random.default_rng(1)
    p = sl.parameters("lstm", n=3, m=2)
    x, states = rng.normal(size=(4, 2)), (rng.normal(size=(4, 3)), rng.normal(size=(4, 3)))
    found = sl.logdet("lstm").value(p, x, states)
    each = [sl.logdet("lstm").value(p, x[k], tuple(s[k] for s in states)) for k in range(4)]
    np.testing.assert_allclose(found, each, rtol=1e-14)


def test_gates_that_round_to_one_keep_their_logarithms():
    p = sl.parameters("lstm", n=2, m=1)
    for name, array in p.items():
        array[...] = {"b_f": -800.0, "b_o": 60.0}.get(name, 0.0)
    p["W_o"][:, :2] = np.eye(2)
    states = (np.zeros(2), np.ones(2))
    p["b_c"][...], p["b_i"][...] = 1.0, 50.0
    found = sl.logdet("lstm").value(p, np.zeros(1), states)
    candidate = np.tanh(1.0)
    assert found == pytest.approx(2 * (-800 - 60 + np.log(np.tanh(candidate))), rel=1e-15)  # f = 0, o = 1 in float64


def test_the_determinant_of_a_saturated_tanh_network_does_not_cancel():
    p = {"W": np.zeros((1, 1)), "U": np.eye(1), "b": np.array([40.0])}
    found = sl.logdet("rnn").value(p, np.zeros(1), np.zeros(1))
    assert found == pytest.approx(np.log(4) - 80, rel=1e-15)  # 1 - tanh^2(40) is 0 in float64


def test_where_the_closed_form_divides_by_zero_the_jacobian_itself_is_taken():
    def cell(h_prev: "n", c_prev: "p", *, b0: "n"):
        v0 = c_prev @ c_prev
        v1 = np.outer(c_prev, np.sin(h_prev)) @ h_prev
        return np.tanh(v0 * b0), np.tanh(v1)

    found = sl.logdet(sl.cell(cell))
    assert found.value({"b0": np.ones(4)}, None, (np.ones(4), np.zeros(1))) == -np.inf


@settings(max_examples=10)
@given(programs())
def test_random_cells(program):
    arguments, rng = drawn_numbers(program)
    cell = sl.cell(compiled(program, numpy_namespace()))
    p = {q.name: np.asarray(arguments[q.name]) for q in cell.parameters}
    x = tuple(np.asarray(arguments[q.name]) for q in cell.inputs)
    states = tuple(np.asarray(arguments[s.previous.name]) for s in cell.states)
    x = None if not x else x[0] if len(x) == 1 else x
    found = sl.logdet(cell)
    with contextlib.suppress(ValueUnusable):  # where the draw overflows
        jacobian = sl.compile(cell).state_jacobian(p, x, states)
        value = found.value(p, x, states)
        condition = np.linalg.cond(jacobian) if jacobian.size else np.inf
        if found.singular:
            assert value == -np.inf and condition > 1e12
        elif condition < 1e6 and not found.divided_by:
            assert abs(value - np.linalg.slogdet(jacobian)[1]) <= 1e3 * np.finfo(float).eps * condition


def test_the_page_shows_how_the_determinant_is_taken_apart():
    page = sl.logdet("lstm").markdown(steps=True)
    assert "taken off" in page and r"\det(W_{oh})" in page
    assert "singular at every step" in sl.logdet(variant("no_output_gate")).text()
