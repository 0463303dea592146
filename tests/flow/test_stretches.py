"""Many steps at once: J V from vectors of all steps, and directions that are made orthonormal only now and then."""

from itertools import pairwise

import numpy as np
import pytest

import symlstm as sl
from symlstm.codegen.pieces import FEWER, LONGEST, Pieces
from symlstm.codegen.tangent_plan import plan_of
from symlstm.codegen.tangent_steps import condition, tangent_steps
from symlstm.errors import ValueUnusable
from symlstm.functions import softmax, tanh
from symlstm.gradient_flow.lyapunov import SpectrumRun
from symlstm.gradient_flow.reading import stream_of
from symlstm.gradient_flow.stretches import CONDITION
from tests.flow.numbers import BUILT_IN, VARIANTS, gaussian, states_of, variant

EPS = np.finfo(float).eps


def attending(x: "m", h_prev: "n", *, W: "n m", U: "n n"):
    h = 0.5 * h_prev + tanh(W @ x + softmax(U @ h_prev))
    return h


def negated(h_prev: "n", *, U: "n n", V: "n n"):
    h = 2 * tanh(U @ (h_prev - V @ h_prev)) - 0.5 * h_prev
    return h


def setting(cell, n=5, steps=30, batch=()):
    rng = np.random.default_rng(0)
    sizes = {"n": n, "m": 3} if cell.inputs else {"n": n}
    p = sl.parameters(cell, rng=rng, **sizes)
    x = rng.normal(size=(steps, *batch, 3)) if cell.inputs else None
    states = tuple(rng.normal(size=(*batch, s.shape[-1])) * 0.5 for s in sl.compile(cell).zero_states(p))
    return stream_of(cell, p, x, None if cell.inputs else steps, states)


@pytest.mark.parametrize("name", [*BUILT_IN, *VARIANTS, "negated"])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_the_products_of_a_piece_are_those_of_its_steps(name, batch):
    cell = sl.cell(negated) if name == "negated" else variant(name) if name in VARIANTS else sl.cell(name)
    stream = setting(cell, batch=batch)
    found = tangent_steps(cell, stream.p, stream.lengths, np.float64)
    rows = sum(stream.sizes)
    v = np.random.default_rng(1).normal(size=(*batch, 4, rows))
    ((piece, factors),) = Pieces(stream).each(lambda piece: found.factors(piece.known, (piece.steps, *batch)))
    for k, step in enumerate(stream):
        expected = step.jvp(v.mT).mT
        allowed = 8 * rows * EPS * (np.abs(step.jacobian()) @ np.abs(v.mT)).mT + 40 * EPS
        assert (np.abs(found.apply(v, factors, k) - expected) <= allowed).all()


@pytest.mark.parametrize("steps", [1, 33, 1000])
def test_pieces_follow_each_other_and_grow_from_a_short_one(steps):
    pieces = [piece for piece, _ in Pieces(setting(sl.cell("lstm"), n=64, steps=steps)).each(lambda piece: None)]
    lengths = [piece.steps for piece in pieces]
    assert sum(lengths) == steps
    assert [piece.index for piece in pieces] == [sum(lengths[:k]) for k in range(len(lengths))]
    assert lengths[0] == min(steps, LONGEST // FEWER)
    assert all(after <= before * 1.5 + 1 for before, after in pairwise(lengths))
    assert steps < 1000 or max(lengths) == LONGEST


def test_a_cell_whose_matrices_change_with_time_is_taken_step_by_step():
    cell = sl.cell(attending)
    assert plan_of(cell) is None
    stream = setting(cell, steps=300)
    found = sl.lyapunov(cell, stream.p, stream.x, states=stream.first)
    assert abs(found.residual) <= 1e-9 * abs(found.exponents.sum())


def taken(stream, count):
    """The exponents, and the lengths of the stretches."""
    run = SpectrumRun(stream, count, 0)
    for piece, factors in Pieces(stream).each(run.stretches.factors):
        run.take_piece(piece, factors)
    exponents, lengths = run.exponents, []
    run = SpectrumRun(stream, count, 0)
    sums = np.zeros(count)
    for piece, factors in Pieces(stream).each(run.stretches.factors):
        for found in run.stretches.over(piece, factors):
            assert found.steps == 1 or found.condition <= CONDITION
            lengths.append(found.steps)
            sums += np.log(found.growth[0])
    np.testing.assert_allclose(np.sort(sums / stream.steps)[::-1], exponents, rtol=0, atol=4 * EPS ** (2 / 3))
    return exponents, lengths


def step_by_step(stream, count):
    run = SpectrumRun(stream, count, 0)
    for step in stream:
        run.take(step)
    return run.exponents


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_stretches_of_many_steps_give_the_exponents_of_single_ones(name):
    rng = np.random.default_rng(2)
    p = gaussian(name, 40, 1.5, rng, m=2)
    stream = stream_of(name, p, rng.normal(size=(300, 2)), None, states_of(sl.cell(name), 40, rng))
    found, lengths = taken(stream, 4)
    assert sum(lengths) == 300 and max(lengths) >= 4
    np.testing.assert_allclose(found, step_by_step(stream, 4), rtol=0, atol=4 * EPS ** (2 / 3))


def test_where_directions_fall_together_at_once_every_step_is_taken_by_itself():
    def squeezed(h_prev: "n", *, a: "n"):
        h = a * h_prev
        return h

    p = {"a": np.array([1.0, 1e-6, 1e-12])}
    stream = stream_of(squeezed, p, None, 50, np.ones(3))
    _, lengths = taken(stream, 3)
    assert lengths[0] == 1 and sum(lengths) == 50
    found = sl.lyapunov(squeezed, p, steps=400, states=np.ones(3), burn_in=200)
    np.testing.assert_allclose(found.exponents, np.log(p["a"]), rtol=1e-9)


def test_the_condition_does_not_see_lengths_but_angles():
    assert condition(np.diag([1.0, 1e-30])) == pytest.approx(2.0)
    near = np.array([[1.0, 1.0], [0.0, 1e-8]])
    assert condition(near) > 1e8
    assert condition(np.array([[1.0, 1.0], [0.0, 0.0]])) == condition(np.zeros((2, 2))) == np.inf


def test_states_that_overflow_are_named_with_their_step_in_a_later_piece():
    def growing(h_prev: "n", *, a: "n"):
        h = a * h_prev
        return h

    with pytest.raises(ValueUnusable, match=r"at step 102\d \(from 0\), h has infinity"):
        sl.lyapunov(growing, {"a": np.array([2.0])}, steps=1100, states=np.ones(1))
