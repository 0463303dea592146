"""The command about gradients: how they flow through a cell with trained weights, on data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from symlstm.cli.shared import CellName, explained, progress_bar, wrote

SeparatedBy = "separated by commas"


def flow(
    cell: CellName,
    checkpoint: Annotated[
        Path, typer.Option("--checkpoint", help="Weights: .safetensors .npz .pt .onnx .weights.h5 .keras")
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", help="x.npy, x.npz:name or x.csv: (T, m) or (T, B, m). Once for each input of the cell."
        ),
    ] = None,
    batch_first: Annotated[bool, typer.Option("--batch-first", help="The data is (B, T, m).")] = False,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="So many steps: of the data, or of zero input without data.")
    ] = None,
    layer: Annotated[
        str | None, typer.Option("--layer", help="Of several layers: name, number in the stack, or name:number.")
    ] = None,
    direction: Annotated[str | None, typer.Option("--direction", help="forward or reverse.")] = None,
    convention: Annotated[
        str | None, typer.Option("--from", help="The convention of the weights; else found by names and shapes.")
    ] = None,
    states: Annotated[
        str | None, typer.Option("--states", help="The initial states: .npz by name (h, c), or .npy; else zeros.")
    ] = None,
    lags: Annotated[str | None, typer.Option("--lags", help=f"How many steps back, {SeparatedBy}: 1,10,100.")] = None,
    pairs: Annotated[
        str | None, typer.Option("--pairs", help=f"Of which state by which, {SeparatedBy}: h:c is dh_t/dc_(t-k).")
    ] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="So many of the largest exponents.")] = None,
    burn_in: Annotated[int, typer.Option("--burn-in", min=0, help="So many first steps do not count.")] = 0,
    output_of: Annotated[
        str | None, typer.Option("--output-of", help="Connectivity of which state or output; else the first state.")
    ] = None,
    starts: Annotated[int, typer.Option("--starts", min=1, help="Starts of the search for fixed points.")] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of what is drawn at random.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write to a file, by its ending: .html .md .txt .tex .json .svg .pdf"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Measure how gradients flow through a trained cell, on your data: exponents, half-lives, gates, every path.

    Needs the weights alone, not the framework that made them. Exit status: 0 done, 2 wrong usage.
    """
    with explained():
        from json import dumps

        from symlstm.checkpoints import choose
        from symlstm.cli.sequences import cell_inputs, initial_states, read_as
        from symlstm.emit import emit
        from symlstm.gradient_flow.flow import flow as measure
        from symlstm.registry import cell as find

        if output is not None:
            _require_place(output)
        found = find(cell)
        chosen = choose(checkpoint, found, layer=layer, direction=direction, convention=convention)
        x, count_of_steps = cell_inputs(found, chosen, data or [], steps=steps, batch_first=batch_first)
        print(read_as(found, chosen, x, count_of_steps, batch_first), file=sys.stderr)
        with progress_bar("steps") as progress:
            report = measure(
                found,
                chosen.layer.parameters,
                x,
                None if states is None else initial_states(found, states),
                steps=count_of_steps,
                pairs=_pairs(pairs),
                lags=_lags(lags),
                output=output_of,
                count=count,
                burn_in=burn_in,
                starts=starts,
                rng=seed,
                progress=progress,
            )
        if output is not None:
            report.save(output)
            wrote(output)
        if json:
            print(dumps(report.to_json(), indent=2, ensure_ascii=False))
        elif output is None:
            print(emit(report.summary, "terminal", color=sys.stdout.isatty()), end="", flush=True)


def _require_place(output: Path) -> None:
    """What would keep the report from being written is said before anything is computed."""
    from symlstm.emit import require_ending
    from symlstm.errors import OutputUnwritable
    from symlstm.gradient_flow.pictures.style import matplotlib
    from symlstm.gradient_flow.report import SHEETS

    ending = output.suffix.lower()
    if ending not in SHEETS:
        require_ending(output)
    if not output.parent.is_dir():
        raise OutputUnwritable(f"there is no folder {output.parent}", f"looked in {Path.cwd()}")
    if ending in (".html", *SHEETS):
        matplotlib()


def _lags(text: str | None) -> list[int] | None:
    from symlstm.errors import ValueUnusable

    if text is None:
        return None
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdigit() for word in words):
        raise ValueUnusable(f"--lags {text}: lags are whole numbers of steps", f"{SeparatedBy}: --lags 1,10,100")
    return [int(word) for word in words]


def _pairs(text: str | None) -> list[tuple[str, str]] | None:
    """h:c,c as [("h", "c"), ("c", "c")]."""
    if text is None:
        return None
    from symlstm.errors import ValueUnusable

    found = [word.strip().split(":") for word in text.split(",")]
    if not all(0 < len(pair) <= 2 and all(pair) for pair in found):
        raise ValueUnusable(f"--pairs {text}: a pair is two states, or one by itself", f"{SeparatedBy}: --pairs h:c,c")
    return [(pair[0], pair[-1]) for pair in found]
