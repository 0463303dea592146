"""The initialisation explorer: what it predicts and finds, that it goes on where it was, and that only seeds matter."""

import csv
import json
import os
import signal
import threading
import time

import numpy as np
import pytest

import symlstm as sl
import symlstm.exploration.explore as module
from symlstm.errors import NameUnknown, OutputUnwritable, RuleMissing, ValueUnusable
from symlstm.exploration.critical import spectral_radius
from symlstm.exploration.draws import Draw, drawn
from symlstm.exploration.explore import kept_at
from symlstm.exploration.gates import gated_states
from symlstm.exploration.origin import origin
from symlstm.exploration.weights import parts
from symlstm.exploration.workers import on_cores, on_dask
from tests.flow.numbers import variant
from tests.support.frameworks import require

require("joblib")
require("cloudpickle")
require("threadpoolctl")
pa = require("pyarrow")


def stacked(x: "m", h_prev: "n", c_prev: "n", *, W: "4*n n+m", b: "4*n"):
    z = W @ np.concatenate((h_prev, x)) + b
    i, f, g, o = np.split(z, 4)
    f = 1 / (1 + np.exp(-f))
    c = f * c_prev + 1 / (1 + np.exp(-i)) * np.tanh(g)
    h = 1 / (1 + np.exp(-o)) * np.tanh(c)
    return h, c


def keeps_what_it_does_not_take(x: "m", h_prev: "n", *, W: "n m", U: "n n", b: "n", V: "n n", a: "n"):
    z = 1 / (1 + np.exp(-(V @ h_prev - a)))
    v = np.tanh(W @ x + U @ h_prev + b)
    h = (1 - z) * h_prev + z * v
    return h


def leaky(h_prev: "n", *, a: "n", W: "n n"):
    h = h_prev * a + np.tanh(W @ h_prev)
    return h


def grows(h_prev: "n", *, U: "n n"):
    h = U @ h_prev
    return h


def small(cell="lstm", **given):
    return sl.explore(cell, **{"n": 8, "steps": 30, "jobs": 1, **given})


def at(found, **values):
    return [row for row in found.rows if all(row[k] == v for k, v in values.items())]


# the structure


@pytest.mark.parametrize(
    "cell, forget, start, sign, taken",
    [
        ("lstm", "b_f", "0", 1, "b_i"),
        ("lstm_peephole", "b_f", "0", 1, "b_i"),
        ("gru", "b_z", "0", 1, None),
        ("gru_reset_before", "b_z", "0", 1, None),
        (stacked, "b", "n", 1, "b"),
        (keeps_what_it_does_not_take, "a", "0", 1, None),
        (variant("coupled_gates"), "b_i", "0", -1, None),
        (variant("no_input_gate"), "b_f", "0", 1, None),
    ],
)
def test_the_forget_bias_is_that_of_the_gate_that_multiplies_the_previous_value(cell, forget, start, sign, taken):
    (found,) = gated_states(sl.cell(cell))
    assert (found.forget.parameter.name, str(found.forget.start), found.forget.sign) == (forget, start, sign)
    assert (found.input and found.input.parameter.name) == taken


@pytest.mark.parametrize("cell", ["lstm", "gru", stacked, keeps_what_it_does_not_take, variant("coupled_gates")])
def test_a_forget_bias_makes_the_factor_of_the_direct_path_its_sigmoid(cell):
    cell = sl.cell(cell)
    p = drawn(cell, Draw(5, 0, forget_bias=1.5), 0.0, {"m": 2})
    np.testing.assert_allclose(np.exp(sl.half_life(cell, p, steps=1).rate), 1 / (1 + np.exp(-1.5)), rtol=1e-15)


@pytest.mark.parametrize("cell", ["rnn", variant("no_forget_gate"), leaky])
def test_a_cell_without_a_forget_gate_says_that_a_forget_bias_does_not_apply(cell):
    with pytest.raises(RuleMissing, match="a forget bias does not apply to"):
        small(cell, forget_bias=1.0)
    with pytest.raises(RuleMissing, match="a forget bias does not apply to"):
        small(cell, chrono=100)
    assert len(small(cell).rows) == 1


