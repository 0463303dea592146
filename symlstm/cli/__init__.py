"""The command line, one file a group of commands. Exit status: 0 yes or done, 1 the answer is no, 2 wrong usage.

Modules import typer alone, so that `--help` comes at once; commands import the rest when they run.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from symlstm.cli.checking import check, convert
from symlstm.cli.derivations import backward, bptt, derive, solution
from symlstm.cli.exploring import explore
from symlstm.cli.gradients import flow
from symlstm.cli.showing import cells, export, show, walk

__all__ = ["app", "main"]

COMMANDS = (cells, show, derive, backward, bptt, solution, walk, check, flow, explore, convert, export)
"""In the order of `symlstm --help`."""

app = typer.Typer(
    help="Symbolic derivations of LSTMs and every recurrent cell like them, with evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in COMMANDS:
    app.command()(command)


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
