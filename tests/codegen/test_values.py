"""The compiled step against NumPy written by hand, the oracles, and the numeric cell itself."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.codegen.body import leaves
from tests.codegen.adhoc import CELLS as ADHOC
from tests.codegen.numbers import BUILT_IN, cell_of, leaf, numbers
from tests.oracles import batched
from tests.oracles.instances import instance, oracle
from tests.support.ulps import scaled_ulps

BATCHES = [(), (1,), (7,), (2, 3)]


def test_the_lstm_as_one_writes_it_by_hand():
    k = sl.compile("lstm")
    p, x, (h_prev, c_prev), _ = numbers(k.cell, batch=(7,))

    def sigma(z):
        return 1 / (1 + np.exp(-z))

    hx = np.concatenate([h_prev, x], axis=-1)
    f, i, o = (sigma(hx @ p[f"W_{g}"].T + p[f"b_{g}"]) for g in "fio")
    c_tilde = np.tanh(hx @ p["W_c"].T + p["b_c"])
    c = f * c_prev + i * c_tilde
    h = o * np.tanh(c)
    expected = {"hx": hx, "f": f, "i": i, "c_tilde": c_tilde, "c": c, "o": o, "h": h}
    values = k.values(p, x, (h_prev, c_prev))
    assert list(values) == list(expected)
    assert all(scaled_ulps(values[q], expected[q]) < 4 for q in expected)
    new = k.step(p, x, (h_prev, c_prev))
    assert np.array_equal(new[0], values["h"]) and np.array_equal(new[1], values["c"])


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", BUILT_IN)
def test_values_and_gradients_agree_with_the_plain_loops(name, batch):
    k = sl.compile(name)
    given = instance(name, batch=batch)
    values = k.values(given.p, given.x, given.states)
    expected = batched.forward(oracle(name), given.p, given.x, given.states)
    assert all(scaled_ulps(values[q], expected[q]) < 16 for q in values if q in expected)
    gradients = k.vjp(given.p, given.x, given.states, given.upstream)
    expected = batched.backward(oracle(name), given.p, given.x, given.states, given.upstream)
    assert all(scaled_ulps(gradients[q], expected[q]) < 64 for q in gradients)


@pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC])
def test_values_agree_with_the_function_that_the_cell_was_written_as(name):
    cell = cell_of(name)
    p, x, states, _ = numbers(cell)
    given = {q.name: leaf(cell, p, x, states, q.name) for q in (*leaves(cell), *cell.parameters)}
    _, local = cell.call(given)
    values = sl.compile(cell).values(p, x, states)
    common = [q for q in values if q in local]
    assert common or name == "no_input"
    for q in common:
        assert scaled_ulps(np.ravel(values[q]), np.ravel(np.asarray(local[q]))) < 64, q


@pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC])
def test_every_example_of_a_batch_is_computed_on_its_own(name):
    cell = cell_of(name)
    k = sl.compile(cell)
    p, x, states, _ = numbers(cell, batch=(2, 3))
    whole = k.step(p, x, states)
    for index in np.ndindex(2, 3):
        one = None if x is None else tuple(v[index] for v in x) if isinstance(x, tuple) else x[index]
        alone = k.step(p, one, tuple(s[index] for s in states))
        assert all(
            w[index].shape == a.shape and scaled_ulps(w[index], a) < 16 for w, a in zip(whole, alone, strict=True)
        )


def test_one_state_goes_in_with_or_without_a_tuple_and_comes_out_as_a_tuple():
    k = sl.compile("gru")
    p, x, (h,), upstream = numbers(k.cell, batch=(3,))
    (with_tuple,), (without,) = k.step(p, x, (h,)), k.step(p, x, h)
    assert np.array_equal(with_tuple, without)
    (listed,) = k.step(p, x[0], list(h[0]))
    assert np.array_equal(listed, k.step(p, x[0], h[0])[0])
    assert np.array_equal(k.vjp(p, x, h, upstream["h"])["x"], k.vjp(p, x, (h,), (upstream["h"],))["x"])


def test_lists_and_python_numbers_take_the_dtype_of_the_arrays():
    k = sl.compile(cell_of("scalars"))
    p, x, (h,), _ = numbers(k.cell, dtype=np.float32)
    (new,) = k.step({**p, "a": 0.5, "b": [0.25][0]}, x.tolist(), h)
    assert new.dtype == np.float32


def test_float32_beside_float64_becomes_float64():
    k = sl.compile("lstm")
    p, x, states, _ = numbers(k.cell, dtype=np.float32)
    assert k.step(p, x.astype(np.float64), states)[0].dtype == np.float64


def test_large_inputs_do_not_overflow():
    k = sl.compile("lstm")
    p, x, states, _ = numbers(k.cell)
    h, c = k.step(p, 1e30 * x, states)
    assert np.isfinite(h).all() and np.isfinite(c).all()
    assert np.isfinite(k.state_jacobian(p, 1e30 * x, states)).all()
