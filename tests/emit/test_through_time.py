"""Backpropagation through time as a document: it renders in every notation, for every cell, and reads well."""

import dataclasses
import json
from importlib.resources import files

import jsonschema
import pytest

import symlstm as sl
from symlstm.emit import Page, document, emit, save
from symlstm.expr.build import scale
from tests.calculus.through_time_cells import ODD
from tests.codegen.adhoc import CELLS as ADHOC
from tests.emit.cells import BUILT_IN, NOTATIONS, OWN, everything
from tests.evidence.small_cells import ELEMENTWISE_CELLS, NODE_CELLS, WHOLE_CELLS
from tests.support.github import github_problems, markdown_formulas
from tests.support.katex import parse_all
from tests.support.tex import compile_tex

SCHEMA = json.loads(files("symlstm.emit").joinpath("schema", "derivation-1.json").read_text("utf-8"))
CELLS = {**{name: name for name in BUILT_IN}, **{f.__name__: f for f in OWN}, **ODD}
MANY = {**CELLS, **ELEMENTWISE_CELLS, **WHOLE_CELLS, **NODE_CELLS, **ADHOC, "everything": everything}


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_formula_of_every_cell_renders_on_github(notation):
    formulas = []
    for name, function in MANY.items():
        text = emit(sl.bptt(function), "markdown", notation=notation, steps=True)
        assert github_problems(text) == [], name
        found = markdown_formulas(text)
        assert len(found) > 5, name
        formulas += [f._replace(label=f"{name}, {f.label}") for f in found]
        assert r"\_\{" not in text, name  # a symbol of a reason that stayed text
    assert parse_all(formulas) == []


@pytest.mark.parametrize("notation", ["default", "course"])
@pytest.mark.parametrize("name", ["lstm_peephole", "gru", "three_states", "no_input", "outputs", "matrix_state"])
def test_the_tex_file_compiles_and_nothing_sticks_out(name, notation, tmp_path):
    save(sl.bptt(CELLS[name]), tmp_path / "bptt.tex", notation=notation, steps=name == "gru", evidence=name == "gru")
    assert compile_tex(tmp_path / "bptt.tex", overfull_points=1.0).warnings == []


@pytest.mark.parametrize("name", CELLS)
def test_json_follows_the_schema(name):
    data = json.loads(emit(sl.bptt(CELLS[name]), "json", steps=True))
    jsonschema.Draft202012Validator(SCHEMA).validate(data)
    assert data["about"]["kind"] == "through time"


def test_the_page_of_a_textbook():
    lines = [" ".join(line.split()) for line in emit(sl.bptt("rnn"), "terminal", width=100, source=False).splitlines()]
    assert [line for line in lines if line] == [
        "Backpropagation through time of rnn",
        "Given",
        "A loss L may depend on h_t at every step t = 1, ..., T. Δh_t is its gradient by it directly,",
        "without what follows from it in this step and later; dh_t is the gradient by h_t with everything",
        "counted, δh_t the one by what the function of h_t is applied to; so with the others.",
        "Kept from the forward pass: h_t and x_t.",
        "Backward in time, from t = T to t = 1",
        "δh_{T+1} = 0 nothing follows step T",
        "dh_t = Δh_t + Uᵀ δh_{t+1} h_t is used in h_{t+1} and the loss",
        "δh_t = dh_t ⊙ (1 - h_t²) gradient by W x_t + U h_{t-1} + b",
        "Gradients by the inputs",
        "dx_t = Wᵀ δh_t x_t is used in h_t",
        "Gradients by the initial states",
        "dh_0 = Uᵀ δh_1 h_0 is used in h_1",
        "Gradients by the parameters",
        "dW = Σ_{t=1}^{T} δh_t x_tᵀ W is used in h_t, at every step",
        "dU = Σ_{t=1}^{T} δh_t h_{t-1}ᵀ U is used in h_t, at every step",
        "db = Σ_{t=1}^{T} δh_t b is used in h_t, at every step",
    ]


def test_blocks_of_weights_are_named_as_in_one_step():
    text = emit(sl.bptt("lstm"), "terminal", width=160)
    assert "dh_t = Δh_t + W_ohᵀ δo_{t+1} + W_chᵀ δc̃_{t+1} + W_ihᵀ δi_{t+1} + W_fhᵀ δf_{t+1}" in text
    assert "where W_f = [W_fh  W_fx]" in text


def test_the_latex_of_a_recurrence_to_the_letter():
    latex = sl.bptt("lstm").latex()
    assert (
        r"\bar{c}_t &= \Delta c_t + \bar{c}_{t+1} \odot f_{t+1} + \bar{h}_t \odot o_t \odot (1 - \tanh^2(c_t))" in latex
    )
    assert r"\bar{W}_f &= \sum_{t=1}^{T} \delta^{f}_t \, [h_{t-1};\, x_t]^{\top}" in latex


def test_a_column_is_written_in_place_at_the_next_step_and_at_the_first():
    text = emit(sl.bptt(ODD["three_states"]), "terminal", width=160)
    assert "tanh(W [h_t; x_{t+1}] + b)" in text and "tanh(W [h_0; x_1] + b)" in text


def test_there_is_no_section_about_inputs_where_there_are_none():
    titles = ["".join(map(str, s.title)) for s in document(sl.bptt(ODD["no_input"])).sections]
    assert "Gradients by the inputs" not in titles and "Gradients by the initial states" in titles


def test_the_steps_go_through_one_step_then_one_step_later_then_to_the_sums():
    text = emit(sl.bptt("gru"), "terminal", steps=True, width=200)
    places = [text.index(said) for said in ("product rule, back to", "one step later", "first step", "sum over time")]
    assert places == sorted(places)


def test_what_fails_its_evidence_is_not_shown():
    b = sl.bptt("rnn")
    wrong = dataclasses.replace(b.parameters[0], expr=scale(2, b.parameters[0].expr))
    made = document(dataclasses.replace(b, parameters=(wrong, *b.parameters[1:])), evidence=True)
    assert made.refused
    assert "Σ" not in emit(made, "terminal")


def test_it_goes_onto_a_page():
    page = Page("Through time").section("The GRU").through_time(sl.bptt("gru"))
    text = emit(page, "markdown")
    assert "### Backward in time" in text
    assert parse_all(markdown_formulas(text)) == []


def test_a_notebook_and_the_prompt_show_it():
    b = sl.bptt("rnn")
    assert repr(b) == "<backpropagation through time of rnn: dh_t = Δh_t + Uᵀ δh_{t+1}>"
    assert str(b).startswith("Backpropagation through time of rnn")
