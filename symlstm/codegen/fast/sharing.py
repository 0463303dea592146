"""Numbers in memory that several threads count with while compiled code runs."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic


def _entry(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Where arguments[1] of the array arguments[0] lies."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


@intrinsic
def count_on(typing: Any, counts: Any, k: Any, by: Any) -> Any:
    """counts[k] += by at once for all threads; the number before."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at = _entry(context, builder, signature, arguments)
        return builder.atomic_rmw("add", at, arguments[2], "acq_rel")

    return types.int64(counts, types.int64, types.int64), code


@intrinsic
def seen(typing: Any, counts: Any, k: Any) -> Any:
    """counts[k]; what its writer has written before is seen too."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_entry(context, builder, signature, arguments), "acquire", 8)

    return types.int64(counts, types.int64), code


@intrinsic
def show(typing: Any, counts: Any, k: Any, value: Any) -> Any:
    """counts[k] = value, after everything that this thread has written before."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at = _entry(context, builder, signature, arguments)
        builder.store_atomic(arguments[2], at, "release", 8)
        return context.get_dummy_value()

    return types.void(counts, types.int64, types.int64), code
