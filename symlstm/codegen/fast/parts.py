"""Compiled functions in parts, one a thread: their code runs without the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import Any

from numba import config


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, config.NUMBA_NUM_THREADS - 1), "symlstm")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # the child has none of the threads


def in_parts(function: Callable[..., object], count: int, wanted: int, *arguments: Any) -> None:
    """function(first, last, *arguments) over 0, ..., count, in as many parts as wanted, at most one a thread."""
    parts = max(1, min(config.NUMBA_NUM_THREADS, count, wanted))
    bounds = list(pairwise(count * k // parts for k in range(parts + 1)))
    others = [_pool().submit(function, *ends, *arguments) for ends in bounds[1:]]
    function(*bounds[0], *arguments)
    for other in others:
        other.result()
