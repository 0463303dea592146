"""Compiled functions in parts, one a thread, or beside what follows: their code runs without the interpreter's lock."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from threading import get_native_id, local
from typing import Any, Generic, TypeVar

import numpy as np
from numba import config

Result = TypeVar("Result")
LARGER = 1 << 24
"""Bytes, more than a piece of a sequence has."""


_own = local()
"""busy: whether this thread must not wait for one of the pool: it is one itself, or one helps it until it is done."""
LATER = 0
"""No thread's number: stands for those that have not begun."""
_left: dict[int, int] = {LATER: -1}
"""The processor that each thread of the pool leaves alone, by the thread's number; -1: none."""


def _begin() -> None:
    """A thread of the pool begins.

    What a thread frees at the end of its memory glibc gives back to the kernel, unless a larger block was freed before
    (mallopt(3), M_MMAP_THRESHOLD). So one is: pieces of a sequence come and go, and finding their memory anew took 5 ms
    of 25 (2,800 page faults).
    """
    _own.busy = True
    _left[get_native_id()] = -1
    _leave_alone(_left[LATER])
    np.empty(LARGER, np.uint8)


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, config.NUMBA_NUM_THREADS - 1), "symlstm", _begin)


def _forget() -> None:
    """The child of a fork has none of the threads."""
    _pool.cache_clear()
    _left.clear()
    _left[LATER] = -1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@lru_cache(maxsize=1)
def _find_processor() -> Callable[[], int]:
    """What says on which processor a thread runs; where that cannot be known, it says -1."""
    if sys.platform == "linux":
        found: Callable[[], int] | None = getattr(ctypes.CDLL(None), "sched_getcpu", None)
        if found is not None:
            return found
    return lambda: -1


@dataclass(frozen=True)
class _Begun(Generic[Result]):
    """A call that a thread of the pool is to make. work: the function, its arguments, and what is kept until then."""

    future: Future[Result]
    work: list[Any]

    def taken_back(self) -> bool:
        """Whether no thread has begun it, and none will. What it was given is let go: the pool does so much later."""
        if self.future.cancel():
            self.work.clear()
        return self.future.cancelled()


def _submit(function: Callable[..., Result], *arguments: Any, keep: Any = None) -> _Begun[Result]:
    """Begin a call in a thread of the pool, on another processor than this thread is on. keep: as for `in_parts`."""
    _leave_alone(_find_processor()())
    work = [function, arguments, keep]
    return _Begun(_pool().submit(_do, work), work)


def _do(work: list[Any]) -> Any:
    function, arguments, _ = work
    return function(*arguments)


def _leave_alone(processor: int) -> None:
    """No thread of the pool runs on that processor any more, if there is another and the system lets us say so.

    Linux wakes a thread where the one that woke it runs, though another processor is idle (on a virtual machine, where
    an idle one may not be there at once), and moves it only after many milliseconds (measured: 60 on two processors, in
    which a sequence takes 15.5 ms instead of 9.9). Who wants a thread says so: one that waits for that very processor
    could not (exponents of 500 steps took 28 ms after a pause instead of 21). If two say so at once, a thread may stay
    where it should not until the next change; that costs time alone.
    """
    for thread, left in list(_left.items()):
        _left[thread] = processor
        if thread == LATER or left == processor:
            continue
        with suppress(OSError):  # a sandbox may forbid it
            others = os.sched_getaffinity(0) - {processor}
            if others:
                os.sched_setaffinity(thread, others)


@contextmanager
def helped_by(function: Callable[..., object], *arguments: Any) -> Iterator[None]:
    """function(*arguments) in another thread, which ends when this one tells it to.

    While it runs, this thread waits for no other of the pool.
    """
    before, begun = hasattr(_own, "busy"), None
    try:
        if config.NUMBA_NUM_THREADS > 1 and not before:
            begun = _submit(function, *arguments)
        _own.busy = True
        yield
    finally:
        if not before:
            _own.__dict__.pop("busy", None)
        if begun is not None:
            begun.taken_back()


def beside(function: Callable[..., Result], *arguments: Any) -> Callable[[], Result]:
    """Begin function(*arguments) in another thread, where there is one; what waits for the result.

    What has not begun by then, because the others have something else to do, is done by who waits.
    """
    call = partial(function, *arguments)
    if config.NUMBA_NUM_THREADS == 1 or hasattr(_own, "busy"):
        return call
    begun = _submit(function, *arguments)
    return lambda: call() if begun.taken_back() else begun.future.result()


def in_parts(function: Callable[..., object], count: int, wanted: int, *arguments: Any, keep: Any = None) -> None:
    """function(first, last, *arguments) over 0, ..., count, in as many parts as wanted, at most one a thread.

    keep: arrays of which the arguments have addresses alone: other threads may outlive this call, if it is interrupted.
    """
    parts = 1 if hasattr(_own, "busy") else max(1, min(config.NUMBA_NUM_THREADS, count, wanted))
    bounds = list(pairwise(count * k // parts for k in range(parts + 1)))
    others = [_submit(function, *ends, *arguments, keep=keep) for ends in bounds[1:]]
    try:
        function(*bounds[0], *arguments)
    finally:
        left = [ends for ends, other in zip(bounds[1:], others, strict=True) if other.taken_back()]
        running = [other.future for other in others if not other.future.cancelled()]
        wait(running)
    for ends in left:  # what has not begun by now
        function(*ends, *arguments)
    for other in running:
        other.result()
