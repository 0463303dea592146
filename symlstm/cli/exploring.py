"""The command that sweeps over initialisations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from symlstm.cli.shared import CellName, explained, progress_bar, wrote

INTERRUPTED = 130
"""What a shell says of a program that Ctrl-C ended."""
VALUES = "0,1,2, or 0.5:8:16 for 16 values from 0.5 to 8"


def explore(
    cell: CellName,
    forget_bias: Annotated[str | None, typer.Option("--forget-bias", help=f"Values: {VALUES}.")] = None,
    chrono: Annotated[str | None, typer.Option("--chrono", help="T_max of chrono initialisations: 10,784.")] = None,
    gain: Annotated[str | None, typer.Option("--gain", help="Of the recurrent weights, N(0, gain²/n).")] = None,
    n: Annotated[str, typer.Option("--n", help="Widths: 64,256.")] = "64",
    seeds: Annotated[str, typer.Option("--seeds", help="How many; or which, 3,7.")] = "1",
    bias: Annotated[
        list[str] | None, typer.Option("--bias", help="Values of a further bias, by name: b_r=0,1. May be repeated.")
    ] = None,
    input_std: Annotated[str, typer.Option("--input-std", help="Of normal inputs; 0 is a run without input.")] = "0",
    steps: Annotated[int, typer.Option("--steps", min=1, help="Of each run.")] = 1200,
    burn_in: Annotated[
        int | None, typer.Option("--burn-in", min=0, help="So many first steps do not count; else a third.")
    ] = None,
    size: Annotated[list[str] | None, typer.Option("--size", help="A further size of the cell: m=32, p=16.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The table: .parquet or .csv.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="The picture: .svg, .png or .pdf.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes; -1 for all cores.")] = -1,
    dask: Annotated[str | None, typer.Option("--dask", help="Run on a Dask cluster: tcp://host:8786.")] = None,
) -> None:
    """Sweep over initialisations: exponents, half-lives, critical gains of random cells, found beside predicted.

    With -o, finished points are kept: the same command goes on where it was stopped. Exit status: 0 done, 2 wrong
    usage.
    """
    with explained():
        from symlstm.exploration.explore import explore as run
        from symlstm.exploration.plot import require_ending

        if plot is not None:
            require_ending(plot)
        try:
            with progress_bar("points") as progress:
                found = run(
                    cell,
                    None if forget_bias is None else _values("--forget-bias", forget_bias),
                    None if chrono is None else _values("--chrono", chrono),
                    None if gain is None else _values("--gain", gain),
                    [_whole("--n", word) for word in n.split(",")],
                    _seeds(seeds),
                    biases={name: _values("--bias", text) for name, text in _named("--bias", bias)},
                    input_std=_values("--input-std", input_std),
                    steps=steps,
                    burn_in=burn_in,
                    sizes={name: _whole("--size", text) for name, text in _named("--size", size)},
                    path=output,
                    jobs=jobs,
                    dask=dask,
                    progress=progress,
                )
        except KeyboardInterrupt as reason:
            print(f"interrupted: {reason}", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
        print(found)
        for path in (output, plot):
            if path is not None:
                if path is plot:
                    found.plot(plot)
                wrote(path)


def _values(option: str, text: str) -> list[float]:
    """0,1,2 and 0.5:8:16 (16 values from 0.5 to 8), also both."""
    from numpy import linspace

    found: list[float] = []
    for word in text.split(","):
        parts = word.split(":")
        try:
            if len(parts) == 3:
                found += linspace(float(parts[0]), float(parts[1]), int(parts[2])).tolist()
            else:
                found.append(float(word))
        except ValueError:
            raise _unreadable(option, text, f"{option} {VALUES}") from None
    return found


def _whole(option: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _unreadable(option, text, "whole numbers, separated by commas") from None


def _seeds(text: str) -> Any:
    words = [_whole("--seeds", word) for word in text.split(",")]
    return words if len(words) > 1 else words[0]


def _named(option: str, given: list[str] | None) -> list[tuple[str, str]]:
    """name=value, each."""
    pairs = [word.partition("=") for word in given or []]
    for name, sign, value in pairs:
        if not (name and sign and value):
            raise _unreadable(option, name + sign, f"{option} name=value")
    return [(name.strip(), value) for name, _, value in pairs]


def _unreadable(option: str, text: str, hint: str) -> Exception:
    from symlstm.errors import ValueUnusable

    return ValueUnusable(f"{option} {text} cannot be read", hint)
