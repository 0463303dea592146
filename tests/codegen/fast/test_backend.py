"""backend="numba" computes what backend="numpy" does, whatever cell, batch, dtype and layout is given."""

import itertools

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import ValueUnusable
from tests.codegen.adhoc import CELLS as ADHOC
from tests.codegen.numbers import BUILT_IN, cell_of
from tests.codegen.numbers import numbers as one_step
from tests.codegen.sequence import repeated
from tests.codegen.sequence.test_arrays import LAYOUTS, everything, same_bits
from tests.codegen.sequence.test_repeated_steps import farthest
from tests.support.frameworks import require

require("numba")

BATCHES = [(), (1,), (7,), (2, 3)]
LIMIT = 32
"""Ulps of the largest entry. Judged: both are the same sums of at most a hundred terms, the terms in another order and
some products not rounded before they are added, over at most five steps. Measured: at most 11 (tied)."""
SINGLE = [*BUILT_IN, "attention", "layer_norm", "one_number", "scalars", "three_states", "with_output"]


def both(name):
    return sl.compile(cell_of(name), backend="numba"), sl.compile(cell_of(name))


def agrees(name, dtype):
    fast, slow = both(name)
    assert "@njit" in fast.source
    for batch, steps in itertools.product(BATCHES, (0, 1, 5)):
        p, x, states, upstream, given = repeated.numbers(fast.cell, steps, batch=batch, dtype=dtype)
        found = fast.run(p, x, states, **given)
        assert farthest(found, slow.run(p, x, states, **given)) < LIMIT
        assert same_bits(found, fast.run(p, x, states, **given))
        for every in (None, 2):
            back = fast.gradients(p, x, states, upstream, checkpoint_every=every, **given)
            wanted = slow.gradients(p, x, states, upstream, checkpoint_every=every, **given)
            assert farthest(back, wanted) < LIMIT
            assert same_bits(back, fast.gradients(p, x, states, upstream, checkpoint_every=every, **given))
            assert {a.dtype for a in (*found.values(), *back.values())} == {np.dtype(dtype)}


@pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC])
def test_run_and_gradients_are_numpys(name):
    agrees(name, np.float64)


@pytest.mark.parametrize("name", SINGLE)
def test_run_and_gradients_are_numpys_in_float32(name):
    agrees(name, np.float32)


@pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_one_step_is_numpys(name, dtype, batch):
    """No loop, so the same functions; only the sums of rows in the state Jacobian are compiled."""
    fast, slow = both(name)
    p, x, states, upstream = one_step(fast.cell, batch=batch, dtype=dtype)
    for a, b in zip(fast.step(p, x, states), slow.step(p, x, states), strict=True):
        assert np.array_equal(a, b) and a.dtype == b.dtype
    assert same_bits(fast.values(p, x, states), slow.values(p, x, states))
    assert same_bits(fast.vjp(p, x, states, upstream), slow.vjp(p, x, states, upstream))
    found, wanted = ({"J": k.state_jacobian(p, x, states)} for k in (fast, slow))
    assert farthest(found, wanted) < 8  # a sum of at most four terms, each rounded, fused or not
    assert same_bits(found, {"J": fast.state_jacobian(p, x, states)})


@pytest.mark.parametrize("name", ["lstm_softmax", "three_states"])
def test_upstream_of_any_subset_of_states_and_outputs(name):
    fast, slow = both(name)
    p, x, states, upstream, _ = repeated.numbers(fast.cell, 4, batch=(2,))
    for names in itertools.chain.from_iterable(itertools.combinations(upstream, k) for k in range(len(upstream) + 1)):
        some = {q: upstream[q] for q in names}
        assert farthest(fast.gradients(p, x, states, some), slow.gradients(p, x, states, some)) < LIMIT


@pytest.mark.parametrize("name", ["lstm", "gru", "lstm_softmax", "three_states"])
def test_inputs_and_states_are_broadcast_against_each_other(name):
    fast, _ = both(name)
    p, x, states, upstream, _ = repeated.numbers(fast.cell, 5, batch=(2, 3))
    for less_x, less_states in [(x[:, 0, 0], states), (x, tuple(s[0, 0] for s in states)),
                                (x[:, :1], tuple(s[:, :1] for s in states))]:  # fmt: skip
        all_x = np.broadcast_to(less_x.reshape(5, *[1] * (4 - less_x.ndim), *less_x.shape[1:]), x.shape).copy()
        all_states = tuple(np.broadcast_to(s, full.shape).copy() for s, full in zip(less_states, states, strict=True))
        above = {q: g[:, 0, 0] for q, g in upstream.items()}
        all_above = {q: np.broadcast_to(g[:, None, None], upstream[q].shape).copy() for q, g in above.items()}
        found = everything(fast, p, (less_x,), less_states, above, None)
        assert same_bits(found, everything(fast, p, (all_x,), all_states, all_above, None))


LOOPS = ("forward_steps", "backward_steps")


def compiled_loops(k):
    """How many types of arguments each function of the loops is compiled for."""
    functions = {name: f for name, f in k._functions.items() if name.startswith(LOOPS)}
    return {name: len(f.signatures) for name, f in functions.items() if hasattr(f, "signatures")}


