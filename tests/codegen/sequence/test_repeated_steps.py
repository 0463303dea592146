"""`run` and `gradients` are the repeated `step` and the repeated `vjp`, for every cell."""

import itertools

import numpy as np
import pytest

import symlstm as sl
from tests.codegen.adhoc import CELLS as ADHOC
from tests.codegen.numbers import BUILT_IN, cell_of
from tests.codegen.sequence import repeated
from tests.support.ulps import scaled_ulps

every_cell = pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC])
BATCHES = [(), (1,), (7,), (2, 3)]
LIMIT = 128
"""Ulps of the largest entry. Judged: both sides are sums of at most nine steps' roundings in another order; measured
at most 23 (lstm_softmax)."""


def farthest(found, wanted):
    """The largest distance over all names, in ulps of the largest entry."""
    assert list(found) == list(wanted)
    assert {name: np.shape(a) for name, a in found.items()} == {name: np.shape(a) for name, a in wanted.items()}
    return max(scaled_ulps(found[name], wanted[name]) for name in wanted)


@every_cell
@pytest.mark.parametrize("batch", BATCHES, ids=str)
@pytest.mark.parametrize("steps", [1, 9])
def test_run_is_the_repeated_step(name, batch, steps):
    k = sl.compile(cell_of(name))
    p, x, states, _, given = repeated.numbers(k.cell, steps, batch=batch)
    found = k.run(p, x, states, **given)
    wanted, _ = repeated.run(k, p, x, states, steps)
    assert farthest(found, wanted) < LIMIT


@every_cell
@pytest.mark.parametrize("batch", BATCHES, ids=str)
@pytest.mark.parametrize("steps", [1, 9])
def test_gradients_are_the_repeated_vjp(name, batch, steps):
    k = sl.compile(cell_of(name))
    p, x, states, upstream, given = repeated.numbers(k.cell, steps, batch=batch)
    found = k.gradients(p, x, states, upstream, **given)
    assert farthest(found, repeated.gradients(k, p, x, states, upstream, steps)) < LIMIT


@every_cell
@pytest.mark.parametrize("checkpoint_every", [1, 2, 9, 14, np.int64(4)])
def test_checkpoints_do_not_change_the_gradients(name, checkpoint_every):
    k = sl.compile(cell_of(name))
    p, x, states, upstream, given = repeated.numbers(k.cell, 9, batch=(3,))
    wanted = k.gradients(p, x, states, upstream, **given)
    found = k.gradients(p, x, states, upstream, checkpoint_every=checkpoint_every, **given)
    assert farthest(found, wanted) < LIMIT


@every_cell
@pytest.mark.parametrize("batch", BATCHES, ids=str)
@pytest.mark.parametrize("checkpoint_every", [None, 1, 5])
def test_no_steps(name, batch, checkpoint_every):
    """Nothing comes out, and no gradient goes anywhere."""
    k = sl.compile(cell_of(name))
    p, x, states, upstream, given = repeated.numbers(k.cell, 0, batch=batch)
    found = k.run(p, x, states, **given)
    assert {q: a.shape for q, a in found.items()} == {q: a.shape for q, a in upstream.items()}
    gradients = k.gradients(p, x, states, upstream, checkpoint_every=checkpoint_every, **given)
    assert {q: gradients[q].shape for q in p} == {q: a.shape for q, a in p.items()}
    assert all(gradients[s.previous.name].shape == a.shape for s, a in zip(k.cell.states, states, strict=True))
    assert not any(a.any() for a in gradients.values())


@pytest.mark.parametrize("name", ["lstm_softmax", "three_states", "with_output", "lstm_peephole"])
def test_upstream_of_any_subset_of_states_and_outputs(name):
    k = sl.compile(cell_of(name))
    p, x, states, upstream, _ = repeated.numbers(k.cell, 4, batch=(2,))
    for count in range(len(upstream) + 1):
        for names in itertools.combinations(upstream, count):
            some = {q: upstream[q] for q in names}
            found = k.gradients(p, x, states, some)
            zeros = {q: g if q in names else np.zeros_like(g) for q, g in upstream.items()}
            assert farthest(found, repeated.gradients(k, p, x, states, zeros, 4)) < LIMIT
            none = k.gradients(p, x, states, {q: some.get(q) for q in upstream})
            assert all(np.array_equal(found[q], none[q]) for q in found)


