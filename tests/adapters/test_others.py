"""Keras, Flax and ONNX layers, and files of weights."""

import numpy as np
import pytest
from typer.testing import CliRunner

import symlstm as sl
from symlstm.cli import app
from tests.convert.test_convert import weights
from tests.support.frameworks import require


def wrong(report):
    return [f.name for f in report.findings if f.severity == "wrong"]


@pytest.mark.parametrize(("kind", "cell"), [
    ("LSTMCell", "lstm"), ("OptimizedLSTMCell", "lstm"), ("GRUCell", "gru"), ("SimpleCell", "rnn"),
])  # fmt: skip
def test_flax_cells_are_right_forward_and_backward(kind, cell):
    require("jax")
    require("flax")
    from flax import linen

    report = sl.check(getattr(linen, kind)(features=7), cell)
    assert report.ok and not report.findings, str(report)
    assert {"dx", "dh_prev"} <= set(report.ulps)
    assert len([name for name in report.ulps if name.endswith("kernel")]) == {"lstm": 8, "gru": 6, "rnn": 2}[cell]


@pytest.mark.parametrize(("kind", "options", "cell"), [
    ("LSTM", {}, "lstm"), ("LSTM", {"use_bias": False, "go_backwards": True}, "lstm"), ("GRU", {}, "gru"),
    ("GRU", {"reset_after": False}, "gru_reset_before"), ("SimpleRNN", {}, "rnn"),
    ("SimpleRNN", {"activation": "relu"}, "rnn_relu"),
])  # fmt: skip
def test_keras_layers_are_right_or_imprecise_where_keras_computes_in_float32(kind, options, cell):
    require("torch")
    keras = require("keras")
    report = sl.check(getattr(keras.layers, kind)(8, **options), cell)
    assert set(wrong(report)) <= {"imprecise"}, str(report)
    if keras.backend.backend() == "torch" and kind == "LSTM":
        assert report.ok
    if keras.backend.backend() in ("torch", "jax"):
        names = {"dx", "dh_prev", "dkernel", "drecurrent_kernel"} | (
            {"dbias"} if options.get("use_bias", True) else set()
        )
        assert names <= set(report.ulps) and "gradients_not_checked" not in [f.name for f in report.findings]


def test_a_wrong_gradient_of_a_keras_layer_is_caught():
    torch = require("torch")
    keras = require("keras")
    if keras.backend.backend() != "torch":
        pytest.skip("written for the torch backend")

    class Scaled(keras.layers.LSTM):
        def call(self, sequences, initial_state=None, **more):
            h = initial_state[0]
            return super().call(sequences, [h.detach() + 0.5 * (h - h.detach()), initial_state[1]], **more)

    report = sl.check(Scaled(5), "lstm")
    assert wrong(report) == ["backward_wrong"] and report.findings[0].where == "dh_prev", str(report)
    assert torch.is_tensor(keras.ops.ones(1))


def numbers(value):
    return np.array(value.detach().numpy() if hasattr(value, "detach") else value)


def test_layers_are_run_at_their_own_sizes_on_their_own_weights():
    require("torch")
    keras = require("keras")
    layer = keras.layers.LSTM(9)
    layer(np.zeros((1, 2, 6), dtype="float32"))
    before = [numbers(w.value) for w in layer.weights]
    report = sl.check(layer, "lstm")
    assert "output (n = 9, m = 6, its own weights)" in report.ulps
    assert all(np.array_equal(a, numbers(w.value)) for a, w in zip(before, layer.weights, strict=True))
    require("flax")
    jax = require("jax")
    from flax import linen

    cell = linen.GRUCell(features=7)
    carry, x = np.zeros((2, 7)), np.zeros((2, 6))
    variables = cell.init(jax.random.PRNGKey(0), carry, x)
    assert "dx (n = 7, m = 6, its own weights)" in sl.check((cell, variables), "gru").ulps


def test_keras_layers_that_are_variants_are_named():
    require("torch")
    keras = require("keras")
    report = sl.check(keras.layers.GRU(4), "gru_reset_before")
    assert wrong(report)[0] == "variant" and "this is gru, not gru_reset_before" in report.findings[0].message


