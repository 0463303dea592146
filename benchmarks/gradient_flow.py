"""How gradients flow: J, J V and Lyapunov exponents of an LSTM (float64), beside torch.func and jit-compiled JAX."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

import symlstm as sl
from benchmarks.timing import in_turn, shown

INPUTS, GATES = 8, "fico"
Runs = dict[str, Callable[[], Any]]


@dataclass(frozen=True)
class Problem:
    """Parameters, a sequence, and directions (2n, count) to start with."""

    n: int
    steps: int
    count: int

    @cached_property
    def p(self) -> dict[str, np.ndarray[Any, Any]]:
        return dict(sl.parameters("lstm", n=self.n, m=INPUTS, rng=0))

    @cached_property
    def x(self) -> np.ndarray[Any, Any]:
        return np.random.default_rng(1).normal(size=(self.steps, INPUTS))

    @cached_property
    def directions(self) -> np.ndarray[Any, Any]:
        first = np.random.default_rng(0).standard_normal((self.count, 2 * self.n))
        return np.ascontiguousarray(np.linalg.qr(first.T)[0])

    def stacked(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """The weights on h of all gates (4n, n), and what comes from the inputs (T, 4n)."""
        weights = np.concatenate([self.p[f"W_{g}"] for g in GATES])
        biases = np.concatenate([self.p[f"b_{g}"] for g in GATES])
        return np.ascontiguousarray(weights[:, : self.n]), self.x @ weights[:, self.n :].T + biases


def in_torch(given: Problem) -> dict[str, Callable[[], Any]]:
    """One step, gates stacked, the inputs multiplied before: J, J V, and the exponents with J formed at each step."""
    import torch

    weights, from_x = (torch.from_numpy(a) for a in given.stacked())
    n, first = given.n, torch.from_numpy(given.directions)

    def step(s: Any, one: Any) -> Any:
        f, i, candidate, o = torch.chunk(weights @ s[:n] + one, 4)
        c = torch.sigmoid(f) * s[n:] + torch.sigmoid(i) * torch.tanh(candidate)
        return torch.cat([torch.sigmoid(o) * torch.tanh(c), c])

    def twice(s: Any, one: Any) -> Any:
        new = step(s, one)
        return new, new

    def product(s: Any, one: Any, directions: Any) -> Any:
        def jvp(v: Any) -> Any:
            return torch.func.jvp(lambda s: step(s, one), (s,), (v,))

        new, found = torch.func.vmap(jvp, in_dims=1, out_dims=(0, 1))(directions)
        return found, new[0]

    def exponents(of_step: Callable[..., Any]) -> Any:
        s, directions, sums = torch.zeros(2 * n, dtype=first.dtype), first, torch.zeros(given.count, dtype=first.dtype)
        for one in from_x:
            directions, s = of_step(s, one, directions)
            directions, triangle = torch.linalg.qr(directions)
            sums += triangle.diagonal().abs().log()
        return (sums / given.steps).numpy()

    def formed(s: Any, one: Any, directions: Any) -> Any:
        jacobian, new = torch.func.jacrev(twice, has_aux=True)(s, one)
        return jacobian @ directions, new

    s = torch.zeros(2 * n, dtype=first.dtype)
    return {
        "jacrev": lambda: torch.func.jacrev(step)(s, from_x[0]).numpy(),
        "jvp": lambda: product(s, from_x[0], first)[0].numpy(),
        "exponents, jacrev": lambda: exponents(formed),
        "exponents, jvp": lambda: exponents(product),
    }


def in_jax(given: Problem) -> dict[str, Callable[[], Any]]:
    """The same under jit; exponents in one scan: the cell as its equations are, and with gates stacked by hand."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    n, p, x = given.n, {k: jnp.asarray(v) for k, v in given.p.items()}, jnp.asarray(given.x)
    weights, from_x = (jnp.asarray(a) for a in given.stacked())
    first, zero = jnp.asarray(given.directions), jnp.zeros(2 * n)

    def plain(s: Any, one: Any) -> Any:
        hx = jnp.concatenate([s[:n], one])
        f, i, o = (jax.nn.sigmoid(p[f"W_{g}"] @ hx + p[f"b_{g}"]) for g in "fio")
        c = f * s[n:] + i * jnp.tanh(p["W_c"] @ hx + p["b_c"])
        return jnp.concatenate([o * jnp.tanh(c), c])

    def stacked(s: Any, one: Any) -> Any:
        f, i, candidate, o = jnp.split(weights @ s[:n] + one, 4)
        c = jax.nn.sigmoid(f) * s[n:] + jax.nn.sigmoid(i) * jnp.tanh(candidate)
        return jnp.concatenate([jax.nn.sigmoid(o) * jnp.tanh(c), c])

    def by_jvp(step: Any, s: Any, one: Any, directions: Any) -> Any:
        def jvp(v: Any) -> Any:
            return jax.jvp(lambda s: step(s, one), (s,), (v,))

        return jax.vmap(jvp, in_axes=1, out_axes=(None, 1))(directions)

    def linearized(step: Any, s: Any, one: Any, directions: Any) -> Any:
        new, product = jax.linearize(lambda s: step(s, one), s)
        return new, jax.vmap(product)(directions.T).T

    def exponents(of_step: Any, step: Any, xs: Any) -> Callable[[], Any]:
        def run(xs: Any, s: Any, directions: Any) -> Any:
            def body(carried: Any, one: Any) -> Any:
                new, directions = of_step(step, carried[0], one, carried[1])
                directions, triangle = jnp.linalg.qr(directions)
                return (new, directions), jnp.log(jnp.abs(jnp.diagonal(triangle)))

            return jax.lax.scan(body, (s, directions), xs)[1].mean(axis=0)

        compiled = jax.jit(run)
        return lambda: np.asarray(compiled(xs, zero, first))

    forward, product = jax.jit(jax.jacfwd(stacked)), jax.jit(partial(by_jvp, stacked))

    def products(weights: Any, directions: Any) -> Any:
        """A step's product of the stacked weights and all directions, as many times as there are steps."""

        def body(v: Any, one: Any) -> Any:
            return (weights @ v)[:n] / n + 0.1 * one[0], None

        return jax.lax.scan(body, directions, from_x)[0]

    compiled = jax.jit(products)
    return {
        "products": lambda: np.asarray(compiled(weights, first[:n])),
        "jacfwd": lambda: np.asarray(forward(zero, from_x[0])),
        "jvp": lambda: np.asarray(product(zero, from_x[0], first)[1]),
        "exponents, jvp": exponents(by_jvp, plain, x),
        "exponents, stacked by hand": exponents(linearized, stacked, from_x),
    }


