"""What the axes of one example count, of a step or a sequence: the sizes under which most axes have a meaning."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from symlstm.checking.axes import JOINED, ONE, SIZES, Axis, B, M, N, T
from symlstm.checking.calls import INSIDE, Call
from symlstm.checking.example import Example
from symlstm.checking.leaves import Path
from symlstm.checking.words import role_of
from symlstm.errors import ValueUnusable


def inferred_step(call: Call, states: int) -> Example:
    """Templates from one example: the sizes under which most axes mean something."""
    found = call.leaves()
    if not found:
        raise ValueUnusable("the example holds no array of floating-point numbers", "give arrays of float64")
    by_role = {role_of(str(leaf.path[-1])): leaf for leaf in reversed(found)}
    first = [leaf for leaf in found if leaf.path[0] not in INSIDE]
    x = by_role.get("x") or first[0]
    h = by_role.get("h") or next((leaf for leaf in first if leaf is not x), None)
    if h is None:
        raise ValueUnusable("the example has no state beside its input", "call the argument of the state h_prev")
    c = by_role.get("c")
    if c is None and states > 1:
        c = next((leaf for leaf in first if leaf not in (x, h) and leaf.array.shape == h.array.shape), None)
    batched = {leaf.path for leaf in (x, h, c) if leaf is not None}
    best: tuple[tuple[int, int], Any] | None = None
    for axis in (None,) if h.array.ndim < 2 else (0, 1):
        if x.array.ndim != h.array.ndim or (axis is not None and x.array.shape[axis] != h.array.shape[axis]):
            continue
        n, m = (int(v.array.shape[-1 if axis is None else 1 - axis]) for v in (h, x))
        batch = 1 if axis is None else int(h.array.shape[axis])
        templates: dict[Path, tuple[Axis, ...]] = {}
        known = plain = 0
        for leaf in found:
            if leaf.path in batched:
                own = M if leaf is x else N
                templates[leaf.path] = (own,) if axis is None else (B, own) if axis == 0 else (own, B)
            else:
                axes = [meaning(length, n, m) for length in leaf.array.shape]
                known += sum(a is not None for a in axes)
                plain += sum(a in (ONE, N, M) for a in axes)
                templates[leaf.path] = tuple(
                    a or Axis(length) for a, length in zip(axes, leaf.array.shape, strict=True)
                )
        if best is None or (known, plain) > best[0]:
            best = ((known, plain), (templates, (n, m, batch)))
    if best is None:
        raise ValueUnusable(f"{x.name} is {x.array.shape} and {h.name} is {h.array.shape}: which axis is the batch?")
    chosen, sizes = best[1]
    given = Example(call, chosen, sizes)
    wished = Example(call, chosen, SIZES)  # other sizes tell more, where the function takes them
    return wished if wished.runs() else given


def meaning(length: int, n: int, m: int) -> Axis | None:
    """What an axis of that length counts; None if nothing known."""
    if length == 1:
        return ONE
    counts = itertools.chain(
        [(N, n), (M, m), (JOINED, n + m), (JOINED._replace(one=1), n + m + 1)],
        ((Axis(n=k), k * n) for k in (4, 3, 2)),
    )
    return next((axis for axis, value in counts if value == length), None)


PLAIN = {N: 7, M: 7, JOINED: 6, Axis(n=4): 6}
"""How much more it says that an axis is n, m, n + m or 4 n than that it is 2 n or one."""
ORDERS = ("tbf", "btf", "fbt", "tfb", "bft", "ftb")
"""Steps, batch and features in the order in which they are usual."""


def inferred_sequence(call: Call) -> Example | None:
    """One example of a whole sequence: the meaning of the axes under which most of them have one; None for a step."""
    found = {leaf.path: leaf.array.shape for leaf in call.leaves()}
    given = {path: shape for path, shape in found.items() if path[0] not in INSIDE}
    by_role: dict[str | None, Path] = {}
    for path in given:
        by_role.setdefault(role_of(next(part for part in reversed(path) if isinstance(part, str))), path)
    x = by_role.get("x") or next(iter(given), None)
    if x is None:
        return None
    h = by_role.get("h")
    flat = h is None or len([length for length in given[h] if length > 1]) < 2
    if len(given[x]) == 2 and (call.stacked or not flat):
        orders: tuple[str, ...] = ("tf",) if call.stacked else ()
    elif len(given[x]) == 2:
        orders = ("tf", "ft")
    else:
        orders = tuple(o for o in ORDERS if not call.stacked or o[0] == "t") if len(given[x]) == 3 else ()
    best: tuple[int, Example] | None = None
    for order in orders:
        sizes = dict(zip(order, given[x], strict=True))
        for n in sorted({length for shape in found.values() for length in shape if length > 1}):
            score, example = _read_as(call, found, x, by_role, order, (n, sizes["f"], sizes.get("b", 1)), sizes["t"])
            if score is not None and (best is None or score > best[0]):
                best = (score, example)
    if best is None:
        return None
    wished = replace(best[1], sizes=SIZES)
    return wished if wished.runs() else best[1]


def _read_as(
    call: Call,
    found: Mapping[Path, tuple[int, ...]],
    x: Path,
    roles: Mapping[str | None, Path],
    order: str,
    sizes: tuple[int, int, int],
    steps: int,
) -> tuple[int | None, Example]:
    """How many axes mean something when x is laid out so; None where the states do not fit."""
    n, m, batch = sizes
    templates = {x: tuple({"t": T, "b": B, "f": M}[letter] for letter in order)}
    known = 0
    states = {roles[role] for role in ("h", "c") if role in roles} - {x}
    for path, shape in found.items():
        if path == x:
            continue
        rest = [length for length in shape if length != 1]
        turned = "b" in order and order.index("f") < order.index("b")
        wanted = [length for length in ((n, batch) if turned else (batch, n)) if length != 1]
        if path in states and rest != wanted:
            return None, Example(call, {}, sizes)
        plainly = rest == wanted and len(rest) == 2 and batch not in (n, m, 4 * n) and path[0] not in INSIDE
        if path in states or plainly:
            letters = iter(
                [
                    axis
                    for axis, length in zip(
                        (N, B) if turned else (B, N), (n, batch) if turned else (batch, n), strict=True
                    )
                    if length != 1
                ]
            )
            templates[path] = tuple(ONE if length == 1 else next(letters) for length in shape)
            known += 2 * PLAIN[N]
            continue
        axes = [meaning(length, n, m) for length in shape]
        known += sum(PLAIN.get(axis, 1) for axis in axes if axis is not None)
        templates[path] = tuple(a or Axis(length) for a, length in zip(axes, shape, strict=True))
    return known, Example(call, templates, sizes, x, steps)
