"""A sum of scaled matrices is the same wherever the matrices lie in memory."""

import numpy as np
import pytest

from symlstm.codegen.helpers import fill_rows, side_by_side


def made(layout: str, rows: int, columns: int, dtype: type) -> list[np.ndarray]:
    """Three matrices of random numbers: in one buffer, in one buffer in another order, unequally far apart, apart."""
    rng = np.random.default_rng(0)
    buffer = rng.standard_normal((4, rows, columns + 3)).astype(dtype)
    views = {
        "one buffer": [buffer[k, :, :columns] for k in (0, 1, 2)],
        "backwards": [buffer[k, :, :columns] for k in (2, 1, 0)],
        "with a gap": [buffer[k, :, :columns] for k in (0, 1, 3)],
        "the same": [buffer[0, :, :columns]] * 3,
        "by columns": [np.asfortranarray(buffer[k, :, :columns]) for k in (0, 1, 2)],
    }
    return views.get(layout) or [buffer[k, :, :columns].copy() for k in (0, 1, 2)]


LAYOUTS = ("one buffer", "backwards", "with a gap", "the same", "by columns", "apart")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (5, 3), (200, 300)])
def test_the_sum_does_not_depend_on_where_the_matrices_lie(layout, rows, columns, dtype):
    matrices = made(layout, rows, columns, dtype)
    vectors = [np.linspace(-1, 1, rows).astype(dtype), None, np.linspace(1, 2, rows).astype(dtype)]
    out = np.zeros((rows, 2 * columns), dtype)
    fill_rows(out[:, columns:], *zip(vectors, matrices, strict=True))
    expected = np.zeros((rows, columns))
    for i in range(rows):
        for vector, matrix in zip(vectors, matrices, strict=True):
            expected[i] += (1.0 if vector is None else float(vector[i])) * matrix[i].astype(float)
    size = sum(np.abs(m).max() for m in matrices) * 2
    assert np.abs(out[:, columns:] - expected).max() <= 4 * np.finfo(dtype).eps * size
    assert not out[:, :columns].any()


def test_only_what_is_equally_far_apart_and_in_order_is_taken_together():
    found = {layout: side_by_side(made(layout, 5, 4, float)) is not None for layout in LAYOUTS[:4]}
    assert found == {"one buffer": True, "backwards": False, "with a gap": False, "the same": False}
