"""The cells that torch does not ship, as straightforward torch code with its autograd."""

from __future__ import annotations

from tests.support.frameworks import require


def _lstm(t, p, x, h_prev, c_prev, peepholes=False):
    hx = t.cat([h_prev, x], dim=-1)
    z = {g: hx @ p[f"W_{g}"].T + p[f"b_{g}"] for g in "fico"}
    if peepholes:
        z["f"] = z["f"] + p["p_f"] * c_prev
        z["i"] = z["i"] + p["p_i"] * c_prev
    c = t.sigmoid(z["f"]) * c_prev + t.sigmoid(z["i"]) * t.tanh(z["c"])
    if peepholes:
        z["o"] = z["o"] + p["p_o"] * c
    return {"h": t.sigmoid(z["o"]) * t.tanh(c), "c": c}


def lstm_softmax(t, p, x, h_prev, c_prev):
    new = _lstm(t, p, x, h_prev, c_prev)
    return new | {"y": t.softmax(new["h"] @ p["W_y"].T + p["b_y"], dim=-1)}


def lstm_peephole(t, p, x, h_prev, c_prev):
    return _lstm(t, p, x, h_prev, c_prev, peepholes=True)


def lstm_projected(t, p, x, h_prev, c_prev):
    new = _lstm(t, p, x, h_prev, c_prev)
    return {"h": new["h"] @ p["W_h"].T, "c": new["c"]}


def rnn_relu(t, p, x, h_prev):
    return {"h": t.relu(x @ p["W"].T + h_prev @ p["U"].T + p["b"])}


def gru_reset_before(t, p, x, h_prev):
    r = t.sigmoid(x @ p["W_r"].T + h_prev @ p["U_r"].T + p["b_r"])
    z = t.sigmoid(x @ p["W_z"].T + h_prev @ p["U_z"].T + p["b_z"])
    h_tilde = t.tanh(x @ p["W_h"].T + (r * h_prev) @ p["U_h"].T + p["b_h"])
    return {"h": z * h_prev + (1 - z) * h_tilde}


PLAIN = {
    function.__name__: function
    for function in (lstm_softmax, lstm_peephole, lstm_projected, gru_reset_before, rnn_relu)
}


def forward_and_gradients(cell, p, x, states, upstream):
    """(states and outputs by name, gradients by name), as `torch_cells.forward_and_gradients`."""
    torch = require("torch")

    def leaf(array):
        return torch.from_numpy(array.copy()).requires_grad_()

    leaves = {name: leaf(value) for name, value in p.items()}
    previous = dict(zip((f"{name}_prev" for name in ("h", "c")), map(leaf, states), strict=False))
    x_leaf = leaf(x)
    new = PLAIN[cell](torch, leaves, x_leaf, *previous.values())
    sum((new[name] * torch.from_numpy(d)).sum() for name, d in upstream.items()).backward()
    gradients = {name: each.grad.numpy() for name, each in (leaves | previous | {"x": x_leaf}).items()}
    return {name: value.detach().numpy() for name, value in new.items()}, gradients
