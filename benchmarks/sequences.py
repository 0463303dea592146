"""The LSTM over a whole sequence: forward and all gradients (parameters, x, h_0, c_0), two threads each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import symlstm as sl
from benchmarks import threads
from benchmarks.timing import Timing, in_turn, shown

SHAPES = ((100, 32, 64, 128), (100, 32, 256, 256), (100, 1, 64, 128), (1000, 1, 32, 32), (50, 64, 512, 512))
"""T, B, m, n: steps, batch, inputs, states."""

AGREE = {"float64": 1e-10, "float32": 3e-5}
"""How far two candidates may be apart, relative to the largest entry of a gradient."""

OURS, PEERS = ("NumPy", "Numba"), ("torch.nn.LSTM", "jit(jax.lax.scan)", "GEMM limit")

Gradients = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Problem:
    """A sequence, and the gradient of a loss by every h_t. x: (T, B, m); h, c: (B, n); upstream: (T, B, n)."""

    p: dict[str, np.ndarray[Any, Any]]
    x: np.ndarray[Any, Any]
    h: np.ndarray[Any, Any]
    c: np.ndarray[Any, Any]
    upstream: np.ndarray[Any, Any]

    def stacked(self, gates: str) -> tuple[np.ndarray[Any, Any], ...]:
        """The weights of h (4n, n), of x (4n, m) and the biases (4n,), gates in the order given."""
        weights = np.concatenate([self.p[f"W_{g}"] for g in gates])
        n = self.h.shape[-1]
        biases = np.concatenate([self.p[f"b_{g}"] for g in gates])
        return np.ascontiguousarray(weights[:, :n]), np.ascontiguousarray(weights[:, n:]), biases


@dataclass(frozen=True)
class Candidate:
    """`run` is what is timed; `read` turns what it returns into gradients by the names of the cell."""

    run: Callable[[], Any]
    read: Callable[[Any], Gradients]


def problem(shape: Sequence[int], dtype: str) -> Problem:
    """Random numbers of a dtype, for (T, B, m, n)."""
    steps, batch, m, n = shape
    rng = np.random.default_rng(1)
    p = {name: a.astype(dtype) for name, a in sl.parameters(sl.cell("lstm"), n=n, m=m, rng=0).items()}
    sizes = [(steps, batch, m), (batch, n), (batch, n), (steps, batch, n)]
    return Problem(p, *(rng.normal(size=size).astype(dtype) for size in sizes))


def unstacked(gates: str, of_h: Any, of_x: Any, biases: Any, x: Any, h: Any, c: Any) -> Gradients:
    """Gradients of stacked weights by the names of the cell."""
    weights = np.split(np.concatenate([np.asarray(of_h), np.asarray(of_x)], axis=1), len(gates))
    found = {f"W_{g}": w for g, w in zip(gates, weights, strict=True)}
    found |= {f"b_{g}": b for g, b in zip(gates, np.split(np.asarray(biases), len(gates)), strict=True)}
    return found | {"x": np.asarray(x), "h_prev": np.asarray(h), "c_prev": np.asarray(c)}


def ours(given: Problem, backend: str) -> Candidate:
    k = sl.compile(sl.cell("lstm"), backend=backend)
    return Candidate(lambda: k.gradients(given.p, given.x, (given.h, given.c), {"h": given.upstream}), dict)


def in_torch(given: Problem) -> Candidate:
    """Its second vector of biases is zero: the cell has one."""
    import torch

    gates = "ifco"
    of_h, of_x, biases = (torch.from_numpy(a) for a in given.stacked(gates))
    lstm = torch.nn.LSTM(given.x.shape[-1], given.h.shape[-1], dtype=of_h.dtype)
    with torch.no_grad():
        for name, value in (("weight_hh", of_h), ("weight_ih", of_x), ("bias_ih", biases), ("bias_hh", 0 * biases)):
            getattr(lstm, f"{name}_l0").copy_(value)
    x, h, c = (torch.tensor(a, requires_grad=True) for a in (given.x, given.h[None], given.c[None]))
    wanted = [lstm.weight_hh_l0, lstm.weight_ih_l0, lstm.bias_ih_l0, x, h, c]
    upstream = torch.from_numpy(given.upstream)

    def run() -> Any:
        return torch.autograd.grad(lstm(x, (h, c))[0], wanted, upstream)

    def read(found: Any) -> Gradients:
        of_h, of_x, biases, d_x, d_h, d_c = (a.numpy() for a in found)
        return unstacked(gates, of_h, of_x, biases, d_x, d_h[0], d_c[0])

    return Candidate(run, read)


def in_jax(given: Problem) -> Candidate:
    """The four gates are one product, and that with the inputs is one for all steps."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    gates = "fico"
    arguments = [jnp.asarray(a) for a in (*given.stacked(gates), given.x, given.h, given.c)]
    upstream = jnp.asarray(given.upstream)

    def loss(of_h: Any, of_x: Any, biases: Any, x: Any, h: Any, c: Any, upstream: Any) -> Any:
        def step(state: Any, from_x: Any) -> Any:
            h, c = state
            f, i, candidate, o = jnp.split(h @ of_h.T + from_x, 4, axis=-1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(candidate)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        return jnp.sum(upstream * jax.lax.scan(step, (h, c), x @ of_x.T + biases)[1])

    gradients = jax.jit(jax.grad(loss, argnums=tuple(range(6))))

    def run() -> Any:
        return jax.block_until_ready(gradients(*arguments, upstream))

    return Candidate(run, lambda found: unstacked(gates, *found))


def gemm_limit(given: Problem) -> Callable[[], object]:
    """As many multiply-adds in three large products, (TB, m + n) by (m + n, 4n): one forward, two back; in NumPy."""
    (steps, batch, m), n, dtype = given.x.shape, given.h.shape[-1], given.x.dtype
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(steps * batch, m + n)).astype(dtype)
    weights = rng.normal(size=(m + n, 4 * n)).astype(dtype)
    out = np.empty((steps * batch, 4 * n), dtype)

    def run() -> None:
        for _ in range(3):
            np.matmul(rows, weights, out=out)

    return run


