"""Commands that show cells: what is installed, the equations of one, one step on numbers, and code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symlstm.cli.shared import CellName, NotationName, Output, explained, show_code, show_result


def cells() -> None:
    """List the cells that are installed."""
    with explained():
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


def show(cell: CellName, output: Output = None, notation: NotationName = "default") -> None:
    """Show the equations of a cell, its shapes, and what its code says."""
    with explained():
        from symlstm.registry import cell as find

        show_result(find(cell), output, notation)


def walk(
    cell: CellName,
    values: Annotated[Path, typer.Option("--values", help="JSON: every input, state and parameter by name.")],
    output: Output = None,
    notation: NotationName = "default",
    digits: Annotated[int, typer.Option("--digits", min=1, max=17, help="Significant digits.")] = 8,
) -> None:
    """Walk through one step with the numbers filled in, line by line."""
    with explained():
        from symlstm.registry import cell as find
        from symlstm.walkthrough import read_values
        from symlstm.walkthrough import walk as walk_through

        show_result(walk_through(find(cell), read_values(values), digits=digits), output, notation)


def export(
    cell: CellName,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The .py file to write; else printed.")] = None,
) -> None:
    """Write a cell as a module that needs NumPy alone, with the equation beside each line."""
    with explained():
        from symlstm.codegen import export as export_module
        from symlstm.registry import cell as find

        show_code(export_module(find(cell)), output)