def onnx_model(kind, peepholes=False, **options):
    onnx = require("onnx")
    helper = onnx.helper
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    directions = 2 if options.get("direction") == "bidirectional" else 1
    rng = np.random.default_rng(0)
    shapes = {"W": (gates * 5, 6), "R": (gates * 5, 5), "B": (gates * 10,)} | ({"P": (15,)} if peepholes else {})
    arrays = {n: rng.standard_normal((directions, *s)).astype(np.float32) for n, s in shapes.items()}
    inputs = ["X", "W", "R", "B"] + (["", "", "", "P"] if peepholes else [])
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, ["Y"], name="layer", hidden_size=5, **options)],
        "g",
        [helper.make_tensor_value_info("X", 1, None)],
        [helper.make_tensor_value_info("Y", 1, None)],
        [onnx.numpy_helper.from_array(a, n) for n, a in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)]), arrays


ONNX = {
    "LSTM": ({"kind": "LSTM"}, "lstm", []),
    "LSTM, both directions": ({"kind": "LSTM", "direction": "bidirectional"}, "lstm", []),
    "LSTM, reverse, peepholes": ({"kind": "LSTM", "direction": "reverse", "peepholes": True}, "lstm_peephole", []),
    "LSTM, batch first": ({"kind": "LSTM", "layout": 1}, "lstm", []),
    "GRU": ({"kind": "GRU"}, "gru_reset_before", []),
    "GRU, reset after": ({"kind": "GRU", "linear_before_reset": 1, "direction": "bidirectional"}, "gru", []),
    "GRU for another": ({"kind": "GRU"}, "gru", ["variant"]),
    "RNN": ({"kind": "RNN"}, "rnn", []),
    "RNN, relu": ({"kind": "RNN", "activations": ["Relu"]}, "rnn_relu", []),
    "hard sigmoid": ({"kind": "LSTM", "activations": ["HardSigmoid", "Tanh", "Tanh"]}, "lstm", ["variant"]),
    "clip": ({"kind": "LSTM", "clip": 1.0}, "lstm", ["variant"]),
    "coupled": ({"kind": "LSTM", "input_forget": 1}, "lstm", ["variant"]),
}


@pytest.mark.parametrize("case", ONNX)
def test_nodes_of_onnx(case):
    require("onnxruntime")
    options, cell, expected = ONNX[case]
    model, _ = onnx_model(**options)
    report = sl.check(model, cell)
    assert wrong(report) == expected, str(report)
    assert "weights_not_checked" in [f.name for f in report.findings]


def test_the_command_takes_a_model_and_reads_its_weights(tmp_path, monkeypatch):
    onnx = require("onnx")
    monkeypatch.chdir(tmp_path)
    model, arrays = onnx_model("GRU", direction="bidirectional", linear_before_reset=1)
    onnx.save(model, "model.onnx")
    forward, reverse = sl.read_checkpoint("model.onnx")
    assert (forward.cell, forward.direction, reverse.direction) == ("gru", "forward", "reverse")
    np.testing.assert_array_equal(reverse.parameters["W_r"], arrays["W"][1, 5:10])
    assert CliRunner().invoke(app, ["check", "model.onnx", "--cell", "gru"]).exit_code == 0
    done = CliRunner().invoke(app, ["check", "model.onnx", "--cell", "lstm"])
    assert done.exit_code == 1 and "this is gru, not lstm" in done.stdout


def test_weights_alone(tmp_path):
    p = weights("torch", "lstm", n=30, m=4)
    np.savez(tmp_path / "w.npz", **p)
    report = sl.check(str(tmp_path / "w.npz"), "lstm")
    assert report.ok and {f.name for f in report.findings} == {"not_checked", "part"}
    assert "torch, lstm, gates i, f, c, o, n = 30" in report.convention
    assert {"h of the layer", "c of the layer"} == set(report.ulps)


DEFECTS = {
    "NaN": ("weight_ih_l0", lambda a: a.__setitem__((0, 0), np.nan), ["not_finite"]),
    "zeros": ("weight_hh_l0", lambda a: a.__imul__(0), ["zero"]),
}


@pytest.mark.parametrize("case", DEFECTS)
def test_weights_that_cannot_be_right(case, tmp_path):
    name, change, expected = DEFECTS[case]
    p = weights("torch", "gru")
    change(p[name])
    np.savez(tmp_path / "w.npz", **p)
    report = sl.check(str(tmp_path / "w.npz"), "gru")
    assert wrong(report) == expected and name in report.findings[0].message


def test_a_gate_copied_over_another_and_another_cell(tmp_path):
    p = weights("symlstm", "lstm")
    p["W_i"] = p["W_f"]
    np.savez(tmp_path / "w.npz", **p)
    report = sl.check(str(tmp_path / "w.npz"), "lstm")
    assert wrong(report) == ["gates_alike"] and "W_f and W_i are equal" in report.findings[0].message
    assert "another_cell" in wrong(sl.check(str(tmp_path / "w.npz"), "gru"))
