"""The house: data flows one way, and a lower floor never imports a higher one (imports inside functions count)."""

import ast
from pathlib import Path

import pytest

import symlstm

ROOT = Path(symlstm.__file__).parent
FLOORS = [
    ["errors", "plugins"],
    ["expr"],
    [
        "trace.frames",
        "trace.recognise",
        "trace.array",
        "trace.arguments",
        "trace.numpy_api",
        "trace.signature",
        "functions",
    ],
    ["equations"],
    ["trace.read", "cells"],
    ["registry"],
    ["calculus"],
    ["codegen"],
    ["evidence"],
    ["emit"],
    ["walkthrough"],
    ["cli", "__main__"],
]
"""Lowest first."""
MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def floor_of(module: str) -> int:
    """The floor of a dotted name inside the package (without the leading "symlstm.")."""
    for level, names in enumerate(FLOORS):
        if any(module == name or module.startswith(name + ".") for name in names):
            return level
    if any(name.startswith(module + ".") for names in FLOORS for name in names):
        return 0  # a package whose parts are on several floors; its __init__ holds nothing
    raise AssertionError(f"symlstm.{module} has no floor: add it to FLOORS")


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("symlstm."):
            base = node.module.removeprefix("symlstm.")
            for name in node.names:
                deeper = ROOT.joinpath(*base.split("."), f"{name.name}.py")
                found.add(f"{base}.{name.name}" if deeper.exists() else base)
        elif isinstance(node, ast.Import):
            found |= {n.name.removeprefix("symlstm.") for n in node.names if n.name.startswith("symlstm.")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lower_floor_never_imports_a_higher_one(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    here = floor_of(module)
    wrong = sorted(name for name in imports_of(path) if floor_of(name) > here)
    assert not wrong, f"symlstm.{module} imports from a higher floor: {wrong}"
