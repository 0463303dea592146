"""Compiled functions in parts, one a thread: their code runs without the interpreter's lock."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import lru_cache
from itertools import pairwise
from typing import Any

from numba import config


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, config.NUMBA_NUM_THREADS - 1), "symlstm")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # the child has none of the threads


@lru_cache(maxsize=1)
def _find_processor() -> Callable[[], int]:
    """What says on which processor a thread runs; where that cannot be known, it says -1."""
    if sys.platform == "linux":
        found: Callable[[], int] | None = getattr(ctypes.CDLL(None), "sched_getcpu", None)
        if found is not None:
            return found
    return lambda: -1


def _elsewhere(processor: int, keep: Any, function: Callable[..., object], *arguments: Any) -> None:
    """Call a function on another processor than the one that its caller is on. keep: as for `in_parts`.

    Linux wakes a thread where the one that woke it runs, though another processor is idle, and moves it only after
    many milliseconds (measured: 60 on two processors, in which a sequence takes 15.5 ms instead of 9.9).
    """
    if processor >= 0 and _find_processor()() == processor:
        with suppress(OSError):  # a sandbox may forbid it
            # what the process may use: this thread may be allowed less
            others = os.sched_getaffinity(os.getpid()) - {processor}
            if others:
                os.sched_setaffinity(0, others)
    function(*arguments)


def in_parts(function: Callable[..., object], count: int, wanted: int, *arguments: Any, keep: Any = None) -> None:
    """function(first, last, *arguments) over 0, ..., count, in as many parts as wanted, at most one a thread.

    keep: arrays of which the arguments have addresses alone: other threads may outlive this call, if it is interrupted.
    """
    parts = max(1, min(config.NUMBA_NUM_THREADS, count, wanted))
    bounds = list(pairwise(count * k // parts for k in range(parts + 1)))
    processor = _find_processor()() if parts > 1 else -1
    others = [_pool().submit(_elsewhere, processor, keep, function, *ends, *arguments) for ends in bounds[1:]]
    try:
        function(*bounds[0], *arguments)
    finally:
        wait(others)
    for other in others:
        other.result()
