"""The solution of a gated recurrence: found by its form, equal to the run of the cell, proved by induction."""

from dataclasses import replace

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import NameUnknown, RuleMissing, SymlstmError
from symlstm.expr.build import add, hadamard
from symlstm.expr.nodes import t
from symlstm.expr.text import text
from symlstm.expr.time import SumOver, at_times, expand
from tests.calculus.matrix_cells import CELLS as MATRICES


def coupled(x: "m", h_prev: "n", c_prev: "n", *, W: "n n+m", U: "n n+m", V: "n n+m"):
    hx = sl.concat(h_prev, x)
    f = sl.sigmoid(W @ hx)
    g = np.tanh(U @ hx)
    c = f * c_prev + (1 - f) * g
    h = sl.sigmoid(V @ hx) * np.tanh(c)
    return h, c


def leaky(x: "m", h_prev: "n", *, W: "n m"):
    h = 0.9 * h_prev + 0.1 * np.tanh(W @ x)
    return h


def leaky_by_vector(x: "m", h_prev: "n", *, a: "n", W: "n m"):
    h = h_prev + a * (np.tanh(W @ x) - h_prev)
    return h


def blocks(x: "m", h_prev: "n", c_prev: "n", *, W: "n n+m", U: "n n+m"):
    hx = sl.concat(h_prev, x)
    f = sl.sigmoid(W @ hx)
    F = f * c_prev
    I = sl.sigmoid(U @ hx) * np.tanh(U @ hx)  # noqa: E741
    c = F + I
    h = np.tanh(c)
    return h, c


def nonlinear_too(x: "m", c_prev: "n", *, W: "n m"):
    f = sl.sigmoid(W @ x)
    c = f * c_prev + np.tanh(c_prev)
    return c


def unnamed_gate(x: "m", c_prev: "n", *, W: "n m", p: "n"):
    c = sl.sigmoid(W @ x + p * c_prev) * c_prev
    return c


FOUND = {
    "lstm": ("lstm", "Σ_{k=1}^{t} (⨀_{j=k+1}^{t} f_j) ⊙ i_k ⊙ c̃_k + (⨀_{j=1}^{t} f_j) ⊙ c_0", ["f", "i", "c_tilde"]),
    "gru": ("gru", "Σ_{k=1}^{t} (⨀_{j=k+1}^{t} z_j) ⊙ (1 - z_k) ⊙ n_k + (⨀_{j=1}^{t} z_j) ⊙ h_0", ["z", "n"]),
    "peephole": (
        "lstm_peephole",
        "Σ_{k=1}^{t} (⨀_{j=k+1}^{t} f_j) ⊙ i_k ⊙ c̃_k + (⨀_{j=1}^{t} f_j) ⊙ c_0",
        ["f", "i", "c_tilde"],
    ),
    "coupled": (coupled, "Σ_{k=1}^{t} (⨀_{j=k+1}^{t} f_j) ⊙ (1 - f_k) ⊙ g_k + (⨀_{j=1}^{t} f_j) ⊙ c_0", ["f", "g"]),
    "constant": (leaky, "Σ_{k=1}^{t} 0.1 · 0.9^{t-k} tanh(W x_k) + 0.9^t h_0", []),
    "constant vector": (leaky_by_vector, "Σ_{k=1}^{t} (1 - a)^{t-k} ⊙ a ⊙ tanh(W x_k) + (1 - a)^t ⊙ h_0", []),
    "opened": (blocks, "Σ_{k=1}^{t} (⨀_{j=k+1}^{t} f_j) ⊙ I_k + (⨀_{j=1}^{t} f_j) ⊙ c_0", ["f", "I"]),
}


@pytest.mark.parametrize("name", FOUND)
def test_the_solution_is_found_by_the_form_of_the_equation_proved_and_equal_to_the_run(name):
    cell, closed, given = FOUND[name]
    s = sl.solution(sl.cell(cell))
    assert text(s.result) == closed
    assert [q.name for q in s.given] == given
    found = s.evidence()
    assert [(r.name, r.held) for r in found.rungs] == [
        ("float64", True), ("digits", True), ("exact", True), ("induction", True)
    ], str(found)  # fmt: skip
    for show in (s.text, s.markdown, s.latex, s.json):
        assert show()
    assert ("It is the solution given" in " ".join(s.text().split())) == bool(given)


