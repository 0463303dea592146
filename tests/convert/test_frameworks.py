"""Converted weights, run where they belong: torch, Keras, Flax, ONNX and the compiled cell agree."""

import numpy as np
import pytest

import symlstm as sl
from tests.convert.test_convert import weights
from tests.support.frameworks import require

T, BATCH, N, M = 5, 2, 3, 4
CELLS = {
    "torch": "lstm gru rnn",
    "keras": "lstm gru gru_reset_before rnn",
    "flax": "lstm gru rnn",
    "onnx": "lstm lstm_peephole gru gru_reset_before rnn",
}
CASES = [(framework, cell) for framework, cells in CELLS.items() for cell in cells.split()]


def run_torch(cell, p, x):
    torch = require("torch")
    made = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[cell](M, N).double()
    made.load_state_dict({name: torch.tensor(a) for name, a in p.items()})
    return made(torch.tensor(x))[0].detach().numpy()


def run_keras(cell, p, x):
    require("torch")
    keras = require("keras")
    kind = {"lstm": "LSTM", "rnn": "SimpleRNN"}.get(cell, "GRU")
    options = {"reset_after": cell == "gru"} if kind == "GRU" else {}
    layer = getattr(keras.layers, kind)(N, return_sequences=True, dtype="float64", **options)
    layer.build((BATCH, T, M))
    layer.set_weights([p["kernel"], p["recurrent_kernel"], p["bias"]])
    return np.swapaxes(layer(np.swapaxes(x, 0, 1)).detach().numpy(), 0, 1)


def run_flax(cell, p, x):
    require("jax")
    require("flax")
    from flax import linen

    made = {"lstm": linen.OptimizedLSTMCell, "gru": linen.GRUCell, "rnn": linen.SimpleCell}[cell](
        N, dtype=float, param_dtype=float
    )
    tree = {}
    for name, array in p.items():
        gate, kind = name.split(".")
        tree.setdefault(gate, {})[kind] = array
    carry = tuple(np.zeros((BATCH, N)) for _ in range(2)) if cell == "lstm" else np.zeros((BATCH, N))
    out = []
    for step in x:
        carry, y = made.apply({"params": tree}, carry, step)
        out.append(np.asarray(y))
    return np.stack(out)


def run_onnx(cell, p, x):
    onnx = require("onnx")
    require("onnxruntime")
    import onnxruntime
    from onnx import helper

    kind = {"rnn": "RNN"}.get(cell, "GRU" if "gru" in cell else "LSTM")
    options = {"linear_before_reset": int(cell == "gru")} if kind == "GRU" else {}
    inputs = ["X", "W", "R", "B"] + (["", "", "", "P"] if "P" in p else [])
    node = helper.make_node(kind, inputs, ["Y"], hidden_size=N, **options)
    single = {name: a.astype(np.float32) for name, a in p.items()}
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("X", 1, (T, BATCH, M))],
        [helper.make_tensor_value_info("Y", 1, (T, 1, BATCH, N))],
        [onnx.numpy_helper.from_array(a, name) for name, a in single.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": x.astype(np.float32)})[0][:, 0]


SINGLE = ("onnx", "keras")
"""onnxruntime takes float32 only; Keras computes matrix products of float64 in float32 on some backends."""
RUN = {"torch": run_torch, "keras": run_keras, "flax": run_flax, "onnx": run_onnx}


@pytest.mark.parametrize(("framework", "cell"), CASES, ids=lambda v: v)
def test_own_names_to_a_framework(framework, cell):
    p = weights("symlstm", cell)
    x = np.random.default_rng(1).standard_normal((T, BATCH, M))
    k = sl.compile(cell)
    wanted = k.run(p, x, k.zero_states(p, (BATCH,)))["h"]
    found = RUN[framework](cell, sl.convert(p, "symlstm", framework, cell=cell), x)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=3e-6 if framework in SINGLE else 1e-14)