@pytest.mark.parametrize("name", ["lstm", "gru_reset_before", "rows", "layer_norm", "two_inputs"])
def test_how_arrays_lie_in_memory_changes_no_bit_no_input_and_compiles_nothing_again(name):
    k, _ = both(name)
    p, x, states, upstream, _ = repeated.numbers(k.cell, 5, batch=(3,))
    inputs = x if isinstance(x, tuple) else (x,)
    wanted = everything(k, p, inputs, states, upstream, 2)
    signatures = compiled_loops(k)
    for layout in LAYOUTS:
        arrays = [{q: layout(a) for q, a in p.items()}, tuple(map(layout, inputs)), tuple(map(layout, states)),
                  {q: layout(a) for q, a in upstream.items()}]  # fmt: skip
        before = [a.tobytes() for group in arrays for a in (group.values() if isinstance(group, dict) else group)]
        assert same_bits(everything(k, *arrays, 2), wanted), layout
        after = [a.tobytes() for group in arrays for a in (group.values() if isinstance(group, dict) else group)]
        assert after == before
    assert compiled_loops(k) == signatures


@pytest.mark.parametrize("name", ["rnn", "one_number"])
def test_loops_are_compiled_once_for_each_dtype(name):
    """Whatever the batch and the number of steps, with broadcast states and without upstream gradients."""
    k, _ = both(name)
    for dtype, batch, steps in itertools.product((np.float64, np.float32), BATCHES, (0, 1, 130)):
        p, x, states, upstream, given = repeated.numbers(k.cell, steps, batch=batch, dtype=dtype)
        k.run(p, x, states, **given)
        one = tuple(s.reshape(-1, s.shape[-1])[0] for s in states)
        k.gradients(p, x, one, upstream, **given)
        k.gradients(p, x, states, {}, **given)
    assert set(compiled_loops(k).values()) == {2}


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128, np.longdouble])
def test_numbers_of_other_dtypes_take_numpys_loops(dtype):
    fast, slow = both("lstm")
    p, x, states, upstream, _ = repeated.numbers(fast.cell, 5, batch=(3,))
    x, states = x.astype(dtype), tuple(s.astype(dtype) for s in states)
    p, upstream = ({q: a.astype(dtype) for q, a in group.items()} for group in (p, upstream))
    signatures = compiled_loops(fast)
    found = everything(fast, p, (x,), states, upstream, None)
    assert same_bits(found, everything(slow, p, (x,), states, upstream, None))
    assert {a.dtype for a in found.values()} == {np.dtype(dtype)}
    assert compiled_loops(fast) == signatures
    assert np.array_equal(fast.state_jacobian(p, x[0], states), slow.state_jacobian(p, x[0], states))


def test_a_complex_step_through_the_whole_sequence_is_the_gradient():
    k, _ = both("gru")
    p, x, states, upstream, _ = repeated.numbers(k.cell, 5)
    found = k.gradients(p, x, states, upstream)["x"]
    moved = x.astype(complex)
    moved[1, 2] += 1e-30j
    slope = sum(np.vdot(upstream[q], a.imag) for q, a in k.run(p, moved, states).items()) / 1e-30
    assert abs(slope - found[1, 2]) < LIMIT * np.finfo(float).eps * np.abs(found).max()


@pytest.mark.parametrize("which", ["p", "x", "states", "upstream"])
def test_float32_beside_float64_is_float64(which):
    fast, slow = both("lstm")
    p, x, states, upstream, _ = repeated.numbers(fast.cell, 5, batch=(3,), dtype=np.float32)
    given = {"p": p, "x": x, "states": states, "upstream": upstream}
    wide = {
        "p": {q: a.astype(np.float64) for q, a in p.items()}, "x": x.astype(np.float64),
        "states": tuple(s.astype(np.float64) for s in states), "upstream": {"h": upstream["h"].astype(np.float64)},
    }  # fmt: skip
    given[which] = wide[which]
    found, wanted = fast.gradients(**given), slow.gradients(**given)
    assert {a.dtype for a in found.values()} == {np.dtype(np.float64)}
    assert farthest(found, wanted) < LIMIT
    del given["upstream"]
    assert farthest(fast.run(**given), slow.run(**given)) < LIMIT


def test_numbers_in_another_byte_order_are_turned():
    fast, slow = both("lstm")
    p, x, states, upstream, _ = repeated.numbers(fast.cell, 5, batch=(3,))
    other = x.astype(x.dtype.newbyteorder())
    assert same_bits(fast.run(p, other, states), fast.run(p, x, states))
    assert farthest(fast.run(p, other, states), slow.run(p, other, states)) < LIMIT


def test_what_overflows_is_named_as_ever():
    def grows(x: "n", h_prev: "n"):
        z = np.exp(h_prev + x)
        h = z * z
        return h

    said = []
    for backend in ("numpy", "numba"):
        with pytest.raises(ValueUnusable) as raised:
            sl.compile(grows, backend=backend).run({}, np.ones((9, 2)), np.ones(2))
        said.append(str(raised.value))
    assert said[0] == said[1] and "at step" in said[0]
