"""Long lines are broken without a change of meaning."""

import ast

import pytest

from symlstm.codegen.layout import filled, fitted

SUM = " + ".join(f"of_{k}[j] * square(of_{k}[j])" for k in range(12))
ARGUMENTS = ", ".join(f"of_{k}[row, 0 : 2 * n]" for k in range(12))
LINES = [
    f"v1 = {SUM}", f"v1 = ({SUM})", f"v1 = (({SUM}))", f"v1 = tanh(({SUM}))", f"v1 = (({SUM}) * ({SUM}))",
    f"v1 = f(({SUM}), ({SUM}))", f"v1 = ({ARGUMENTS})", f"v1 = ({ARGUMENTS},)", f"f({ARGUMENTS})", f"return ({SUM})",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("broken", [fitted, filled])
def test_a_broken_line_means_what_the_line_does(line, broken):
    """A comma after the one expression in brackets would make a tuple of it."""
    read, wanted = (ast.parse(f"def g():\n {text}") for text in ("\n ".join(broken(line)), line))
    assert ast.dump(read) == ast.dump(wanted)


def test_arguments_fill_the_lines():
    assert filled("def f(" + ", ".join(f"of_{k}" for k in range(8)) + "):", 24) == [
        "def f(", "    of_0, of_1, of_2,", "    of_3, of_4, of_5,", "    of_6, of_7,", "):",
    ]  # fmt: skip
    assert filled("def f(a, b):", 24) == ["def f(a, b):"]
