"""How long the calculus takes: everything about the LSTM, without and with its evidence."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.timing import in_turn, shown


def _forget() -> None:
    """Empty the caches, so that a derivation is derived."""
    import gc
    from functools import _lru_cache_wrapper  # type: ignore[attr-defined]

    for thing in gc.get_objects():
        if isinstance(thing, _lru_cache_wrapper) and (thing.__module__ or "").startswith("symlstm"):
            thing.cache_clear()


def _everything(name: str) -> Callable[[], object]:
    def run() -> None:
        import symlstm as sl

        _forget()
        cell = sl.cell(name)
        sl.backward(cell)
        for state in cell.states:
            for wrt in (*(s.previous for s in cell.states), *cell.inputs):
                for paths in ("partial", "total"):
                    sl.derive(cell, state.current.name, wrt.name, paths=paths)
            for parameter in cell.parameters:
                sl.derive(cell, state.current.name, parameter.name)

    return run


def _with_evidence(name: str) -> Callable[[], object]:
    def run() -> None:
        import symlstm as sl
        from symlstm.emit import report

        _forget()
        for result in report(sl.cell(name)).results:
            assert result.evidence().ok

    return run


def table() -> str:
    """A Markdown table over the built-in cells. Sizes are symbols, so no size appears."""
    from symlstm.plugins import CELLS, registered

    names = list(registered(CELLS))
    lines = ["| cell | everything derived | with all three rungs of evidence |", "|---|---|---|"]
    for name in names:
        bare = in_turn({"run": _everything(name)}, rounds=9)["run"].median
        checked = in_turn({"run": _with_evidence(name)}, rounds=3)["run"].median
        lines.append(f"| `{name}` | {shown(bare)} | {shown(checked)} |")
    return "\n".join(lines)
