"""Every formula of everything, for every cell in every notation: GitHub shows it, and TeX compiles it."""

import pytest

import symlstm as sl
from symlstm.emit import document, emit, report, save
from symlstm.emit.document import Equations, Formula, Result
from symlstm.expr.functions import ELEMENTWISE, WHOLE
from tests.codegen.adhoc import CELLS as ADHOC
from tests.emit.cells import BUILT_IN, NOTATIONS, OWN, everything
from tests.evidence.small_cells import ELEMENTWISE_CELLS, NODE_CELLS, WHOLE_CELLS
from tests.support.emitted import displays
from tests.support.github import github_problems, markdown_formulas
from tests.support.katex import Formula as Parsed
from tests.support.katex import parse_all
from tests.support.tex import compile_tex
from tests.trace.test_wild import CELLS as WILD
from tests.trace.test_wild import SCALARS as WILD_SHAPES
from tests.trace.test_wild import function_of as wild_function

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


def everywhere():
    """Every cell of the tests besides: each function of the tables, each node type, odd shapes, other people's code."""
    yield from ((f"small {k}", v, None) for k, v in {**ELEMENTWISE_CELLS, **WHOLE_CELLS, **NODE_CELLS}.items())
    yield from ((f"adhoc {k}", v, None) for k, v in ADHOC.items())
    yield from ((f"wild {k}", wild_function(k), WILD_SHAPES.get(k)) for k in WILD if k != "expit_rnn")  # needs SciPy
    yield "everything", everything, None


def test_every_function_of_the_tables_is_in_a_cell():
    assert {*ELEMENTWISE_CELLS} == {*ELEMENTWISE}
    assert {*WHOLE_CELLS} == {*WHOLE}


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_formula_of_every_function_and_node_type_renders_on_github(notation):
    formulas, labels = [], []
    for name, function, shapes in everywhere():
        text = emit(report(sl.cell(function, shapes=shapes)), "markdown", notation=notation, steps=True)
        assert github_problems(text) == [], name
        found = markdown_formulas(text)
        formulas += [f._replace(label=f"{name}, {f.label}") for f in found]
        labels.append(name)
    assert len(labels) > 80 and len(formulas) > 20 * len(labels)
    assert parse_all(formulas) == []


def test_bars_in_a_table_are_part_of_their_formula_not_of_the_table():
    text = emit(sl.cell(everything), "markdown")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert any(r"\lVert" in row for row in rows) and any(r"\lvert" in row for row in rows)
    for row in rows:
        assert row.count(" | ") == (2 if "symbol" in rows[0] and row.count(" | ") == 2 else 1)
    own = emit(sl.cell(everything), "markdown", notation={"functions": {"norm": r"\left\|#1\right\|", "abs": "|#1|"}})
    assert r"\left\Vert " in own and r"\right\Vert " in own
    assert parse_all(markdown_formulas(own)) == []


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
    pasted = [f for text in fragments for f in displays(text)]
    assert len(pasted) > 4
    assert parse_all([Parsed(cell, latex) for latex in pasted]) == []


@pytest.mark.parametrize(
    ("cell", "notation"),
    [*((c, "default") for c in CELLS), *((c, n) for c in ("lstm", "gru") for n in NOTATIONS[1:])],
    ids=[*NAMES, *(f"{c}-{n}" for c in ("lstm", "gru") for n in NOTATIONS[1:])],
)
def test_the_tex_file_compiles_and_nothing_sticks_out(cell, notation, tmp_path):
    save(report(sl.cell(cell)), tmp_path / "report.tex", notation=notation, steps=cell in ("lstm", "rnn"))
    assert compile_tex(tmp_path / "report.tex", overfull_points=1.0).warnings == []


@pytest.mark.parametrize("notation", NOTATIONS)
def test_the_tex_file_of_a_cell_with_everything_compiles(notation, tmp_path):
    save(report(sl.cell(everything)), tmp_path / "report.tex", notation=notation, steps=True)
    assert compile_tex(tmp_path / "report.tex").pdf.stat().st_size > 10_000


def test_a_derivation_with_steps_paths_and_evidence_compiles(tmp_path):
    d = sl.derive(sl.cell("lstm"), "c", "c_prev", paths="total")
    save(d, tmp_path / "c.tex", steps=True, paths=True, evidence=True)
    assert compile_tex(tmp_path / "c.tex", overfull_points=1.0).warnings == []


@pytest.mark.parametrize("cell", BUILT_IN)
def test_no_formula_is_wider_than_its_line(cell):
    """Broken lines are at most as wide as asked for, where there is a place to break them."""
    from symlstm.emit.breaking import broken
    from symlstm.emit.layout import LATEX

    for formula in _formulas(document(report(sl.cell(cell)))):
        for _, line in broken(formula.marked_latex, 38.0, LATEX.formula):
            assert LATEX.formula(line) <= 38.5


def _formulas(made):
    for section in made.sections:
        for block in section.blocks:
            if isinstance(block, (Equations, Result)):
                yield from (row.right for row in block.rows if isinstance(row.right, Formula))
