"""KaTeX accepts good formulas and names broken ones."""

from __future__ import annotations

import pytest

from tests.support.katex import Failure, Formula, parse_all

GOOD = [
    ("forget gate", r"f_t = \sigma\left(W_f [h_{t-1}; x_t] + b_f\right)"),
    ("steps", r"\begin{aligned} a &= b \odot \tilde{c} && \text{sum rule} \\ &= \boxed{d} \end{aligned}"),
    ("matrix", r"\begin{bmatrix} f \\ i \end{bmatrix}^{\mathsf{T}} \mathrm{diag}(f_t)"),
    ("letters in text", r"\text{Gers und Schmidhuber, für die Zeit } t"),
]

BROKEN = {
    "brace": r"\frac{a}{b",
    "macro": r"\nosuchmacro{x}",
    "left": r"\left( a + b",
    "unicode": "f ⊙ c — d",
    "subscript": "a_b_c",
    "newline": r"a \\ b",
    "latexify identifiers": r"\mathrm{W\_f} & b",
}


def test_good_formulas_parse():
    assert parse_all(GOOD) == []


def test_no_formulas_no_failures():
    assert parse_all([]) == []


def test_broken_formulas_are_caught_by_label_among_good_ones():
    failures = parse_all([*GOOD, *BROKEN.items()])
    assert [failure.label for failure in failures] == list(BROKEN)
    assert all(isinstance(failure, Failure) and failure.message for failure in failures)


def test_an_environment_for_display_is_caught_inline():
    align = r"\begin{align} a &= b \end{align}"
    failures = parse_all([Formula("shown", align), Formula("inline", align, display=False)])
    assert [failure.label for failure in failures] == ["inline"]


def test_a_node_that_fails_is_an_error_not_a_pass(monkeypatch, tmp_path):
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "katex.mjs").write_text("throw new Error('not KaTeX')")
    monkeypatch.setenv("SYMLSTM_KATEX", str(tmp_path))
    with pytest.raises(RuntimeError, match="not KaTeX"):
        parse_all(GOOD)
