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
        "trace.broadcasting",
        "trace.keywords",
        "trace.elementwise",
        "trace.products",
        "trace.whole",
        "trace.parts",
        "trace.numpy_api",
        "trace.results",
        "trace.signature",
        "functions",
    ],
    ["equations"],
    ["trace.read", "trace.distinct", "cells"],
    ["registry"],
    ["calculus"],
    ["codegen"],
    ["evidence"],
    ["gradient_flow"],
    ["checking"],
    ["conventions"],
    ["checkpoints", "data"],
    ["adapters"],
    ["emit"],
    ["exploration"],
    ["walkthrough"],
    ["cli", "__main__", "pytest_plugin"],
]
"""Lowest first."""
MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def floor_of(module: str) -> int:
    """The floor of a dotted name inside the package; its public face offers everything: only the top may use it."""
    if not module:
        return len(FLOORS) - 1
    for level, names in enumerate(FLOORS):
        if any(module == name or module.startswith(name + ".") for name in names):
            return level
    if any(name.startswith(module + ".") for names in FLOORS for name in names):
        return 0  # a package whose parts are on several floors; its __init__ holds nothing
    raise AssertionError(f"symlstm.{module} has no floor: add it to FLOORS")


def imports_of(source: str, package: str = "") -> set[str]:
    """What a source imports of symlstm, as dotted names inside it; "" is its public face.

    package: where the source lies, inside symlstm: "" or "emit" (relative imports start from it).
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            here = ["symlstm", *filter(None, package.split("."))]
            start = here[: len(here) - node.level + 1] if node.level else []
            base = [*start, *(node.module.split(".") if node.module else [])]
            if base[0] == "symlstm":
                found |= {_module([*base[1:], name.name]) for name in node.names}
        elif isinstance(node, ast.Import):
            names = [name.name.split(".") for name in node.names]
            found |= {".".join(parts[1:]) for parts in names if parts[0] == "symlstm"}
    return found


def _module(parts: list[str]) -> str:
    """The module that is named, or that has the name."""
    *base, _ = parts
    place = ROOT.joinpath(*parts)
    return ".".join(parts if place.with_suffix(".py").exists() or (place / "__init__.py").exists() else base)


def higher_imports(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """What the source of a module imports from floors above its own."""
    package = module if is_package else module.rpartition(".")[0]
    return sorted(name for name in imports_of(source, package) if floor_of(name) > floor_of(module))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lower_floor_never_imports_a_higher_one(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    wrong = higher_imports(path.read_text(), module, is_package=path.name == "__init__.py")
    assert not wrong, f"symlstm.{module} imports from a higher floor: {wrong}"


WRONG = {
    "from symlstm.emit import page": "emit.page",
    "from symlstm.emit import Page": "emit",
    "from symlstm.emit.page import Page": "emit.page",
    "from symlstm import emit": "emit",
    "from symlstm import derive": "",
    "import symlstm": "",
    "import symlstm as sl": "",
    "import symlstm.emit.page": "emit.page",
    "import numpy, symlstm.emit as e": "emit",
    "from .. import emit": "emit",
    "from ..emit import page as p": "emit.page",
    "from ..emit.page import Page": "emit.page",
    "def late():\n    from symlstm import emit": "emit",
    "if TYPE_CHECKING:\n    from ..emit import page": "emit.page",
}
"""Imports that a module of symlstm.calculus must not make, and what is found."""


@pytest.mark.parametrize("source", WRONG)
def test_an_import_from_a_higher_floor_is_seen_however_it_is_written(source):
    assert higher_imports(source, "calculus.rules") == [WRONG[source]]


def test_a_package_starts_from_itself():
    assert higher_imports("from .page import Page", "emit", is_package=True) == []
    assert imports_of("from .page import Page", "emit") == {"emit.page"}
    assert imports_of("from . import page, Page", "emit") == {"emit.page", "emit"}
    assert higher_imports("from .emit import page", "errors") == ["emit.page"]


@pytest.mark.parametrize(
    "source", ["from symlstm.expr import build", "from ..expr.build import add", "from . import steps"]
)
def test_an_import_from_the_same_floor_or_below_is_fine(source):
    assert imports_of(source, "calculus") and higher_imports(source, "calculus.rules") == []


def test_other_packages_are_no_concern_of_the_house():
    assert (
        imports_of("import numpy\nfrom sympy.core import expr\nfrom symlstm_extra import emit\nimport symlstmx")
        == set()
    )


def test_a_module_without_a_floor_is_named():
    with pytest.raises(AssertionError, match=r"symlstm\.attic has no floor"):
        floor_of("attic")
