"""JSON follows its schema, and holds the names, the shapes, the formulas and the evidence."""

import json
from importlib.resources import files

import jsonschema
import pytest

import symlstm as sl
from symlstm.emit import Page, emit, report
from tests.emit.cells import BUILT_IN, NOTATIONS, OWN

SCHEMA = json.loads(files("symlstm.emit").joinpath("schema", "derivation-1.json").read_text("utf-8"))


def checked(result, **options):
    data = json.loads(emit(result, "json", **options))
    jsonschema.Draft202012Validator(SCHEMA).validate(data)
    return data


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("cell", [*BUILT_IN, *OWN])
def test_reports_follow_the_schema(cell):
    for notation in NOTATIONS:
        checked(report(sl.cell(cell)), notation=notation, steps=True)


def test_a_derivation_says_what_it_is_about():
    data = checked(sl.derive(sl.cell("lstm"), "c", "c_prev"), steps=True, evidence=True)
    assert data["version"] == 1
    result = next(s for s in data["sections"] if s["title"] == "Result")
    assert result["about"] == {
        "kind": "derivation",
        "cell": "lstm",
        "of": "c",
        "wrt": "c_prev",
        "paths": "partial",
        "by_matrix": False,
        "shape": ["n", "n"],
    }
    assert result["blocks"][0]["rows"][0]["right"] == {"latex": r"\mathrm{diag}(f_t)", "text": "diag(f_t)"}
    evidence = next(b for b in result["blocks"] if b["type"] == "evidence")
    assert evidence["ok"] and [r["name"] for r in evidence["rungs"]] == ["float64", "digits", "exact"]


def test_a_backward_pass_and_a_page():
    checked(sl.backward(sl.cell("gru")), steps=True)
    page = Page("By hand").text("The gate $f_t$, see [a](b), `f`.").table(["n"], [[1]]).code("x = 1")
    assert checked(page)["title"] == "By hand"
