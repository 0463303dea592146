"""The line of somebody's source at which a value first appears: the code is run, and its variables are looked at.

Names play no part, so stacked gates, methods and helper functions are found as well.
"""

from __future__ import annotations

import linecache
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
LATE = 2**40
"""How little it says that a value is returned, where the line is wanted in which it is worked with."""


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
    outermost: str = ""
    frames: list[Any] = field(default_factory=list)
    before: dict[int, dict[tuple[str, ...], tuple[int, float]]] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    time: int = 0

    @property
    def depth(self) -> int:
        return len(self.frames)

    def enter(self, frame: Any, event: str, _: Any) -> Any:
        if event != "call" or not _of_the_user(frame):
            return None
        self.frames.append(frame)
        self.before[id(frame)] = _states(frame.f_locals)
        self.last[id(frame)] = frame.f_lineno
        return self.step

    def step(self, frame: Any, event: str, given: Any) -> Any:
        self.time += 1
        now, known = _states(frame.f_locals), self.before.get(id(frame), {})
        line = Line(frame.f_code.co_filename, self.last.get(id(frame), frame.f_lineno))
        for name, state in now.items():
            if known.get(name) != state:
                self.look(_variable(frame.f_locals, name), line)
        if event == "return":
            for leaf in leaves(given):
                self.look(leaf.array, Line(frame.f_code.co_filename, frame.f_lineno), returned=len(self.frames) == 1)
            self.frames.pop()
        self.before[id(frame)], self.last[id(frame)] = now, frame.f_lineno
        return self.step

    def look(self, array: Any, line: Line, returned: bool = False) -> None:
        if self.outermost and len(self.frames) > 1:
            line = Line(self.frames[0].f_code.co_filename, self.frames[0].f_lineno)
        flat = np.sort(np.asarray(as_numpy(array), dtype=float).reshape(-1))
        for k, value in enumerate(self.wanted):
            if _holds(flat, value):
                more = flat.size - value.size + (LATE if self.outermost and returned else 0)
                self.seen[k].append((line, self.depth, more, self.time))


def _states(variables: Mapping[str, Any]) -> dict[tuple[str, ...], tuple[int, float]]:
    """Each variable, and each entry of a dict, that holds an array, and what changes when it is assigned or written."""
    found: dict[tuple[str, ...], Any] = {(name,): v for name, v in variables.items() if not isinstance(v, dict)}
    found |= {(name, key): v for name, value in variables.items() if type(value) is dict for key, v in value.items()}
    return {
        name: (id(value), float(np.sum(as_numpy(value))))
        for name, value in found.items()
        if is_numbers(value) and np.size(as_numpy(value))
    }


def _variable(variables: Mapping[str, Any], name: tuple[str, ...]) -> Any:
    return variables[name[0]] if len(name) == 1 else variables[name[0]][name[1]]


def _holds(flat: Any, value: Any) -> bool:
    """Whether all numbers of a value are among these, which are sorted."""
    if flat.size < value.size:
        return False
    at = np.clip(np.searchsorted(flat, value), 1, max(flat.size - 1, 1))
    near = np.minimum(np.abs(flat[np.minimum(at, flat.size - 1)] - value), np.abs(flat[at - 1] - value))
    return bool((near <= CLOSE * (1 + np.abs(value))).all())


def lines(call: Call, arrays: Mapping[Path, Any], wanted: Sequence[Any]) -> list[Line | None]:
    """For each of the wanted values the line that computes it in a call on these arrays; None where none does."""
    plain = replace(call, compiled=None)
    return lines_of(lambda: plain({path: np.array(array) for path, array in arrays.items()}), wanted)


def lines_of(run: Callable[[], Any], wanted: Sequence[Any], outermost: str = "") -> list[Line | None]:
    """For each of the wanted values the line that computes it; None where no variable ever holds it.

    A line that computes other wanted values at other times (of a helper that every gate calls) does not count, nor does
    what goes in; of the rest, the line with the least beside the value, nearest to the function that is called, unless
    it computes others as well. outermost: in the function that is called, the line that was running when a value
    appeared "first", or "last".
    """
    values = [np.asarray(value, dtype=float).reshape(-1) for value in wanted]
    watch = _Watch(values, [[] for _ in values], outermost)
    try:
        with _traced(watch.enter):
            run()
    except Exception:  # what it raises is told elsewhere
        return [None] * len(values)
    if outermost:
        sign = 1 if outermost == "first" else -1
        there = [min(found, key=lambda seen: (seen[2], sign * seen[3]), default=None) for found in watch.seen]
        return [seen[0] if seen else None for seen in there]
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


def lines_that_change(run: Callable[[], Any], arrays: Sequence[Any]) -> list[Line | None]:
    """For each of these arrays the line after which it first holds other numbers; None where it never does."""
    before = [np.array(as_numpy(array)) for array in arrays]
    found: list[Line | None] = [None] * len(before)
    last: dict[int, int] = {}

    def look(frame: Any) -> None:
        line = Line(frame.f_code.co_filename, last.get(id(frame), frame.f_lineno))
        for k, array in enumerate(arrays):
            if found[k] is None and not np.array_equal(as_numpy(array), before[k], equal_nan=True):
                found[k] = line

    def step(frame: Any, event: str, _: Any) -> Any:
        look(frame)
        last[id(frame)] = frame.f_lineno
        return step

    def enter(frame: Any, event: str, _: Any) -> Any:
        return step if event == "call" and _of_the_user(frame) else None

    try:
        with _traced(enter):
            run()
    except Exception:  # what it raises is told elsewhere
        return found
    return found


@contextmanager
def _traced(enter: Any) -> Iterator[None]:
    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(before)


def _of_the_user(frame: Any) -> bool:
    name = frame.f_code.co_filename
    return not name.startswith((*LIBRARIES, OWN)) and not name.startswith("<frozen")


def _same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b))