@every_cell
def test_upstream_as_a_tuple_is_in_the_order_of_the_states(name):
    k = sl.compile(cell_of(name))
    p, x, states, upstream, given = repeated.numbers(k.cell, 3, batch=(2,))
    of_states = {s.current.name: upstream[s.current.name] for s in k.cell.states}
    named = k.gradients(p, x, states, of_states, **given)
    ordered = k.gradients(p, x, states, tuple(of_states.values()), **given)
    assert all(np.array_equal(named[q], ordered[q]) for q in named)
    nothing = k.gradients(p, x, states, (None,) * len(states), **given)
    assert not any(g.any() for g in nothing.values())


def test_the_upstream_and_the_initial_state_of_one_state_may_be_given_alone():
    k = sl.compile("gru")
    p, x, (h,), upstream, _ = repeated.numbers(k.cell, 3, batch=(2,))
    alone, ordered = k.gradients(p, x, h, upstream["h"]), k.gradients(p, x, (h,), (upstream["h"],))
    assert all(np.array_equal(alone[q], ordered[q]) for q in alone)
    assert np.array_equal(k.run(p, x, h)["h"], k.run(p, x, (h,))["h"])


@pytest.mark.parametrize("name", ["lstm", "gru", "lstm_softmax", "three_states"])
def test_inputs_and_states_are_broadcast_against_each_other(name):
    """The batch axes are those of both; a gradient is one for every example."""
    k = sl.compile(cell_of(name))
    p, x, states, upstream, _ = repeated.numbers(k.cell, 5, batch=(2, 3))
    few = [(x[:, 0, 0], states), (x[:, :, :1], states), (x, tuple(s[0, 0] for s in states)),
           (x[:, :1], tuple(s[:, :1] for s in states))]  # fmt: skip
    for less_x, less_states in few:
        all_x = np.broadcast_to(less_x.reshape(5, *[1] * (4 - less_x.ndim), *less_x.shape[1:]), x.shape).copy()
        all_states = tuple(np.broadcast_to(s, full.shape).copy() for s, full in zip(less_states, states, strict=True))
        found, wanted = k.run(p, less_x, less_states), k.run(p, all_x, all_states)
        assert all(np.array_equal(found[q], wanted[q]) for q in wanted)
        found = k.gradients(p, less_x, less_states, upstream)
        wanted = k.gradients(p, all_x, all_states, upstream)
        assert all(np.array_equal(found[q], wanted[q]) for q in wanted)


def test_the_upstream_gradient_is_broadcast_over_the_batch():
    k = sl.compile("lstm")
    p, x, states, upstream, _ = repeated.numbers(k.cell, 5, batch=(2, 3))
    few = upstream["h"][:, 0, 0]
    full = np.broadcast_to(few[:, None, None], upstream["h"].shape)
    found, wanted = k.gradients(p, x, states, {"h": few}), k.gradients(p, x, states, {"h": full})
    assert all(np.array_equal(found[q], wanted[q]) for q in wanted)


@every_cell
def test_zero_states_have_the_sizes_and_the_dtype_of_the_parameters(name):
    k = sl.compile(cell_of(name))
    p, x, states, _, given = repeated.numbers(k.cell, 3, batch=(2, 3), dtype=np.float32)
    zeros = k.zero_states(p, (2, 3))
    assert [z.shape for z in zeros] == [s.shape for s in states]
    assert {z.dtype for z in zeros} == {np.dtype(np.float32)} and not any(z.any() for z in zeros)
    k.run(p, x, zeros, **given)
    assert [z.shape for z in k.zero_states(p)] == [s.shape[2:] for s in states]
    assert [z.shape for z in k.zero_states(p, 5)] == [(5, *s.shape[2:]) for s in states]


def test_zero_states_take_a_size_from_the_rows_where_the_columns_tell_a_sum():
    def only_matrices(x: "m", h_prev: "n", C_prev: "n n", *, W: "n n+m"):
        C = 0.5 * C_prev
        h = np.tanh(W @ np.concatenate((h_prev, x)))
        return h, C

    k = sl.compile(only_matrices)
    states = k.zero_states({"W": np.ones((3, 7), np.float32)}, (2,))
    assert [(s.shape, s.dtype, s.any()) for s in states] == [
        ((2, 3), np.float32, False), ((2, 3, 3), np.float32, False),
    ]  # fmt: skip