def one_step(n: int, count: int, rounds: int) -> list[str]:
    """Rows: the state Jacobian, and its product with some directions."""
    given = Problem(n, 2, count)
    k, torch, jax = sl.compile("lstm"), in_torch(given), in_jax(given)
    arguments = given.p, given.x[0], (np.zeros(n), np.zeros(n))
    rows = []
    for what, runs in (
        ("J", {"symlstm": partial(k.state_jacobian, *arguments), "torch.func.jacrev": torch["jacrev"],
               "jit(jax.jacfwd)": jax["jacfwd"]}),
        (f"J V, {count} directions", {"symlstm": partial(k.jvp, *arguments, given.directions),
                                      "torch.func.jvp": torch["jvp"], "jit(jax.jvp)": jax["jvp"]}),
    ):  # fmt: skip
        rows += _rows(f"{what}, n = {n}", runs, rounds, agree=1e-12)
    return rows


def exponents(n: int, count: int, steps: int, peers: Sequence[str], rounds: int, budget: float) -> list[str]:
    """Rows: so many exponents over so many steps; torch runs a tenth of the steps, and its time is taken ten times."""
    given = Problem(n, steps, count)
    jax = in_jax(given)
    few = Problem(n, max(1, steps // 10), count)
    torch = in_torch(few)
    factors = {}
    runs: Runs = {
        name: lambda backend=backend: sl.lyapunov("lstm", given.p, given.x, count=count, backend=backend).exponents
        for name, backend in OURS.items()
    }
    if count < 2 * n:
        runs[PRODUCTS] = jax["products"]
    for name in peers:
        library, _, way = name.partition(": ")
        runs[name] = (torch if library == "torch" else jax)[f"exponents, {way}"]
        factors[name] = steps / few.steps if library == "torch" else 1.0
    short = sl.lyapunov("lstm", few.p, few.x, count=count).exponents
    what = f"{'all' if count == 2 * n else 'leading'} {count} exponents, n = {n}, {steps} steps"
    return _rows(what, runs, rounds, budget, 1e-7, factors, short)


def _rows(
    what: str, runs: Runs, rounds: int, budget: float = 20.0, agree: float = 0.0,
    factors: dict[str, float] | None = None, short: Any = None,
) -> list[str]:  # fmt: skip
    """All candidates compared, then timed in turn."""
    first = np.asarray(runs["symlstm"]())
    factors = factors or {}
    for name, run in runs.items():
        if name == PRODUCTS:
            continue
        expected = first if factors.get(name, 1.0) == 1.0 else short
        found = np.asarray(run())
        if found.ndim == 1:  # exponents, in the order of the directions
            found = np.sort(found)[::-1]
        apart = np.max(np.abs(found - expected))
        assert apart <= agree * max(1.0, float(np.max(np.abs(expected)))), f"{what}, {name}: {apart:.1e} apart"
    taken = in_turn(runs, rounds=rounds, budget=budget)
    rows = []
    for name, timing in taken.items():
        factor = factors.get(name, 1.0)
        ratios = [f"{factor * timing.times_slower_than(taken[ours]):.2f}" if ours in taken else "" for ours in OURS]
        rows.append(f"| {what} | {name} | {shown(factor * timing.median)} | {' | '.join(ratios)} |")
    return rows


PEAK = """
import sys, numpy as np, symlstm as sl
steps = int(sys.argv[1])
x = np.memmap(sys.argv[2], dtype=float, mode="r", shape=(steps, 8))
p = sl.parameters("lstm", n=64, m=8, rng=0)
found = sl.lyapunov("lstm", p, x, count=10)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))  # of this process alone
print(int(peak.split()[1]) / 1024)
"""


def memory(steps: Sequence[int]) -> str:
    """Peak memory of whole processes that run so many steps at n = 64, and how long the longest took."""
    rows = ["| steps | seconds | peak of the process |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for count in steps:
            path = Path(folder) / f"{count}.bin"
            np.random.default_rng(0).normal(size=(count, INPUTS)).tofile(path)
            start = time.perf_counter()
            told = subprocess.run(
                [sys.executable, "-c", PEAK, str(count), str(path)], check=True, capture_output=True, text=True
            ).stdout
            seconds = time.perf_counter() - start
            rows.append(f"| {count} | {seconds:.1f} | {float(told.split()[0]):.0f} MB |")
    return "\n".join(rows)


PRODUCTS = "the products alone, in JAX"
OURS = {"symlstm": "numpy", "symlstm, Numba": "numba"}
LEADING = ("torch: jacrev", "torch: jvp", "jax: jvp", "jax: stacked by hand")
FULL = ("torch: jacrev", "jax: jvp", "jax: stacked by hand")


def table(
    size: int = 256, count: int = 10, steps: int = 500, full: Sequence[int] = (32, 128), rounds: int = 7,
    budget: float = 60.0, long: Sequence[int] = (1000, 100_000),
) -> str:  # fmt: skip
    """A Markdown table of times, and one of peak memory."""
    lines = ["| | who | median | times symlstm's | times symlstm's with Numba |", "|---|---|---|---|---|"]
    lines += one_step(size, count, rounds)
    lines += exponents(size, count, steps, LEADING, rounds, budget)
    for n in full:
        lines += exponents(n, 2 * n, max(2, steps if n <= 64 else steps // 5), FULL, rounds, budget)
    said = (
        "All compute the same numbers (compared before); inputs of `symlstm` are checked; no batch. `jax: jvp` "
        "is the cell as its equations are, under vmap, scan and jit; `stacked by hand` has the gates as one product, "
        "the inputs multiplied before the scan, and one linearization a step; `the products alone` is a scan over the "
        "product of the stacked weights and all directions, and nothing else. PyTorch runs a tenth of the steps, and "
        "its time is multiplied. Below, the ten leading exponents at n = 64 in one go, the sequence on disk, each in a "
        "process of its own:"
    )
    return "\n".join([*lines, "", said, "", memory(long)])
