"""No argument of a NumPy function is ignored: it is understood, or changes nothing, or is refused by name."""

import inspect

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import CellError, SymlstmError
from symlstm.trace.numpy_api import FUNCTIONS, METHODS
from tests.support.ulps import scaled_ulps
from tests.trace.reading import by_equations, numbers, written

CHANGES = {
    "weights": lambda h: np.average(h, weights=h),
    "returned": lambda h: np.average(h, returned=True)[0],
    "ddof": lambda h: np.var(h, ddof=1),
    "correction": lambda h: np.var(h, correction=1),
    "mean": lambda h: np.var(h, mean=np.max(h)),
    "where": lambda h: np.sum(h, where=h > 0),
    "initial": lambda h: np.max(h, initial=0.0),
    "dtype": lambda h: np.sum(h, dtype=np.float32),
    "out": lambda h: np.sum(h, out=h),
    "order": lambda h: h.copy(order="Z"),
    "shape": lambda h: np.ones_like(h, shape=(2,)),
    "axes": lambda h: np.matmul(h, h, axes=[(0,), (0,), ()]),
    "ord": lambda h: np.linalg.norm(h, ord=1),
}
"""Calls that an ignored argument would change, by the argument."""


@pytest.mark.parametrize("keyword", CHANGES)
def test_an_argument_that_changes_the_meaning_is_refused_by_name(keyword):
    def cell(x, h_prev, W):
        h = np.tanh(W @ x + h_prev)
        return h * CHANGES[keyword](h)

    with pytest.raises(CellError, match=keyword) as caught:
        sl.cell(cell)
    assert caught.value.hint


UFUNCS = {
    "where": lambda z: np.tanh(z, where=z > 0),
    "dtype": lambda z: np.add(z, 1, dtype=np.float32),
    "keepdims": lambda z: np.vecdot(z, z, keepdims=True),
}


@pytest.mark.parametrize("keyword", UFUNCS)
def test_an_argument_of_a_ufunc_is_refused_by_name(keyword):
    with pytest.raises(CellError, match=keyword):
        sl.cell(lambda x, h_prev, W: UFUNCS[keyword](W @ x + h_prev))


