"""The four gate cases of an LSTM, and any other quantities set to numbers."""

from dataclasses import replace

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import NameUnknown, SymlstmError
from symlstm.expr.build import negative
from symlstm.expr.latex import latex
from symlstm.expr.nodes import Zeros
from symlstm.expr.text import text

FOUR = sl.cases("lstm", {"f": [0, 1], "i": [0, 1]})
LEFT = {
    (1, 0): ("c_{t-1}", "o_t ⊙ tanh(c_t)"),
    (0, 1): ("c̃_t", "o_t ⊙ tanh(c_t)"),
    (0, 0): ("0", "0"),
    (1, 1): ("c_{t-1} + c̃_t", "o_t ⊙ tanh(c_t)"),
}
BLOCKS = {
    (1, 0): ("diag(tanh(c_t) ⊙ o_t ⊙ (1 - o_t)) W_o[:, 1:n]", "diag(o_t ⊙ (1 - tanh²(c_t)))", "0", "I"),
    (0, 1): (
        "diag(tanh(c_t) ⊙ o_t ⊙ (1 - o_t)) W_o[:, 1:n] + diag(o_t ⊙ (1 - tanh²(c_t)) ⊙ (1 - c̃_t²)) W_c[:, 1:n]",
        "0", "diag(1 - c̃_t²) W_c[:, 1:n]", "0",
    ),
    (0, 0): ("0", "0", "0", "0"),
    (1, 1): (
        "diag(tanh(c_t) ⊙ o_t ⊙ (1 - o_t)) W_o[:, 1:n] + diag(o_t ⊙ (1 - tanh²(c_t)) ⊙ (1 - c̃_t²)) W_c[:, 1:n]",
        "diag(o_t ⊙ (1 - tanh²(c_t)))", "diag(1 - c̃_t²) W_c[:, 1:n]", "I",
    ),
}  # fmt: skip
"""dh/dh, dh/dc, dc/dh, dc/dc by the step before."""


@pytest.mark.parametrize("gates", LEFT)
def test_what_the_four_gate_cases_leave(gates):
    case = FOUR.case(f=gates[0], i=gates[1])
    assert (text(case.equation("c")), text(case.equation("h"))) == LEFT[gates]
    pairs = [(of, wrt) for of in ("h", "c") for wrt in ("h_prev", "c_prev")]
    assert tuple(text(case.jacobian(*pair)) for pair in pairs) == BLOCKS[gates]


def test_the_four_cases_hold_on_every_rung_and_are_shown_in_every_format():
    found = FOUR.evidence()
    assert [r.held for r in found.rungs] == [True, True, True], str(found)
    for show in (FOUR.text, FOUR.markdown, FOUR.latex, FOUR.json):
        assert show(evidence=found)


def saturated(gates, n=3, m=2):
    """Parameters at which float64 sigmoids are exactly 0 or 1, and one step of the cell there."""
    rng = np.random.default_rng(1)
    p = {name: rng.normal(size=v.shape) for name, v in sl.parameters(sl.cell("lstm"), n=n, m=m, rng=0).items()}
    for gate, value in gates.items():
        p[f"b_{gate}"] = np.full(n, 800.0 if value else -800.0)
    return p, rng.normal(size=m), rng.normal(size=n), rng.normal(size=n)


@pytest.mark.parametrize("gates", LEFT)
def test_the_cell_itself_does_the_same_where_its_gates_are_saturated(gates):
    p, x, h, c = saturated({"f": gates[0], "i": gates[1]})
    k = sl.compile(sl.cell("lstm"))
    v = k.values(p, x, (h, c))
    wanted = {(1, 0): c, (0, 1): v["c_tilde"], (0, 0): np.zeros(3), (1, 1): c + v["c_tilde"]}[gates]
    np.testing.assert_array_equal(v["c"], wanted)
    from symlstm.codegen import formula

    case = FOUR.case(f=gates[0], i=gates[1])
    values = {**p, **v, "x": x, "h_prev": h, "c_prev": c}
    for of in ("h", "c"):
        for wrt in ("h_prev", "c_prev"):
            block = formula(case.jacobian(of, wrt))(values, {"n": 3, "m": 2})
            np.testing.assert_allclose(block, k.jacobian(p, x, (h, c), of=of, wrt=wrt), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("cell", "values"), [
    ("gru", {"z": [0, 1], "r": [0, 1]}), ("gru_reset_before", {"r": 0}), ("rnn", {"x": 0, "b": "1/3"}),
    ("lstm", {"o": [0.5], "c_tilde": 0}), ("lstm", {"h_prev": 0}), ("rnn", {"h_prev": 0}),
    ("lstm_peephole", {"f": [0, 1], "i": [0, 1]}),
    ("lstm_softmax", {"f": 1, "i": 0}),
])  # fmt: skip
def test_any_quantities_of_any_cell(cell, values):
    found = sl.cases(cell, values)
    assert [r.held for r in found.evidence().rungs] == [True, True, True], str(found.evidence())
    assert all(latex(d.result) for d in found.cases[0].jacobians) and found.text() and found.latex()


