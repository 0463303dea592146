"""Pages by hand."""

import symlstm as sl
from symlstm.emit import Page, emit
from tests.support.github import github_problems, markdown_formulas
from tests.support.katex import parse_all


def page():
    cell = sl.cell("lstm")
    return (
        Page("The forget gate")
        .text("The gate $f_t$ multiplies * the `c` of\n the step before; see [the paper](https://example.org/a_b).")
        .equations(cell, only=["f", "c"])
        .section("The derivative")
        .derivation(sl.derive(cell, "c", "c_prev"), steps=True)
        .section("Numbers")
        .table(["gate", "value"], [["$f_t$", 0.475], ["$i_t$", 0.5]], numeric=True)
        .formula("f_t", r"\sigma(0)", "because $z = 0$")
        .code("f = sigmoid(z)")
        .backward(sl.backward(cell))
        .shapes(cell)
    )


def test_a_page_renders_in_every_format():
    made = page()
    text = emit(made, "markdown")
    assert github_problems(text) == []
    assert parse_all(markdown_formulas(text)) == []
    assert "# The forget gate\n" in text
    assert (
        "The gate $`f_t`$ multiplies \\* the `c` of the step before; see [the paper](https://example.org/a_b)." in text
    )
    assert "## The derivative\n\n### Known\n" in text
    assert "| $`f_t`$ | 0.475 |" in text
    for format in ("terminal", "latex", "json"):
        assert emit(made, format, **({"standalone": True} if format == "latex" else {}))


def test_a_page_compiles(tmp_path):
    from tests.support.tex import compile_tex

    sl.save(page(), tmp_path / "page.tex")
    assert compile_tex(tmp_path / "page.tex", overfull_points=1.0).warnings == []


def test_pages_are_not_changed_in_place():
    first = Page("A")
    second = first.text("more")
    assert first.sections == () and len(second.sections) == 1


def test_a_page_has_a_notation():
    made = Page("A", notation="course").equations(sl.cell("lstm"), only=["f"])
    assert r"\Gamma_f^{\langle t \rangle}" in emit(made, "markdown")


def test_code_of_any_width_stays_on_the_page(tmp_path):
    from tests.support.tex import compile_tex

    page = Page("Code")
    for width in (60, 78, 90, 100, 120, 300):
        page = page.code("x" * width)
    sl.save(page, tmp_path / "code.tex")
    assert compile_tex(tmp_path / "code.tex", overfull_points=1.0).warnings == []


def test_the_square_of_a_primed_symbol_is_bracketed():
    from symlstm.expr.build import square
    from symlstm.expr.latex import latex
    from symlstm.expr.nodes import Quantity, t

    assert latex(square(Quantity("c_prime", 2, 1, t))) == "(c'_t)^2"
