"""Files of weights: layers are found by names and shapes, nothing is run, and what is wrong is said."""

import pickle
import warnings

import numpy as np
import pytest
from typer.testing import CliRunner

import symlstm as sl
from symlstm.cli import app
from symlstm.errors import SymlstmError
from tests.checking.bench import source
from tests.convert.test_convert import weights
from tests.support.frameworks import require


@pytest.mark.parametrize("convention", ["torch", "keras", "flax", "onnx", "cs231n", "coursera", "separate", "symlstm"])
def test_an_lstm_is_found_in_every_convention(convention, tmp_path):
    own = weights("symlstm", "lstm")
    made = {f"model/rnn/{name}": a for name, a in sl.convert(own, "symlstm", convention).items()}
    np.savez(tmp_path / "w.npz", other=np.ones(3), **made)
    (layer,) = sl.read_checkpoint(tmp_path / "w.npz")
    assert (layer.name, layer.cell, layer.convention, layer.n, layer.m) == ("model/rnn", "lstm", convention, 3, 4)
    assert all(np.array_equal(layer.parameters[name], own[name]) for name in own)


def test_layers_and_directions_of_torch(tmp_path):
    torch = require("torch")
    module = torch.nn.Sequential(torch.nn.GRU(4, 3, num_layers=2, bidirectional=True), torch.nn.Linear(6, 2))
    torch.save({"model": module.state_dict(), "epoch": 3}, tmp_path / "w.pt")
    layers = sl.read_checkpoint(tmp_path / "w.pt")
    assert [(x.name, x.cell, x.level, x.direction, x.m) for x in layers] == [
        ("model.0", "gru", level, direction, m) for level, m in ((0, 4), (1, 6)) for direction in ("forward", "reverse")
    ]
    kept = {name: a.numpy() for name, a in module.state_dict().items()}
    n = kept["0.weight_hh_l0"][6:]
    np.testing.assert_array_equal(layers[0].parameters["U_n"], n)


def test_safetensors_and_keras_files_are_read(tmp_path):
    require("torch")
    require("h5py")
    keras = require("keras")
    numpy = require("safetensors.numpy")
    numpy.save_file(weights("torch", "lstm"), tmp_path / "w.safetensors")
    assert sl.read_checkpoint(tmp_path / "w.safetensors")[0].cell == "lstm"
    layers = [keras.layers.LSTM(3, return_sequences=True), keras.layers.Bidirectional(keras.layers.GRU(2))]
    model = keras.Sequential([keras.Input((None, 4)), *layers])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Keras's own, when it writes
        model.save_weights(tmp_path / "w.weights.h5")
        model.save(tmp_path / "w.keras")
    for name in ("w.weights.h5", "w.keras"):
        found = {(x.cell, x.direction): x for x in sl.read_checkpoint(tmp_path / name)}
        assert set(found) == {("lstm", "forward"), ("gru", "forward"), ("gru", "reverse")}
        kernel = layers[1].backward_layer.cell.kernel.value.detach().numpy()
        np.testing.assert_array_equal(found["gru", "reverse"].parameters["W_z"], kernel[:, :2].T)


class Runs:
    """What a pickle may hold: code that is run when it is read."""

    def __reduce__(self):
        return (pytest.fail, ("a checkpoint was unpickled",))


def test_nothing_is_unpickled(tmp_path):
    torch = require("torch")
    with open(tmp_path / "w.pkl", "wb") as file:
        pickle.dump(Runs(), file)
    np.savez(tmp_path / "w.npz", W=np.array([Runs()], dtype=object))
    torch.save({"weight": Runs()}, tmp_path / "w.pt")
    for name in ("w.pkl", "w.npz", "w.pt"):
        with pytest.raises(SymlstmError, match="would run"):
            sl.read_checkpoint(tmp_path / name)


def test_unusable_files_are_explained(tmp_path):
    for name in ("w.npz", "w.pt", "w.onnx", "w.safetensors", "w.keras"):
        require({"pt": "torch", "npz": "numpy", "keras": "h5py"}.get(name.split(".")[1], name.split(".")[1]))
        (tmp_path / name).write_bytes(b"PK nothing of the kind")
        with pytest.raises(SymlstmError, match=f"{name} cannot be read"):
            sl.read_checkpoint(tmp_path / name)
    with pytest.raises(SymlstmError, match="there is no file"):
        sl.read_checkpoint(tmp_path / "none.npz")
    with pytest.raises(SymlstmError, match="is not a file of weights"):
        sl.read_checkpoint(tmp_path / "w.txt")
    np.savez(tmp_path / "w.npz", a=np.ones(3))
    with pytest.raises(SymlstmError, match=r"w.npz has no recurrent layer among a"):
        sl.read_checkpoint(tmp_path / "w.npz")


def test_the_command_converts(tmp_path):
    p = weights("torch", "lstm")
    np.savez(tmp_path / "in.npz", **{f"lstm.{name}": a for name, a in p.items()}, extra=np.ones(2))
    done = CliRunner().invoke(
        app, ["convert", str(tmp_path / "in.npz"), "-o", str(tmp_path / "out.npz"), "--to", "keras"]
    )
    assert done.exit_code == 0, done.output
    assert "lstm: lstm, from torch to keras" in done.stderr and "kept as they are: extra" in done.stderr
    with np.load(tmp_path / "out.npz") as made:
        assert set(made) == {"lstm.kernel", "lstm.recurrent_kernel", "lstm.bias", "extra"}
        np.testing.assert_array_equal(made["lstm.kernel"], p["weight_ih_l0"].T)
    wrong = CliRunner().invoke(
        app, ["convert", str(tmp_path / "in.npz"), "-o", str(tmp_path / "o.txt"), "--to", "keras"]
    )
    assert wrong.exit_code == 2 and not (tmp_path / "o.txt").exists()


def test_the_command_writes_the_conversion_of_a_convention_that_it_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = source("cs231n") + (
        "\ndef example(n, m, batch, rng):\n    d = rng.standard_normal\n"
        "    return d((batch, m)), d((batch, n)), d((batch, n)), d((m, 4 * n)), d((n, 4 * n)), d(4 * n)\n"
    )
    (tmp_path / "mine.py").write_text(text)
    command = ["check", "mine.py:step", "--example", "mine.py:example", "--conversion", "torch", "-o", "convert.py"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    space = {}
    exec((tmp_path / "convert.py").read_text(), space)
    p = weights("cs231n", "lstm")
    made, wanted = space["convert"](p), sl.convert(p, "cs231n", "torch")
    assert all(np.array_equal(made[name], wanted[name]) for name in wanted)