REFUSED = {
    "astype to integers": lambda x, h, W: (W @ x).astype(int) * h,
    "astype to float32": lambda x, h, W: (W @ x + h).astype(np.float32),
    "the batch is summed": lambda x, h, W: (x @ W + h) * np.sum(x @ W, axis=(0, 1)) + 0 * np.sum(x.shape[1] * h),
    "a batch without its axis": lambda x, h, W: h + x @ W[: x.shape[1]] - np.mean(x @ W, axis=1),
    "where of a number": lambda x, h, W: np.where(h, W @ x, h),
    "where alone": lambda x, h, W: W @ x + h * np.where(h > 0)[0],
    "not of a number": lambda x, h, W: W @ x + np.logical_not(h),
    "and of numbers": lambda x, h, W: W @ x + np.logical_and(h, h),
    "einsum that scales": lambda x, h, W: np.einsum("ij,j->ij", W, h) @ x,
    "einsum that sums rows": lambda x, h, W: np.einsum("ij,j->j", W, h) + x,
    "einsum of a sum": lambda x, h, W: np.einsum("i,j->", W @ x, h) * h,
    "outer of matrices": lambda x, h, W: np.outer(W @ W.T, W) @ x + h,
    "vdot of matrices": lambda x, h, W: np.vdot(W @ W.T, W.T @ W) * h + W @ x,
    "a matrix in another order": lambda x, h, W: np.transpose(W @ W.T, (0, 1)) @ h + W @ x,
    "reshape to another size": lambda x, h, W: (W @ x + h).reshape(5),
    "a slice beside a new axis": lambda x, h, W: ((W @ x + h)[:2, None] @ np.ones_like(h)[None, :]) @ h,
    "too many places": lambda x, h, W: np.sum(W @ x, 0, None, None, False, 0, True, 3) * h,
    "an argument that does not exist": lambda x, h, W: np.sum(W @ x, axes=0) * h,
    "split along no axis": lambda x, h, W: np.split(W @ x, 2, axis=1)[0] + h,
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_mean_something_else_is_refused(what):
    def cell(x: "m", h_prev: "n", W: "n m"):
        return REFUSED[what](x, h_prev, W)

    def square(x: "n", h_prev: "n", W: "n n"):
        return REFUSED[what](x, h_prev, W)

    for function in (cell, square):
        with pytest.raises((SymlstmError, TypeError)):
            sl.compile(sl.cell(function))


SAME = {
    "zero degrees": lambda x, h, W: np.tanh(W @ x) * np.std(h, ddof=0) * h.var(ddof=0),
    "no weights": lambda x, h, W: np.average(W @ x, weights=None) * h,
    "a sum from zero": lambda x, h, W: np.sum(W @ x, initial=0, where=True, dtype=np.float64) * h,
    "add.reduce": lambda x, h, W: np.add.reduce(W @ x) * h,
    "a maximum from below": lambda x, h, W: np.max(W @ x, initial=-np.inf) * np.min(h, 0) * h,
    "one axis as a tuple": lambda x, h, W: np.mean(W @ x, axis=(-1,), keepdims=True) * h,
    "casts": lambda x, h, W: np.tanh(W @ x + h, casting="same_kind").astype(np.float64, copy=False).astype(float),
    "a choice as integers": lambda x, h, W: (W @ x > 0).astype(int) * h + (h > 0).astype(float),
    "out is None": lambda x, h, W: np.clip(np.dot(W, x, out=None), -0.1, 0.1, out=None) + h,
    "clip by keywords": lambda x, h, W: np.clip(W @ x, min=-0.1, max=0.1) + (W @ x).clip(max=0.2) + h,
    "inner of a vector and a matrix": lambda x, h, W: np.inner(h, W @ W.T) + np.inner(W, x),
    "inner of two matrices": lambda x, h, W: np.inner(W, np.outer(h, x)) @ h,
    "heaviside at 0 is 0": lambda x, h, W: np.heaviside(h, 0) + W @ x,
    "heaviside at 0 is 1": lambda x, h, W: np.heaviside(h, 1) + W @ x,
    "heaviside at 0 is a half": lambda x, h, W: np.heaviside(h, 0.5) + W @ x,
    "heaviside at 0 is a vector": lambda x, h, W: np.heaviside(h, W @ x),
    "einsum of matrices": lambda x, h, W: np.einsum("ij,kj->ik", W, W) @ h + np.einsum("i,ji->j", x, W),
    "einsum, elementwise": lambda x, h, W: np.einsum("i,i->i", W @ x, h) + np.einsum("ij,ij->ij", W, W) @ x,
    "norm of a number": lambda x, h, W: np.linalg.norm(np.sum(h)) * h + W @ x,
    "variance of a number": lambda x, h, W: np.var(np.sum(h)) * h + W @ x,
    "or by +": lambda x, h, W: ((h > 0) + (W @ x > 0)) * h,
    "not": lambda x, h, W: ~(h > 0) * (W @ x) + (~((h >= 0) & (h <= 1)) | (W @ x < 0)) * h,
    "split from the end": lambda x, h, W: np.split(np.hstack([W @ x, h]), [-h.shape[0]])[0] + h,
    "back from a column": lambda x, h, W: (W @ x.reshape(-1, 1)).ravel() + (W @ x)[:, None].flatten() + h,
    "a row and back": lambda x, h, W: (W @ x).reshape(1, -1).squeeze() + h.reshape(h.shape),
    "transposed twice": lambda x, h, W: np.transpose(W.T, (1, 0)) @ x + h.transpose(0),
    "tensordot": lambda x, h, W: np.tensordot(W, x, axes=([1], [0])) + np.tensordot(W, x, 1) + h,
    "where with one value": lambda x, h, W: np.where(h > 0, 1.0, 1.0) + W @ x,
}  # fmt: skip


@pytest.mark.parametrize("what", SAME)
def test_what_changes_nothing_or_is_understood_computes_the_same(what):
    def cell(x: "m", h_prev: "n", W: "n m"):
        h = SAME[what](x, h_prev, W)
        return h

    read = sl.cell(cell)
    sl.compile(read)
    for factor in (1, 0):
        arguments, sizes = numbers(read)
        arguments = {**arguments, "h_prev": factor * arguments["h_prev"]}
        returned, _ = read.call(arguments)
        computed = by_equations(read, arguments, sizes)["h"]
        assert scaled_ulps(np.asarray(returned, float), computed) <= 64


def test_every_row_says_where_its_arguments_are_in_numpy():
    for table in (FUNCTIONS, METHODS):
        for row in table.values():
            needed = {n for n, p in inspect.signature(row.compute).parameters.items() if p.default is p.empty}
            assert needed <= {name.lstrip("*") for name in row.arguments.split()}


AT_ZERO = {
    "h >= 0": (lambda h: h >= 0, 1.0, "1 - step(-1 * h_prev)"),
    "h <= 0": (lambda h: h <= 0, 1.0, "1 - step(h_prev)"),
    "h > 0": (lambda h: h > 0, 0.0, "step(h_prev)"),
    "h < 0": (lambda h: h < 0, 0.0, "step(-1 * h_prev)"),
}


@pytest.mark.parametrize("what", AT_ZERO)
def test_a_comparison_is_exact_where_both_sides_are_equal(what):
    compare, at_zero, expected = AT_ZERO[what]

    def cell(h_prev: "n"):
        g = compare(h_prev)
        h = np.where(g, 2.0, 3.0)
        return h, g

    read = sl.cell(cell)
    assert f"g = {expected}" in [f"{e.name} = {written(e.expr)}" for e in read.equations]
    values = sl.compile(read).values({}, None, np.zeros(3))
    assert np.array_equal(values["g"], np.full(3, at_zero))
    assert np.array_equal(values["h"], np.full(3, 2.0 if at_zero else 3.0))


@pytest.mark.parametrize(
    "choose",
    [
        lambda z: np.where(z > 0, z, 0),
        lambda z: np.where(z >= 0, z, 0),
        lambda z: np.where(z < 0, 0, z),
        lambda z: np.where(z <= 0, 0, z),
    ],
)
def test_relu_is_recognised_in_all_four_ways_of_writing_it(choose):
    def cell(x, h_prev, W):
        z = W @ x + h_prev
        h = choose(z)
        return h

    assert [written(e.expr) for e in sl.cell(cell).equations][-1] == "relu(z)"


@pytest.mark.parametrize("compare", [lambda z: z >= 0, lambda z: z > 0])
def test_the_stable_sigmoid_is_recognised(compare):
    def cell(x, h_prev, W):
        z = W @ x + h_prev
        h = np.where(compare(z), 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))
        return h

    assert [written(e.expr) for e in sl.cell(cell).equations][-1] == "sigmoid(z)"


