"""The parts of a gate in an array of weights: which columns meet h and which x, which way it is turned, biases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from symlstm.checking import words
from symlstm.checking.axes import M, N
from symlstm.checking.convention import View
from symlstm.checking.leaves import Path
from symlstm.checking.probe import Probe
from symlstm.checking.sites import Sites


def majority(probe: Probe, results: list[Path], kinds: Mapping[Path, tuple[int, Any]]) -> bool:
    """Whether square weights are applied as h @ U: as the others are, else as most of them answer."""
    wide = [(blocks, *width) for blocks, width in kinds.values() if width is not None and width[0] != "rows"]
    sure = [turned for blocks, length, turned in wide if turned is not None and (length != N or blocks > 1)]
    if sure:
        return sum(sure) * 2 > len(sure)
    votes = []
    for p, (_, width) in kinds.items():
        if probe.base[p].ndim in (2, 3) and width and width[0] == N:
            moved = {**probe.base, p: probe.base[p].copy()}
            moved[p][..., 0, 1] += 0.25
            for mask in probe.changed(probe.base, moved, results).values():
                units = np.flatnonzero(
                    mask.any(axis=tuple(a for a in range(mask.ndim) if mask.shape[a] != probe.example.sizes[0]))
                )
                votes += [units[0] == 1] if len(units) == 1 else []
    return sum(votes) * 2 > len(votes)


def parts_of(
    sites: Sites, probe: Probe, p: Path, k: int, blocks: int, width: Any, turned: bool, order: str
) -> Iterator[tuple[str, View]]:
    """The parts of a gate in one array."""
    n, m, _ = probe.example.sizes
    side = words.side_of(str(p[-1]))
    if width is None:
        multiplies = multiplying(sites) and words.is_peephole(p)
        yield ("p" if multiplies else "c" if side == "h" else "b"), View(p, k, blocks)
    elif width[0] == "rows":
        for row in range(2):
            yield ("c" if row else "b"), View(p, k, blocks, row=row, rows=2)
    elif width[0] == N:
        own = turned if blocks == 1 or width[1] is None else width[1]
        yield ("x" if order == "x" else "h"), View(p, k, blocks, own, slice(0, n))
    elif width[0] == M:
        yield "x", View(p, k, blocks, width[1], slice(0, m))
    else:
        start = 0
        for part in order:
            length = {"h": n, "x": m, "b": 1}[part]
            if part == "b":
                yield "b", View(p, k, blocks, width[1], slice(start, start + 1))
            else:
                yield part, View(p, k, blocks, width[1], slice(start, start + length))
            start += length


def columns(probe: Probe, p: Path, width: Any, roles: Mapping[str, Path], results: list[Path]) -> str:
    """hx or xh, with b before or after: which columns no longer matter once h (or x) is zero; "" where none does.

    Where n = m, of an array that meets one of the two: which.
    """
    n, m, _ = probe.example.sizes
    array = probe.base[p]
    if width is not None and width[0] == N and n == m:
        x = next(iter(roles.values()))
        still = {**probe.base, x: np.zeros_like(probe.base[x])}
        a, b = probe.run(still), probe.run({**still, p: 1.5 * array})
        return "x" if all(np.array_equal(a[o], b[o], equal_nan=True) for o in results) else "h"
    if width is None or width[0] in ("rows", N, M):
        return ""
    turned = width[1]
    total = array.shape[-2 if turned else -1]
    dead: dict[str, list[bool]] = {}
    for role, path in (("h", roles.get("h_prev")), ("x", next(iter(roles.values())))):
        if path is None:
            continue
        still = {**probe.base, path: np.zeros_like(probe.base[path])}
        dead[role] = []
        for column in range(total):
            moved = {**still, p: array.copy()}
            moved[p][(..., column, slice(None)) if turned else (..., column)] += 0.25
            a, b = probe.run(still), probe.run(moved)
            dead[role].append(all(np.array_equal(a[o], b[o], equal_nan=True) for o in results))
    mine = [
        "b" if not (h or x) else "h" if h and not x else "x" if x and not h else "?"
        for h, x in zip(dead.get("h", [False] * total), dead.get("x", [False] * total), strict=True)
    ]
    if total == n + m and set(mine) == {"b"}:
        return ""
    bias: list[tuple[str, ...]] = (
        [("b", *"hx"), ("b", *"xh"), (*"hx", "b"), (*"xh", "b")] if total == n + m + 1 else [tuple("hx"), tuple("xh")]
    )

    def fits(order: tuple[str, ...]) -> int:
        spelled = [part for part in order for _ in range({"h": n, "x": m, "b": 1}[part])]
        return sum(a == b for a, b in zip(spelled, mine, strict=True))

    return "".join(max(bias, key=lambda order: fits(tuple(order))))


def multiplying(sites: Sites) -> int:
    """How many gates have a vector that multiplies a state."""
    return sum(s.part == "p" for s in sites.sites)
