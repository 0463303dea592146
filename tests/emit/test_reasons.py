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


def raised(x: "m", h_prev: "n", *, W: "n n", V: "n m"):
    z = W @ np.tanh(W.T @ h_prev) + V @ x
    h = np.exp(-(h_prev**2)) * np.tanh(z)
    return h


def test_powers_and_transposes_of_a_symbol_are_formulas():
    text = emit(sl.backward(sl.cell(raised)), "markdown", steps=True)
    assert r"W \tanh(W^{\top} h_{t-1}) + V x_t" in text and "-h_{t-1}^{2}" in text
    assert r"\_\{" not in text and "$^" not in text


def test_a_power_of_a_symbol_with_a_superscript_is_in_brackets():
    text = emit(sl.backward(sl.cell(raised)), "markdown", steps=True, notation="course")
    assert r"(a^{\langle t-1 \rangle})^{2}" in text
