"""How long the calculus takes: everything about the LSTM, without and with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.timing import in_turn, shown


def _forget() -> None:
    """Empty the caches, so that a derivation is derived."""
    import gc
    from functools import _lru_cache_wrapper  # type: ignore[attr-defined]

    for thing in gc.get_objects():
        if type(thing) is _lru_cache_wrapper and (thing.__module__ or "").startswith("symlstm"):
            thing.cache_clear()


def _everything(name: str) -> list[Any]:
    """What `symlstm derive` shows: all states by states (partial, total), inputs and parameters; the backward pass."""
    import symlstm as sl

    cell = sl.cell(name)
    results: list[Any] = [sl.backward(cell)]
    for state in cell.states:
        of = state.current.name
        for wrt in (*(s.previous.name for s in cell.states), *(q.name for q in cell.inputs)):
            results += [sl.derive(cell, of, wrt, paths=paths) for paths in ("partial", "total")]
        results += [sl.derive(cell, of, q.name) for q in cell.parameters]
    return results


def _derived(name: str) -> Callable[[], object]:
    def run() -> None:
        _forget()
        _everything(name)

    return run


def _examined(name: str) -> Callable[[], object]:
    def run() -> None:
        _forget()
        for result in _everything(name):
            result.evidence().require()

    return run


def table(names: Sequence[str] = (), rounds: int = 9) -> str:
    """A Markdown table over the built-in cells. Sizes are symbols, so no size appears."""
    from symlstm.plugins import CELLS, registered

    lines = ["| cell | formulas | everything derived | with all three rungs of evidence |", "|---|---|---|---|"]
    for name in names or list(registered(CELLS)):
        bare = in_turn({"run": _derived(name)}, rounds=rounds)["run"].median
        checked = in_turn({"run": _examined(name)}, rounds=min(rounds, 3))["run"].median
        lines.append(f"| `{name}` | {len(_everything(name))} | {shown(bare)} | {shown(checked)} |")
    return "\n".join(lines)
