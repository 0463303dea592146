"""Trains three small LSTMs and a GRU on scikit-learn's digits, and writes their weights and some of the data here.

    pip install 'symlstm[train]' && python -m tests.flow.trained.train

The weights are test data: `symlstm flow` reads them without the framework that made them. Digits are 8 x 8 images with
values 0 to 16, divided by 16: read row by row (8 steps of 8 numbers), or pixel by pixel (64 steps of one).
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
UNITS, SEED, EPOCHS, RATE, BATCH = 16, 0, 30, 0.01, 64
SHOWN = 20
"""So many held-out digits are kept as data."""


def digits():
    """(training images, their digits, held-out images, their digits); images (N, 8, 8) from 0 to 1."""
    from sklearn.datasets import load_digits

    found = load_digits()
    order = np.random.default_rng(SEED).permutation(len(found.target))
    images, target = (found.images[order] / 16).astype(np.float32), found.target[order]
    return images[:1500], target[:1500], images[1500:], target[1500:]


def forget_bias(layer, n, values):
    """Sets the forget bias of a torch LSTM, whose gates are i, f, g, o, in two vectors that are added."""
    import torch

    with torch.no_grad():
        layer.bias_ih_l0[n : 2 * n] = torch.as_tensor(values, dtype=torch.float32)
        layer.bias_hh_l0[n : 2 * n] = 0.0


def chrono(layer, n, longest):
    """b_f = log u, b_i = -b_f, u uniform from 1 to the longest dependency (Tallec and Ollivier, ICLR 2018)."""
    import torch

    drawn = np.log(np.random.default_rng(SEED).uniform(1, longest - 1, n))
    forget_bias(layer, n, drawn)
    with torch.no_grad():
        layer.bias_ih_l0[:n] = torch.as_tensor(-drawn, dtype=torch.float32)
        layer.bias_hh_l0[:n] = 0.0


def trained(layer, data, longest_epochs=EPOCHS):
    """The share of held-out digits that the layer and a linear map of its last h tell right, after training both."""
    import torch

    train_x, train_y, test_x, test_y = data
    head = torch.nn.Linear(UNITS, 10)
    optimiser = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=RATE)
    x, y = torch.as_tensor(train_x), torch.as_tensor(train_y)
    for _ in range(longest_epochs):
        for rows in torch.randperm(len(x)).split(BATCH):
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(head(layer(x[rows])[0][:, -1]), y[rows])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
            optimiser.step()
    with torch.no_grad():
        told = head(layer(torch.as_tensor(test_x))[0][:, -1]).argmax(axis=1).numpy()
    return float((told == test_y).mean())


def with_torch(rows, pixels):
    """The three of torch: .safetensors, .pt, .npz and .onnx."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    told = {}
    lstm = torch.nn.LSTM(8, UNITS, batch_first=True)
    forget_bias(lstm, UNITS, np.zeros(UNITS))
    told["lstm_forget_0.safetensors"] = trained(lstm, rows)
    save_file(lstm.state_dict(), HERE / "lstm_forget_0.safetensors")
    slow = torch.nn.LSTM(1, UNITS, batch_first=True)
    chrono(slow, UNITS, 64)
    told["lstm_chrono_pixels.pt"] = trained(slow, pixels)
    torch.save(slow.state_dict(), HERE / "lstm_chrono_pixels.pt")
    gru = torch.nn.GRU(8, UNITS, batch_first=True)
    told["gru.npz"] = told["gru.onnx"] = trained(gru, rows)
    np.savez_compressed(HERE / "gru.npz", **{name: a.numpy() for name, a in gru.state_dict().items()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        torch.onnx.export(gru, (torch.zeros(1, 8, 8),), HERE / "gru.onnx", dynamo=False, input_names=["x"])
    return told


def with_keras(rows):
    """The one of Keras: .weights.h5 (the forget bias starts at 1 there)."""
    import keras

    keras.utils.set_random_seed(SEED)
    train_x, train_y, test_x, test_y = rows
    body = keras.Sequential([keras.Input((8, 8)), keras.layers.LSTM(UNITS)])
    model = keras.Sequential([body, keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(RATE), loss, metrics=["accuracy"])
    model.fit(train_x, train_y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    body.save_weights(HERE / "lstm_keras.weights.h5")
    return {"lstm_keras.weights.h5": float(model.evaluate(test_x, test_y, verbose=0)[1])}


def main():
    """Trains all of them and writes everything."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    rows = digits()
    pixels = tuple(a.reshape(len(a), 64, 1) if a.ndim == 3 else a for a in rows)
    told = with_torch(rows, pixels) | with_keras(rows)
    np.save(HERE / "digits.npy", rows[2][:SHOWN])
    np.save(HERE / "pixels.npy", pixels[2][:SHOWN])
    header = ",".join(f"column {k}" for k in range(8))
    np.savetxt(HERE / "digit.csv", rows[2][0], fmt="%g", delimiter=",", header=header, comments="")
    (HERE / "accuracy.json").write_text(json.dumps(told, indent=2) + "\n")
    for name, share in told.items():
        print(f"{name}: {share:.1%} of the held-out digits")


if __name__ == "__main__":
    main()
