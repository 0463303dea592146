"""J V without J: equal to the state Jacobian times V, for every cell, any batch, any number of directions."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings

import symlstm as sl
from symlstm.errors import RuleMissing, ShapeError, ValueUnusable
from tests.codegen.adhoc import CELLS as ADHOC
from tests.codegen.numbers import BUILT_IN, cell_of, numbers
from tests.random_cells.bounds import SPREAD
from tests.random_cells.programs import programs
from tests.random_cells.runs import compiled, drawn_numbers, numpy_namespace

EPS = np.finfo(float).eps


def require_equal(cell, p, x, states, directions):
    """J V by both ways, to the rounding of sums of |J| |V| (in as many operations as the equations have)."""
    k = sl.compile(cell)
    jacobian = k.state_jacobian(p, x, states)
    found = k.jvp(p, x, states, directions)
    assert found.shape == (*jacobian.shape[:-1], directions.shape[-1])
    largest = np.max(np.abs(jacobian), initial=1.0) * np.max(np.abs(directions), initial=0.0)
    assert np.max(np.abs(found - jacobian @ directions), initial=0.0) <= SPREAD * jacobian.shape[-1] * EPS * largest


@pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC])
@pytest.mark.parametrize("batch", [(), (1,), (2, 3)])
def test_j_times_v_is_the_state_jacobian_times_v(name, batch):
    cell = cell_of(name)
    p, x, states, _ = numbers(cell, batch=batch)
    k = sl.compile(cell)
    try:
        rows = k.state_jacobian(p, x, states).shape[-1]
    except RuleMissing:
        with pytest.raises(RuleMissing):
            k.jvp(p, x, states, np.ones((1, 1)))
        return
    rng = np.random.default_rng(0)
    for count in (1, 3, rows):
        require_equal(cell, p, x, states, rng.normal(size=(rows, count)))
        require_equal(cell, p, x, states, rng.normal(size=(*batch, rows, count)))


@settings(max_examples=100)
@given(programs())
def test_random_cells(program):
    arguments, rng = drawn_numbers(program)
    cell = sl.cell(compiled(program, numpy_namespace()))
    p = {q.name: np.asarray(arguments[q.name]) for q in cell.parameters}
    x = tuple(np.asarray(arguments[q.name]) for q in cell.inputs)
    states = tuple(np.asarray(arguments[s.previous.name]) for s in cell.states)
    x = None if not x else x[0] if len(x) == 1 else x
    rows = sum(s.size for s in states)
    with contextlib.suppress(ValueUnusable):  # where the draw overflows
        require_equal(cell, p, x, states, rng.normal(size=(rows, 2)))


def test_no_matrix_as_large_as_the_jacobian_is_formed():
    source = sl.compile("lstm").jvp_source
    assert source.count("W_f[:, :n] @ v_h_prev") == 1
    assert "W_o[:, :n]) @" not in source  # diag(a) (W v), not (diag(a) W) v


def test_float32_stays_float32():
    cell = sl.cell("lstm")
    p = sl.parameters(cell, n=3, m=2, dtype=np.float32)
    states = (np.ones(3, np.float32),) * 2
    found = sl.compile(cell).jvp(p, np.ones(2, np.float32), states, np.eye(6, dtype=np.float32))
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    "directions, told",
    [
        (np.ones(6), "directions must be 6 x k, not 6"),
        (np.ones((5, 2)), "directions must be 6 x k, not 5 x 2"),
        (np.ones((4, 6, 2)), "directions must be 6 x k, not 4 x 6 x 2"),
    ],
)
def test_directions_that_do_not_fit(directions, told):
    cell = sl.cell("lstm")
    p = sl.parameters(cell, n=3, m=2)
    with pytest.raises(ShapeError, match=told) as error:
        sl.compile(cell).jvp(p, np.ones(2), (np.ones(3), np.ones(3)), directions)
    assert "h_prev, c_prev, stacked" in str(error.value)


def test_of_a_matrix_state_it_is_said_that_there_is_no_product_without_the_jacobian():
    cell = cell_of("memory")
    p, x, states, _ = numbers(cell)
    rows = sum(s.size for s in states)
    k = sl.compile(cell)
    with pytest.raises(sl.SymlstmError, match="C_prev is a n x p matrix that depends on the previous states"):
        k.jvp(p, x, states, np.eye(rows))
    with pytest.raises(sl.SymlstmError, match=f"directions must be {rows} x k, not {rows - 1} x 2"):
        k.jvp(p, x, states, np.ones((rows - 1, 2)))
