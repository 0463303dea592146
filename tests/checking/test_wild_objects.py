"""Parameters beside which gradients and momenta lie, states with unusual names, and results among many others."""

import symlstm as sl
from tests.checking.wild_objects import (
    Resets,
    ResetsTheOutput,
    character_model,
    node,
    step_of_a_character_model,
    step_of_a_node,
)


def test_what_lies_beside_a_parameter_is_neither_a_parameter_nor_missed():
    report = sl.check(step_of_a_character_model, "lstm", example=character_model)
    assert report.ok and not report.findings, str(report)
    assert "one bias" in report.convention


def test_the_softmax_is_the_prediction_not_the_logits():
    report = sl.check(step_of_a_character_model, "lstm_softmax", example=character_model)
    assert report.ok and set(report.ulps) == {"h", "c", "y"}, str(report)


def test_a_parameter_that_is_ignored_is_still_found():
    def forgetful(x, h_prev, C_prev, p):
        p.b_i.v = p.b_f.v
        return step_of_a_character_model(x, h_prev, C_prev, p)

    report = sl.check(forgetful, "lstm", example=character_model)
    assert not report.ok
    assert any("b_f in place of b_i" in f.message for f in report.findings), str(report)


def test_a_cell_state_called_s_beside_h_is_the_cell_state():
    report = sl.check(step_of_a_node, "lstm", example=node)
    assert [f.name for f in report.findings] == ["variant_no_output_tanh"], str(report)


def test_states_that_an_object_resets_before_a_sequence_are_no_initial_states():
    report = sl.check(Resets(4, 3).forward, "lstm")
    assert report.ok and "starts from zero" in report.convention, str(report)
    report = sl.check(ResetsTheOutput(4, 3).forward, "lstm")
    assert not report.ok and "c is not carried" in report.findings[0].message, str(report)
