"""Single expressions as functions."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.calculus.forward import forward
from symlstm.calculus.graph import graph
from symlstm.codegen import formula
from symlstm.expr.build import add, diag, eye, matmul, ones, spread, transpose, whole, zeros
from symlstm.expr.dims import size
from symlstm.expr.nodes import Quantity, t
from tests.codegen.adhoc import CELLS as ADHOC
from tests.codegen.numbers import BUILT_IN, cell_of, numbers
from tests.support.ulps import scaled_ulps

n, m = size("n"), size("m")
v, w, M, s = Quantity("v", n, 1, t), Quantity("w", n, 1), Quantity("M", n, m), Quantity("s", 1, 1, t)
V = np.arange(1.0, 7.0).reshape(2, 3)
W = np.array([1.0, -2.0, 0.5])
MAT = np.arange(6.0).reshape(3, 2)
GIVEN = {"v": V, "w": W, "M": MAT, "s": np.array([2.0, 3.0])}


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (add(v, w), V + W),
        (matmul(transpose(M), v), V @ MAT),
        (matmul(transpose(v), w), V @ W),
        (matmul(v, transpose(w)), V[:, :, None] * W),
        (diag(v), np.stack([np.diag(row) for row in V])),
        (matmul(diag(v), M), V[:, :, None] * MAT),
        (transpose(v), V[:, None, :]),
        (add(diag(v), eye(n)), np.stack([np.diag(row) for row in V + 1])),
        (spread(s, n, 1), np.array([[2.0] * 3, [3.0] * 3])),
        (add(spread(s, n, 1), v), V + np.array([[2.0], [3.0]])),
        (whole("sum", v), V.sum(axis=-1)),
        (matmul(ones(1, n), M), MAT.sum(axis=0)[None]),
        (matmul(ones(n, 1), transpose(v)), np.repeat(V[:, None, :], 3, axis=1)),
        (matmul(M, ones(m, 1)), MAT.sum(axis=1)),
    ],
)
def test_array_layout(expr, expected):
    found = formula(expr)(GIVEN, {"n": 3, "m": 2})
    assert found.shape == expected.shape
    assert np.array_equal(found, expected)


def test_sizes_that_no_array_says_are_given():
    assert np.array_equal(formula(eye(n))({}, {"n": 2}), np.eye(2))
    with pytest.raises(sl.SymlstmError, match="no array says what the size n is"):
        formula(eye(n))({})
    assert np.array_equal(formula(zeros(n, m))({}, {"n": 2, "m": 3}), np.zeros((2, 3)))


def test_matrix_gives_two_axes_always():
    assert formula(v, matrix=True)(GIVEN).shape == (2, 3, 1)
    assert formula(s, matrix=True)(GIVEN).shape == (2, 1, 1)
    assert formula(transpose(v), matrix=True)(GIVEN).shape == (2, 1, 3)


def test_a_missing_quantity_is_named():
    with pytest.raises(sl.SymlstmError, match="there is no quantity given named 'w'"):
        formula(add(v, w))({"v": V})


@pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC])
def test_closed_forms_are_the_compiled_jacobians(name):
    cell = cell_of(name)
    k = sl.compile(cell)
    p, x, states, _ = numbers(cell, batch=(2,))
    inputs = () if x is None else x if isinstance(x, tuple) else (x,)
    given = dict(p)
    given |= dict(zip([q.name for q in cell.inputs], inputs, strict=True))
    given |= dict(zip([s.previous.name for s in cell.states], states, strict=True))
    given |= k.values(p, x, states)
    if name == "one_number":  # in formulas, a number has no axis of its own
        given = {q: a[..., 0] if q in ("h_prev", "h") else a[0] if q == "w" else a for q, a in given.items()}
    for state in cell.states:
        for other in cell.states:
            closed = forward(graph(cell, other.previous, "partial"), state.current).results[state.current]
            sizes = {str(d): {"n": 4, "m": 3, "k": 5}.get(str(d), 2) for d in cell.dims}
            found = formula(closed, matrix=True)(given, sizes)
            expected = k.jacobian(p, x, states, of=state.current.name, wrt=other.previous.name)
            found = np.broadcast_to(found, expected.shape)
            assert scaled_ulps(found, expected) < 64
