"""The state Jacobian at n = 64 against automatic differentiation, which knows nothing of closed forms."""

import numpy as np
import pytest

import symlstm as sl
from tests.flow.numbers import states_of
from tests.support.frameworks import require


def lstm(torch, p, x, s):
    h, c = s[:64], s[64:]
    hx = torch.cat([h, x])
    f, i, o = (torch.sigmoid(p[f"W_{g}"] @ hx + p[f"b_{g}"]) for g in "fio")
    c = f * c + i * torch.tanh(p["W_c"] @ hx + p["b_c"])
    return torch.cat([o * torch.tanh(c), c])


def gru(torch, p, x, h):
    r, z = (torch.sigmoid(p[f"W_{g}"] @ x + p[f"U_{g}"] @ h + p[f"b_{g}"]) for g in "rz")
    n = torch.tanh(p["W_n"] @ x + p["b_n"] + r * (p["U_n"] @ h + p["c_n"]))
    return (1 - z) * n + z * h


@pytest.mark.parametrize("name, step", [("lstm", lstm), ("gru", gru)])
def test_the_state_jacobian_is_that_of_autograd(name, step):
    torch = require("torch")
    rng = np.random.default_rng(0)
    cell = sl.cell(name)
    p, x, states = sl.parameters(cell, n=64, m=32, rng=rng), rng.normal(size=32), states_of(cell, 64, rng, 1.0)
    tensors = {k: torch.tensor(v) for k, v in p.items()}
    stacked = torch.tensor(np.concatenate(states))
    expected = torch.func.jacrev(lambda s: step(torch, tensors, torch.tensor(x), s))(stacked).numpy()
    k, directions = sl.compile(cell), rng.normal(size=(stacked.numel(), 7))
    assert np.max(np.abs(k.state_jacobian(p, x, states) - expected)) <= 1e-13
    product = k.jvp(p, x, states, directions)
    assert np.max(np.abs(product - expected @ directions)) <= 1e-13 * np.max(np.abs(directions)) * np.max(
        np.abs(product)
    )
