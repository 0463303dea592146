"""A node type that a table lacks a row for: the error names the type and the table, whoever asks."""

import pytest
import sympy as sp

from symlstm.calculus.rules import rule_for
from symlstm.codegen import formula
from symlstm.errors import RuleMissing
from symlstm.expr import nodes as x
from symlstm.expr import time
from symlstm.expr.latex import latex
from symlstm.expr.text import text
from symlstm.expr.tree import rebuild, replace

v, w = x.Quantity("v", 2, 1), x.Quantity("w", 2, 1)


class Swirl(x.Node):
    """A node that no table knows."""

    shape = property(lambda self: self.args[0].shape)


NODE = Swirl(v)
ASKED = {
    "str": (lambda: str(NODE), "symlstm.expr.written._HANDLERS"),
    "repr": (lambda: repr(NODE), "symlstm.expr.written._HANDLERS"),
    "text": (lambda: text(NODE), "symlstm.expr.written._HANDLERS"),
    "latex": (lambda: latex(NODE), "symlstm.expr.written._HANDLERS"),
    "sympy.latex": (lambda: sp.latex(NODE), "symlstm.expr.written._HANDLERS"),
    "within": (lambda: latex(x.Transposed(NODE)), "symlstm.expr.written._HANDLERS"),
    "lambdify": (lambda: sp.lambdify([v], NODE, "numpy"), "symlstm.expr.columns._CODE"),
    "replace": (lambda: replace(NODE, {v: w}), "symlstm.expr.tree.REBUILD"),
    "rebuild": (lambda: rebuild(NODE, (w,)), "symlstm.expr.tree.REBUILD"),
    "rule_for": (lambda: rule_for(NODE), "symlstm.calculus.rules.RULES"),
    "codegen": (lambda: formula(NODE), "symlstm.codegen.arrays._HANDLERS"),
}


@pytest.mark.parametrize("asked", ASKED)
def test_the_error_names_the_node_type_and_the_table(asked):
    ask, table = ASKED[asked]
    with pytest.raises(RuleMissing) as caught:
        ask()
    assert "for Swirl in " + table in caught.value.message
    assert caught.value.hint == f"add a row for Swirl to {table}"


def test_every_node_type_can_be_made_again():
    from symlstm.expr.tree import REBUILD

    named = [*vars(x).values(), *vars(time).values()]
    kinds = {k for k in named if isinstance(k, type) and issubclass(k, x.Node)} - {x.Node, time.OverTime}
    assert {k.__name__ for k in kinds} == {k.__name__ for k in REBUILD}
