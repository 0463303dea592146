"""torch's own LSTM, GRU and RNN over whole sequences, with our parameters mapped in and the gradients mapped back."""

from __future__ import annotations

from tests.oracles.torch_cells import LAYOUTS, our_gradients, weights
from tests.support.frameworks import require


def run_and_gradients(cell, p, x, states, upstream):
    """(every h by name, last states by name, gradients by our names); x is (T, batch, m), states (batch, n).

    upstream: of h, (T, batch, n), and of the last c, (batch, n), which is the only one that torch shows.
    """
    torch = require("torch")
    layout, mapped = LAYOUTS[cell], weights(cell, p)
    n = mapped["weight_hh"].shape[1]
    dtype = torch.from_numpy(mapped["bias_ih"]).dtype
    module = getattr(torch.nn, layout.torch_class.removesuffix("Cell"))(x.shape[-1], n, dtype=dtype)
    with torch.no_grad():
        for name, value in mapped.items():
            getattr(module, f"{name}_l0").copy_(torch.from_numpy(value))
    x_leaf = torch.from_numpy(x.copy()).requires_grad_()
    leaves = [torch.from_numpy(s[None].copy()).requires_grad_() for s in states]
    rows, last = module(x_leaf, tuple(leaves) if len(leaves) > 1 else leaves[0])
    last = last if isinstance(last, tuple) else (last,)
    loss = (rows * torch.from_numpy(upstream["h"])).sum()
    if "c" in layout.states:
        loss = loss + (last[1][0] * torch.from_numpy(upstream["c"])).sum()
    loss.backward()
    gradients = our_gradients(cell, {w.removesuffix("_l0"): v.grad.numpy() for w, v in module.named_parameters()})
    gradients["x"] = x_leaf.grad.numpy()
    gradients |= {f"{name}_prev": s.grad.numpy()[0] for name, s in zip(layout.states, leaves, strict=True)}
    ends = {name: s.detach().numpy()[0] for name, s in zip(layout.states, last, strict=True)}
    return rows.detach().numpy(), ends, gradients
