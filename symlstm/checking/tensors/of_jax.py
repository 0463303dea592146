"""jax: arrays; what holds them (dicts, dataclasses) is read as any other object."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from symlstm.checking.tensors.kinds import Precision


def mine(value: Any) -> bool:
    """Of numbers that are there: inside jit there are none."""
    array = isinstance(value, jax.Array) and not isinstance(value, jax.core.Tracer)
    return array and jnp.issubdtype(value.dtype, jnp.floating)


def numpy(value: Any) -> Any:
    return np.array(value, dtype=np.float64)


def narrow(value: Any) -> bool:
    return bool(value.dtype != np.float64)


def like(array: Any, value: Any, precision: Precision) -> Any:
    return jnp.asarray(np.array(array), dtype=value.dtype if precision == "single" else np.float64)


def running(precision: Precision) -> contextlib.AbstractContextManager[Any]:
    return contextlib.nullcontext() if precision == "single" else _x64()


def _x64() -> contextlib.AbstractContextManager[Any]:
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    from jax.experimental import enable_x64  # jax before 0.9

    return enable_x64(True)


def holds(value: Any) -> bool:
    return False


def held(value: Any) -> list[tuple[str, Any]]:
    return []


def twin(value: Any, arrays: Mapping[str, Any], precision: Precision) -> Any:
    return value


def called(value: Any, function: Any) -> bool:
    return False


def code(value: Any) -> Any:
    return value


def signature(function: Any, owner: Any) -> inspect.Signature | None:
    return None


def notes(value: Any) -> list[tuple[str, str]]:
    return []


def compiled(run: Callable[[Any], Any], arrays: Mapping[Any, Any]) -> Callable[[Any], Any] | None:
    """A lax.scan outside of jit is compiled in each call anew."""
    known: dict[Any, Any] = {}

    def quick(given: Any) -> Any:
        paths = tuple(given)
        if paths not in known:
            known[paths] = jax.jit(lambda values: run(dict(zip(paths, values, strict=True))))
        return known[paths]([jnp.asarray(given[p], dtype=given[p].dtype) for p in paths])

    return quick


def differentiates(value: Any) -> bool:
    return True


def gradients(
    run: Callable[[Any], Any],
    total: Callable[[Any, Any], Any],
    given: Sequence[Any],
    above: Sequence[Any],
    known: dict[Any, Any],
) -> list[Any]:
    """Compiled where that goes: outside of jit each call of a lax.scan is compiled anew, forward and backward."""
    plain = jax.grad(lambda arrays, numbers: total(run(arrays), numbers))
    key = tuple((a.shape, a.dtype) for a in (*given, *above))
    if key not in known:
        known[key] = jax.jit(plain)
    try:
        found = known[key](list(given), list(above))
    except jax.errors.JAXTypeError:  # code that looks at numbers
        known[key] = plain
        found = plain(list(given), list(above))
    return [numpy(g) for g in found]
