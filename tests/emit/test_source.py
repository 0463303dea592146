"""What latexify-py reads in the source is what was traced; what it cannot read is left out with a reason."""

import pytest

import symlstm as sl
from symlstm.emit import emit, notation
from symlstm.emit.inline import cell_notation
from symlstm.emit.source import read_source
from symlstm.expr.latex import latex
from tests.emit.cells import BUILT_IN, NOTATIONS, from_a_course, looped, sliced, stacked


@pytest.mark.parametrize("chosen", NOTATIONS)
@pytest.mark.parametrize("name", [*BUILT_IN, from_a_course])
def test_both_readings_of_a_cell_agree_to_the_letter(name, chosen):
    cell = sl.cell(name)
    own = cell_notation(cell, notation(chosen))
    readings = read_source(cell, own)
    assert set(readings) == {e.name for e in cell.equations}
    for e in cell.equations:
        if e.quantity not in own.inline and r"\oplus" not in latex(e.expr, own):
            assert readings[e.name] == latex(e.expr, own)


def test_products_are_told_apart():
    cell = sl.cell(sliced)
    readings = read_source(cell, cell_notation(cell, notation()))
    assert readings["u"].startswith(r"a \, ")  # a number times a vector
    assert r"W[\mathtt{:, :n}] \, u_t) \odot h_{t-1}" in readings["h"]  # a matrix times a vector; entry by entry


def test_slices_are_shown_as_the_code_has_them():
    cell = sl.cell(stacked)
    readings = read_source(cell, cell_notation(cell, notation()))
    assert readings["f"] == r"\frac{1}{1 + \exp(-z_t[\mathtt{:n}])}"


def test_a_loop_is_left_out_with_the_reason():
    text = emit(sl.cell(looped), "terminal")
    assert "Left out: the code has a loop, which latexify-py does not read." in text


def test_code_without_source_is_left_out_with_the_reason():
    scope = {}
    exec("def cell(x, h_prev, *, W, U):\n    h = W @ x + U @ h_prev\n    return h\n", scope)
    assert "Left out: the source of cell is not at hand." in emit(sl.cell(scope["cell"]), "terminal")


def test_nothing_of_the_placeholders_is_left():
    for cell in (*BUILT_IN, from_a_course, sliced, stacked):
        assert "QQ" not in emit(sl.cell(cell), "markdown")


def test_source_false_leaves_it_out():
    assert "latexify" not in emit(sl.cell("lstm"), "terminal", source=False)
