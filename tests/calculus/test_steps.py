"""The derivation is the computation: its steps chain, and the last one's outcome is the result."""

import itertools

import pytest

import symlstm as sl
from symlstm import plugins
from symlstm.expr.nodes import Partial, Quantity
from symlstm.expr.tree import quantities
from symlstm.plugins import registered

CELLS = list(registered(plugins.CELLS))


def derivations(name):
    cell = sl.cell(name)
    wrts = [*(s.previous.name for s in cell.states), cell.inputs[0].name, *(q.name for q in cell.parameters)]
    for equation, wrt in itertools.product(cell.equations, wrts):
        for paths in ("partial", "total"):
            yield sl.derive(cell, equation.name, wrt, paths=paths)


@pytest.mark.parametrize("name", CELLS)
def test_the_last_step_gives_the_result(name):
    for d in derivations(name):
        assert d.steps[-1].after == d.result


@pytest.mark.parametrize("name", CELLS)
def test_each_step_starts_where_the_one_before_ended(name):
    for d in derivations(name):
        if d.acts:
            continue
        ended = {}
        for step in d.steps:
            if step.of in ended and step.before != step.of:
                assert step.before == ended[step.of]
            else:
                assert step.before == step.of
            ended[step.of] = step.after


@pytest.mark.parametrize("name", CELLS)
def test_no_derivative_is_left_open_at_the_end_of_a_chain(name):
    for d in derivations(name):
        last = {step.of: step.after for step in d.steps}
        for outcome in last.values():
            assert not outcome.atoms(Partial)


@pytest.mark.parametrize("name", CELLS)
def test_every_step_has_a_rule_and_a_reason(name):
    for d in derivations(name):
        for step in d.steps:
            assert step.rule and step.because


def test_the_steps_of_dc_dc_prev_are_those_of_a_textbook():
    steps = sl.derive(sl.cell("lstm"), "c", "c_prev").steps
    assert [s.rule for s in steps] == ["definition", "sum rule", "product rule", "identity"]


def test_a_step_names_what_does_not_depend():
    (_, step, *_) = sl.derive(sl.cell("lstm"), "c", "c_prev").steps
    assert "do not depend on" in step.because


@pytest.mark.parametrize("name", CELLS)
def test_an_adjoint_uses_only_earlier_ones_and_the_forward_pass(name):
    cell = sl.cell(name)
    backward = sl.backward(cell)
    forward = {e.quantity for e in cell.equations} | {s.previous for s in cell.states}
    forward |= {*cell.inputs, *cell.parameters}
    known = forward | set(backward.upstream.values())
    for adjoint in backward.adjoints:
        assert set(quantities(adjoint.expr)) <= known, adjoint.quantity
        known.add(adjoint.quantity)


@pytest.mark.parametrize("name", CELLS)
def test_the_backward_pass_gives_every_gradient_once_and_in_its_shape(name):
    cell = sl.cell(name)
    backward = sl.backward(cell)
    names = [a.of.name for a in backward.adjoints if cell.equation(a.of) is None]
    wanted = [*(s.previous.name for s in cell.states), *(q.name for q in (*cell.inputs, *cell.parameters))]
    assert names == wanted
    for adjoint in backward.adjoints:
        assert adjoint.expr.shape == adjoint.quantity.shape
    for q in (*cell.inputs, *cell.parameters):
        assert backward.gradients[q.name].shape == q.shape


@pytest.mark.parametrize("name", CELLS)
def test_the_cache_holds_forward_values_only(name):
    cell = sl.cell(name)
    for q in sl.backward(cell).depends_on():
        assert isinstance(q, Quantity) and q.role == "value"