@pytest.mark.parametrize("steps", ["w", 3, "k"])
def test_from_so_many_steps_back(steps):
    s = sl.solution("lstm").over(steps)
    assert text(s.result).endswith(f"⊙ c_{{t-{steps}}}")
    assert s.evidence().ok and s.latex() and s.markdown()


def test_written_out_it_is_what_one_gets_by_inserting():
    s = sl.solution("lstm")
    assert text(expand(at_times(s.result, {t: 2}, s.cell.at))) == "f_2 ⊙ i_1 ⊙ c̃_1 + i_2 ⊙ c̃_2 + f_2 ⊙ f_1 ⊙ c_0"


def test_its_value_is_that_of_a_plain_loop():
    rng = np.random.default_rng(3)
    f, i, g = rng.uniform(size=(3, 5, 2))
    c = start = rng.normal(size=2)
    for step in range(5):
        c = f[step] * c + i[step] * g[step]
    from symlstm.codegen import formula

    s = sl.solution("lstm")
    closed = expand(at_times(s.result, {t: 5}, s.cell.at))
    values = {f"{name}_{k + 1}": v[k] for name, v in (("f", f), ("i", i), ("c_tilde", g)) for k in range(5)}
    np.testing.assert_allclose(formula(closed)({**values, "c_0": start}), c, rtol=1e-14)


NONE = {
    "rnn": ("rnn", "contains h_{t-1} in another way"),
    "a nonlinear term": (nonlinear_too, "contains c_{t-1} in another way"),
    "a gate without a name": (unnamed_gate, "contains c_{t-1} in another way"),
}


@pytest.mark.parametrize("name", NONE)
def test_what_has_no_solution_says_so(name):
    cell, told = NONE[name]
    with pytest.raises(RuleMissing, match="has no gated linear state") as caught:
        sl.solution(sl.cell(cell))
    assert told in caught.value.message and "a ⊙ s_{t-1} + b" in caught.value.hint


def test_a_state_is_named_or_the_error_says_which_there_are():
    assert sl.solution("lstm", "c").state == sl.solution("lstm").state
    with pytest.raises(RuleMissing, match="h_t contains no product"):
        sl.solution("lstm", "h")
    with pytest.raises(NameUnknown):
        sl.solution("lstm", "q")
    with pytest.raises(SymlstmError, match="is no state"):
        sl.solution("lstm", "f")


def broken(s):
    over, last = s.result.args
    sum_from = lambda first, until: SumOver(over.term, over.index, first, until)  # noqa: E731
    yield "a step forgotten at the end", replace(s, result=add(sum_from(1, t - 1), last))
    yield "a step too many at the beginning", replace(s, result=add(sum_from(2, t), last))
    yield "the first state forgotten", replace(s, result=over)
    yield "one gate too many", replace(s, result=add(over, hadamard(s.cell.quantity("f"), last)))


@pytest.mark.parametrize("k", range(4))
def test_a_wrong_solution_is_noticed_by_every_rung(k):
    name, wrong = list(broken(sl.solution("lstm")))[k]
    assert [r.held for r in wrong.evidence().rungs] == [False] * 4, name


def test_a_matrix_state_has_a_solution_too():
    closed = {
        "matrix_state": "Σ_{k=1}^{t} 0.5^{t-k} k_k h_{k-1}ᵀ + 0.5^t C_0",
        "gated_rows": "Σ_{k=1}^{t} (⨀_{j=k+1}^{t} (f_j 1ᵀ)) ⊙ (tanh(W x_k) x_kᵀ Vᵀ) + (⨀_{j=1}^{t} (f_j 1ᵀ)) ⊙ C_0",
        "mlstm": "Σ_{k=1}^{t} i_k (⨀_{j=k+1}^{t} f_j) ⊙ (v_k k_kᵀ) + (⨀_{j=1}^{t} f_j) ⊙ C_0",
    }
    for name, result in closed.items():
        s = sl.solution(MATRICES[name], "C")
        assert text(s.result) == result
        assert s.evidence().ok
    s = sl.solution(MATRICES["matrix_state"], "C")
    assert "0.5 becomes the last factor of every product" in [step.because for step in s.steps]
    assert s.steps[0].after == add(*s.steps[0].after.args[:1], s.cell.at(s.state.current, 0))
