"""A report shows all that can be shown, and names what cannot."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.emit import document, emit, report


def matrix_state(x: "m", h_prev: "n", C_prev: "n n", *, W: "n m", U: "n n"):
    """A state that is a matrix: a fast memory."""
    k = np.tanh(W @ x)
    C = 0.5 * C_prev + np.outer(k, k)
    h = C @ k + U @ h_prev
    return h, C


def matrix_within(x: "m", h_prev: "n", *, W: "n m", M: "n n"):
    """A matrix on the way."""
    A = M * np.tanh(M)
    h = np.tanh(A @ h_prev + W @ x)
    return h


@pytest.fixture(scope="module")
def shown():
    return emit(report(sl.cell(matrix_state)), "terminal", width=200, evidence=True)


def test_a_matrix_state_leaves_the_rest_of_the_report(shown):
    assert "∂h_t/∂h_{t-1} = U" in shown
    assert "dC_{t-1} = 0.5 dC_t" in shown
    assert "∂(h_t)_i/∂U_{jk}" in shown
    assert "✓ exact" in shown


def test_what_goes_through_a_matrix_and_what_is_one_is_shown_too(shown):
    assert "∂h_t/∂x_t = ((k_tᵀ k_t) I + k_t k_tᵀ + C_t) diag(1 - k_t²) W" in shown
    assert "∂(C_t)_{ij}/∂(C_{t-1})_{kl} = 0.5 δ_{ik} δ_{jl}" in shown
    assert "Not shown" not in shown


def test_a_matrix_on_the_way_is_no_obstacle():
    text = emit(report(sl.cell(matrix_within)), "terminal", width=200)
    assert "∂h_t/∂h_{t-1} = diag(1 - h_t²) A_t" in text
    assert "Not shown" not in text


def titles(result, **options):
    return ["".join(map(str, s.title)) for s in document(result, **options).sections]


@pytest.mark.parametrize("result", [sl.derive(sl.cell("lstm"), "h", "c_prev"), sl.backward(sl.cell("lstm"))])
def test_beside_a_result_stands_what_the_code_says(result):
    said = "What the code says, read by latexify-py"
    assert said in titles(result)
    assert said not in titles(result, source=False)
    assert "latexify" not in emit(result, "latex")  # nothing of it in what is pasted into a paper


def test_of_the_code_only_what_is_known_is_shown():
    d = sl.derive(sl.cell("lstm"), "c", "c_prev")
    made = document(d)
    (section,) = [s for s in made.sections if s.about.get("kind") == "source"]
    assert [row.left.text for block in section.blocks for row in block.rows] == ["c_t"]
    assert section.aside


def test_a_walk_shows_what_the_code_says(tmp_path):
    from symlstm.walkthrough import walk

    cell = sl.cell("rnn")
    rng = np.random.default_rng(0)
    wanted = (*cell.inputs, *(s.previous for s in cell.states), *cell.parameters)
    shapes = {q.name: [int(s.subs({d: 2 for d in cell.dims})) for s in q.shape] for q in wanted}
    values = {name: rng.normal(size=r if c == 1 else (r, c)) for name, (r, c) in shapes.items()}
    said = "What the code says, read by latexify-py"
    assert said in titles(walk(cell, values))
    assert said not in titles(walk(cell, values), source=False)
