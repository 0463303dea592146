"""The pages of derivations/ are what their sources derive, their formulas render, and what they say was checked was."""

from pathlib import Path

import pytest

from derivations import five_numbers
from derivations.make import HERE, pages, rendered
from symlstm.emit import emit
from tests.support.github import github_problems, markdown_formulas
from tests.support.katex import parse_all
from tests.support.tex import compile_tex

PAGES = pages()


def test_there_is_a_page_for_every_question_the_project_began_from():
    asked = {"five_numbers", "one_column", "one_batched_step", "gate", "cell_to_cell", "lstm"}
    assert asked | {"bptt", "lags", "solution", "cases", "missing_link"} <= set(PAGES)
    assert {"log_determinant", "origin", "forgetting", "cases", "contraction"} <= set(PAGES)  # of gradient flow


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_what_its_source_derives(name):
    text, checks = rendered(name)
    assert (HERE / f"{name}.md").read_text() == text, "run `make derivations` and commit"
    assert checks.formulas or checks.numbers


@pytest.mark.parametrize("name", PAGES)
def test_every_formula_of_the_page_renders_on_github(name):
    text = (HERE / f"{name}.md").read_text()
    formulas = markdown_formulas(text)
    assert formulas
    assert parse_all(formulas) == []
    assert github_problems(text) == []


@pytest.mark.parametrize("name", PAGES)
def test_the_page_compiles_with_tex(name, tmp_path):
    from importlib import import_module

    from derivations.checks import Checks

    page = import_module(f"derivations.{name}").page(Checks())
    source = tmp_path / f"{name}.tex"
    source.write_text(emit(page, "latex", standalone=True))
    compiled = compile_tex(source)
    assert compiled.pdf.stat().st_size > 10_000
    assert compiled.warnings == []


def test_the_five_numbers_are_those_of_the_question():
    text = (HERE / "five_numbers.md").read_text()
    for number in five_numbers.F:
        assert f"{number:.8g}" in text


def test_the_two_by_two_matrix_is_answered_in_the_words_of_the_design():
    text = (HERE / "one_column.md").read_text()
    told = "W_f must be 2 x 4 (n x n+m): [h_prev, x] is one column of 4 numbers, h_prev above x, not two columns"
    assert told in text


def test_no_page_holds_a_path_of_this_machine():
    for name in PAGES:
        assert str(Path.home()) not in (HERE / f"{name}.md").read_text()
