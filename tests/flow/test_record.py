"""What pictures need of a run, against all values at once, and its memory, which does not grow with T."""

import tracemalloc

import numpy as np
import pytest

import symlstm as sl
from symlstm.gradient_flow.reading import stream_of
from symlstm.gradient_flow.record import BINS, POINTS, UNITS, RecordRun, spread
from tests.flow.numbers import states_of


def recorded(cell, p, x, states=None):
    stream = stream_of(cell, p, x, None, states)
    run = RecordRun(stream)
    for step in stream:
        run.take(step)
    return run.result()


def test_the_bins_are_means_over_their_steps():
    rng = np.random.default_rng(0)
    cell, steps = sl.cell("lstm"), 2 * BINS + 37  # three steps a bin, the last one shorter
    p, x, states = sl.parameters(cell, n=3, m=2, rng=rng), rng.normal(size=(steps, 2)), states_of(cell, 3, rng)
    found, k, seen, path, s = recorded(cell, p, x, states), sl.compile(cell), [], [], states
    for one in x:
        seen.append(k.values(p, one, s)["f"])
        s = k.step(p, one, s)
        path.append(np.concatenate(s))
    assert found.width == 3 and found.units == {"f": 3, "i": 3, "c_tilde": 3, "o": 3}
    expected = [np.mean(seen[start : start + 3], axis=0) for start in range(0, steps, 3)]
    np.testing.assert_allclose(found.gates["f"], expected, rtol=1e-13)
    np.testing.assert_array_equal(found.path, np.array(path)[found.at])
    assert len(found.at) <= POINTS and found.at[0] == 0 and found.at[-1] == steps - 1


def test_of_a_batch_the_first_example_is_kept():
    rng = np.random.default_rng(0)
    p, x = sl.parameters("gru", n=3, m=2, rng=rng), rng.normal(size=(20, 4, 2))
    found, alone = recorded("gru", p, x), recorded("gru", p, x[:, 0])
    np.testing.assert_allclose(found.gates["z"], alone.gates["z"], rtol=1e-13)
    np.testing.assert_allclose(found.path, alone.path, rtol=1e-12)


def test_of_a_wide_layer_evenly_spread_units_are_kept():
    n = 2 * UNITS - 1
    found = recorded("rnn", sl.parameters("rnn", n=n, m=1, rng=0), np.ones((2, 1)))
    assert found.gates["h"].shape == (2, UNITS) and found.units == {"h": n} and found.path.shape == (2, n)
    np.testing.assert_array_equal(found.gates["h"], found.path[:, ::2])
    assert list(spread(n, UNITS)) == list(range(0, n, 2))


def test_memory_does_not_grow_with_the_number_of_steps():
    p, peaks = sl.parameters("rnn", n=8, m=1, rng=0), []
    for steps in (2_000, 20_000):
        x = np.zeros((steps, 1))
        recorded("rnn", p, x[:10])
        tracemalloc.start()
        recorded("rnn", p, x)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    kept = 8 * 8 * (BINS + POINTS)  # bytes of bins and path; nothing else may be kept of the 18 000 further steps
    assert peaks[1] - peaks[0] < kept


@pytest.mark.parametrize("steps", [7, 600])
def test_the_gradient_by_units_is_the_largest_of_its_bin(steps):
    rng = np.random.default_rng(0)
    cell, k = sl.cell("lstm"), sl.compile("lstm")
    p, x, s = sl.parameters(cell, n=3, m=2, rng=rng), 0.1 * rng.normal(size=(steps, 2)), states_of(cell, 3, rng)
    found = sl.flow(cell, p, x, s, starts=1, lags=[1]).connectivity
    states, gradient = [s], {"h": np.ones(3), "c": np.zeros(3)}
    for one in x:
        states.append(k.step(p, one, states[-1]))
    logs = []
    for one, before in zip(x[::-1], states[-2::-1], strict=True):
        back = k.vjp(p, one, before, (gradient["h"], gradient["c"]))
        gradient = {"h": back["h_prev"], "c": back["c_prev"]}
        logs.append(np.log(np.abs(gradient["c"])))
    logs = np.array(logs[::-1])
    expected = [logs[start : start + found.width].max(axis=0) for start in range(0, steps, found.width)]
    assert found.width == (1 if steps == 7 else 3) and found.counts == {"h_prev": 3, "c_prev": 3}
    np.testing.assert_allclose(found.units["c_prev"], expected, rtol=1e-9)
