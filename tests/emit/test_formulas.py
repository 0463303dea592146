"""Every formula of everything, for every cell in every notation: GitHub shows it, and TeX compiles it."""

import pytest

import symlstm as sl
from symlstm.emit import document, emit, report, save
from symlstm.emit.document import Equations, Formula, Result
from tests.emit.cells import BUILT_IN, NOTATIONS, OWN
from tests.support.github import github_problems, markdown_formulas
from tests.support.katex import Formula as Parsed
from tests.support.katex import parse_all
from tests.support.tex import compile_tex

CELLS = (*BUILT_IN, *OWN)
NAMES = [c if isinstance(c, str) else c.__name__ for c in CELLS]


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("cell", CELLS, ids=NAMES)
def test_every_formula_renders_on_github(cell, notation):
    text = emit(report(sl.cell(cell)), "markdown", notation=notation, steps=True)
    assert github_problems(text) == []
    formulas = markdown_formulas(text)
    assert len(formulas) > 20
    assert parse_all(formulas) == []
    assert max(len(line) for f in formulas if f.display for line in f.latex.splitlines()) < 300
    assert "operatorname" not in text
    assert "\\def" not in text and "\\newcommand" not in text and "\\tag" not in text


@pytest.mark.parametrize("notation", NOTATIONS)
def test_the_paths_render_on_github(notation):
    d = sl.derive(sl.cell("lstm"), "h", "c_prev", paths="total")
    text = emit(d, "markdown", notation=notation, steps=True, paths=True)
    assert github_problems(text) == []
    assert parse_all(markdown_formulas(text)) == []


@pytest.mark.parametrize("cell", BUILT_IN)
def test_the_pasteable_fragment_parses(cell):
    found = sl.cell(cell)
    fragments = [found.latex(), sl.backward(found).latex(), emit(report(found), "latex")]
    displays = [f for text in fragments for f in _displays(text)]
    assert len(displays) > 4
    assert parse_all([Parsed(cell, latex) for latex in displays]) == []


def _displays(text):
    """KaTeX takes what stands inside \\[ \\] and whole align* environments."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    for piece in (
        lines.replace("\\[\n", "\0").replace("\n\\]", "\0").replace("\\begin{align*}", "\0\\begin{align*}").split("\0")
    ):
        if piece.strip():
            yield piece.strip()


@pytest.mark.parametrize(
    ("cell", "notation"),
    [*((c, "default") for c in CELLS), *(("lstm", n) for n in NOTATIONS[1:])],
    ids=[*NAMES, *(f"lstm-{n}" for n in NOTATIONS[1:])],
)
def test_the_tex_file_compiles_and_nothing_sticks_out(cell, notation, tmp_path):
    save(report(sl.cell(cell)), tmp_path / "report.tex", notation=notation, steps=cell in ("lstm", "rnn"))
    assert compile_tex(tmp_path / "report.tex", overfull_points=1.0).warnings == []


def test_a_derivation_with_steps_paths_and_evidence_compiles(tmp_path):
    d = sl.derive(sl.cell("lstm"), "c", "c_prev", paths="total")
    save(d, tmp_path / "c.tex", steps=True, paths=True, evidence=True)
    assert compile_tex(tmp_path / "c.tex", overfull_points=1.0).warnings == []


@pytest.mark.parametrize("cell", BUILT_IN)
def test_no_formula_is_wider_than_its_line(cell):
    """Broken lines are at most as wide as asked for, where there is a place to break them."""
    from symlstm.emit.layout import LATEX, broken

    for formula in _formulas(document(report(sl.cell(cell)))):
        for _, line in broken(formula.marked_latex, 38.0, LATEX.formula):
            assert LATEX.formula(line) <= 38.5


def _formulas(made):
    for section in made.sections:
        for block in section.blocks:
            if isinstance(block, (Equations, Result)):
                yield from (row.right for row in block.rows if isinstance(row.right, Formula))
