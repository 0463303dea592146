"""The three rungs hold for everything that is derived of the built-in cells and of small cells with every function."""

import dataclasses
import json

import numpy as np
import pytest
import sympy as sp
from sympy.core.function import Application

import symlstm as sl
from symlstm.errors import EvidenceFailed, NameUnknown
from symlstm.evidence import RUNGS, Evidence, Rung, examine
from symlstm.evidence.algebra import FUNCTIONS
from symlstm.expr import functions
from symlstm.expr.build import add, block, concat, diag, scale
from symlstm.expr.nodes import Quantity
from symlstm.plugins import CELLS, registered

from .small_cells import ELEMENTWISE_CELLS, NODE_CELLS, WHOLE_CELLS, cell_of, results

BUILT_IN = list(registered(CELLS))
SMALL = {**ELEMENTWISE_CELLS, **WHOLE_CELLS, **NODE_CELLS}


def holds(evidence, but=()):
    assert [r.name for r in evidence.rungs] == list(RUNGS)
    for rung in evidence.rungs:
        assert rung.held or (rung.held is None and rung.name in but), f"{evidence.subject}\n{rung} {rung.detail}"
    assert evidence.ok and evidence.require() is evidence


@pytest.mark.parametrize("name", BUILT_IN)
def test_everything_about_a_built_in_cell_holds_on_all_rungs(name):
    for result in results(sl.cell(name)):
        holds(examine(result))


@pytest.mark.parametrize("name", BUILT_IN)
def test_derivatives_by_intermediate_quantities_hold(name):
    cell = sl.cell(name)
    for of in (s.current for s in cell.states):
        for wrt in (e.quantity for e in cell.equations):
            holds(examine(sl.derive(cell, of.name, wrt.name)))
    for of in (e.quantity for e in cell.equations):
        holds(examine(sl.derive(cell, of.name, cell.states[0].previous.name)))


def beyond_the_algebras(name):
    """Whether the definition of a function names one that no exact algebra has a value for."""
    formulas = ()
    if name in functions.ELEMENTWISE:
        z = sp.symbols(f"z:{len(functions.ELEMENTWISE[name].derivatives)}")
        formulas = [functions.ELEMENTWISE[name].value(*z, *([3] if name == "power" else []))]
    elif name in functions.WHOLE:
        formulas = [functions.WHOLE[name].value(list(sp.symbols("v:2")), sp.S.Zero)]
    known = (*FUNCTIONS, sp.exp, sp.Piecewise)
    return any(not isinstance(f, known) for e in formulas for f in e.atoms(Application))


@pytest.mark.parametrize("name", SMALL)
def test_everything_about_a_small_cell_holds(name):
    open_ones = ("exact",) if beyond_the_algebras(name) else ()
    evidence = [examine(result) for result in results(cell_of(SMALL[name]))]
    for each in evidence:
        holds(each, but=open_ones)
    assert not open_ones or any(each.rung("exact").held is None for each in evidence)


def test_a_formula_without_entries_holds_nothing():
    """A rung that compared nothing is open, and so is the evidence."""
    b = sl.backward(sl.cell("rnn"))
    nothing = dataclasses.replace(b, adjoints=()).evidence()
    assert [r.held for r in nothing.rungs] == [None] * len(RUNGS)
    assert not nothing.ok and "nothing compared" in str(nothing)


def test_the_digits_of_a_small_entry_are_its_own():
    """An entry a million times smaller than the largest is wrong in its 46th digit, the array in its 52nd."""

    def two(h_prev: "n", *, a: "n"):
        h = np.concatenate([h_prev[:1], 2**-20 * h_prev[1:]]) * a
        return h

    d = sl.derive(sl.cell(two), "h", "a")
    assert d.evidence().ok
    last = sp.Integer(1) + sp.Integer(10) ** -46
    (v,) = [q for q in d.result.atoms(Quantity) if q.name == "h_prev"]
    small = scale(sp.Rational(1, 2**20), block(v, 1, v.shape[0] - 1, 0, 1))
    wrong = diag(concat(block(v, 0, 1, 0, 1), scale(last, small)))
    assert failures(dataclasses.replace(d, result=wrong).evidence(rungs=["digits"])) == ["digits"]


def test_what_cannot_be_decided_exactly_is_open_and_says_why():
    evidence = sl.derive(cell_of(SMALL["max"]), "h", "h_prev").evidence()
    assert evidence.rung("exact").held is None
    assert "Max is not decided exactly" in str(evidence)
    assert evidence.ok


def test_the_small_print():
    evidence = sl.derive(sl.cell("lstm"), "c", "c_prev").evidence()
    lines = str(evidence).splitlines()
    assert [line.split()[:2] for line in lines] == [[name, "held"] for name in RUNGS]
    assert "ulp over 16 entries (n=4, m=3), complex step on the numeric cell" in lines[0]
    assert "at 2 random points, 50 digits" in lines[1]
    assert "4 entries equal as polynomials in" in lines[2]
    assert "gate values (n=2, m=3)" in lines[2]


def test_a_softmax_states_the_chance_of_error():
    evidence = sl.derive(sl.cell("lstm_softmax"), "y", "h_prev").evidence()
    assert "modulo 2^127-1" in evidence.rung("exact").figure
    exponent = int(evidence.rung("exact").figure.rpartition("1e-")[2])
    assert exponent > 50


