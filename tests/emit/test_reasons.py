"""In the reasons of a derivation the signs of the cell become formulas, and the words stay words."""

import numpy as np

import symlstm as sl
from symlstm.emit import emit
from tests.evidence.small_cells import ELEMENTWISE_CELLS


def letters(x: "m", h_prev: "n", *, W: "n m", a: "n", b: "n"):
    z = W @ x
    u = a * np.tanh(z) ** 3 + b
    h = u * h_prev + a * u
    return h


def test_a_quantity_named_a_is_not_found_within_words():
    text = emit(sl.backward(sl.cell(letters)), "markdown")
    assert r"{\small \text{nd" not in text and r"{\small \text{ and }}" in text


def test_powers_in_a_reason_are_powers_in_latex():
    text = emit(sl.backward(sl.cell(letters)), "markdown", steps=True)
    assert "³" not in text and r"\tanh^{3}(z_t)" in text


def test_the_reason_of_a_function_is_in_its_row():
    d = sl.derive(sl.cell(ELEMENTWISE_CELLS["sqrt"]), "h", "x")
    assert r"\sqrt{z}' = 1/(2\sqrt{z})" in d.latex(steps=True)
    assert "√z' = 1/(2√z)" in d.text(steps=True, width=200)
