"""Where the parameters of a cell act: each (gate, part) and the columns of the parameter that it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from symlstm.checking import words
from symlstm.equations import Cell
from symlstm.errors import RuleMissing
from symlstm.evidence.program import subnodes
from symlstm.expr.nodes import Concat, Quantity


@dataclass(frozen=True)
class Site:
    """gate: f, i, c, o, ... part: "h" or "x" (what a matrix multiplies), "b" (bias), "p" and others (as named)."""

    parameter: Quantity
    gate: str
    part: str


@dataclass(frozen=True)
class Sites:
    """n, m: the sizes of state and input. others: parameters that belong to no gate (W_y)."""

    cell: Cell
    n: sp.Symbol
    m: sp.Symbol
    sites: tuple[Site, ...]
    gates: tuple[str, ...]
    others: tuple[Quantity, ...]

    @property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        table = words.GATES if "f" in self.gates else words.GATES_OF_GRU_BEFORE
        return {gate: table.get(gate, (gate,)) for gate in self.gates}

    def of(self, gate: str, part: str) -> Site | None:
        return next((s for s in self.sites if (s.gate, s.part) == (gate, part)), None)


@lru_cache(maxsize=32)
def sites_of(cell: Cell) -> Sites:
    """The sites of a cell with one input vector and states of one size; RuleMissing for another cell."""
    if len(cell.inputs) != 1 or not cell.states or any(len(cell.shapes[s.previous.name]) != 1 for s in cell.states):
        raise RuleMissing(f"{cell.name} cannot be checked: it must have one input vector, and vectors for states")
    (n,), (m,) = cell.shapes[cell.states[0].previous.name], cell.shapes[cell.inputs[0].name]
    found, others = [], []
    for q in cell.parameters:
        shape, (head, _, gate) = cell.shapes[q.name], q.name.partition("_")
        if shape == (n,):
            found.append(Site(q, gate, head if head in ("p", "c") else "b"))
        elif shape == (n, m):
            found.append(Site(q, gate, "x"))
        elif shape == (n, n):
            found.append(Site(q, gate, "h"))
        elif len(shape) == 2 and shape[0] == n and sp.expand(shape[1] - n - m) == 0:
            found += [Site(q, gate, part) for part in stacked_as(cell)]
        else:
            others.append(q)
    return Sites(cell, n, m, tuple(found), tuple(dict.fromkeys(s.gate for s in found)), tuple(others))


def stacked_as(cell: Cell) -> str:
    """hx or xh: the order in which the cell stacks h_prev and x."""
    for e in cell.equations:
        for node in subnodes(e.expr):
            if isinstance(node, Concat) and cell.inputs[0] in node.args:
                return "xh" if node.args[0] == cell.inputs[0] else "hx"
    return "hx"


def columns(site: Site, sizes: dict[Any, int], sites: Sites) -> slice:
    """The columns of the parameter that a site is."""
    joined = [s for s in sites.sites if s.parameter == site.parameter]
    start = 0
    for s in joined:
        width = {"h": sizes[sites.n], "x": sizes[sites.m]}.get(s.part, 1)
        if s == site:
            return slice(start, start + width)
        start += width
    raise AssertionError(site)