CHOICES = {
    "where(step(z), exp(z), z)": lambda z, h: np.where(z > 0, np.exp(z), z),
    "where(step(-1 * z), z, exp(z))": lambda z, h: np.where(z >= 0, np.exp(z), z),
    "where(step(z - h_prev), h_prev, z)": lambda z, h: np.where(z <= h, z, h),
    "where(step(z) * step(1 - z), z, 0.5)": lambda z, h: np.where((z > 0) & (z < 1), z, 0.5),
    "where(step(z), h_prev, z)": lambda z, h: np.where(~(z > 0), z, h),
    "where(step(z - 1), 1, where(step(-1 - z), -1, z))": lambda z, h: np.where(z > 1, 1, np.where(z < -1, -1, z)),
    "step(z) * h_prev": lambda z, h: np.where(z > 0, 1.0, 0.0) * h,
    "(1 - step(z)) * h_prev": lambda z, h: np.where(z > 0, 0, 1) * h,
    "h_prev": lambda z, h: np.where(z > 0, h, h),
}
"""Equations, and the ways of writing them."""


@pytest.mark.parametrize("equation", CHOICES)
def test_a_choice_is_kept_as_it_is_written(equation):
    def cell(x, h_prev, W):
        z = W @ x + h_prev
        h = CHOICES[equation](z, h_prev)
        return h

    read = sl.cell(cell)
    assert written(read.equations[-1].expr) == equation
    rng = np.random.default_rng(0)
    W, x, h = rng.uniform(-2, 2, (4, 3)), rng.uniform(-2, 2, 3), rng.uniform(-2, 2, 4)
    found = sl.compile(read).step({"W": W}, x, (h,))[0]
    np.testing.assert_array_max_ulp(found, CHOICES[equation](W @ x + h, h), 8)


def test_a_number_that_decides_for_a_whole_vector():
    def cell(x, h_prev, W):
        s = np.sum(x)
        h = np.where(s > 0, W @ x, h_prev)
        return h

    k = sl.compile(sl.cell(cell))
    W, h = np.ones((2, 3)), np.array([5.0, 6.0])
    assert k.step({"W": W}, np.ones(3), (h,))[0].tolist() == [3.0, 3.0]
    assert k.step({"W": W}, -np.ones(3), (h,))[0].tolist() == [5.0, 6.0]
    batch = np.stack([np.ones(3), -np.ones(3)])
    assert k.step({"W": W}, batch, (np.stack([h, h]),))[0].tolist() == [[3.0, 3.0], [5.0, 6.0]]
    assert k.state_jacobian({"W": W}, batch, (np.stack([h, h]),)).tolist() == [
        np.zeros((2, 2)).tolist(),
        np.eye(2).tolist(),
    ]


def test_dots_stand_for_the_batch():
    def rows(x, h_prev, W):
        _, n = h_prev.shape
        z = x @ W
        h = np.tanh(z[..., :n]) * z[..., n:] + h_prev
        return h

    assert written(sl.cell(rows).equations[-1].expr) == "tanh(z[0:n]) * z[n:2*n] + h_prev"


def test_one_number_an_example_meets_columns_and_keeps_away_from_rows():
    def columns(x, h_prev, W):
        _, _ = x.shape
        z = W @ np.concatenate((h_prev, x), axis=0)
        h = z - z.mean(axis=0)
        return h

    def rows(x, h_prev, W):
        _, _ = x.shape
        z = np.concatenate((h_prev, x), axis=1) @ W
        h = z - z.mean(axis=1)
        return h

    def rows_with_the_axis_put_back(x, h_prev, W):
        _, _ = x.shape
        z = np.concatenate((h_prev, x), axis=1) @ W
        h = z - z.mean(axis=1)[:, None]
        return h

    assert sl.cell(columns).layout == "columns"
    assert sl.cell(rows_with_the_axis_put_back).layout == "rows"
    with pytest.raises(CellError, match="one an example") as caught:
        sl.cell(rows)
    assert "keepdims=True" in caught.value.hint


@pytest.mark.parametrize("flat", [lambda h: h.reshape(-1), np.ravel, np.squeeze, lambda h: h.flatten()])
def test_a_batch_is_not_flattened(flat):
    def rows(x, h_prev, W):
        _, _ = x.shape
        h = flat(np.tanh(np.concatenate((h_prev, x), axis=1) @ W))
        return h

    with pytest.raises(CellError):
        sl.cell(rows)
