"""Run every benchmark and write benchmarks/results.md."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import benchmarks.threads as threads  # before whatever imports NumPy
from benchmarks import checking, deriving, gradient_flow, growth, sequences, startup, state_jacobian
from symlstm.emit import write

PARTS = {
    "Starting": startup,
    "Deriving": deriving,
    "The state Jacobian of the LSTM (2n x 2n, float64, one example, 64 inputs)": state_jacobian,
    "The LSTM over a sequence": sequences,
    "How it grows": growth,
    "How gradients flow": gradient_flow,
    "Checking implementations": checking,
}


def main() -> None:
    """Print and write the tables."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "sympy", "numba", "torch", "jax"))
    text = (
        "# Measured\n\nOne run, candidates taking turns, medians; ratios are medians of round-by-round ratios. "
        f"Python {platform.python_version()}, {packages}; {os.cpu_count()} cores, "
        f"{threads.THREADS} threads for every library; NumPy's OpenBLAS ran its kernels for {threads.kernels()}. "
        "`make bench` writes this page anew.\n"
    )
    for title, part in PARTS.items():
        print(f"{title} ...", flush=True)
        table = part.table()
        print(table, flush=True)
        text += f"\n## {title}\n\n{(part.__doc__ or '').splitlines()[0]}\n\n{table}\n"
    write(Path(__file__).with_name("results.md"), text)


if __name__ == "__main__":
    main()
