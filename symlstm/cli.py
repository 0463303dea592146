"""The command line. Exit status: 0 yes or done, 1 the answer is no, 2 wrong usage. Imports the rest lazily."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Symbolic derivations of LSTMs and every recurrent cell like them, with evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

CellName = Annotated[str, typer.Argument(help="A built-in cell (see `symlstm cells`) or file.py:function.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Write to a file, by its ending: .tex .md .html .txt .json")
]
NotationName = Annotated[
    str, typer.Option("--notation", help="default, blog, course, course_letters, or your own .toml file.")
]
Steps = Annotated[bool, typer.Option("--steps", help="Show every step: rule, before, after, because.")]
WithEvidence = Annotated[bool, typer.Option("--evidence/--no-evidence", help="Check each formula and print what held.")]


@contextmanager
def _explained() -> Iterator[None]:
    """Errors that a user can mend: one message on stderr, and exit status 2."""
    from symlstm.errors import EvidenceFailed, SymlstmError

    try:
        yield
    except EvidenceFailed as error:
        _complain(error)
        raise typer.Exit(1) from None
    except SymlstmError as error:
        _complain(error)
        raise typer.Exit(2) from None


def _complain(error: Any) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text(f"error[{error.code}]: ", style="bold red") + Text(error.message))
    if error.hint:
        console.print(Text("  help: ", style="bold cyan") + Text(error.hint))


def _show(result: Any, output: Path | None, notation: str, **options: Any) -> None:
    """To a file (the format follows its ending) or to the terminal; exit status 1 where a formula failed."""
    from symlstm.emit import document, emit, save

    made = document(result, notation=notation, **options)
    if output is None:
        print(emit(made, "terminal", color=sys.stdout.isatty()), end="", flush=True)
    else:
        save(made, output)
        print(f"wrote {output}", file=sys.stderr)
    if made.refused:
        print(f"{len(made.refused)} results did not pass their evidence and are not shown", file=sys.stderr)
        raise typer.Exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        from symlstm import __version__

        print(f"symlstm {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    pass


@app.command()
def cells() -> None:
    """List the cells that are installed."""
    with _explained():
        from rich.console import Console
        from rich.table import Table

        from symlstm.plugins import CELLS, registered
        from symlstm.registry import cell

        table = Table(box=None, header_style="bold")
        for title in ("cell", "states", "parameters", "what it is"):
            table.add_column(title)
        for name in registered(CELLS):
            c = cell(name)
            states = " ".join(s.current.name for s in c.states)
            table.add_row(name, states, str(len(c.parameters)), c.doc.splitlines()[0] if c.doc else "")
        Console().print(table)


@app.command()
def show(cell: CellName, output: Output = None, notation: NotationName = "default") -> None:
    """Show the equations of a cell, its shapes, and what its code says."""
    with _explained():
        from symlstm.registry import cell as find

        _show(find(cell), output, notation)


@app.command()
def derive(
    cell: CellName,
    of: Annotated[str | None, typer.Argument(help="The quantity to differentiate, e.g. c.")] = None,
    wrt: Annotated[str | None, typer.Argument(help="By which quantity, e.g. c_prev.")] = None,
    paths: Annotated[str, typer.Option("--paths", help="partial (this step) or total (every path).")] = "partial",
    lag: Annotated[str, typer.Option("--lag", help="How many steps back: 1, 2, ... or a letter.")] = "1",
    steps: Steps = False,
    evidence: WithEvidence = True,
    output: Output = None,
    notation: NotationName = "default",
) -> None:
    """Derive everything about a cell, or one derivative: `symlstm derive lstm c c_prev`."""
    with _explained():
        from symlstm.calculus.derivation import derive as derive_one
        from symlstm.errors import SymlstmError
        from symlstm.registry import cell as find

        found = find(cell)
        if of is None:
            from symlstm.emit import report

            _show(report(found), output, notation, steps=steps, evidence=evidence)
            return
        if wrt is None:
            raise SymlstmError(f"by which quantity is {of} to be differentiated?", f"symlstm derive {cell} {of} h_prev")
        _show(
            derive_one(found, of, wrt, paths=paths, lag=lag),
            output,
            notation,
            steps=steps,
            evidence=evidence,
            paths=True,
        )


@app.command()
def backward(
    cell: CellName,
    steps: Steps = False,
    evidence: WithEvidence = True,
    output: Output = None,
    notation: NotationName = "default",
) -> None:
    """Derive the backward pass of one step: the adjoint of every quantity, the gradient of every parameter."""
    with _explained():
        from symlstm.calculus.derivation import backward as sweep
        from symlstm.registry import cell as find

        _show(sweep(find(cell)), output, notation, steps=steps, evidence=evidence)


@app.command()
def bptt(
    cell: CellName,
    steps: Steps = False,
    evidence: WithEvidence = True,
    output: Output = None,
    notation: NotationName = "default",
) -> None:
    """Derive backpropagation through time: the recurrences from t = T to 1, the gradients as sums over the steps."""
    with _explained():
        from symlstm.calculus.through_time import bptt as through_time
        from symlstm.registry import cell as find

        _show(through_time(find(cell)), output, notation, steps=steps, evidence=evidence)


@app.command()
def solution(
    cell: CellName,
    state: Annotated[str | None, typer.Argument(help="Which state, e.g. c; else the first that has one.")] = None,
    steps_back: Annotated[str | None, typer.Option("--over", help="From so many steps back: 2, or a letter.")] = None,
    evidence: WithEvidence = True,
    output: Output = None,
    notation: NotationName = "default",
) -> None:
    """Solve the recurrence of a gated state, given its gates: the closed form and its proof by induction."""
    with _explained():
        from symlstm.calculus.solution import solution as solve

        found = solve(cell, state)
        _show(found if steps_back is None else found.over(steps_back), output, notation, evidence=evidence)


@app.command()
def walk(
    cell: CellName,
    values: Annotated[Path, typer.Option("--values", help="JSON: every input, state and parameter by name.")],
    output: Output = None,
    notation: NotationName = "default",
    digits: Annotated[int, typer.Option("--digits", min=1, max=17, help="Significant digits.")] = 8,
) -> None:
    """Walk through one step with the numbers filled in, line by line."""
    with _explained():
        from symlstm.registry import cell as find
        from symlstm.walkthrough import read_values
        from symlstm.walkthrough import walk as walk_through

        _show(walk_through(find(cell), read_values(values), digits=digits), output, notation)


@app.command()
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
    with _explained():
        from symlstm.emit import emit, require_ending

        for path in (output if conversion is None else None, html):
            if path is not None:
                require_ending(path, ".html" if path is html else "")
        with redirect_stdout(StringIO()):  # what somebody's code prints, once a call
            from symlstm.checking import check as examine

            report = examine(implementation, cell, example=example, backward=backward, convention=convention)
        if conversion is not None:
            _show_code(report.conversion(conversion), output)
        for path in (output if conversion is None else None, html):
            if path is not None:
                report.save(path)
                print(f"wrote {path}", file=sys.stderr)
        if json:
            print(report.to_json())
        elif output is None and conversion is None:
            print(emit(report, "terminal", color=sys.stdout.isatty()), end="", flush=True)
        if not report.ok:
            raise typer.Exit(1)


@app.command()
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
    with _explained():
        from symlstm.checkpoints import convert_checkpoint, encoded
        from symlstm.emit import write

        made = convert_checkpoint(weights, target, source=source, cell=cell)
        write(output, encoded(made.arrays, output.suffix))
        for line in made.said:
            print(line, file=sys.stderr)
        print(f"wrote {output}", file=sys.stderr)


@app.command()
def export(
    cell: CellName,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The .py file to write; else printed.")] = None,
) -> None:
    """Write a cell as a module that needs NumPy alone, with the equation beside each line."""
    with _explained():
        from symlstm.codegen import export as export_module
        from symlstm.registry import cell as find

        _show_code(export_module(find(cell)), output)


def _show_code(source: str, output: Path | None) -> None:
    """To a .py file, or to the terminal."""
    from symlstm.emit import write
    from symlstm.errors import OutputUnwritable

    if output is None:
        print(source, end="")
        return
    if output.suffix != ".py":
        raise OutputUnwritable(f"{output} is not a .py file", "documents come from `symlstm derive -o`")
    write(output, source)
    print(f"wrote {output}", file=sys.stderr)


def main() -> None:
    """Entry point of the `symlstm` command."""
    try:
        app()
    except BrokenPipeError:  # the reader has seen enough: | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"error[output]: the output cannot be written: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)
