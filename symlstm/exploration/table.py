"""The table of a sweep: one row a run, what was found beside what was predicted.

Rows are plain dictionaries, and pyarrow writes them: Parquet needs it in any case, it writes CSV as well, and
`table.to_pandas()` or `polars.from_arrow(table)` make a data frame of it for whoever has one of these. So pandas is not
needed here.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from symlstm.emit import write
from symlstm.errors import OutputUnwritable
from symlstm.exploration.points import Grid
from symlstm.plugins import library

MEASURES = (
    "exponent", "exponent_error", "exponent_predicted", "half_life", "half_life_predicted",
    "critical_gain", "critical_gain_predicted",
)  # fmt: skip
OF_RUN = ("exponent", "exponent_error", "exponent_predicted", "half_life")
"""Measured run by run; the others are those of the draw."""
ENDINGS = (".parquet", ".csv")


def rows_of(grid: Grid, found: dict[Any, dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """One row a run, in the order of the grid. found: by point."""
    rows = []
    for run in grid.runs():
        d, of_draw, of_run = run.draw, found[run.draw], found[run]
        row: dict[str, Any] = {"forget_bias": d.forget_bias, "chrono": d.chrono, **dict(d.biases)}
        row |= {"input_std": run.input_std, "gain": run.gain, "n": d.n, "seed": d.seed}
        row |= {name: (of_run if name in OF_RUN else of_draw).get(name) for name in MEASURES}
        rows.append(row | {"note": "; ".join(dict.fromkeys([*of_draw["notes"], *of_run["notes"]]))})
    return tuple(rows)


def require_ending(path: Path) -> None:
    """OutputUnwritable where no table has that ending; ExtraMissing without what writes it."""
    library("pyarrow", "explore")
    if path.suffix.lower() not in ENDINGS:
        raise OutputUnwritable(f"{path} does not end in {' or '.join(ENDINGS)}", "a table is Parquet or CSV")


def arrow(rows: Sequence[dict[str, Any]], about: dict[str, Any]) -> Any:
    """A pyarrow.Table. about: kept in the metadata of its schema, as JSON under "symlstm"."""
    pyarrow = library("pyarrow", "explore")
    kinds = {"n": pyarrow.int64(), "seed": pyarrow.int64(), "note": pyarrow.string()}
    fields = [(name, kinds.get(name, pyarrow.float64())) for name in rows[0]]
    schema = pyarrow.schema(fields, metadata={"symlstm": json.dumps(about)})
    return pyarrow.Table.from_pylist(list(rows), schema=schema)


def save(table: Any, path: Path) -> None:
    """Write a table whole or not at all, as its ending says. Raises OutputUnwritable."""
    require_ending(path)
    stream = io.BytesIO()
    if path.suffix.lower() == ".csv":
        library("pyarrow.csv", "explore").write_csv(table, stream)
    else:
        library("pyarrow.parquet", "explore").write_table(table, stream)
    write(path, stream.getvalue())
