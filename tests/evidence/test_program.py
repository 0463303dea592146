"""What the oracles run: sizes, two steps, and parts of equations with names."""

import numpy as np

import symlstm as sl
from symlstm.calculus.graph import earlier_equations
from symlstm.evidence import float64
from symlstm.evidence.claims import claims_of
from symlstm.evidence.program import choose_sizes, one_step, show_sizes, two_steps
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


def test_every_gradient_of_a_part_has_an_oracle_of_its_own():
    for name in registered(CELLS):
        claims = claims_of(sl.backward(sl.cell(name)))
        assert all(claim.seeds for claim in claims.claims), name
