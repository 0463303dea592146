"""The fast functions of a cell: those of its NumPy module, with the time loops and the row sums compiled by Numba."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from symlstm.codegen.fast import DTYPES
from symlstm.codegen.fast.merging import merged
from symlstm.codegen.fast.ops import NotFast
from symlstm.codegen.fast.sequence import OF_JOBS, OF_PRODUCTS, WORDS, FastLoop
from symlstm.codegen.sequence.backward_loop import BackwardWriter
from symlstm.codegen.sequence.loops import forward_function
from symlstm.codegen.sequence.module import planned
from symlstm.equations import Cell


def fast_source(cell: Cell, reserved: Sequence[str]) -> str:
    """The text of the compiled loops and of what calls them; without a loop that has what is not compiled."""
    made, back, kept = planned(cell)
    names = (*reserved, *WORDS)
    parts: list[str] = []
    with suppress(NotFast):
        loop = FastLoop()
        forward, _ = forward_function(made, kept, names, loop)
        parts += [*loop.kernels, forward]
    with suppress(NotFast):
        loop = FastLoop()
        backward, _ = BackwardWriter(made, back, kept, names, loop).function()
        parts += [*loop.kernels, backward]
    return "\n\n\n".join(parts) + "\n" if parts else ""


def fast_functions(source: str, module: str) -> dict[str, Any]:
    """The functions of a module (its text) with the loops of `source`, and with row sums in one pass over memory.

    Numbers other than float32 and float64 take NumPy's loops.
    """
    from numba import njit

    from symlstm.codegen.fast import jobs, products
    from symlstm.codegen.fast.parts import in_parts
    from symlstm.codegen.fast.rows import fill_rows, fill_together
    from symlstm.codegen.fast.scalar_math import FAST
    from symlstm.codegen.fast.whole import FAST_WHOLE

    space: dict[str, Any] = {"__name__": "symlstm fast"}
    exec(compile(merged(module), "<symlstm>", "exec"), space)
    numpy_functions = dict(space)
    slow = space.get("fill_rows")
    space.update({f"each_{name}": function for name, function in FAST.items()})
    space.update({f"whole_{name}": function for name, function in FAST_WHOLE.items()})
    for module_, names in ((products, OF_PRODUCTS), (jobs, OF_JOBS)):
        space.update({name: getattr(module_, name) for name in names})
    space["in_parts"] = in_parts
    space["square"] = _square(njit)
    space["njit"] = njit(nogil=True, error_model="numpy", fastmath={"contract"})
    if source:
        exec(compile(source, "<symlstm fast>", "exec"), space)
        for name in ("forward", "backward"):
            if space[name] is not numpy_functions[name]:
                space[name] = _by_dtype(space[name], numpy_functions[name])
                space["SEQUENCE"][name] = space[name]
    if slow is not None:

        def fill(*given: Any) -> None:
            sums = [one for one in given if one]
            if not sums:
                return
            if all(_is_fast(out, sums[0][0]) for out, *_ in sums):
                fill_together(*sums)
                return
            for out, *terms in sums:
                if not terms:
                    out[...] = 0
                else:
                    (fill_rows if _is_fast(out, out) else slow)(out, *terms)

        space["fill_rows"], space["fill_together"] = lambda *one: fill(one), fill
    return space


def _is_fast(out: Any, like: Any) -> bool:
    """Whether the rows of an array can be written by compiled code, beside those of another one."""
    alike = out.shape[:-1] == like.shape[:-1] and out.dtype == like.dtype
    return alike and out.dtype in DTYPES and out.strides[-1] == out.itemsize


def _square(njit: Any) -> Any:
    @njit(forceinline=True, error_model="numpy")
    def square(z: Any) -> Any:
        return z * z

    return square


def _by_dtype(fast: Any, slow: Any) -> Any:
    """The fast function for the dtypes that it is compiled for, else the other."""

    def chosen(w: Any, x: Any, *rest: Any) -> Any:
        states = rest[0] if len(rest) == 1 else rest[2]
        return (fast if states[0].dtype in DTYPES else slow)(w, x, *rest)

    return chosen
