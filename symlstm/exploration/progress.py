"""How far a sweep is, on stderr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def shown(items: Iterable[Item], total: int, left: int, wanted: bool) -> Iterator[Item]:
    """The items, with a bar on stderr if it is wanted. left: how many of the total there are still to come."""
    if not wanted:
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("points", total=total, completed=total - left)
        for item in items:
            bar.advance(task)
            yield item
