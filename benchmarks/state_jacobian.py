"""The state Jacobian of the LSTM: the closed form, in plain NumPy and with Numba, against automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import symlstm as sl
from benchmarks.timing import in_turn, shown

SIZES = (128, 512, 1024)
INPUTS = 64


def _torch_candidates(
    p: dict[str, np.ndarray], x: np.ndarray, h: np.ndarray, c: np.ndarray
) -> dict[str, Callable[[], Any]]:
    import torch

    w = {name: torch.from_numpy(np.array(value)) for name, value in p.items()}
    x_, s = torch.from_numpy(x), torch.from_numpy(np.concatenate([h, c]))
    n = len(h)

    def step(state: Any) -> Any:
        hx = torch.cat([state[:n], x_])
        f, i, o = (torch.sigmoid(w[f"W_{g}"] @ hx + w[f"b_{g}"]) for g in "fio")
        new_c = f * state[n:] + i * torch.tanh(w["W_c"] @ hx + w["b_c"])
        return torch.cat([o * torch.tanh(new_c), new_c])

    return {
        "torch.func.jacrev": lambda: torch.func.jacrev(step)(s),
        "torch.func.jacfwd": lambda: torch.func.jacfwd(step)(s),
    }


def _jax_candidates(
    p: dict[str, np.ndarray], x: np.ndarray, h: np.ndarray, c: np.ndarray
) -> dict[str, Callable[[], Any]]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    w = {name: jnp.asarray(value) for name, value in p.items()}
    x_, s = jnp.asarray(x), jnp.asarray(np.concatenate([h, c]))
    n = len(h)

    def step(state: Any) -> Any:
        hx = jnp.concatenate([state[:n], x_])
        f, i, o = (jax.nn.sigmoid(w[f"W_{g}"] @ hx + w[f"b_{g}"]) for g in "fio")
        new_c = f * state[n:] + i * jnp.tanh(w["W_c"] @ hx + w["b_c"])
        return jnp.concatenate([o * jnp.tanh(new_c), new_c])

    forward, reverse = jax.jit(jax.jacfwd(step)), jax.jit(jax.jacrev(step))
    return {
        "jit(jax.jacfwd)": lambda: forward(s).block_until_ready(),
        "jit(jax.jacrev)": lambda: reverse(s).block_until_ready(),
    }


def table(sizes: Sequence[int] = SIZES, rounds: int = 15) -> str:
    """A Markdown table: medians, how many times slower than the exported module each peer is, and plain copying."""
    lines = ["| n | who | median | times symlstm's |", "|---|---|---|---|"]
    for n in sizes:
        cell = sl.cell("lstm")
        p = sl.parameters(cell, n=n, m=INPUTS, rng=0)
        rng = np.random.default_rng(1)
        x, h, c = rng.normal(size=INPUTS), rng.normal(size=n), rng.normal(size=n)
        k = sl.compile(cell)
        module: dict[str, Any] = {}
        exec(compile(k.source, "lstm_numpy.py", "exec"), module)  # what `symlstm export lstm` writes
        fast = sl.compile(cell, backend="numba")
        given = p, x, (h, c)
        ours = module["state_jacobian"](*given)
        target = np.empty_like(ours)
        candidates: dict[str, Callable[[], Any]] = {
            "symlstm": partial(module["state_jacobian"], *given),
            "symlstm, inputs checked": partial(k.state_jacobian, *given),
            "symlstm, Numba": partial(fast._functions["state_jacobian"], *given),  # what the next one calls
            "symlstm, Numba, inputs checked": partial(fast.state_jacobian, *given),
            "symlstm, Numba, out=": partial(fast._functions["state_jacobian"], *given, np.empty_like(ours)),
            "copying the same bytes": partial(np.copyto, target, ours),
            "copying them into a new array": ours.copy,
            **_torch_candidates(p, x, h, c),
            **_jax_candidates(p, x, h, c),
        }
        for name, run in candidates.items():
            if not name.startswith("copying"):
                np.testing.assert_allclose(np.asarray(run()), ours, rtol=1e-9, atol=1e-12)
        taken = in_turn(candidates, rounds=rounds, budget=40)
        for name, timing in taken.items():
            ratio = timing.times_slower_than(taken["symlstm"])
            lines.append(f"| {n} | {name} | {shown(timing.median)} | {ratio:.2f} |")
    return "\n".join(lines)
