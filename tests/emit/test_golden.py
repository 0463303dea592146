"""dc_t/dc_{t-1} in each notation, to the letter, and what a reader sees in the terminal."""

import pytest

import symlstm as sl
from symlstm.emit import emit

PARTIAL = {
    "default": r"\boxed{\frac{\partial c_t}{\partial c_{t-1}} = \mathrm{diag}(f_t)}",
    "blog": r"\boxed{\frac{\partial c_t}{\partial c_{t-1}} = \mathrm{diag}(f_t)}",
    "course": r"\boxed{\frac{\partial c^{\langle t \rangle}}{\partial c^{\langle t-1 \rangle}}"
    r" = \mathrm{diag}(\Gamma_f^{\langle t \rangle})}",
    "course_letters": r"\boxed{\frac{\partial c^{\langle t \rangle}}{\partial c^{\langle t-1 \rangle}}"
    r" = \mathrm{diag}(f^{\langle t \rangle})}",
}


@pytest.mark.parametrize("notation", PARTIAL)
def test_dc_dc_prev_is_the_forget_gate_in_every_notation(notation):
    d = sl.derive(sl.cell("lstm"), "c", "c_prev")
    assert d.latex(notation=notation) == f"\\[\n{PARTIAL[notation]}\n\\]\n"


def test_the_total_form_has_the_second_term():
    d = sl.derive(sl.cell("lstm"), "c", "c_prev", paths="total")
    assert d.latex().splitlines()[2:9] == [
        r"\begin{aligned}",
        r"\frac{\mathrm{d} c_t}{\mathrm{d} c_{t-1}} &= \mathrm{diag}(f_t) \\",
        r"  &\quad {} + \bigl(\mathrm{diag}(c_{t-1} \odot f_t \odot (1 - f_t)) \, W_{fh} \\",
        r"  &\qquad {} + \mathrm{diag}(\tilde{c}_t \odot i_t \odot (1 - i_t)) \, W_{ih} \\",
        r"  &\qquad {} + \mathrm{diag}(i_t \odot (1 - \tilde{c}_t^2)) \, W_{ch}\bigr) \\",
        r"  &\quad {} \cdot \mathrm{diag}\bigl(o_{t-1} \odot (1 - \tanh^2(c_{t-1}))\bigr)",
        r"\end{aligned}",
    ]


def test_the_blog_writes_its_own_products_and_sums():
    latex = sl.cell("lstm").latex("blog")
    assert r"c_t &= f_t \otimes c_{t-1} \oplus i_t \otimes \tilde{c}_t &&" in latex
    assert r"f_t &= \sigma(W_f \cdot [h_{t-1}, x_t] + b_f) &&" in latex


def test_the_course_writes_gates_as_capital_gammas():
    latex = sl.cell("lstm").latex("course")
    expected = r"\Gamma_u^{\langle t \rangle} &= \sigma(W_u \, [a^{\langle t-1 \rangle}, x^{\langle t \rangle}] + b_u)"
    assert expected in latex


def test_a_concatenation_is_defined_once_as_a_column():
    first = sl.cell("lstm").latex().splitlines()[1]
    assert first.startswith(r"[h_{t-1};\, x_t] &= \begin{bmatrix} h_{t-1} \\ x_t \end{bmatrix} &&")


def test_the_index_form_by_a_matrix():
    text = sl.derive(sl.cell("lstm"), "c", "W_f").text()
    assert "∂(c_t)_i/∂(W_f)_{jk} = δ_{ij} (c_{t-1} ⊙ f_t ⊙ (1 - f_t))_i [h_{t-1}; x_t]_k" in text
    assert "dW_f = (dc_t ⊙ c_{t-1} ⊙ f_t ⊙ (1 - f_t)) [h_{t-1}; x_t]ᵀ" in text


def test_every_step_has_its_reason():
    lines = sl.derive(sl.cell("lstm"), "c", "c_prev").text(steps=True).splitlines()
    steps = lines[lines.index("Steps") + 1 : lines.index("Result") - 1]
    assert [" ".join(line.split()) for line in steps] == [
        "∂c_t/∂c_{t-1} = ∂(f_t ⊙ c_{t-1} + i_t ⊙ c̃_t)/∂c_{t-1} definition of c_t",
        "= ∂(f_t ⊙ c_{t-1})/∂c_{t-1} sum rule: i_t, c̃_t do not depend on",
        "c_{t-1}",
        "= diag(f_t) ∂c_{t-1}/∂c_{t-1} product rule:",
        "d(a ⊙ b) = diag(b) da + diag(a) db; f_t",
        "does not depend on c_{t-1}",
        "= diag(f_t) ∂c_{t-1}/∂c_{t-1} = I",
    ]


def test_the_paths_are_listed_one_by_one():
    text = sl.derive(sl.cell("lstm"), "c", "c_prev", paths="total").text(paths=True, width=120)
    paths = text[text.index("Paths") :]
    assert "The 4 paths" in paths
    assert [line.split("c_{t-1} → ")[1].strip() for line in paths.splitlines() if " → " in line] == [
        "c_t",
        "h_{t-1} → f_t → c_t",
        "h_{t-1} → i_t → c_t",
        "h_{t-1} → c̃_t → c_t",
    ]


def test_the_adjoint_of_a_concatenation_is_the_column_of_the_adjoints():
    text = sl.backward(sl.cell("lstm")).text()
    assert "[dh_{t-1}; dx_t] = W_oᵀ δo_t + W_cᵀ δc̃_t + W_iᵀ δi_t + W_fᵀ δf_t" in text


def test_blocks_of_weights_are_explained_where_they_occur():
    d = sl.derive(sl.cell("lstm"), "c", "h_prev")
    assert "where W_f = [W_fh  W_fx], W_i = [W_ih  W_ix], W_c = [W_ch  W_cx]." in d.text()
    assert "where W" not in sl.derive(sl.cell("lstm"), "c", "c_prev").text()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_terminal_is_kept_to_its_width(width):
    text = emit(sl.derive(sl.cell("lstm"), "c", "c_prev", paths="total"), "terminal", steps=True, width=width)
    assert max(map(len, text.splitlines())) <= width + 8  # combining marks take no column


def test_the_terminal_has_colour_only_where_asked():
    d = sl.derive(sl.cell("lstm"), "c", "c_prev")
    assert "\x1b[" not in emit(d, "terminal")
    assert "\x1b[" in emit(d, "terminal", color=True)
