"""Compiled functions in parts, one a thread, or beside what follows: their code runs without the interpreter's lock."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from itertools import pairwise
from threading import local
from typing import Any, TypeVar

import numpy as np
from numba import config

Result = TypeVar("Result")
LARGER = 1 << 24
"""Bytes, more than a piece of a sequence has."""


_own = local()
"""busy: whether this thread must not wait for one of the pool: it is one itself, or one helps it until it is done."""


def _begin() -> None:
    """A thread of the pool begins.

    What a thread frees at the end of its memory glibc gives back to the kernel, unless a larger block was freed before
    (mallopt(3), M_MMAP_THRESHOLD). So one is: pieces of a sequence come and go, and finding their memory anew took 5 ms
    of 25 (2,800 page faults).
    """
    _own.busy = True
    np.empty(LARGER, np.uint8)


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, config.NUMBA_NUM_THREADS - 1), "symlstm", _begin)


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


def _submit(function: Callable[..., Result], *arguments: Any, keep: Any = None) -> Future[Result]:
    """Begin a call in a thread of the pool. keep: as for `in_parts`."""
    return _pool().submit(_elsewhere, _find_processor()(), keep, function, *arguments)


def _elsewhere(processor: int, keep: Any, function: Callable[..., Result], *arguments: Any) -> Result:
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
    return function(*arguments)


@contextmanager
def helped_by(function: Callable[..., object], *arguments: Any) -> Iterator[None]:
    """function(*arguments) in another thread, which ends when this one tells it to.

    While it runs, this thread waits for no other of the pool.
    """
    before, future = hasattr(_own, "busy"), None
    try:
        if config.NUMBA_NUM_THREADS > 1 and not before:
            future = _submit(function, *arguments)
        _own.busy = True
        yield
    finally:
        if not before:
            _own.__dict__.pop("busy", None)
        if future is not None:
            future.cancel()


def beside(function: Callable[..., Result], *arguments: Any) -> Callable[[], Result]:
    """Begin function(*arguments) in another thread, where there is one; what waits for the result.

    What has not begun by then, because the others have something else to do, is done by who waits.
    """
    call = partial(function, *arguments)
    if config.NUMBA_NUM_THREADS == 1 or hasattr(_own, "busy"):
        return call
    future = _submit(function, *arguments)
    return lambda: call() if future.cancel() else future.result()


def in_parts(function: Callable[..., object], count: int, wanted: int, *arguments: Any, keep: Any = None) -> None:
    """function(first, last, *arguments) over 0, ..., count, in as many parts as wanted, at most one a thread.

    keep: arrays of which the arguments have addresses alone: other threads may outlive this call, if it is interrupted.
    """
    parts = 1 if hasattr(_own, "busy") else max(1, min(config.NUMBA_NUM_THREADS, count, wanted))
    bounds = list(pairwise(count * k // parts for k in range(parts + 1)))
    others = [_submit(function, *ends, *arguments, keep=keep) for ends in bounds[1:]]
    left = []
    try:
        function(*bounds[0], *arguments)
    finally:
        left = [ends for ends, other in zip(bounds[1:], others, strict=True) if other.cancel()]
        wait(others)
    for ends in left:  # what has not begun by now
        function(*ends, *arguments)
    for other in others:
        if not other.cancelled():
            other.result()
