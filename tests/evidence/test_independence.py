"""The evidence shares nothing with the rules of differentiation: what it imports, and what it looks at."""

import ast
from pathlib import Path

import pytest

import symlstm.evidence

FILES = sorted(Path(symlstm.evidence.__file__).parent.glob("*.py"))
RUNGS = {"float64", "digits", "exact"}


def imports(path):
    """Every module that a file imports when it runs (type annotations aside)."""
    found = set()

    def visit(node):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.ImportFrom):
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_evidence_imports_nothing_of_the_calculus(path):
    assert not [m for m in imports(path) if m.startswith("symlstm.calculus")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_evidence_never_looks_at_a_derivative_of_the_tables(path):
    attributes = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert "derivatives" not in attributes
    assert "jacobian" not in attributes or path.stem in {"float64", "digits", "exact", "claims"}  # their own points


def test_only_one_file_opens_the_tables():
    assert [p.stem for p in FILES if "symlstm.expr.functions" in imports(p)] == ["definitions"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_evidence_does_not_use_the_simplifications_of_derivations(path):
    assert "symlstm.expr.build" not in imports(path)


@pytest.mark.parametrize("rung", sorted(RUNGS))
def test_the_rungs_do_not_import_each_other(rung):
    path = next(p for p in FILES if p.stem == rung)
    assert not [m for m in imports(path) if m.removeprefix("symlstm.evidence.") in RUNGS - {rung}]
