"""How an initialisation sets what a cell remembers: a sweep over forget bias, chrono, gain, width and seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from symlstm.equations import Cell
from symlstm.exploration import table
from symlstm.exploration.described import described
from symlstm.exploration.grid import read_grid, read_settings
from symlstm.exploration.journal import Journal
from symlstm.exploration.measure import measure, packed
from symlstm.exploration.points import Grid, Settings, key_of
from symlstm.exploration.workers import on_cores, on_dask
from symlstm.gradient_flow.reading import whole_number


@dataclass(frozen=True, repr=False)
class Exploration:
    """The result of a sweep; see `symlstm.explore`.

    rows: one dictionary a run, in the order of the grid: the axes (forget_bias, chrono, biases by name, input_std,
    gain, n, seed), exponent (nats a step) with exponent_error (half of the difference between the two halves of the
    run), half_life (steps, the median unit), critical_gain, each beside what is predicted, and a note where one is
    missing. notes: these, each once.
    """

    cell: str
    grid: Grid
    settings: Settings
    rows: tuple[dict[str, Any], ...]

    def __repr__(self) -> str:
        known = [row["exponent"] for row in self.rows if row["exponent"] is not None]
        between = f", first exponents from {min(known):.4g} to {max(known):.4g} nats a step" if known else ""
        return f"<{self.cell}: {len(self.rows)} runs{between}>"

    def __str__(self) -> str:
        return described(self.cell, self.rows, self.notes)

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(note for row in self.rows for note in row["note"].split("; ") if note))

    @property
    def table(self) -> Any:
        """A pyarrow.Table (`.to_pandas()` makes a data frame), the settings in its metadata."""
        return table.arrow(self.rows, {"cell": self.cell, **asdict(self.settings)})

    def save(self, path: str | Path) -> None:
        """Write the table: .parquet or .csv, whole or not at all. Raises OutputUnwritable."""
        table.save(self.table, Path(path))

    def plot(self, path: str | Path | None = None) -> Any:
        """A matplotlib figure: exponents over the gain, half-lives found over predicted; .svg, .png or .pdf."""
        from symlstm.exploration.plot import plot

        return plot(self, None if path is None else Path(path))


def explore(
    cell: Any,
    forget_bias: Any = None,
    chrono: Any = None,
    gain: Any = None,
    n: Any = 64,
    seeds: Any = 1,
    *,
    biases: Mapping[str, Any] | None = None,
    input_std: Any = 0.0,
    steps: int = 1200,
    burn_in: int | None = None,
    sizes: Mapping[str, int] | None = None,
    path: str | Path | None = None,
    jobs: int = -1,
    dask: Any = None,
    progress: Callable[[int, int], object] | None = None,
) -> Exploration:
    """First Lyapunov exponent, half-life and critical gain of random cells, found beside what the structure predicts.

    Each axis is a number or a list of numbers. forget_bias: of the gate that multiplies a state's own previous value,
    found from the structure of the cell. chrono: T_max of b_f = log u, b_i = -b_f, u uniform on [1, T_max - 1]. gain:
    of the recurrent weights, N(0, gain^2 / n). n: width. seeds: how many, or which. biases: values of further biases by
    name. All other biases are 0, all other weights N(0, 1 / fan_in). input_std: of normal inputs; 0 is a run without
    input. steps, burn_in: of each run, from states N(0, 0.1^2); a third is left out where burn_in is None. sizes:
    further sizes of the cell by name (m is 32).

    path: .parquet or .csv; finished points are kept beside it (.points.jsonl), and the same call goes on from them.
    jobs: processes, -1 for all cores. dask: the address of a scheduler, or a Client, in their place. The numbers of a
    point depend on its seed alone. progress: called with how many points are done, of how many. Needs the extra
    "explore" (ExtraMissing). Raises RuleMissing where a forget bias does not apply, ValueUnusable, NameUnknown,
    ShapeError and OutputUnwritable.
    """
    if not isinstance(cell, Cell):
        from symlstm.registry import cell as find

        cell = find(cell)
    if jobs != -1:
        jobs = whole_number("jobs", jobs, 1, 10**4)
    grid = read_grid(cell, forget_bias, chrono, biases, gain, input_std, n, seeds)
    settings = read_settings(cell, steps, burn_in, sizes)
    target = None if path is None else Path(path)
    if target is not None:
        table.require_ending(target)
    points = grid.points()
    keys = [key_of(cell, settings, point) for point in points]
    journal = Journal(None if target is None else kept_at(target))
    try:
        left = [(k, p) for k, p in zip(keys, points, strict=True) if k not in journal.found]
        task = partial(measure, packed(cell), settings)
        todo = [p for _, p in left]
        running = on_cores(task, todo, jobs) if dask is None or not todo else on_dask(task, todo, dask)
        for done, (place, found) in enumerate(running, len(points) - len(todo) + 1):
            journal.add(left[place][0], found)
            if progress is not None:
                progress(done, len(points))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_interrupted(journal, keys)) from None
    finally:
        journal.close()
    by_point = {p: journal.found[k] for k, p in zip(keys, points, strict=True)}
    made = Exploration(cell.name, grid, settings, table.rows_of(grid, by_point))
    if target is not None:
        made.save(target)
    return made


def kept_at(path: Path) -> Path:
    """Where the finished points of a sweep are kept."""
    return path.with_name(path.name + ".points.jsonl")


def _interrupted(journal: Journal, keys: list[str]) -> str:
    done = f"{sum(k in journal.found for k in keys)} of {len(keys)} points are done"
    return (
        f"{done}, kept in {journal.path}: the same command goes on from there" if journal.path else f"{done}, and lost"
    )
