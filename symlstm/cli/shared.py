"""What every command shares: usual options, and how results and errors are shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

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
def explained() -> Iterator[None]:
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


def show_result(result: Any, output: Path | None, notation: str, **options: Any) -> None:
    """To a file (the format follows its ending) or to the terminal; exit status 1 where a formula failed."""
    from symlstm.emit import document, emit, save

    made = document(result, notation=notation, **options)
    if output is None:
        print(emit(made, "terminal", color=sys.stdout.isatty()), end="", flush=True)
    else:
        save(made, output)
        wrote(output)
    if made.refused:
        print(f"{len(made.refused)} results did not pass their evidence and are not shown", file=sys.stderr)
        raise typer.Exit(1)


def show_code(source: str, output: Path | None) -> None:
    """To a .py file, or to the terminal."""
    from symlstm.emit import write
    from symlstm.errors import OutputUnwritable

    if output is None:
        print(source, end="")
        return
    if output.suffix != ".py":
        raise OutputUnwritable(f"{output} is not a .py file", "documents come from `symlstm derive -o`")
    write(output, source)
    wrote(output)


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A function of (done, all) that moves a bar on stderr; None where nobody looks at it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)


def wrote(path: Path) -> None:
    """What was written, on stderr."""
    print(f"wrote {path}", file=sys.stderr)
