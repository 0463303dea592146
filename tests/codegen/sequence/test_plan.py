"""What is done once, in front of the loop, inside it and behind it."""

import re

import pytest

import symlstm as sl
from symlstm.codegen.sequence.plan import plan
from symlstm.expr import nodes as x
from symlstm.expr.text import text
from symlstm.expr.tree import quantities
from tests.codegen.adhoc import CELLS as ADHOC
from tests.codegen.numbers import BUILT_IN, cell_of

every_cell = pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC])


def stage(name, which):
    """The equations of a stage as text, by the name of what they compute."""
    return {e.quantity.name: text(e.expr) for e in getattr(plan(cell_of(name)), which)}


def products(expr, constant):
    """The products of a constant matrix and a vector in an expression."""
    inside = [p for a in getattr(expr, "args", ()) if hasattr(a, "shape") for p in products(a, constant)]
    own = isinstance(expr, x.Matmul) and expr.shape[1] == 1 and expr.args[0].shape[0] != 1
    if own and all(q in constant for q in quantities(expr.args[0])) and quantities(expr.args[0]):
        inside.append(expr)
    return inside


@pytest.mark.parametrize("name", ["lstm", "lstm_peephole", "lstm_softmax", "gru"])
def test_all_input_projections_are_one_product_in_front_of_the_loop(name):
    made = plan(cell_of(name))
    (projection,) = made.before
    assert len(products(projection.expr, made.constant)) == 1
    assert re.fullmatch(r"V x_t \+ b(_a)?", text(projection.expr))
    assert not any(q in made.cell.inputs for e in (*made.steps, *made.after) for q in quantities(e.expr))


@pytest.mark.parametrize("name", ["lstm", "lstm_peephole", "lstm_softmax", "gru", "rnn"])
def test_the_products_with_the_previous_state_are_one_product(name):
    made = plan(cell_of(name))
    inside = [p for e in made.steps for p in products(e.expr, made.constant)]
    assert [text(p) for p in inside] == ["U h_{t-1}"]


def test_the_stacked_matrices_are_those_of_the_gates_in_their_order():
    assert stage("lstm", "once") == {
        "U": "[W_f[:, 1:n]; W_i[:, 1:n]; W_c[:, 1:n]; W_o[:, 1:n]]",
        "V": "[W_f[:, n+1:m+n]; W_i[:, n+1:m+n]; W_c[:, n+1:m+n]; W_o[:, n+1:m+n]]",
        "b": "[b_f; b_i; b_c; b_o]",
    }


def test_the_product_with_the_reset_state_stays_in_the_loop_and_its_input_projection_does_not():
    inside, before = stage("gru_reset_before", "steps"), stage("gru_reset_before", "before")
    assert inside["r_h"] == "r_t ⊙ h_{t-1}"
    assert inside["h_tilde"] == "tanh(U_h r_{h,t} + a\u0303_{h,t})"
    assert inside["u"] == "U h_{t-1} + a_t"
    assert before == {"a": "V x_t + b", "a_h_tilde": "W_h x_t + b_h"}


def test_the_peepholes_are_added_where_their_state_is_known():
    inside = stage("lstm_peephole", "steps")
    assert inside["f"] == "σ(z_t[1:n] + p_f ⊙ c_{t-1})"
    assert inside["i"] == "σ(z_t[n+1:2n] + p_i ⊙ c_{t-1})"
    assert inside["o"] == "σ(z_t[3n+1:4n] + p_o ⊙ c_t)"
    assert list(inside).index("c") < list(inside).index("o")


def test_the_bias_inside_the_reset_of_a_gru_is_not_added_outside():
    assert stage("gru", "steps")["n"] == "tanh(r_t ⊙ (u_t[2n+1:3n] + c_n) + a_t[2n+1:3n])"


@pytest.mark.parametrize(("name", "prediction"), [("lstm_softmax", "softmax(W_y h_t + b_y)"),
                                                  ("with_output", "softmax(W_y h_t)")])  # fmt: skip
def test_an_output_that_no_state_needs_is_computed_behind_the_loop(name, prediction):
    assert stage(name, "after") == {"y": prediction}


def test_tanh_of_the_cell_state_is_computed_once():
    assert stage("lstm", "steps")["tanh_c"] == "tanh(c_t)"
    assert stage("lstm", "steps")["h"] == "o_t ⊙ tanh_{c,t}"
    assert sl.compile("lstm").source.split("def forward(w")[1].split("def finish")[0].count("np.tanh(c") == 1


def test_what_is_made_of_parameters_alone_is_computed_once():
    assert set(stage("shared_weights", "once")) == {"sigmoid_M", "A", "t"}


@every_cell
def test_nothing_is_lost_and_each_stage_reads_only_what_is_known(name):
    made = plan(cell_of(name))
    previous = {s.previous for s in made.cell.states}
    known = set(made.cell.parameters)
    for which, extra in [("once", set()), ("before", set(made.cell.inputs)), ("steps", previous), ("after", set())]:
        known |= extra
        for e in getattr(made, which):
            assert set(quantities(e.expr)) <= known, (which, e.quantity)
            known.add(e.quantity)
        if which == "steps":
            assert {s.current for s in made.cell.states} <= known
            known -= previous  # behind the loop nothing looks at them
    assert set(made.cell.outputs) <= known


@every_cell
def test_everything_is_computed_once(name):
    made = plan(cell_of(name))
    names = [e.quantity for which in (made.once, made.before, made.steps, made.after) for e in which]
    assert len(set(names)) == len(names)


@every_cell
def test_nothing_in_front_of_the_loop_depends_on_a_state(name):
    made = plan(cell_of(name))
    of_states = {q for s in made.cell.states for q in (s.previous, s.current)}
    assert not any(q in of_states for e in (*made.once, *made.before) for q in quantities(e.expr))
