"""Backpropagation through time, symbol by symbol: the peephole LSTM as its paper states it, and what holds for all."""

from collections import Counter

import pytest
import sympy as sp

import symlstm as sl
from symlstm.calculus.through_time import ThroughTime
from symlstm.expr.build import add, block, hadamard, matmul, one_minus, square, transpose
from symlstm.expr.build import apply as applied
from symlstm.expr.nodes import Add, Hadamard, Quantity, T, quantity, t
from symlstm.expr.time import SumOver, at_times
from symlstm.expr.tree import quantities
from symlstm.plugins import CELLS, registered
from tests.calculus.through_time_cells import ODD

EVERY = {**{name: name for name in registered(CELLS)}, **ODD}


def multiset(expr):
    """The terms of a sum, each as the multiset of the factors of an elementwise product: order is no matter."""
    terms = expr.args if isinstance(expr, Add) else (expr,)
    factors = [f.args if isinstance(f, Hadamard) else (f,) for f in terms]
    return Counter(frozenset(Counter(each).items()) for each in factors)


@pytest.fixture(scope="module")
def peephole():
    return sl.bptt("lstm_peephole")


class Paper:
    """The signs of the paper: δ of this step and of the next, R and W of each gate. y is h, z is the candidate."""

    def __init__(self, b: ThroughTime) -> None:
        cell = b.cell
        n, m = cell.dims
        self.q = {name: cell.quantity(name) for name in ("f", "i", "c_tilde", "c", "o", "h", "c_prev", "h_prev", "x")}
        self.p = {g: cell.quantity(f"p_{g}") for g in "fio"}
        weights = {"f": "W_f", "i": "W_i", "z": "W_c", "o": "W_o"}
        self.R = {g: block(cell.quantity(w), 0, n, 0, n) for g, w in weights.items()}
        self.W = {g: block(cell.quantity(w), 0, n, n, m) for g, w in weights.items()}
        own = {"f": "f", "i": "i", "z": "c_tilde", "o": "o"}
        self.delta = {g: quantity(f"delta_{a}", (n, 1), t, "delta", a) for g, a in own.items()}
        self.delta_next = {g: quantity(f"delta_{a}_next", (n, 1), t + 1, "delta", a) for g, a in own.items()}
        self.dy, self.dc = (quantity(f"d_{a}", (n, 1), t, "adjoint", a) for a in "hc")
        self.dc_next = quantity("d_c_next", (n, 1), t + 1, "adjoint", "c")
        self.f_next = quantity("f_next", (n, 1), t + 1, "value", "f")
        self.from_above, self.from_above_c = (quantity(f"up_{a}", (n, 1), t, "upstream", a) for a in "hc")


def adjoint(b, name):
    return next(a.expr for a in b.adjoints if a.quantity.name == name)


def test_the_adjoint_of_the_block_output_is_that_of_the_paper(peephole):
    """δy = Δ + R_z' δz⁺ + R_i' δi⁺ + R_f' δf⁺ + R_o' δo⁺"""
    s = Paper(peephole)
    expected = add(s.from_above, *(matmul(transpose(s.R[g]), s.delta_next[g]) for g in "zifo"))
    assert multiset(adjoint(peephole, "d_h")) == multiset(expected)


def test_the_adjoint_of_the_cell_state_is_that_of_the_paper(peephole):
    """δc = δy⊙o⊙h'(c) + p_o⊙δo + p_i⊙δi⁺ + p_f⊙δf⁺ + δc⁺⊙f⁺, and what the loss says of c itself (0 in the paper)"""
    s = Paper(peephole)
    slope = one_minus(square(applied("tanh", s.q["c"])))
    expected = add(
        hadamard(s.dy, s.q["o"], slope),
        hadamard(s.p["o"], s.delta["o"]),
        hadamard(s.p["i"], s.delta_next["i"]),
        hadamard(s.p["f"], s.delta_next["f"]),
        hadamard(s.dc_next, s.f_next),
    )
    assert multiset(adjoint(peephole, "d_c")) - multiset(expected) == multiset(s.from_above_c)
    assert not multiset(expected) - multiset(adjoint(peephole, "d_c"))


