"""Every Jacobian and gradient against the complex step of the compiled values (which test_values.py checks)."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.codegen.body import leaves
from tests.codegen.adhoc import CELLS as ADHOC
from tests.codegen.adhoc import MATRICES
from tests.codegen.numbers import BUILT_IN, cell_of, complex_step, leaf, numbers, with_leaf
from tests.support.ulps import scaled_ulps

BATCHES = [(), (1,), (7,), (2, 3)]
LIMIT = 64
"""Ulps of the largest entry. Judged: twice the worst that was measured, 32.0 (the gradient of a cell of one number,
whose terms cancel to 0.014); else 14. The evidence has the bound that follows the conditioning of each formula."""

every_cell = pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC])
with_matrices = pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC, *MATRICES])


def close(a, b):
    """Equal but for rounding."""
    return scaled_ulps(np.asarray(a), np.asarray(b)) < LIMIT


def matrix(array, of_axes, wrt_axes):
    """A derivative (..., *of, *wrt) as (..., rows, columns), where numbers have no axis."""
    if wrt_axes == 0:
        array = array[..., None]
    return np.expand_dims(array, -2) if of_axes == 0 else array


@with_matrices
def test_the_jacobian_of_every_quantity_by_every_argument(name):
    cell = cell_of(name)
    k = sl.compile(cell)
    p, x, states, _ = numbers(cell)
    values = k.values(p, x, states)
    for wrt in (*leaves(cell), *cell.parameters):
        at = leaf(cell, p, x, states, wrt.name)
        shifted = complex_step(
            lambda v, wrt=wrt: np.concatenate(
                [np.ravel(a) for a in k.values(*with_leaf(cell, p, x, states, wrt.name, v)).values()]
            ),
            at,
        )
        start = 0
        for equation in cell.equations:
            of, size = equation.quantity, values[equation.name].size
            expected = shifted[start : start + size]
            start += size
            rows = (size,) if of.shape[1] == 1 else values[equation.name].shape
            columns = (*rows, *at.shape) if wrt.shape[1] != 1 else (*rows, at.size)
            found = k.jacobian(p, x, states, of=of.name, wrt=wrt.name)
            assert close(found, expected.reshape(columns)), (of.name, wrt.name)


@with_matrices
@pytest.mark.parametrize("batch", BATCHES)
def test_the_state_jacobian_is_that_of_every_example(name, batch):
    cell = cell_of(name)
    k = sl.compile(cell)
    p, x, states, _ = numbers(cell, batch=batch)
    found = k.state_jacobian(p, x, states)
    for index in np.ndindex(batch):
        one = x[index] if isinstance(x, np.ndarray) else x and tuple(v[index] for v in x)
        blocks = []
        for j in range(len(cell.states)):
            moved = tuple(s[index] for s in states)

            def stacked(v, moved=moved, j=j, one=one):
                return np.concatenate([np.ravel(s) for s in k.step(p, one, (*moved[:j], v, *moved[j + 1 :]))])

            blocks.append(complex_step(stacked, moved[j]).reshape(len(found[index]), -1))
        assert close(found[index], np.concatenate(blocks, axis=-1))


@every_cell
@pytest.mark.parametrize("batch", BATCHES)
def test_every_gradient(name, batch):
    cell = cell_of(name)
    k = sl.compile(cell)
    p, x, states, upstream = numbers(cell, batch=batch)
    found = k.vjp(p, x, states, upstream)
    assert list(found) == [q.name for q in (*cell.parameters, *leaves(cell))]

    def loss(arguments, axes):
        values = k.values(*arguments)
        terms = [(values[q] * g).reshape(*batch, -1).sum(axis=-1) for q, g in upstream.items()]
        return np.sum(terms, axis=(0, *range(1, axes + 1)))

    for q in cell.parameters:
        expected = complex_step(lambda v, q=q: loss(({**p, q.name: v}, x, states), len(batch)), p[q.name])
        assert found[q.name].shape == p[q.name].shape
        assert close(found[q.name], expected), q.name
    for q in leaves(cell):
        at = leaf(cell, p, x, states, q.name)
        assert found[q.name].shape == at.shape
        for entry in range(at.shape[-1]):
            moved = at.astype(complex)
            moved[..., entry] += 1e-30j
            expected = np.imag(loss(with_leaf(cell, p, x, states, q.name, moved), 0)) / 1e-30
            assert close(found[q.name][..., entry], expected), q.name


@every_cell
def test_float32_stays_float32(name):
    cell = cell_of(name)
    k = sl.compile(cell)
    p, x, states, upstream = numbers(cell, batch=(2,), dtype=np.float32)
    results = [
        *k.step(p, x, states),
        *k.values(p, x, states).values(),
        *k.vjp(p, x, states, upstream).values(),
        k.state_jacobian(p, x, states),
    ]
    assert {np.asarray(r).dtype for r in results} == {np.dtype(np.float32)}


@every_cell
def test_nothing_given_is_changed_and_the_same_input_gives_the_same_bits(name):
    cell = cell_of(name)
    k = sl.compile(cell)
    given = numbers(cell, batch=(3,))
    again = numbers(cell, batch=(3,))

    def everything(p, x, states, upstream):
        return [
            *k.values(p, x, states).values(), *k.vjp(p, x, states, upstream).values(), k.state_jacobian(p, x, states)
        ]  # fmt: skip

    first, second = everything(*given), everything(*given)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    for mine, fresh in zip(given, again, strict=True):
        for a, b in zip(_flat(mine), _flat(fresh), strict=True):
            assert np.array_equal(a, b)


def _flat(given):
    if given is None:
        return []
    return list(given.values()) if isinstance(given, dict) else list(given) if isinstance(given, tuple) else [given]


def test_x_and_states_are_broadcast_against_each_other():
    cell = cell_of("lstm")
    k = sl.compile(cell)
    p, x, (h, c), upstream = numbers(cell, batch=(5,))
    one = k.state_jacobian(p, x, (h[0], c[:1]))
    full = k.state_jacobian(p, x, (np.repeat(h[:1], 5, axis=0), np.repeat(c[:1], 5, axis=0)))
    assert np.array_equal(one, full)
    assert k.vjp(p, x, (h[0], c[0]), upstream)["h_prev"].shape == (5, 4)


def test_upstream_is_a_tuple_in_the_order_of_the_states_or_a_dict_and_none_is_zero():
    cell = cell_of("lstm_softmax")
    k = sl.compile(cell)
    p, x, states, upstream = numbers(cell)
    both = k.vjp(p, x, states, (upstream["h"], upstream["c"]))
    named = k.vjp(p, x, states, {"c": upstream["c"], "h": upstream["h"], "y": None})
    assert all(np.array_equal(both[q], named[q]) for q in both)
    only = k.vjp(p, x, states, (None, upstream["c"]))
    assert not only["W_o"].any() and not only["W_y"].any() and only["W_f"].any()


def test_the_jacobian_by_a_gate_holds_everything_else_fixed():
    cell = cell_of("lstm")
    k = sl.compile(cell)
    p, x, (h, c), _ = numbers(cell)
    v = k.values(p, x, (h, c))
    assert np.array_equal(k.jacobian(p, x, (h, c), of="c", wrt="f"), np.diag(c))
    slope = v["o"] * (1 - np.tanh(v["c"]) ** 2)
    assert close(k.jacobian(p, x, (h, c), of="h", wrt="f"), np.diag(slope * c))
    assert np.array_equal(k.jacobian(p, x, (h, c), of="f", wrt="o"), np.zeros((4, 4)))
    assert np.array_equal(k.jacobian(p, x, (h, c), of="c", wrt="c"), np.eye(4))