def test_an_intermediate_quantity_is_cut_free_in_the_equations():
    evidence = sl.derive(sl.cell("lstm"), "h", "c").evidence()
    assert "complex step on the equations" in evidence.rung("float64").figure


def test_evidence_as_plain_data():
    evidence = sl.derive(sl.cell("rnn"), "h", "h_prev").evidence()
    data = json.loads(json.dumps(evidence.to_json()))
    assert data["ok"] is True
    assert [r["name"] for r in data["rungs"]] == list(RUNGS)
    assert all(r["held"] is True for r in data["rungs"])


def test_rungs_can_be_chosen():
    d = sl.derive(sl.cell("rnn"), "h", "h_prev")
    assert [r.name for r in d.evidence(rungs=["exact"]).rungs] == ["exact"]
    with pytest.raises(NameUnknown, match="rung named 'exakt'"):
        d.evidence(rungs=["exakt"])


def test_one_rung_may_be_given_as_it_is():
    evidence = examine(sl.derive("lstm", "c", "c_prev"), rungs="float64")
    assert [rung.name for rung in evidence.rungs] == ["float64"]


def test_nothing_checked_is_not_ok():
    evidence = Evidence("x", (Rung("exact", None, "not decided", "too hard", 0.0),))
    assert not evidence.ok
    with pytest.raises(EvidenceFailed, match="too hard"):
        evidence.require()


def failures(evidence):
    return [r.name for r in evidence.rungs if r.held is False]


def test_a_wrong_jacobian_fails_everywhere_and_names_the_entry():
    d = sl.derive(sl.cell("lstm"), "c", "c_prev")
    wrong = dataclasses.replace(d, result=scale(sp.Rational(1001, 1000), d.result))
    evidence = wrong.evidence()
    assert failures(evidence) == list(RUNGS)
    assert not evidence.ok
    assert "FAILED" in str(evidence)
    with pytest.raises(EvidenceFailed, match=r"float64 check failed: .*entry \(1, 1\): the formula gives 0\.\d+, the"):
        evidence.require()


def test_the_total_derivative_is_not_the_partial_one():
    cell = sl.cell("lstm")
    partial, total = sl.derive(cell, "c", "c_prev"), sl.derive(cell, "c", "c_prev", paths="total")
    assert failures(dataclasses.replace(total, result=partial.result).evidence()) == list(RUNGS)


def test_a_jacobian_with_its_axes_exchanged_fails():
    d = sl.derive(sl.cell("lstm"), "h", "x")
    evidence = dataclasses.replace(d, result=d.result.T).evidence()
    assert failures(evidence) == list(RUNGS)
    assert "shape (3, 4)" in evidence.rung("float64").detail


def test_a_wrong_index_form_fails_though_the_action_is_right():
    d = sl.derive(sl.cell("lstm"), "c", "W_f")
    (term,) = d.index
    (matrix, _), (vector, _) = term.factors
    double = dataclasses.replace(term, factors=((matrix, "ij"), (scale(2, vector), "k")))
    wrong = dataclasses.replace(d, index=(double,))
    assert failures(wrong.evidence()) == list(RUNGS)
    turned = dataclasses.replace(d, index=(dataclasses.replace(term, factors=((matrix, "ik"), (vector, "j"))),))
    assert failures(turned.evidence()) == list(RUNGS)


def test_a_wrong_action_fails_though_the_index_form_is_right():
    d = sl.derive(sl.cell("lstm"), "c", "W_f")
    assert failures(dataclasses.replace(d, result=add(d.result, d.result)).evidence()) == list(RUNGS)


def test_every_single_adjoint_counts():
    b = sl.backward(sl.cell("lstm"))
    for k, adjoint in enumerate(b.adjoints):
        broken = scale(sp.Rational(1001, 1000), adjoint.expr)
        tampered = (*b.adjoints[:k], dataclasses.replace(adjoint, expr=broken), *b.adjoints[k + 1 :])
        evidence = dataclasses.replace(b, adjoints=tampered).evidence()
        assert failures(evidence) == list(RUNGS), adjoint.quantity.name


def test_a_gradient_of_a_part_is_checked_by_itself():
    """delta_f is the gradient by W_f hx + b_f; a compensating pair of mistakes does not pass."""
    b = sl.backward(sl.cell("lstm"))
    adjoints = list(b.adjoints)
    at = next(k for k, a in enumerate(adjoints) if a.quantity.name == "delta_f")
    delta = adjoints[at].quantity
    adjoints[at] = dataclasses.replace(adjoints[at], expr=scale(2, adjoints[at].expr))
    half = scale(sp.Rational(1, 2), delta)
    for k in range(at + 1, len(adjoints)):
        adjoints[k] = dataclasses.replace(adjoints[k], expr=adjoints[k].expr.xreplace({delta: half}))
    evidence = dataclasses.replace(b, adjoints=tuple(adjoints)).evidence()
    assert failures(evidence) == list(RUNGS)
    assert all("δf" in r.detail for r in evidence.rungs)


def test_a_formula_that_names_something_unknown_has_no_value():
    d = sl.derive(sl.cell("lstm"), "c", "c_prev")
    other = sl.derive(sl.cell("gru"), "h", "h_prev")
    evidence = dataclasses.replace(d, result=other.result).evidence()
    assert failures(evidence) == list(RUNGS)
    assert "cannot be evaluated" in evidence.rung("digits").detail