def test_recurrent_weights_are_those_that_multiply_previous_states():
    def names(cell):
        return {(p.parameter.name, str(p.columns[1])) for p in parts(sl.cell(cell)) if p.recurrent}

    assert names("lstm") == {("W_f", "n"), ("W_i", "n"), ("W_c", "n"), ("W_o", "n")}
    assert names("gru_reset_before") == {("U_r", "n"), ("U_z", "n"), ("U_h", "n")}
    assert names("lstm_projected") == {("W_f", "p"), ("W_i", "p"), ("W_c", "p"), ("W_o", "p")}
    assert names(stacked) == {("W", "n")}


def test_the_same_seed_is_the_same_direction_at_every_gain_and_bias():
    cell = sl.cell("lstm")
    one, other = drawn(cell, Draw(6, 3), 1.0, {"m": 2}), drawn(cell, Draw(6, 3, chrono=50.0), 2.0, {"m": 2})
    np.testing.assert_array_equal(2 * one["W_c"][:, :6], other["W_c"][:, :6])
    np.testing.assert_array_equal(one["W_c"][:, 6:], other["W_c"][:, 6:])
    assert not one["b_f"].any() and not one["b_c"].any()


def test_chrono_has_forget_times_between_two_and_its_maximum():
    p = drawn(sl.cell("lstm"), Draw(400, 0, chrono=784.0), None, {"m": 1})
    times = 1 + np.exp(p["b_f"])
    assert times.min() >= 2 and times.max() <= 784
    np.testing.assert_array_equal(p["b_i"], -p["b_f"])
    mean, spread = np.mean(1 / (1 + np.exp(-p["b_f"]))), np.std(1 / (1 + np.exp(-p["b_f"])))
    assert abs(mean - 0.9923641153) <= 5 * spread / np.sqrt(400)


# predictions


@pytest.mark.parametrize(
    "cell, draw, gain",
    [
        ("lstm", {}, 2.0),
        ("lstm", {"forget_bias": 1.0}, 1.0757656855),
        ("lstm", {"chrono": 10.0}, 2.0),
        ("lstm", {"chrono": 784.0}, 2.0),
        (stacked, {"forget_bias": 1.0}, 1.0757656855),
        ("lstm_peephole", {"forget_bias": 1.0}, 1.0757656855),
        (variant("coupled_gates"), {"forget_bias": 1.0}, 2.0),
        (variant("no_output_gate"), {}, 1.0),
        (variant("no_forget_gate"), {}, 0.0),
        ("gru", {}, 2.0),
        ("gru", {"biases": (("b_r", 1.0),)}, 1 + np.exp(-1.0)),
        ("gru_reset_before", {"biases": (("b_r", -2.0),), "forget_bias": 3.0}, 1 + np.exp(2.0)),
        ("rnn", {}, 1.0),
    ],
)
def test_the_critical_gain_follows_from_the_spectrum_at_the_origin(cell, draw, gain):
    cell = sl.cell(cell)
    found = origin(cell, drawn(cell, Draw(16, 0, **draw), 1.0, {"m": 1})).critical_gain
    np.testing.assert_allclose(found, gain, rtol=1e-10)


def test_the_predicted_exponent_of_the_lstm_is_that_of_the_rim():
    found = origin(sl.cell("lstm"), drawn(sl.cell("lstm"), Draw(4, 0), 1.0, {"m": 1}))
    for gain in (0.0, 0.5, 1.0, 1.9):
        np.testing.assert_allclose(found.exponent(gain), np.log(0.5 + gain / 4), atol=1e-8)
    assert found.exponent(2.0) is None


@pytest.mark.parametrize("cell, told", [
    (variant("full_gate_recurrence"), "the origin is no fixed point of full_gate_recurrence: i, f, o leaves it"),
    ("rnn_relu", "no recurrent weights enter the state Jacobian of rnn_relu at the origin"),
])  # fmt: skip
def test_what_cannot_be_predicted_is_said(cell, told):
    found = small(cell)
    assert found.rows[0]["critical_gain_predicted"] is None and told in found.notes


def test_the_critical_gain_found_is_that_of_the_eigenvalues_of_the_candidate():
    n, f = 40, 1 / (1 + np.exp(-1.0))
    found = small("lstm", forget_bias=1, n=n, steps=2, gain=0).rows[0]
    mu = np.linalg.eigvals(drawn(sl.cell("lstm"), Draw(n, 0, forget_bias=1.0), 1.0, {"m": 32})["W_c"][:, :n]) / 4
    b, c = f * mu.real, np.abs(mu) ** 2  # |f + g mu / 4| = 1
    np.testing.assert_allclose(found["critical_gain"], np.min((-b + np.sqrt(b**2 + c * (1 - f**2))) / c), rtol=1e-9)
    np.testing.assert_allclose(found["critical_gain_predicted"], 1.0757656855, rtol=1e-10)


