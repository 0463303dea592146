"""The line of somebody's source at which a value first appears: the code is run, and its variables are looked at.

Names play no part, so stacked gates, methods and helper functions are found as well.
"""

from __future__ import annotations

import linecache
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as File
from typing import Any

import numpy as np

from symlstm.checking.calls import Call
from symlstm.checking.leaves import Path, as_numpy, is_numbers, leaves

LIBRARIES = tuple(sysconfig.get_paths()[k] for k in ("stdlib", "platstdlib", "purelib", "platlib"))
OWN = str(File(__file__).parent)
CLOSE = 2.0**-30
"""Two values are taken for the same if they are so close, of one plus their size: they are drawn at random."""


@dataclass(frozen=True, order=True)
class Line:
    """A place in somebody's source."""

    file: str
    number: int

    @property
    def text(self) -> str:
        return linecache.getline(self.file, self.number).strip()

    def __str__(self) -> str:
        return f"{File(self.file).name}:{self.number}"


@dataclass
class _Watch:
    """What was seen: for each wanted value (line, depth of the call, how much else the variable held, when)."""

    wanted: Sequence[Any]
    seen: list[list[tuple[Line, int, int, int]]]
    before: dict[int, dict[str, tuple[int, float]]] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    depth: int = 0
    time: int = 0

    def enter(self, frame: Any, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if event != "call" or name.startswith((*LIBRARIES, OWN)) or name.startswith("<frozen"):
            return None
        self.depth += 1
        self.before[id(frame)] = _states(frame.f_locals)
        self.last[id(frame)] = frame.f_lineno
        return self.step

    def step(self, frame: Any, event: str, given: Any) -> Any:
        self.time += 1
        now, known = _states(frame.f_locals), self.before.get(id(frame), {})
        line = Line(frame.f_code.co_filename, self.last.get(id(frame), frame.f_lineno))
        for name, state in now.items():
            if known.get(name) != state:
                self.look(frame.f_locals[name], line)
        if event == "return":
            for leaf in leaves(given):
                self.look(leaf.array, Line(frame.f_code.co_filename, frame.f_lineno))
            self.depth -= 1
        self.before[id(frame)], self.last[id(frame)] = now, frame.f_lineno
        return self.step

    def look(self, array: Any, line: Line) -> None:
        flat = np.sort(np.asarray(as_numpy(array), dtype=float).reshape(-1))
        for k, value in enumerate(self.wanted):
            if _holds(flat, value):
                self.seen[k].append((line, self.depth, flat.size - value.size, self.time))


def _states(variables: Mapping[str, Any]) -> dict[str, tuple[int, float]]:
    """Each variable that holds an array, and what changes when it is assigned or written into."""
    return {
        name: (id(value), float(np.sum(as_numpy(value))))
        for name, value in variables.items()
        if is_numbers(value) and np.size(as_numpy(value))
    }


def _holds(flat: Any, value: Any) -> bool:
    """Whether all numbers of a value are among these, which are sorted."""
    if flat.size < value.size:
        return False
    at = np.clip(np.searchsorted(flat, value), 1, max(flat.size - 1, 1))
    near = np.minimum(np.abs(flat[np.minimum(at, flat.size - 1)] - value), np.abs(flat[at - 1] - value))
    return bool((near <= CLOSE * (1 + np.abs(value))).all())


def lines(call: Call, arrays: Mapping[Path, Any], wanted: Sequence[Any]) -> list[Line | None]:
    """For each of the wanted values the line that computes it; None where no variable ever holds it.

    A line that computes other wanted values at other times (of a helper that every gate calls) does not count, nor does
    what goes in; of the rest, the line with the least beside the value, nearest to the function that is called, unless
    it computes others as well.
    """
    values = [np.asarray(value, dtype=float).reshape(-1) for value in wanted]
    watch = _Watch(values, [[] for _ in values])
    before = sys.gettrace()
    sys.settrace(watch.enter)
    try:
        replace(call, compiled=None)({path: np.array(array) for path, array in arrays.items()})
    except Exception:  # what it raises is told elsewhere
        return [None] * len(values)
    finally:
        sys.settrace(before)
    chosen: list[Line | None] = []
    for k, found in enumerate(watch.seen):
        others = [w for j, w in enumerate(watch.seen) if j != k and not _same(values[j], values[k])]
        when = {(line, time) for seen in others for line, _, _, time in seen}
        helpers = {line for line, _, _, time in found for other, at in when if line == other and time != at}

        def rank(seen: tuple[Line, int, int, int], when: set[tuple[Line, int]] = when) -> tuple[bool, int, int]:
            line, depth, more, time = seen
            shared = (line, time) in when
            return shared, more, -depth if shared else depth

        best = min((seen for seen in found if seen[0] not in helpers), key=rank, default=None)
        chosen.append(best[0] if best else None)
    return chosen


def _same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b))
