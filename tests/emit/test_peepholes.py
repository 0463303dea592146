"""pi beside pf and po is the peephole of the gate i; alone it is the Greek letter."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.emit import emit


def peepholes(x: "m", h_prev: "n", c_prev: "n", *, W_f: "n m", W_i: "n m", W_o: "n m", pf: "n", pi: "n", po: "n"):
    f = sl.sigmoid(W_f @ x + pf * c_prev)
    i = sl.sigmoid(W_i @ x + pi * c_prev)
    c = f * c_prev + i * np.tanh(h_prev)
    o = sl.sigmoid(W_o @ x + po * c)
    h = o * np.tanh(c)
    return h, c


def circle(x: "m", h_prev: "n", *, W: "n m", pi: "n", rho: "n"):
    h = np.tanh(W @ x + pi * h_prev + rho)
    return h


def written_twice(x: "n", h_prev: "n", *, pf: "n", pi: "n", p_i: "n"):
    h = np.tanh(pf * x + pi * h_prev + p_i)
    return h


def test_a_peephole_of_the_input_gate_is_p_with_a_subscript():
    cell = sl.cell(peepholes)
    assert r"p_f \odot c_{t-1}" in cell.latex() and r"p_i \odot c_{t-1}" in cell.latex()
    for result in (cell, sl.derive(cell, "c", "c_prev"), sl.backward(cell)):
        for format_ in ("latex", "terminal", "markdown"):
            text = emit(result, format_)
            assert r"\pi" not in text and "π" not in text


def test_pi_alone_is_the_greek_letter():
    assert r"\pi \odot h_{t-1}" in sl.cell(circle).latex()


def test_what_is_written_p_i_already_stays_apart():
    text = [str(e.expr) for e in sl.cell(written_twice).equations]
    assert text == ["tanh(p_f ⊙ x_t + p_i ⊙ h_{t-1} + p'_i)"]


@pytest.mark.parametrize("wrt", ["pi", "p_i"])
def test_the_parameter_is_still_called_pi(wrt):
    cell = sl.cell(peepholes)
    assert cell.quantity(wrt).name == "pi"
    assert set(sl.parameters(cell, n=2, m=2)) == {"W_f", "W_i", "W_o", "pf", "pi", "po"}
    assert sl.derive(cell, "h", "pi").evidence().ok