def test_the_deltas_of_the_gates_are_those_of_the_paper(peephole):
    """δo = δy⊙h(c)⊙s'; δf = δc⊙c⁻⊙s'; δi = δc⊙z⊙s'; δz = δc⊙i⊙g'"""
    s = Paper(peephole)
    q = s.q
    slope = {g: hadamard(q[g], one_minus(q[g])) for g in "fio"}
    expected = {
        "delta_o": hadamard(s.dy, applied("tanh", q["c"]), slope["o"]),
        "delta_f": hadamard(s.dc, q["c_prev"], slope["f"]),
        "delta_i": hadamard(s.dc, q["c_tilde"], slope["i"]),
        "delta_c_tilde": hadamard(s.dc, q["i"], one_minus(square(q["c_tilde"]))),
    }
    for name, formula in expected.items():
        assert multiset(adjoint(peephole, name)) == multiset(formula), name
    assert {a.quantity.name for a in peephole.adjoints} == {"d_h", "d_c", *expected}


def test_the_gradient_of_the_input_is_that_of_the_paper(peephole):
    """δx = W_z' δz + W_i' δi + W_f' δf + W_o' δo"""
    s = Paper(peephole)
    expected = add(*(matmul(transpose(s.W[g]), s.delta[g]) for g in "zifo"))
    assert multiset(peephole.input_gradients["x"]) == multiset(expected)


def test_the_gradients_of_the_weights_are_those_of_the_paper(peephole):
    """dW = sum over t = 1..T of δ_t x_t'; dR = sum of δ_t y_{t-1}', the paper's sum over t = 0..T-1 of δ_{t+1} y_t'.

    W and R are two blocks of columns of one matrix here, which multiplies the column [y_{t-1}; x_t].
    """
    s = Paper(peephole)
    for gate, name in {"f": "W_f", "i": "W_i", "z": "W_c", "o": "W_o"}.items():
        total = peephole.parameter_gradients[name]
        assert isinstance(total, SumOver)
        assert total.args[1:] == (t, 1, T)
        column = peephole.cell.equation(peephole.cell.quantity("hx")).expr
        assert column.args == (s.q["h_prev"], s.q["x"])
        assert total.term == matmul(s.delta[gate], transpose(peephole.cell.quantity("hx")))


def test_the_gradients_of_peepholes_and_biases_are_those_of_the_paper(peephole):
    """dp_{i,f} = sum over t = 1..T of c_{t-1}⊙δ_t, in the paper that of c_t⊙δ_{t+1} over t = 0..T-1.

    dp_o = sum of c_t⊙δo_t; db = sum of δ_t.
    """
    s = Paper(peephole)
    gradients = peephole.parameter_gradients
    for gate in "if":
        term = hadamard(s.delta[gate], s.q["c_prev"])
        assert gradients[f"p_{gate}"] == SumOver(term, t, 1, T)
        later = at_times(term, {t: t + 1})  # the same sum, the index one lower: t = 0..T-1
        assert [(q.base, q.time) for q in quantities(later)] == [(gate, t + 1), ("c", t)]
    assert gradients["p_o"] == SumOver(hadamard(s.delta["o"], s.q["c"]), t, 1, T)
    for gate, name in {"f": "b_f", "i": "b_i", "z": "b_c", "o": "b_o"}.items():
        assert gradients[name] == SumOver(s.delta[gate], t, 1, T)


def test_the_initial_states_of_the_peephole_lstm(peephole):
    """c_0 is seen by the input and the forget gate of step 1, and kept by the forget gate; y_0 by all four."""
    n, _ = peephole.cell.dims
    first = {g: quantity(f"delta_{g}_1", (n, 1), 1, "delta", g) for g in ("f", "i", "o", "c_tilde")}
    kept = hadamard(quantity("d_c_1", (n, 1), 1, "adjoint", "c"), quantity("f_1", (n, 1), 1, "value", "f"))
    p = {g: peephole.cell.quantity(f"p_{g}") for g in "fi"}
    expected = add(kept, *(hadamard(p[g], first[g]) for g in "fi"))
    assert multiset(peephole.initial_gradients["c_prev"]) == multiset(expected)
    assert {q for q in quantities(peephole.initial_gradients["h_prev"]) if q.role == "delta"} == set(first.values())


def test_after_the_last_step_every_gradient_is_zero(peephole):
    assert {q.name for q in peephole.boundary} == {
        f"{q}_next" for q in ("delta_o", "delta_i", "delta_f", "delta_c_tilde", "d_c")
    }
    assert {q.time for q in peephole.boundary} == {T + 1}