def test_the_spectral_radius_of_dependent_rows_is_that_of_the_whole():
    rng = np.random.default_rng(0)
    below = rng.normal(size=(5, 10))
    whole = np.concatenate([rng.normal(size=5)[:, None] * below, below])
    np.testing.assert_allclose(spectral_radius(whole, 2), np.max(np.abs(np.linalg.eigvals(whole))), rtol=1e-12)
    other = rng.normal(size=(7, 7))
    np.testing.assert_allclose(spectral_radius(other, 1), np.max(np.abs(np.linalg.eigvals(other))), rtol=1e-12)


def test_without_recurrent_weights_the_half_life_found_is_the_predicted_one():
    found = small("lstm", forget_bias=[0, 1, 2, 5], gain=0)
    for row, half in zip(found.rows, [1.0, 2.2126777968, 5.4609473107, 103.2183484868], strict=True):
        np.testing.assert_allclose([row["half_life"], row["half_life_predicted"]], half, rtol=1e-10)
        np.testing.assert_allclose(row["exponent"], -np.log(2) / half, atol=0.05)


# the sweep


def test_the_table_has_a_row_for_each_run_in_the_order_of_the_grid():
    found = small(
        "gru", forget_bias=[0, 1], chrono=10, biases={"b_r": [0, 2]}, gain=[0.5, 3], n=[4, 6], seeds=[7], steps=3
    )
    assert len(found.rows) == 3 * 2 * 2 * 2
    axes = ("forget_bias", "chrono", "b_r", "input_std", "gain", "n", "seed")
    assert tuple(found.rows[0])[:7] == axes
    assert [found.rows[0][a] for a in axes] == [0.0, None, 0.0, 0.0, 0.5, 4, 7]
    assert [found.rows[-1][a] for a in axes] == [None, 10.0, 2.0, 0.0, 3.0, 6, 7]
    np.testing.assert_allclose(at(found, b_r=2.0)[0]["critical_gain_predicted"], 1 + np.exp(-2.0), rtol=1e-12)


def test_noise_at_the_input_makes_another_exponent_and_no_prediction():
    quiet, noisy = small("lstm", input_std=[0, 1]).rows
    assert quiet["exponent"] != noisy["exponent"]
    assert quiet["exponent_predicted"] is not None and noisy["exponent_predicted"] is None


def test_a_point_that_overflows_is_told_and_costs_nothing_else():
    found = small(grows, gain=[0.5, 1e30], steps=100)
    good, bad = found.rows
    assert good["exponent"] is not None and bad["exponent"] is None
    assert "h has infinity" in bad["note"]


def test_the_numbers_do_not_depend_on_the_number_of_workers_nor_on_the_rest_of_the_grid():
    grid = {"forget_bias": [0, 1], "gain": [1.0, 3.0], "seeds": 2, "n": 16}
    alone, many = small(**grid), small(**grid, jobs=2)
    assert alone == many
    assert at(alone, gain=3.0, seed=1, forget_bias=1.0) == list(small(forget_bias=1, gain=3, seeds=[1], n=16).rows)


def test_a_sweep_that_was_killed_goes_on_from_the_points_that_were_finished(tmp_path, monkeypatch):
    grid, path = {"gain": [0.5, 1.0, 2.0], "seeds": 2}, tmp_path / "sweep.parquet"
    whole = small(**grid, path=tmp_path / "whole.parquet")
    counted, measure = [], module.measure

    def dying(cell, settings, point):
        if len(counted) == 4:
            raise KeyboardInterrupt
        counted.append(point)
        return measure(cell, settings, point)

    monkeypatch.setattr(module, "measure", dying)
    with pytest.raises(KeyboardInterrupt, match=r"4 of 8 points are done, kept in .*: the same command goes on"):
        small(**grid, path=path)
    assert not path.exists()
    with open(kept_at(path), "ab") as file:
        file.write(b'{"key": "half a li')
    counted.clear()
    monkeypatch.setattr(module, "measure", lambda *given: counted.append(given) or measure(*given))
    assert small(**grid, path=path) == whole
    assert len(counted) == 4
    assert pa.parquet.read_table(path).equals(pa.parquet.read_table(tmp_path / "whole.parquet"))


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-20], lambda b: b"\0\0\0\n" + b[50:], lambda b: b.replace(b"found", b"lost")]
)
def test_a_damaged_file_of_points_does_not_spoil_the_sweep(tmp_path, damage):
    path = tmp_path / "sweep.csv"
    whole = small(gain=[1, 2], path=path)
    before = path.read_bytes()
    kept = kept_at(path)
    kept.write_bytes(damage(kept.read_bytes()))
    assert small(gain=[1, 2], path=path) == whole and path.read_bytes() == before
    assert {json.loads(line)["key"] for line in kept.read_bytes().splitlines()[-1:]}


