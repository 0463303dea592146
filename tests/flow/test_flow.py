"""sl.flow: each of its answers against plain NumPy over formed Jacobians, and what it says as text and JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

import symlstm as sl
import symlstm.gradient_flow
from symlstm.errors import NameUnknown, ShapeError, ValueUnusable
from tests.flow.numbers import BUILT_IN, VARIANTS, gaussian, states_of, variant

SCHEMA = json.loads((Path(symlstm.gradient_flow.__file__).parent / "schema" / "flow-1.json").read_text())


def setting(name, n=4, m=2, steps=60, seed=0):
    rng = np.random.default_rng(seed)
    cell = variant(name) if name in VARIANTS else sl.cell(name)
    return cell, sl.parameters(cell, n=n, m=m, rng=rng), rng.normal(size=(steps, m)), states_of(cell, n, rng)


@pytest.mark.parametrize("name", ["lstm", "lstm_peephole", "gru", "rnn", "no_output_gate"])
def test_the_norms_over_a_lag_are_those_of_products_of_state_jacobians(name):
    cell, p, x, states = setting(name, steps=12)
    found, k, n = sl.flow(cell, p, x, states, lags=[1, 2, 5, 11]), sl.compile(cell), 4
    own = 0 if len(cell.states) == 1 else n
    after = k.step(p, x[0], states)
    start = np.zeros((n * len(states), n))
    start[own:] = np.eye(n)
    if own:
        start[:n] = k.jacobian(p, x[0], states, of=cell.states[0].current.name, wrt=cell.states[1].current.name)
    product, s = start, after
    for lag in range(1, 12):
        product, s = k.state_jacobian(p, x[lag], s) @ product, k.step(p, x[lag], s)
        for row in found.lags:
            if row.lag == lag == 11 and row.of == row.wrt == cell.states[-1].current.name:
                np.testing.assert_allclose(row.total, np.linalg.norm(product[own:], 2), rtol=1e-11)
                assert row.windows == 1
    total = sl.derive(cell, cell.states[-1].current.name, cell.states[-1].previous.name, paths="total", lag=2)
    assert total.evidence(rungs=["digits"]).ok  # what "total" means here


def test_several_windows_are_averaged_in_the_logarithm():
    cell, p, x, states = setting("rnn", steps=21)
    (row,) = sl.flow(cell, p, x, states, lags=[10]).lags
    k, logs, h = sl.compile(cell), [], states[0]
    product = np.eye(4)
    for t, one in enumerate(x):
        if t:
            product = k.state_jacobian(p, one, h) @ product
        h = k.step(p, one, h)[0]
        if t in (10, 20):
            logs.append(np.log(np.linalg.norm(product, 2)))
            product = np.eye(4)
    assert row.windows == 2
    np.testing.assert_allclose(row.log_total, np.mean(logs), rtol=1e-11)


def test_the_direct_path_misleads():
    """n = 64, W ~ N(0, 1/n), random input: at forget bias 0 the gradient is ten decades above the direct path's."""
    rng = np.random.default_rng(0)
    n, m, rows = 64, 8, {}
    for bias, lag in ((0.0, 100), (5.0, 50)):
        p = sl.parameters("lstm", n=n, m=m)
        for array in p.values():
            array[...] = rng.normal(size=array.shape) / np.sqrt(n) if array.ndim == 2 else 0.0
        p["b_f"][...] = bias
        found = sl.flow("lstm", p, rng.normal(size=(lag + 1, m)), lags=[lag], count=1, starts=1)
        rows[bias] = next(r for r in found.lags if r.of == r.wrt == "c")
        np.testing.assert_allclose(rows[bias].share, rows[bias].direct / rows[bias].total, rtol=1e-12)
    assert 1e-31 < rows[0.0].direct < 1e-27 and rows[0.0].share < 1e-8
    assert 0.7 < rows[5.0].direct < 0.9 and rows[5.0].total > 3


def test_a_thousand_steps_neither_under_nor_overflow():
    p = gaussian("rnn", 8, 0.01, np.random.default_rng(0))
    (row,) = sl.flow("rnn", p, steps=1001, states=np.zeros(8), lags=[1000]).lags
    power = np.linalg.matrix_power(p["U"] / np.max(np.abs(np.linalg.eigvals(p["U"]))), 1000)
    expected = 1000 * np.log(np.max(np.abs(np.linalg.eigvals(p["U"])))) + np.log(np.linalg.norm(power, 2))
    np.testing.assert_allclose(row.log_total, expected, rtol=1e-10)
    assert row.total == 0.0 and row.log_total < -4000


@pytest.mark.parametrize("name", [*BUILT_IN, "no_output_gate"])
def test_connectivity_is_the_gradient_through_time(name):
    cell, p, x, states = setting(name)
    found, k = sl.flow(cell, p, x, states).connectivity, sl.compile(cell)
    first = cell.states[0].current.name
    upstream = np.zeros((60, 4))
    upstream[-1] = 1.0
    gradients = k.gradients(p, x, states, {first: upstream})
    assert found.of == first and list(found.steps) == list(range(60))
    np.testing.assert_allclose(found.inputs["x"], np.log(np.linalg.norm(gradients["x"], axis=-1)), rtol=1e-9)
    for s in cell.states:
        expected = np.linalg.norm(gradients[s.previous.name])
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(found.states[s.previous.name][0], np.log(expected), rtol=1e-9)