def test_a_closed_update_gate_of_a_gru_copies_its_state():
    open_, closed = sl.cases("gru", {"z": [0, 1]}).cases
    assert text(closed.equation("h")) == "h_{t-1}" and text(closed.jacobian("h", "h_prev")) == "I"
    assert text(open_.equation("h")) == "n_t"


CARRIED = {
    (1, 0): "c_{t-w}",
    (0, 1): "c̃_t",
    (0, 0): "0",
    (1, 1): "Σ_{k=t-w+1}^{t} c̃_k + c_{t-w}",
}


@pytest.mark.parametrize("gates", CARRIED)
def test_over_w_steps_of_one_case(gates):
    s = sl.solution("lstm").over("w").with_values(f=gates[0], i=gates[1])
    assert text(s.result) == CARRIED[gates]
    assert s.evidence().ok
    assert s.text(evidence=True) and s.latex()


def test_three_steps_of_an_open_forget_gate_carry_the_state_unchanged():
    s = sl.solution("lstm").over(3).with_values(f=1, i=0)
    assert text(s.result) == "c_{t-3}" and s.evidence().ok
    p, x, h, c = saturated({"f": 1, "i": 0})
    k, start = sl.compile(sl.cell("lstm")), c
    for _ in range(3):
        h, c = k.step(p, x, (h, c))
    np.testing.assert_array_equal(c, start)


def test_a_wrong_case_is_noticed():
    case = FOUR.case(f=1, i=0)
    d = next(d for d in case.jacobians if (d.of.name, d.wrt.name) == ("c", "c_prev"))
    wrong = [replace(d, result=negative(d.result)), replace(d, result=Zeros(*d.result.shape))]
    for block in wrong:
        jacobians = tuple(block if other is d else other for other in case.jacobians)
        found = replace(FOUR, cases=(replace(case, jacobians=jacobians),)).evidence()
        assert [r.held for r in found.rungs] == [False] * 3
    exchanged = replace(FOUR, cases=(replace(case, values=FOUR.case(f=0, i=1).values),))
    assert [r.held for r in exchanged.evidence().rungs] == [False] * 3


MISTAKES = {
    "a state": ({"c": 0}, "is a new state"),
    "no number": ({"f": "open"}, "is not a number"),
    "infinity": ({"f": "oo"}, "is not"),
    "nothing": ({}, "0 cases were asked for"),
    "too many": ({"f": range(10), "i": range(10)}, "100 cases"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_no_case_is_explained(mistake):
    values, told = MISTAKES[mistake]
    with pytest.raises(SymlstmError, match=told):
        sl.cases("lstm", values)


def test_unknown_names_are_guessed():
    with pytest.raises(NameUnknown, match="'forget'"):
        sl.cases("lstm", {"forget": 1})
    with pytest.raises(SymlstmError, match="there is no case"):
        FOUR.case(f=2, i=0)


def test_what_is_no_dict_of_values_is_explained():
    with pytest.raises(SymlstmError, match="a dict by name"):
        sl.cases("lstm", [("f", 0)])


def test_numbers_may_come_in_an_array_and_equal_ones_are_one_case():
    assert len(sl.cases("lstm", {"f": np.array([0, 1])}).cases) == 2
    assert len(sl.cases("lstm", {"f": [0, 0.0, 1]}).cases) == 2
