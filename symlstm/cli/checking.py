"""Commands about somebody's implementation and weights: is it that cell, and other conventions."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer

from symlstm.cli.shared import Output, explained, show_code, wrote


def check(
    implementation: Annotated[str, typer.Argument(help="file.py:function, model.onnx, or a file of weights.")],
    cell: Annotated[
        str, typer.Option("--cell", help="What it should be: a built-in cell or file.py:function.")
    ] = "lstm",
    example: Annotated[
        str | None,
        typer.Option("--example", help="file.py:function of (n, m, batch, rng), giving arguments."),
    ] = None,
    backward: Annotated[str | None, typer.Option("--backward", help="file.py:function, its gradients.")] = None,
    convention: Annotated[
        str, typer.Option("--convention", help="What is known of it, in the line that the report prints.")
    ] = "",
    output: Output = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as a page that works offline.")] = None,
    conversion: Annotated[
        str | None,
        typer.Option("--conversion", help="Write code that converts the weights to torch, keras, ...: -o convert.py"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Check an implementation: is it that cell, and if not, which equation is wrong?

    Exit status: 0 it is, 1 it is not, 2 it could not be checked.
    """
    with explained():
        from symlstm.emit import emit, require_ending

        for path in (output if conversion is None else None, html):
            if path is not None:
                require_ending(path, ".html" if path is html else "")
        with redirect_stdout(StringIO()):  # what somebody's code prints, once a call
            from symlstm.checking import check as examine

            report = examine(implementation, cell, example=example, backward=backward, convention=convention)
        if conversion is not None:
            show_code(report.conversion(conversion), output)
        for path in (output if conversion is None else None, html):
            if path is not None:
                report.save(path)
                wrote(path)
        if json:
            print(report.to_json())
        elif output is None and conversion is None:
            print(emit(report, "terminal", color=sys.stdout.isatty()), end="", flush=True)
        if not report.ok:
            raise typer.Exit(1)


def convert(
    weights: Annotated[Path, typer.Argument(help="Weights: .safetensors .npz .pt .onnx .weights.h5 .keras")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .npz or .safetensors file to write.")],
    target: Annotated[
        str, typer.Option("--to", help="torch, keras, flax, onnx, cs231n, coursera, separate, symlstm (own names).")
    ],
    source: Annotated[
        str | None, typer.Option("--from", help="The convention; else found by names and shapes.")
    ] = None,
    cell: Annotated[str | None, typer.Option("--cell", help="Which cell it is, where that is open.")] = None,
) -> None:
    """Convert the weights of recurrent layers from one convention to another; other arrays are kept."""
    with explained():
        from symlstm.checkpoints import convert_checkpoint, encoded
        from symlstm.emit import write

        made = convert_checkpoint(weights, target, source=source, cell=cell)
        write(output, encoded(made.arrays, output.suffix))
        for line in made.said:
            print(line, file=sys.stderr)
        wrote(output)