def test_points_of_another_sweep_are_not_taken_for_those_of_this_one(tmp_path):
    path = tmp_path / "sweep.parquet"
    one, longer = small(path=path), small(path=path, steps=31)
    other = small("gru", path=path)
    assert one.rows != longer.rows != other.rows
    assert small(path=path) == one == small()


def test_a_worker_of_this_machine_that_dies_costs_no_point(tmp_path):
    mark = tmp_path / "died"

    def dies_once(point):
        if point == 3 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return point**2

    assert dict(on_cores(dies_once, range(6), 2)) == {k: k**2 for k in range(6)} and mark.exists()


def test_workers_that_die_every_time_are_told():
    with pytest.raises(ValueUnusable, match="worker processes died 4 times"):
        dict(on_cores(lambda point: os.kill(os.getpid(), signal.SIGKILL), range(2), 2))


def test_parquet_and_csv_hold_the_same_table(tmp_path):
    found = small("lstm", forget_bias=[0, 1], path=tmp_path / "sweep.parquet")
    found.save(tmp_path / "sweep.csv")
    table = pa.parquet.read_table(tmp_path / "sweep.parquet")
    assert table.equals(found.table)
    assert json.loads(table.schema.metadata[b"symlstm"])["steps"] == 30
    with open(tmp_path / "sweep.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(r["exponent"]) for r in rows] == table["exponent"].to_pylist()
    assert rows[0]["chrono"] == "" and rows[1]["forget_bias"] == "1"


def test_the_plot_names_its_axes_and_units_and_is_the_same_every_time(tmp_path):
    require("matplotlib")
    found = small("lstm", forget_bias=[0, 1], gain=[0.5, 4], seeds=2, steps=5)
    figure = found.plot(tmp_path / "a.svg")
    found.plot(tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    left, right = figure.axes
    assert left.get_xlabel() == "gain of the recurrent weights" and "nats a step" in left.get_ylabel()
    assert "(steps)" in right.get_xlabel() and "(steps)" in right.get_ylabel()
    labels = {t.get_text() for t in figure.legends[0].get_texts()}
    assert {"forget bias = 0", "forget bias = 1", "predicted critical gain", "critical gain found"} <= labels
    assert {t.get_text() for t in left.texts} == {"2", "1.0758"}


@pytest.mark.parametrize("cell, given, axis", [
    ("rnn", {"n": [4, 6]}, "width n"), ("lstm", {"chrono": [10, 100]}, "T_max of the chrono initialisation (steps)"),
    (leaky, {}, "gain of the recurrent weights"),
    ("gru", {"forget_bias": [0, 1], "chrono": 9}, "gain of the recurrent weights"),
])  # fmt: skip
def test_whatever_was_swept_can_be_drawn(cell, given, axis, tmp_path):
    require("matplotlib")
    figure = small(cell, **given).plot(tmp_path / "p.png")
    assert figure.axes[0].get_xlabel() == axis and (tmp_path / "p.png").stat().st_size > 1000


@pytest.mark.parametrize(
    "given, error, told",
    [
        ({"gain": "much"}, ValueUnusable, "gain must be numbers"),
        ({"gain": -1}, ValueUnusable, "gain must be finite numbers, 0 or more, not -1.0"),
        ({"gain": []}, ValueUnusable, "gain must be"),
        ({"forget_bias": [0, np.nan]}, ValueUnusable, "forget_bias must be finite numbers, not nan"),
        ({"chrono": 1}, ValueUnusable, "chrono must be finite numbers, 2 or more"),
        ({"n": 0}, ValueUnusable, "n must be a whole number from 1"),
        ({"n": 2.5}, ValueUnusable, "n must be a whole number"),
        ({"seeds": 0}, ValueUnusable, "seeds must be a whole number from 1"),
        ({"seeds": [-1]}, ValueUnusable, "seeds must be a whole number from 0"),
        ({"steps": 10, "burn_in": 10}, ValueUnusable, "burn_in must be a whole number from 0 to 9"),
        ({"biases": {"b_x": 1}}, NameUnknown, "there is no bias of lstm named 'b_x'"),
        ({"sizes": {"n": 3}}, NameUnknown, "there is no further size of lstm named 'n'"),
        ({"path": "sweep.xlsx"}, OutputUnwritable, "does not end in .parquet or .csv"),
        ({"path": "no/such/folder/sweep.csv"}, OutputUnwritable, "cannot be written: No such file"),
    ],
)
def test_what_cannot_be_swept_is_told_before_anything_is_run(given, error, told):
    with pytest.raises(error, match=told):
        small(**given)


def test_a_cell_with_a_further_size_asks_for_it():
    with pytest.raises(ValueUnusable, match="lstm_projected also needs the size p"):
        small("lstm_projected")
    assert small("lstm_projected", sizes={"p": 4}).rows[0]["critical_gain"] > 0


def test_a_gain_and_noise_need_something_to_act_on():
    def forgets(h_prev: "n", *, a: "n"):
        h = np.tanh(a) * h_prev
        return h

    with pytest.raises(RuleMissing, match="forgets has no recurrent weight matrix"):
        small(forgets, gain=2)
    with pytest.raises(RuleMissing, match="forgets has no input"):
        small(forgets, input_std=1)
    assert small(forgets).rows[0]["gain"] is None


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "joblib", None)
    with pytest.raises(sl.SymlstmError, match=r"pip install 'symlstm\[explore\]'"):
        small()


def test_an_autonomous_lstm_of_width_256_has_the_exponents_of_independent_code():
    found = small("lstm", n=256, steps=1200, gain=[1.0, 1.8, 2.2, 3.0, 5.0, 8.0])
    for row, exponent in zip(found.rows, [-0.290, -0.059, -0.0001, 0.060, 0.175, 0.338], strict=True):
        assert abs(row["exponent"] - exponent) <= 0.02
    for row in found.rows[:2]:  # the origin is stable
        mu = np.linalg.eigvals(drawn(sl.cell("lstm"), Draw(256, 0), row["gain"], {"m": 32})["W_c"][:, :256])
        assert abs(row["exponent"] - np.log(np.max(np.abs(0.5 + mu / 4)))) <= 5e-3


def test_a_dask_cluster_gives_the_same_table_though_a_worker_is_killed(tmp_path):
    distributed = require("distributed")
    grid = {"gain": [0.5, 1.0, 2.0, 3.0], "seeds": 3, "n": 16, "steps": 300}
    expected = small(**grid)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = client.run(os.getpid)
        killed = []

        def kill_one():
            kept = kept_at(tmp_path / "sweep.csv")
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and not killed:
                if kept.exists() and kept.stat().st_size:  # some points are finished, others are not
                    os.kill(next(iter(pids.values())), signal.SIGKILL)
                    killed.append(len(kept.read_bytes().splitlines()))
                time.sleep(0.005)

        thread = threading.Thread(target=kill_one)
        thread.start()
        found = small(**grid, path=tmp_path / "sweep.csv", dask=cluster.scheduler_address)
        thread.join()
    assert found == expected
    assert 0 < killed[0] < 15


def test_results_that_are_lost_beside_another_client_are_measured_again():
    distributed = require("distributed")
    points = list(range(6))
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        distributed.Client(cluster) as other,  # the current client: the points belong to another one
    ):
        finished = on_dask(abs, points, cluster.scheduler_address)
        found = [next(finished)]
        deadline = time.monotonic() + 60
        while sum(map(len, other.has_what().values())) < len(points) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert sum(map(len, other.has_what().values())) == len(points)
        for pid in other.run(os.getpid).values():  # every result is gone before it is asked for
            os.kill(pid, signal.SIGKILL)
        found.extend(finished)
    assert sorted(found) == [(point, point) for point in points]


def test_a_dask_scheduler_that_does_not_answer_is_named(monkeypatch):
    require("distributed")
    monkeypatch.setattr("symlstm.exploration.workers.TIMEOUT", 0.5)
    with pytest.raises(ValueUnusable, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        small(dask="tcp://127.0.0.1:9")
