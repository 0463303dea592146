"""What the oracles run: sizes, two steps, and parts of equations with names."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import symlstm as sl
from symlstm.calculus.graph import earlier_equations
from symlstm.evidence import digits, float64
from symlstm.evidence.claims import claims_of
from symlstm.evidence.program import choose_sizes, one_step, show_sizes, two_steps, unrolled
from symlstm.expr.nodes import t
from symlstm.plugins import CELLS, registered


def sizes_of(function, start):
    return show_sizes(choose_sizes(one_step(sl.cell(function)), start))


def test_sizes_differ():
    assert sizes_of("lstm", 2) == "n=2, m=3"
    assert sizes_of("lstm", 4) == "n=4, m=3"
    assert sizes_of("lstm_softmax", 2) == "n=2, m=3, p=4"


def fixed_part(x: "m", h_prev: "n", *, U: "n n", V: "5 m"):
    z = np.tanh(V @ x)
    return np.concatenate([h_prev[:4] * z[1:5], h_prev[4:]]) + U @ h_prev


def test_sizes_make_every_part_fit():
    sizes = dict(choose_sizes(one_step(sl.cell(fixed_part)), 2))
    assert min(size for symbol, size in sizes.items() if str(symbol) == "n") > 4
    assert sl.derive(sl.cell(fixed_part), "h", "h_prev").evidence().ok


def test_the_step_before_has_the_names_of_the_derivation():
    cell = sl.cell("lstm")
    mine = two_steps(cell).equations[: len(cell.equations)]
    theirs = [(e.quantity, e.expr) for e in earlier_equations(cell)]
    assert list(mine) == theirs


def test_the_step_before_is_the_function_itself_run_earlier():
    at = float64.point(two_steps(sl.cell("lstm")), 0)
    assert not at.numeric.missing


@pytest.mark.parametrize("name", registered(CELLS))
def test_three_steps_from_time_1_are_the_function_run_three_times(name):
    cell = sl.cell(name)
    at = float64.point(unrolled(cell, 3, 3), 0)
    by_function = {q: np.real(v) for q, v in at.run({}).items()}
    assert {cell.at(s.current, time) for s in cell.states for time in (1, 2, 3)} <= by_function.keys()
    for q, value in by_function.items():
        np.testing.assert_allclose(value, at.values[q].value.real, rtol=1e-13, atol=1e-14, err_msg=q.name)


def test_the_quantities_of_a_cell_have_a_name_at_every_time():
    cell = sl.cell("lstm")
    c, c_prev, f = (cell.quantity(name) for name in ("c", "c_prev", "f"))
    j = sp.Symbol("j", integer=True)
    named = lambda q, time: (cell.at(q, time).name, str(cell.at(q, time).time))  # noqa: E731
    assert [named(q, t) for q in (c, c_prev, f)] == [("c", "t"), ("c", "t"), ("f", "t")]
    assert [named(q, t - 1) for q in (c, c_prev, f)] == [("c_prev", "t - 1"), ("c_prev", "t - 1"), ("f_prev", "t - 1")]
    assert [named(q, t - 2)[0] for q in (c, c_prev, f)] == ["c_prev_prev", "c_prev_prev", "f_prev_prev"]
    assert [named(q, 3)[0] for q in (c, c_prev, f)] == ["c_3", "c_3", "f_3"]
    assert cell.at(cell.at(c, j), t - 1) == c_prev and cell.at(cell.at(c, 0), t) == c
    assert cell.at(cell.quantity("W_f"), j) == cell.quantity("W_f")


@pytest.mark.parametrize("rung", ["float64", "digits"])
def test_a_state_that_is_held_passes_its_value_on_and_nothing_else(rung):
    cell = sl.cell("lstm")
    f, h, c_before = cell.quantity("f"), cell.quantity("h_prev"), cell.at(cell.quantity("c"), t - 2)
    number = lambda v: getattr(v, "value", v)  # noqa: E731
    with mpmath.workdps(100):
        for held in ((), (h,)):
            program = unrolled(cell, 2, held=held)
            at = float64.point(program, 0) if rung == "float64" else digits.point(program, 0, 0)
            assert np.any(number(at.jacobian(f, c_before))) == (not held)
            for copy in program.held:
                assert np.all(number(at.values[copy]) == number(at.values[h]))


def test_every_gradient_of_a_part_has_an_oracle_of_its_own():
    for name in registered(CELLS):
        claims = claims_of(sl.backward(sl.cell(name)))
        assert all(claim.seeds for claim in claims.claims), name
