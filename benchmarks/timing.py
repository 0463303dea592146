"""Timing that survives a noisy machine: candidates take turns, medians are quoted, ratios are taken round by round."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

PAUSE = 0.3
"""Seconds. OpenMP's threads spin for 0.2 s by default in some builds, others for less."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one candidate, a number a round; the rounds of all candidates belong together."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def times_slower_than(self, other: Timing) -> float:
        """Median over the rounds of this one's time divided by the other's."""
        return statistics.median(a / b for a, b in zip(self.seconds, other.seconds, strict=True))


def in_turn(candidates: dict[str, Callable[[], object]], rounds: int = 9, budget: float = 20.0) -> dict[str, Timing]:
    """Time every candidate once a round; fewer rounds if the budget (seconds) runs out.

    Before each candidate there is a pause, after which the threads of the one before it sleep (they spin for a while,
    waiting for more work, and would take a core from the next); then it runs once untimed, so that all find their
    caches warm and their own threads awake.
    """
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    end = time.perf_counter() + budget
    for k in range(rounds):
        for name, run in candidates.items():
            time.sleep(PAUSE)
            run()
            start = time.perf_counter()
            run()
            taken[name].append(time.perf_counter() - start)
        if k >= 2 and time.perf_counter() > end:
            break
    return {name: Timing(name, tuple(seconds)) for name, seconds in taken.items()}


def process(*arguments: str) -> Callable[[], object]:
    """A candidate that is a whole Python process."""
    return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"
