"""What the axes of an array of weights count: gates, units, and what it meets."""

from __future__ import annotations

from typing import Any

from symlstm.checking.axes import JOINED, ONE, Axis, M, N


def core(axes: tuple[Any, ...]) -> list[Any]:
    """The axes that count anything."""
    return [axis for axis in axes if axis != ONE]


def kind(axes: tuple[Any, ...], gates: int) -> tuple[int, Any] | None:
    """(how many gates, what the other axis counts) of an array; the other is None for a bias, ("rows", 2) for two."""
    own = core(axes)
    wide = [JOINED, JOINED._replace(one=1), M, N]
    if len(own) == 1 and _gates_in(own[0]) == 2 * gates:
        return gates, ("rows", 2)
    if len(own) == 1 and _gates_in(own[0]):
        return _gates_in(own[0]), None
    if len(own) == 3 and own[0] == Axis(gates) and N in own[1:]:  # one matrix a gate
        square = own[1] == own[2]
        return gates, (N, None) if square else (own[1 if own[2] == N else 2], own[2] == N)
    if len(own) == 2:
        for mine, other in ((0, 1), (1, 0)):
            count = _gates_in(own[mine])
            if count and own[other] in wide and (count > 1 or own[other] != N or own[mine] == N):
                return (count, (own[other], mine == 1))
        if own[0] == Axis(gates) and own[1] == N:
            return gates, None
        if own[0] == Axis(2) and _gates_in(own[1]):
            return _gates_in(own[1]), ("rows", 2)
    return None


def _gates_in(axis: Any) -> int:
    return int(axis.n) if axis == Axis(n=axis.n) else 0
