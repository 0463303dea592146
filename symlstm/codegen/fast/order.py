"""The order of the operations of one step: chains together, products by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symlstm.codegen.fast.ops import Each, NotFast, Operation, Product, Row
from symlstm.expr.nodes import Quantity
from symlstm.expr.tree import quantities


def read_by(operation: Operation) -> set[Quantity]:
    return {operation.vector} if isinstance(operation, (Product, Row)) else set(quantities(operation.expr))


def scheduled(
    operations: Sequence[Operation], made_of: Mapping[Quantity, set[Quantity]], carried: set[Quantity]
) -> list[Operation]:
    """An order that keeps chains together and products late; whoever reads a carried value comes before its renewal."""
    waiting = list(operations)
    targets = {o.target for o in waiting if not (isinstance(o, Each) and o.total)}
    done: set[Quantity] = set()
    out: list[Operation] = []

    def ready(o: Operation) -> bool:
        reads = {part for q in read_by(o) for part in made_of.get(q, {q})}
        if any(q in targets and q not in done and q not in carried for q in reads):
            return False
        return o.target not in carried or not any(o.target in read_by(p) for p in waiting if p is not o)

    while waiting:
        able = [o for o in waiting if ready(o)]
        if not able:
            raise NotFast("what is carried is read by what renews it")
        last = out[-1] if out else None
        length = last.length if isinstance(last, Each) else None
        same: list[Operation] = [o for o in able if isinstance(o, Each) and o.length == length]
        chosen = (same or [o for o in able if not isinstance(o, Product)] or able)[0]
        waiting.remove(chosen)
        done.add(chosen.target)
        out.append(chosen)
    return out


def grouped(operations: Sequence[Operation]) -> list[list[Operation]]:
    """Products by themselves, everything between them together."""
    groups: list[list[Operation]] = []
    for o in operations:
        if groups and isinstance(groups[-1][0], Product) == isinstance(o, Product):
            groups[-1].append(o)
        else:
            groups.append([o])
    return groups
