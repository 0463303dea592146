"""Many points measured at once: on the cores of this machine (joblib), or on a Dask cluster.

Both yield (place, result) as points are finished, in whatever order. A worker process that dies (killed, out of memory)
costs its points a second attempt, not the sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from symlstm.errors import ValueUnusable
from symlstm.plugins import library

DEATHS = 3
"""So many times the pool of this machine is started again after a worker died. Dask counts for itself, by task."""
SHORT_OF_MEMORY = "memory may be short: fewer processes or a smaller n; finished points are kept where a path is given"
TIMEOUT = 20
"""Seconds in which a Dask scheduler must answer."""

Task = Callable[[Any], Any]


def on_cores(task: Task, points: Sequence[Any], jobs: int) -> Iterator[tuple[int, Any]]:
    """On the cores of this machine, each with one thread. jobs: how many processes; -1 for all cores."""
    joblib = library("joblib", "explore")
    left, deaths = dict(enumerate(points)), 0
    while left:
        with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
            parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
        try:
            for place, found in parallel(joblib.delayed(_placed)(task, *item) for item in list(left.items())):
                del left[place]
                yield place, found
        except BrokenProcessPool:
            deaths += 1
            if deaths > DEATHS:
                raise ValueUnusable(f"worker processes died {deaths} times", SHORT_OF_MEMORY) from None


def _placed(task: Task, place: int, point: Any) -> tuple[int, Any]:
    return place, task(point)


def on_dask(task: Task, points: Sequence[Any], cluster: Any) -> Iterator[tuple[int, Any]]:
    """On a Dask cluster. cluster: the address of its scheduler, or a distributed.Client. Raises ValueUnusable."""
    distributed = library("distributed", "dask")
    own = not isinstance(cluster, distributed.Client)
    client = _connected(distributed, cluster) if own else cluster
    futures = {client.submit(task, point, pure=False): place for place, point in enumerate(points)}
    try:
        # A future is waited for in the loop of its own client: without `loop`, as_completed takes the current client's.
        for future in distributed.as_completed(futures, loop=client.loop):
            yield futures[future], future.result()
    except distributed.KilledWorker as error:
        raise ValueUnusable(f"a point ended several workers one after the other: {error}", SHORT_OF_MEMORY) from None
    finally:
        client.cancel(list(futures))
        if own:
            client.close()


def _connected(distributed: Any, address: str) -> Any:
    try:
        return distributed.Client(address, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:  # a timeout is an OSError
        raise ValueUnusable(
            f"no Dask scheduler answers at {address}: {error}", "dask scheduler prints its address, tcp://host:8786"
        ) from None
