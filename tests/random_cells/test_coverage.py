"""What the random cells are made of: every function and every rule that there is, and kinks met exactly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings

import symlstm as sl
from symlstm.calculus.rules import RULES
from symlstm.expr.functions import ELEMENTWISE, WHOLE
from symlstm.expr.nodes import Apply, Quantity, Whole
from tests.random_cells.programs import KINKED, NORMALISED, REDUCTIONS, SMOOTH, TWO, Program, programs
from tests.random_cells.runs import compiled, numpy_namespace

TEMPLATES = {**SMOOTH, **KINKED, **TWO, **REDUCTIONS, **NORMALISED}
GRID = (-1.0, -0.5, 0.0, 0.2, 0.5, 0.6, 1.0)
"""Among them zero and every constant that a comparison or a clip of the tables names."""


def cell_of(template):
    """A cell with one line from a table, of two states."""
    source = (
        'def cell(h_prev: "n", c_prev: "n"):\n    v = {}\n    h = v * c_prev\n    c = 1 * c_prev\n    return h, c\n'
    )
    return compiled(Program(source=source.format(template.format("h_prev", "c_prev"))), numpy_namespace())


def nodes(cell):
    def visit(expr):
        yield expr
        if not isinstance(expr, Quantity):
            for a in expr.args:
                if hasattr(a, "shape"):
                    yield from visit(a)

    return [node for e in cell.equations for node in visit(e.expr)]


def test_the_tables_use_every_function_that_a_cell_can():
    """A new row of ELEMENTWISE or WHOLE fails here until a random cell can draw it."""
    found = set()
    for table in (SMOOTH, KINKED, TWO, REDUCTIONS, NORMALISED):
        for template in table.values():
            found |= {n.function for n in nodes(sl.cell(cell_of(template))) if isinstance(n, (Apply, Whole))}
    assert sorted({*ELEMENTWISE, *WHOLE} - found) == []


def test_random_cells_use_every_rule():
    """A new row of RULES fails here until a random cell draws its node."""
    found = set()

    @settings(max_examples=300, derandomize=True, database=None)
    @given(programs())
    def collect(program):
        if len(found & RULES.keys()) < len(RULES):
            found.update(type(node) for node in nodes(sl.cell(compiled(program, numpy_namespace()))))

    collect()
    assert sorted(node.__name__ for node in RULES.keys() - found) == []


@pytest.mark.parametrize("name", [*KINKED, *TWO, "max"])
def test_values_at_zeros_and_ties_are_those_of_numpy(name):
    """On a grid of exact numbers, where a comparison is decided and not rounded."""
    function = cell_of(TEMPLATES[name])
    a, b = np.array(list(itertools.product(GRID, repeat=2))).T
    found = sl.compile(sl.cell(function)).step({}, None, (a, b))
    for mine, numpys in zip(found, function(a, b), strict=True):
        np.testing.assert_allclose(mine, numpys, rtol=8 * np.finfo(float).eps, atol=0)


@pytest.mark.parametrize("name", SMOOTH)
def test_values_and_derivatives_at_zero_are_those_of_numpy(name):
    """Zero is where every sequence starts."""
    function = cell_of(SMOOTH[name])
    k = sl.compile(sl.cell(function))
    zero, one = np.zeros(3), np.ones(3)
    np.testing.assert_allclose(k.step({}, None, (zero, one))[0], function(zero, one)[0], rtol=1e-15, atol=0)
    stepped = np.imag(function(zero + 1e-200j, one + 0j)[0]) / 1e-200
    found = k.jacobian({}, None, (zero, one), "h", "h_prev")
    np.testing.assert_allclose(found, np.diag(stepped), rtol=8 * np.finfo(float).eps, atol=0)