def test_without_peepholes_the_cell_state_is_a_carousel():
    """dc_t = Δc_t + dc_{t+1} ⊙ f_{t+1} + dh_t ⊙ o_t ⊙ tanh'(c_t)"""
    (_, dc) = sl.bptt("lstm").recurrences
    assert str(dc.expr) == "Δc_t + dc_{t+1} ⊙ f_{t+1} + dh_t ⊙ o_t ⊙ (1 - tanh²(c_t))"


def test_the_plain_network_is_that_of_every_text():
    b = sl.bptt("rnn")
    assert [f"{a.quantity.name} = {a.expr}" for a in (*b.adjoints, *b.inputs, *b.initial, *b.parameters)] == [
        "d_h = Δh_t + Uᵀ δh_{t+1}",
        "delta_h = dh_t ⊙ (1 - h_t²)",
        "d_x = Wᵀ δh_t",
        "d_h_0 = Uᵀ δh_1",
        "d_W = Σ_{t=1}^{T} δh_t x_tᵀ",
        "d_U = Σ_{t=1}^{T} δh_t h_{t-1}ᵀ",
        "d_b = Σ_{t=1}^{T} δh_t",
    ]


@pytest.mark.parametrize("name", EVERY)
def test_a_recurrence_uses_only_what_is_known_by_then(name):
    """Going down from t = T: everything of step t+1, and of step t what was computed before."""
    b = sl.bptt(EVERY[name])
    known = set(b.upstream.values())
    for a in b.adjoints:
        gradients = {q for q in quantities(a.expr) if q.role != "value"}
        assert {q for q in gradients if q.time == t} <= known, a.quantity
        assert all(q.time in (t, t + 1) for q in gradients)
        known.add(a.quantity)
    for a in b.inputs:
        assert {q for q in quantities(a.expr) if q.role != "value"} <= known


@pytest.mark.parametrize("name", EVERY)
def test_there_is_a_gradient_for_everything_in_its_shape(name):
    b = sl.bptt(EVERY[name])
    cell = b.cell
    assert list(b.parameter_gradients) == [q.name for q in cell.parameters]
    assert list(b.input_gradients) == [q.name for q in cell.inputs]
    assert list(b.initial_gradients) == [s.previous.name for s in cell.states]
    for gradients in (b.parameter_gradients, b.input_gradients, b.initial_gradients):
        for wrt, expr in gradients.items():
            assert expr.shape == cell.quantity(wrt).shape
    for a in b.adjoints:
        assert a.expr.shape == a.quantity.shape and a.because


@pytest.mark.parametrize("name", EVERY)
def test_every_step_has_a_rule_and_a_reason_and_the_last_gives_the_result(name):
    b = sl.bptt(EVERY[name])
    assert all(step.rule and step.because for step in b.steps)
    last = {step.of: step.after for step in b.steps}
    for a in (*b.recurrences, *b.initial, *b.parameters):
        assert last[a.quantity] == a.expr
    assert b.result == b.steps[-1].after


def test_what_is_kept_from_the_forward_pass():
    assert [q.name for q in sl.bptt("lstm").depends_on()] == ["hx", "f", "i", "c_tilde", "c", "o"]
    assert [q.name for q in sl.bptt("rnn").depends_on()] == ["h", "x"]


def test_a_name_that_is_taken_is_not_used_again():
    def cell(x: "m", h_prev: "n", *, W: "n m", U: "n n"):
        h_0 = U @ h_prev
        a_next = W @ x
        a = sl.sigmoid(h_0 + a_next)
        h = a * h_prev
        return h

    b = sl.bptt(cell)
    names = [q.name for a in (*b.adjoints, *b.initial) for q in (a.quantity, a.of, *quantities(a.expr))]
    assert "h_0_" in names and "a_next_" in names
    assert b.evidence().ok


def test_a_state_that_is_fed_through_keeps_its_gradient():
    b = sl.bptt(ODD["fed_through"])
    dc = next(a.expr for a in b.recurrences if a.of.name == "c")
    assert str(dc) == "Δc_t + dc_{t+1} + δh_{2,t+1}"


def test_time_stays_a_symbol():
    b = sl.bptt("lstm")
    times = {q.time for a in b.adjoints for q in quantities(a.expr) if isinstance(q, Quantity) and q.time is not None}
    assert times == {t, t + 1, t - 1}
    assert all(total.last == T and total.first == sp.S.One for total in b.parameter_gradients.values())
