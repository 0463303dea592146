"""The cells that come with symlstm trace to the equations of the papers they are from."""

import textwrap

import pytest

import symlstm as sl
from symlstm.plugins import registered
from tests.trace.reading import written

LSTM = """
    hx = [h_prev; x]
    f = sigmoid(W_f @ hx + b_f)
    i = sigmoid(W_i @ hx + b_i)
    c_tilde = tanh(W_c @ hx + b_c)
    c = f * c_prev + i * c_tilde
    o = sigmoid(W_o @ hx + b_o)
    h = o * tanh(c)
"""

EQUATIONS = {
    "lstm": LSTM,
    "lstm_softmax": LSTM + "    y = softmax(W_y @ h + b_y)\n",
    "lstm_peephole": """
        hx = [h_prev; x]
        f = sigmoid(W_f @ hx + p_f * c_prev + b_f)
        i = sigmoid(W_i @ hx + p_i * c_prev + b_i)
        c_tilde = tanh(W_c @ hx + b_c)
        c = f * c_prev + i * c_tilde
        o = sigmoid(W_o @ hx + p_o * c + b_o)
        h = o * tanh(c)
    """,
    "gru": """
        r = sigmoid(W_r @ x + U_r @ h_prev + b_r)
        z = sigmoid(W_z @ x + U_z @ h_prev + b_z)
        n = tanh(W_n @ x + b_n + r * (U_n @ h_prev + c_n))
        h = (1 - z) * n + z * h_prev
    """,
    "gru_reset_before": """
        r = sigmoid(W_r @ x + U_r @ h_prev + b_r)
        z = sigmoid(W_z @ x + U_z @ h_prev + b_z)
        h_tilde = tanh(W_h @ x + U_h @ (r * h_prev) + b_h)
        h = z * h_prev + (1 - z) * h_tilde
    """,
    "rnn": """
        h = tanh(W @ x + U @ h_prev + b)
    """,
    "rnn_relu": """
        h = relu(W @ x + U @ h_prev + b)
    """,
    "lstm_projected": LSTM.replace("h = o * tanh(c)", "h = W_h @ (o * tanh(c))"),
}

STATES = {"gru": "h", "gru_reset_before": "h", "rnn": "h", "rnn_relu": "h"}


def test_every_built_in_cell_is_tested_here():
    assert set(registered("symlstm.cells")) == set(EQUATIONS)


@pytest.mark.parametrize("name", EQUATIONS)
def test_a_built_in_cell_traces_to_its_equations(name):
    cell = sl.cell(name)
    found = [f"{e.name} = {written(e.expr)}" for e in cell.equations]
    assert found == textwrap.dedent(EQUATIONS[name]).strip().splitlines()
    assert " ".join(s.current.name for s in cell.states) == STATES.get(name, "h c")
    assert [q.name for q in cell.inputs] == ["x"]
    assert [q.name for q in cell.outputs] == (["y"] if name == "lstm_softmax" else [])


def test_the_comments_of_the_source_explain_the_equations():
    notes = {e.name: e.note for e in sl.cell("lstm").equations}
    assert (notes["f"], notes["c_tilde"], notes["h"]) == ("forget gate", "candidate", "hidden state")


def test_parameters_come_in_the_order_of_the_signature():
    assert [q.name for q in sl.cell("gru").parameters] == "W_r U_r b_r W_z U_z b_z W_n U_n b_n c_n".split()


@pytest.mark.parametrize("name", EQUATIONS)
def test_a_cell_traced_twice_is_equal(name):
    assert sl.cell(sl.cell(name).function).equations == sl.cell(name).equations
