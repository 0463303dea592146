"""The closed forms that a person derives by hand, for every built-in cell."""

import pytest

import symlstm as sl
from symlstm.plugins import CELLS, registered
from tests.trace.reading import written


def form(cell, of, wrt, **options):
    return written(sl.derive(sl.cell(cell), of, wrt, **options).result)


GATES_TO_C = (
    "diag(c_prev * f * (1 - f)) @ W_f[0:n, 0:n] + diag(c_tilde * i * (1 - i)) @ W_i[0:n, 0:n]"
    " + diag(i * (1 - c_tilde**2)) @ W_c[0:n, 0:n]"
)


@pytest.mark.parametrize("cell", ["lstm", "lstm_softmax"])
def test_dc_dc_prev_is_the_forget_gate(cell):
    assert form(cell, "c", "c_prev") == "diag(f)"


def test_dc_dc_prev_with_peepholes_also_goes_through_the_gates():
    assert form("lstm_peephole", "c", "c_prev") == (
        "diag(c_prev * f * (1 - f) * p_f + f + c_tilde * i * (1 - i) * p_i)"
    )


@pytest.mark.parametrize("cell", ["lstm", "lstm_softmax"])
def test_the_total_dc_dc_prev_has_a_second_term_through_h_prev(cell):
    assert form(cell, "c", "c_prev", paths="total") == (
        f"diag(f) + ({GATES_TO_C}) @ diag(o_prev * (1 - tanh(c_prev)**2))"
    )


@pytest.mark.parametrize("cell", ["lstm", "lstm_softmax", "lstm_peephole"])
def test_dc_dh_prev_goes_through_three_gates(cell):
    assert form(cell, "c", "h_prev") == GATES_TO_C


@pytest.mark.parametrize("cell", ["lstm", "lstm_softmax"])
def test_dh_dc_prev_goes_through_c(cell):
    assert form(cell, "h", "c_prev") == "diag(o * (1 - tanh(c)**2) * f)"


@pytest.mark.parametrize("cell", ["lstm", "lstm_softmax"])
def test_dh_dh_prev_goes_through_the_output_gate_and_c(cell):
    assert form(cell, "h", "h_prev") == (
        f"diag(tanh(c) * o * (1 - o)) @ W_o[0:n, 0:n] + diag(o * (1 - tanh(c)**2)) @ ({GATES_TO_C})"
    )


def test_dh_dh_prev_of_the_plain_network():
    assert form("rnn", "h", "h_prev") == "diag(1 - h**2) @ U"


def test_dh_dh_prev_of_the_gru_keeps_the_old_state_by_z():
    assert form("gru", "h", "h_prev") == (
        "diag((h_prev - n) * z * (1 - z)) @ U_z"
        " + diag((1 - z) * (1 - n**2)) @ (diag((U_n @ h_prev + c_n) * r * (1 - r)) @ U_r + diag(r) @ U_n)"
        " + diag(z)"
    )


def test_dh_dh_prev_of_the_gru_of_2014_resets_before_the_product():
    assert form("gru_reset_before", "h", "h_prev") == (
        "diag((h_prev - h_tilde) * z * (1 - z)) @ U_z + diag(z)"
        " + diag((1 - z) * (1 - h_tilde**2)) @ U_h @ (diag(h_prev * r * (1 - r)) @ U_r + diag(r))"
    )


@pytest.mark.parametrize("cell", ["rnn", "gru", "gru_reset_before"])
def test_with_one_state_the_total_derivative_is_the_partial_one(cell):
    assert form(cell, "h", "h_prev", paths="total") == form(cell, "h", "h_prev")


@pytest.mark.parametrize("gate", "fio")
def test_a_gate_by_its_bias(gate):
    assert form("lstm", gate, f"b_{gate}") == f"diag({gate} * (1 - {gate}))"


def test_softmax_by_its_argument_is_diag_y_minus_y_y_transposed():
    assert form("lstm_softmax", "y", "b_y") == "diag(y) - y @ y.T"
    assert form("lstm_softmax", "y", "h") == "(diag(y) - y @ y.T) @ W_y"
    assert form("lstm_softmax", "y", "o") == "(diag(y) - y @ y.T) @ W_y @ diag(tanh(c))"


def test_a_quantity_by_itself_is_the_identity():
    assert form("lstm", "c", "c") == "I"


def test_a_quantity_by_a_later_one_is_zero():
    assert form("lstm", "f", "h") == "0"
    assert form("lstm", "f", "c_prev") == "0"


def test_by_a_weight_the_action_on_an_upstream_gradient_is_an_outer_product():
    derivation = sl.derive(sl.cell("lstm"), "c", "W_f")
    assert written(derivation.result) == "(d_c * c_prev * f * (1 - f)) @ hx.T"
    (term,) = derivation.index
    assert [(written(array), at) for array, at in term.factors] == [("diag(c_prev * f * (1 - f))", "ij"), ("hx", "k")]


def test_no_result_contains_an_exponential():
    for name in registered(CELLS):
        cell = sl.cell(name)
        for state in cell.states:
            for other in cell.states:
                assert "exp" not in form(name, state.current.name, other.previous.name)


LSTM_BACKWARD = """\
d_h = up_h
d_o = d_h * tanh(c)
delta_o = d_o * o * (1 - o)
d_c = up_c + d_h * o * (1 - tanh(c)**2)
d_c_tilde = d_c * i
delta_c_tilde = d_c_tilde * (1 - c_tilde**2)
d_i = d_c * c_tilde
delta_i = d_i * i * (1 - i)
d_f = d_c * c_prev
delta_f = d_f * f * (1 - f)
d_hx = W_o.T @ delta_o + W_c.T @ delta_c_tilde + W_i.T @ delta_i + W_f.T @ delta_f
d_h_prev = d_hx[0:n]
d_c_prev = d_c * f
d_x = d_hx[n:m+n]
d_W_f = delta_f @ hx.T
d_b_f = delta_f
d_W_i = delta_i @ hx.T
d_b_i = delta_i
d_W_c = delta_c_tilde @ hx.T
d_b_c = delta_c_tilde
d_W_o = delta_o @ hx.T
d_b_o = delta_o"""


def test_the_backward_pass_of_the_lstm():
    found = [f"{a.quantity.name} = {written(a.expr)}" for a in sl.backward(sl.cell("lstm")).adjoints]
    assert "\n".join(found) == LSTM_BACKWARD


def test_the_backward_pass_through_softmax():
    found = {a.quantity.name: written(a.expr) for a in sl.backward(sl.cell("lstm_softmax")).adjoints}
    assert found["d_y"] == "up_y"
    assert found["delta_y"] == "y * d_y - y @ y.T @ d_y"
    assert found["d_W_y"] == "delta_y @ h.T"
    assert found["d_b_y"] == "delta_y"
