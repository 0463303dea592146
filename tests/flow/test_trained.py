"""`symlstm flow` on trained cells: without the framework that made them, and with the numbers that autograd gives."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.frameworks import require

HERE = Path(__file__).parent / "trained"
MODELS = {
    "lstm_forget_0.safetensors": ("lstm", "digits.npy", 8),
    "lstm_chrono_pixels.pt": ("lstm", "pixels.npy", 64),
    "lstm_keras.weights.h5": ("lstm", "digits.npy", 8),
    "gru.npz": ("gru", "digits.npy", 8),
    "gru.onnx": ("gru", "digits.npy", 8),
}
NEEDED = {"lstm_forget_0.safetensors": "safetensors", "lstm_keras.weights.h5": "h5py", "gru.onnx": "onnx"}
LAST = ["--batch-first", "--starts", "1", "--json", "--lags"]
RUN = """
import json, sys
from typer.testing import CliRunner
from symlstm.cli import app
found = {}
for name, arguments in json.loads(sys.stdin.read()).items():
    done = CliRunner().invoke(app, arguments)
    found[name] = json.loads(done.stdout) if not done.exit_code else done.output
loaded = [name for name in ("torch", "keras", "tensorflow", "jax", "onnxruntime") if name in sys.modules]
print(json.dumps({"found": found, "loaded": loaded}))
"""


@pytest.fixture(scope="module")
def reports():
    """Of every file whose reader is installed, in one process of its own."""
    asked = {}
    for name, (cell, data, steps) in MODELS.items():
        options = ["--checkpoint", str(HERE / name), "--data", str(HERE / data), *LAST, str(steps - 1)]
        asked[name] = ["flow", cell, *options]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def report_of(reports, name):
    if name in NEEDED:
        require(NEEDED[name])
    assert isinstance(reports["found"][name], dict), reports["found"][name]
    return reports["found"][name]


@pytest.mark.parametrize("name", MODELS)
def test_a_checkpoint_is_read_without_the_framework_that_made_it(reports, name):
    found = report_of(reports, name)
    assert found["steps"] == MODELS[name][2] and found["sizes"]["n"] == 16
    assert len(found["spectrum"]["exponents"]) == 20
    assert reports["loaded"] == []


def test_the_files_are_small_and_say_what_they_are():
    assert sum(path.stat().st_size for path in HERE.iterdir() if path.is_file()) < 500_000
    said = (HERE / "README.md").read_text()
    assert all(f"`{name}`" in said for name in (*MODELS, "digits.npy", "pixels.npy", "digit.csv"))
    assert set(json.loads((HERE / "accuracy.json").read_text())) == set(MODELS)
    np.testing.assert_array_equal(np.load(HERE / "digits.npy").reshape(20, 64, 1), np.load(HERE / "pixels.npy"))


def torch_cell(name):
    """The cell as torch's own LSTMCell or GRUCell in float64, its weights read by the library that wrote them."""
    torch = require("torch")
    if name.endswith(".h5"):
        with require("h5py").File(HERE / name) as file:  # kernel, recurrent kernel, bias; gates as in torch
            w, u, b = (np.asarray(file[f"layers/lstm/cell/vars/{k}"]).T for k in range(3))
        arrays = [w, u, b, np.zeros_like(b)]
    else:
        loaded = {
            "safetensors": lambda path: require("safetensors.torch").load_file(path),
            "pt": lambda path: torch.load(path, weights_only=True),
            "npz": np.load,
        }[name.rsplit(".", 1)[1]](HERE / name)
        arrays = [loaded[f"{key}_l0"] for key in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    kind = torch.nn.LSTMCell if MODELS[name][0] == "lstm" else torch.nn.GRUCell
    cell = kind(arrays[0].shape[1], 16).double()
    with torch.no_grad():
        for parameter, array in zip(cell.parameters(), arrays, strict=True):
            parameter.copy_(torch.as_tensor(array))
    return cell


def stacked(cell, x, s):
    """One step of torch's cell on the states in one vector."""
    torch = require("torch")
    if isinstance(cell, torch.nn.LSTMCell):
        return torch.cat(cell(x[None], (s[None, :16], s[None, 16:])), dim=1)[0]
    return cell(x[None], s[None])[0]


@pytest.mark.parametrize("name", [name for name in MODELS if not name.endswith(".onnx")])
@pytest.mark.parametrize("example", [0, 13])
def test_the_numbers_are_those_of_autograd(reports, name, example):
    torch = require("torch")
    found, cell = report_of(reports, name), torch_cell(name)
    x = torch.as_tensor(np.load(HERE / MODELS[name][1])[example]).double().requires_grad_()
    first = torch.zeros(32 if MODELS[name][0] == "lstm" else 16, dtype=torch.float64, requires_grad=True)
    s, jacobians = first, []
    for step in x:
        jacobians.append(torch.autograd.functional.jacobian(lambda v, step=step: stacked(cell, step, v), s).numpy())
        s = stacked(cell, step, s)
    s[:16].sum().backward()
    of_x, of_first = np.log(np.linalg.norm(x.grad.numpy(), axis=1)), first.grad.numpy()
    connected = found["connectivity"]
    np.testing.assert_allclose(np.array(connected["inputs"]["x"])[:, example], of_x, rtol=0, atol=1e-10)
    before = np.log(np.linalg.norm(of_first[:16]))
    np.testing.assert_allclose(connected["states"]["h_prev"][0][example], before, rtol=0, atol=1e-10)

    total = np.mean([np.linalg.slogdet(j)[1] for j in jacobians])
    np.testing.assert_allclose(np.sum(found["spectrum"]["exponents"][example]), total, rtol=1e-9)
    (lag,) = [row for row in found["lags"] if row["of"] == row["wrt"] == "h"]
    product = np.linalg.multi_dot(jacobians[:0:-1])[:16, :16]
    np.testing.assert_allclose(lag["log_total"][example], np.log(np.linalg.norm(product, 2)), rtol=0, atol=1e-9)
    shots = found["snapshots"]
    for place, index in enumerate(shots["steps"]):
        singular = np.linalg.svd(jacobians[index], compute_uv=False)
        np.testing.assert_allclose(shots["singular_values"][place][example], singular, rtol=0, atol=1e-12 * singular[0])


def test_one_gru_in_two_formats_has_one_report(reports):
    one, other = report_of(reports, "gru.npz"), report_of(reports, "gru.onnx")
    assert one["gates"] == other["gates"] and one["spectrum"] == other["spectrum"]
