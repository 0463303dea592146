"""Long formulas are broken so that nothing sticks out and every line says how it goes on."""

import re

import numpy as np
import pytest

import symlstm as sl
from symlstm.emit import emit, report, save
from symlstm.emit.breaking import broken
from symlstm.emit.layout import LATEX
from symlstm.expr.brackets import BREAK_FACTOR, BREAK_SUM
from symlstm.walkthrough import walk
from tests.emit.unusual_cells import CELLS
from tests.support.tex import compile_tex

CELLS_BY_NAME = {cell.__name__: cell for cell in CELLS}


def numbers(cell):
    rng = np.random.default_rng(0)
    sizes = dict(zip(cell.dims, (4, 3, 5), strict=False))
    found = {}
    for q in (*cell.inputs, *(s.previous for s in cell.states), *cell.parameters):
        shape = [int(size.subs(sizes)) for size in q.shape]
        found[q.name] = rng.normal(size=shape[:1] if shape[1] == 1 else shape)
    return found


@pytest.mark.parametrize("name", CELLS_BY_NAME)
@pytest.mark.parametrize("steps", [False, True])
def test_nothing_sticks_out_of_the_page(name, steps, tmp_path):
    save(report(sl.cell(CELLS_BY_NAME[name])), tmp_path / "report.tex", steps=steps)
    assert compile_tex(tmp_path / "report.tex", overfull_points=1.0).warnings == []


@pytest.mark.parametrize("name", CELLS_BY_NAME)
def test_a_walk_with_long_numbers_stays_on_the_page(name, tmp_path):
    cell = sl.cell(CELLS_BY_NAME[name])
    save(walk(cell, numbers(cell)), tmp_path / "walk.tex")
    assert compile_tex(tmp_path / "walk.tex", overfull_points=1.0).warnings == []


@pytest.mark.parametrize("name", CELLS_BY_NAME)
def test_a_line_that_goes_on_begins_with_its_operator(name):
    text = emit(report(sl.cell(CELLS_BY_NAME[name])), "latex", steps=True)
    going_on = re.findall(r"^ *&\\q?quad (?!\\q?quad)(.*)$", text, re.MULTILINE)
    wrong = [line for line in going_on if not re.match(r"\{\} (\+|-|/|\\odot|\\cdot)", line)]
    assert wrong == []


def test_brackets_that_close_on_another_line_do_not_stretch():
    marked = rf"\left(\frac{{a}}{{b}}{BREAK_SUM} + c{BREAK_FACTOR} d\right)"
    assert broken(marked, 2.2, LATEX.formula) == [(-1, r"\biggl(\frac{a}{b}"), (1, r"+ c"), (1, r"\cdot d\biggr)")]


def test_a_fraction_wider_than_the_line_is_written_on_one():
    wide = BREAK_SUM.join(f"{'+' if k else ''} a_{k}" for k in range(12))
    lines = broken(rf"\frac{{{wide}}}{{b}}", 12.0, LATEX.formula)
    assert max(LATEX.formula(line) for _, line in lines) <= 12.5
    assert lines[-1][1].endswith("/ b") and not any("frac" in line for _, line in lines)