def require_agreement(found: dict[str, Gradients], tolerance: float) -> None:
    """AssertionError where a candidate has another gradient than the first."""
    first = next(iter(found.values()))
    for name, other in found.items():
        assert other.keys() == first.keys(), name
        for q, expected in first.items():
            assert other[q].dtype == expected.dtype, (name, q, other[q].dtype)
            apart = np.abs(other[q] - expected).max() / np.abs(expected).max()
            assert apart <= tolerance, f"{name}: the gradient of {q} is {apart:.1e} apart"


def measured(shape: Sequence[int], dtype: str, rounds: int, budget: float) -> dict[str, Timing]:
    """All candidates, compiled and compared first; fewer rounds where the budget (seconds) runs out."""
    given = problem(shape, dtype)
    torch, jax, limit = PEERS
    made = {name: ours(given, name.lower()) for name in OURS} | {torch: in_torch(given), jax: in_jax(given)}
    require_agreement({name: candidate.read(candidate.run()) for name, candidate in made.items()}, AGREE[dtype])
    timed = {name: candidate.run for name, candidate in made.items()}
    return in_turn(timed | {limit: gemm_limit(given)}, rounds=rounds, budget=budget)


def own_medians(
    shapes: Sequence[Sequence[int]], dtypes: Sequence[str], rounds: int, budget: float
) -> list[list[float]]:
    """Seconds of both backends, a row for each shape and dtype."""
    found = []
    for shape in shapes:
        for dtype in dtypes:
            given = problem(shape, dtype)
            runs = {name: ours(given, name.lower()).run for name in OURS}
            taken = in_turn(runs, rounds=rounds, budget=budget)
            found.append([taken[name].median for name in OURS])
    return found


def with_other_kernels(
    shapes: Sequence[Sequence[int]], dtypes: Sequence[str], rounds: int, budget: float, core: str = "Haswell"
) -> str:
    """A Markdown table: both backends where NumPy's OpenBLAS is told to run the kernels of another processor."""
    asked = f"sequences.own_medians({[list(s) for s in shapes]}, {list(dtypes)}, {rounds}, {budget})"
    medians = threads.with_kernels(core, f"from benchmarks import sequences; print(json.dumps({asked}))")
    lines = ["| T, B, m, n | dtype | NumPy | Numba |", "|---|---|---|---|"]
    rows = [(shape, dtype) for shape in shapes for dtype in dtypes]
    for (shape, dtype), row in zip(rows, medians, strict=True):
        lines.append(f"| {', '.join(map(str, shape))} | {dtype} | {' | '.join(map(shown, row))} |")
    said = (
        f"The tables above are with OpenBLAS's kernels for {threads.kernels()}. In a process of its own with "
        f"`{threads.CORE}={core}`:"
    )
    return "\n".join([said, "", *lines])


def table(
    shapes: Sequence[Sequence[int]] = SHAPES, dtypes: Sequence[str] = tuple(AGREE), rounds: int = 51, budget: float = 40
) -> str:
    """Two Markdown tables, of medians and of ratios; the budget (seconds) is that of one row."""
    columns = [f"{mine} / {peer}" for peer in PEERS for mine in OURS]
    medians = ["| T, B, m, n | dtype | " + " | ".join((*OURS, *PEERS)) + " |", "|---" * 7 + "|"]
    ratios = ["| T, B, m, n | dtype | " + " | ".join(columns) + " |", "|---" * 8 + "|"]
    for shape in shapes:
        for dtype in dtypes:
            taken = measured(shape, dtype, rounds, budget)
            row = f"| {', '.join(map(str, shape))} | {dtype} | "
            medians.append(row + " | ".join(shown(taken[name].median) for name in (*OURS, *PEERS)) + " |")
            against = [taken[mine].times_slower_than(taken[peer]) for peer in PEERS for mine in OURS]
            ratios.append(row + " | ".join(f"{ratio:.2f}" for ratio in against) + " |")
    said = (
        '`NumPy` and `Numba` are `gradients` with `backend="numpy"` and `"numba"`, inputs checked. GEMM limit: as many '
        "multiply-adds as forward and backward need, 3 T B 4n (m + n), in three large products, and nothing else. All "
        "were compiled before, and gave the same gradients (float64 to 1e-10 of the largest entry).\n\n"
        "Time of the first divided by that of the second; below 1 the first is faster:"
    )
    return "\n".join([*medians, "", said, "", *ratios, "", with_other_kernels(shapes, dtypes, rounds, budget / 8)])
