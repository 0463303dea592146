"""The evidence of backpropagation through time: it holds for every cell, and notices every kind of wrong recurrence."""

import dataclasses

import pytest
import sympy as sp

import symlstm as sl
from symlstm.evidence import RUNGS
from symlstm.evidence.through_time import claims_through_time
from symlstm.expr.build import add, scale, zeros
from symlstm.expr.nodes import Add, Quantity, T, t
from symlstm.expr.time import SumOver, sum_over
from symlstm.expr.tree import quantities, replace
from symlstm.plugins import CELLS, registered
from tests.calculus.through_time_cells import ODD
from tests.evidence.small_cells import NODE_CELLS

EVERY = {**{name: name for name in registered(CELLS)}, **ODD, **NODE_CELLS}


@pytest.mark.parametrize("name", EVERY)
def test_it_holds_on_all_rungs(name):
    evidence = sl.bptt(EVERY[name]).evidence()
    assert [r.held for r in evidence.rungs] == [True] * len(RUNGS), f"{evidence}"
    assert evidence.require() is evidence


@pytest.mark.parametrize("name", EVERY)
def test_every_formula_is_compared_with_the_unrolled_cell(name):
    """Each adjoint at each of three steps, each input at each step, each initial state, each parameter."""
    b = sl.bptt(EVERY[name])
    claims = claims_through_time(b).claims
    assert len(claims) == 3 * (len(b.adjoints) + len(b.inputs)) + len(b.initial) + len(b.parameters)
    assert all(c.seeds for c in claims)


def test_the_small_print_says_how_many_steps_there_were():
    evidence = sl.bptt("gru").evidence()
    assert "(n=4, m=3, T=3), complex step on the numeric cell and on the equations" in str(evidence)
    assert "(n=2, m=3, T=3), chance of error below 1e-" in str(evidence)


def wrong_somewhere(b, where, change):
    """`b` with one of its formulas changed: the first in `where` that the change makes different."""
    found = list(getattr(b, where))
    for k, a in enumerate(found):
        expr = change(a.expr)
        if expr is not None and expr != a.expr:
            found[k] = dataclasses.replace(a, expr=expr)
            return dataclasses.replace(b, **{where: tuple(found)})
    raise AssertionError("nothing was changed")


def failures(b):
    return [r.name for r in b.evidence().rungs if r.held is False]


def without_term(k):
    return lambda e: add(*(term for j, term in enumerate(e.args) if j != k)) if isinstance(e, Add) else None


def at_other_step(role):
    """Quantities of step t+1 taken at step t instead."""

    def change(e):
        later = {q: q for q in quantities(e) if q.time == t + 1 and (q.role == "value") == (role == "value")}
        return replace(e, {q: now(q) for q in later})

    return change


def now(q):
    name = q.name.removesuffix("_next")
    return Quantity(name, *q.shape, t, q.role, q.base)


def one_earlier(e):
    """Values of step t where those of the step before belong: c_t for c_{t-1}."""
    return replace(e, {q: Quantity(q.base, *q.shape, t, "value", q.base) for q in quantities(e) if q.time == t - 1})


def bounds(first, last):
    return lambda e: sum_over(e.term, e.index, first, last) if isinstance(e, SumOver) else None


BREAKS = {
    **{f"term {k} of a recurrence missing": ("adjoints", without_term(k)) for k in range(5)},
    "the gradient of this step for that of the next": ("adjoints", at_other_step("adjoint")),
    "the gate of this step for that of the next": ("adjoints", at_other_step("value")),
    "the state after for the state before": ("adjoints", one_earlier),
    "a recurrence slightly larger": ("adjoints", lambda e: scale(sp.Rational(1003, 1000), e)),
    "the first step missing": ("parameters", bounds(2, T)),
    "the last step missing": ("parameters", bounds(1, T - 1)),
    "one step too many": ("parameters", bounds(0, T)),
    "only one step": ("parameters", lambda e: e.term),
    "the sum of the states after for that of those before": ("parameters", one_earlier),
    "an initial state from the wrong step": (
        "initial",
        lambda e: replace(
            e, {q: Quantity(q.name[:-1] + "2", *q.shape, 2, q.role, q.base) for q in quantities(e) if q.time == 1}
        ),
    ),
    "half an initial gradient": ("initial", lambda e: scale(sp.Rational(1, 2), e)),
    "an input of another step": ("inputs", lambda e: zeros(*e.shape)),
}
"""Ways in which backpropagation through time goes wrong."""


@pytest.mark.parametrize("name", BREAKS)
def test_a_wrong_recurrence_is_noticed_by_every_rung(name):
    where, change = BREAKS[name]
    assert failures(wrong_somewhere(sl.bptt("lstm_peephole"), where, change)) == list(RUNGS)


def test_every_single_term_counts():
    b = sl.bptt("gru")
    for k, a in enumerate(b.adjoints):
        for j in range(len(a.expr.args) if isinstance(a.expr, Add) else 0):
            broken = dataclasses.replace(a, expr=without_term(j)(a.expr))
            changed = dataclasses.replace(b, adjoints=(*b.adjoints[:k], broken, *b.adjoints[k + 1 :]))
            assert failures(changed) == list(RUNGS), (a.quantity.name, j)


def test_what_is_not_said_to_be_zero_after_the_last_step_is_unknown():
    b = sl.bptt("lstm")
    without = dataclasses.replace(b, boundary=b.boundary[1:])
    assert failures(without) == list(RUNGS)
    assert "cannot be evaluated" in str(without.evidence())


def test_a_compensating_pair_of_mistakes_is_noticed():
    """delta_f twice as large, and halved wherever it is used."""
    b = sl.bptt("lstm")
    delta = next(a.quantity for a in b.adjoints if a.quantity.name == "delta_f")
    later = Quantity("delta_f_next", *delta.shape, t + 1, "delta", "f")
    halves = {q: scale(sp.Rational(1, 2), q) for q in (delta, later)}
    found = []
    for a in b.adjoints:
        expr = replace(a.expr, halves)
        found.append(dataclasses.replace(a, expr=scale(2, expr) if a.quantity == delta else expr))
    inputs, parameters = (
        [dataclasses.replace(a, expr=replace(a.expr, halves)) for a in g] for g in (b.inputs, b.parameters)
    )
    changed = dataclasses.replace(b, adjoints=tuple(found), inputs=tuple(inputs), parameters=tuple(parameters))
    assert failures(changed) == list(RUNGS)