def test_connectivity_of_a_loss_and_of_a_prediction():
    cell = sl.cell("lstm_softmax")
    p = sl.parameters(cell, n=4, m=2, p=3)
    x = np.random.default_rng(0).normal(size=(9, 2))
    g = np.array([1.0, -1.0, 0.0])
    found = sl.flow(cell, p, x, output={"y": g}).connectivity
    upstream = np.zeros((9, 3))
    upstream[-1] = g
    k = sl.compile(cell)
    expected = k.gradients(p, x, k.zero_states(p), {"y": upstream})["x"]
    np.testing.assert_allclose(found.inputs["x"], np.log(np.linalg.norm(expected, axis=-1)), rtol=1e-9)
    assert sl.flow(cell, p, x, output="c").connectivity.of == "c"


def test_gate_statistics_are_those_of_all_values():
    cell, p, x, states = setting("lstm")
    found, k = sl.flow(cell, p, x, states), sl.compile(cell)
    seen = []
    for one in x:
        seen.append(k.values(p, one, states)["f"])
        states = k.step(p, one, states)
    seen, gate = np.array(seen), next(g for g in found.gates if g.name == "f")
    np.testing.assert_allclose(gate.mean, seen.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(gate.deviation, seen.std(axis=0), rtol=1e-11)
    np.testing.assert_array_equal(gate.least, seen.min(axis=0))
    np.testing.assert_array_equal(gate.high, (seen > 0.9).mean(axis=0))
    np.testing.assert_array_equal(gate.low, (seen < 0.1).mean(axis=0))
    assert [g.name for g in found.gates] == ["f", "i", "c_tilde", "o"]


def test_the_snapshots_are_state_jacobians():
    cell, p, x, states = setting("gru")
    found = sl.flow(cell, p, x, states).snapshots
    jacobian = sl.compile(cell).state_jacobian(p, x[0], states)
    assert found.steps[0] == 0 and found.steps[-1] == 59 and len(found.steps) == 32
    np.testing.assert_allclose(found.singular_values[0], np.linalg.svd(jacobian)[1], rtol=1e-12)
    np.testing.assert_allclose(found.spectral_radius[0], max(abs(np.linalg.eigvals(jacobian))), rtol=1e-12)


def test_the_parts_are_those_of_the_single_functions():
    cell, p, x, states = setting("lstm")
    found = sl.flow(cell, p, x, states, burn_in=10)
    alone = sl.lyapunov(cell, p, x, states=states, burn_in=10)
    apart = np.finfo(float).eps ** (2 / 3)  # what stretches of several steps may add
    np.testing.assert_allclose(found.spectrum.exponents, alone.exponents, rtol=0, atol=apart)
    (half,) = [h for h in found.half_lives if h.state == "c"]
    np.testing.assert_array_equal(half.half_life, sl.half_life(cell, p, x, states=states).half_life)
    alone = sl.fixed_points(cell, p, x.mean(axis=0), starts=20)
    assert [q.spectral_radius for q in found.fixed_points.points] == [q.spectral_radius for q in alone.points]
    assert found.certificate == sl.certificate(cell, p, np.max(np.abs(x)))


@pytest.mark.parametrize("name", [*BUILT_IN, *VARIANTS])
def test_every_cell_has_a_flow_that_json_can_hold(name):
    cell, p, x, states = setting(name, steps=30)
    found = sl.flow(cell, p, x, states)
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    Draft202012Validator(SCHEMA).validate(data)
    assert data["schema"] == "symlstm/flow" and data["version"] == 1 and data["steps"] == 30
    for shown in (repr(found), str(found)):
        assert cell.name in shown and "nan" not in shown
    assert ("half-life of h" in found.left_out) == (name in ("rnn", "lstm", "lstm_peephole"))


def test_a_batch_is_taken():
    cell, p, _, _ = setting("lstm")
    x = np.random.default_rng(0).normal(size=(30, 3, 2))
    found = sl.flow(cell, p, x)
    assert found.spectrum.exponents.shape == (3, 8) and found.gates[0].mean.shape == (3, 4)
    assert found.lags[0].log_total.shape == (3,) and found.connectivity.inputs["x"].shape == (30, 3)
    one = sl.flow(cell, p, x[:, 1])
    np.testing.assert_allclose(found.lags[-1].log_total[1], one.lags[-1].log_total, rtol=1e-10)
    Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(found.to_json(), allow_nan=False)))


def test_what_cannot_be_answered_is_told():
    cell, p, x, states = setting("lstm", steps=10)
    with pytest.raises(ShapeError, match="the lag 10 is too long for 10 steps"):
        sl.flow(cell, p, x, states, lags=[10])
    with pytest.raises(ValueUnusable, match="a lag must be a whole number"):
        sl.flow(cell, p, x, states, lags=[0])
    with pytest.raises(NameUnknown, match="no state of lstm named 'f'"):
        sl.flow(cell, p, x, states, pairs=[("f", "c")])
    with pytest.raises(NameUnknown, match="no state or output of lstm named 'y'"):
        sl.flow(cell, p, x, states, output="y")
    x[7, 1] = np.nan
    with pytest.raises(ValueUnusable, match=r"x has NaN at \[7, 1\]"):
        sl.flow(cell, p, x, states)


def test_progress_is_told_after_every_step():
    cell, p, x, states = setting("rnn", steps=5)
    told = []
    sl.flow(cell, p, x, states, starts=1, progress=lambda done, whole: told.append((done, whole)))
    assert told == [(k, 5) for k in range(1, 6)]


def test_the_summary_counts_the_units_of_one_example_whatever_their_axes():
    def fast_weights(x: "n", A_prev: "n n", *, w: "n"):
        f = sl.sigmoid(w)
        A = f * A_prev + np.outer(np.tanh(x), np.tanh(x))
        return A

    x = np.random.default_rng(0).normal(size=(5, 2, 3))
    found = sl.flow(fast_weights, {"w": np.ones(3)}, x)
    assert f"median of {found.half_lives[0].half_life[0].size} units" in str(found)
    assert "norms over a lag" in str(found)
