"""Where the parameters of a cell act: each (gate, part) and the columns of the parameter that it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from symlstm.checking import words
from symlstm.equations import Cell
from symlstm.errors import RuleMissing
from symlstm.evidence.program import named, subnodes
from symlstm.expr.nodes import Apply, Concat, Hadamard, Quantity


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
        """What people call each gate: of the first table that knows all of them; else its own name."""
        table = next((known for known in words.TABLES if set(self.gates) <= set(known)), {})
        return {gate: table.get(gate, (gate.lower(), *self.values_of(gate))) for gate in self.gates}

    def values_of(self, gate: str) -> tuple[str, ...]:
        """The quantities whose equations read the parameters of a gate."""
        own = {s.parameter for s in self.sites if s.gate == gate}
        return tuple(e.name for e in self.cell.equations if not own.isdisjoint(named(e.expr)))

    def gate_of(self, parameter: Quantity) -> str | None:
        return next((s.gate for s in self.sites if s.parameter == parameter), None)

    def of(self, gate: str, part: str) -> Site | None:
        return next((s for s in self.sites if (s.gate, s.part) == (gate, part)), None)


@lru_cache(maxsize=32)
def sites_of(cell: Cell) -> Sites:
    """The sites of a cell with one input vector and states of one size; RuleMissing for another cell."""
    if len(cell.inputs) != 1 or not cell.states or any(len(cell.shapes[s.previous.name]) != 1 for s in cell.states):
        raise RuleMissing(f"{cell.name} cannot be checked: it must have one input vector, and vectors for states")
    (n,), (m,) = cell.shapes[cell.states[0].previous.name], cell.shapes[cell.inputs[0].name]
    found, others = [], []
    labels = _labels(cell)
    for q in cell.parameters:
        shape, gate = cell.shapes[q.name], labels[q]
        if shape == (n,):
            found.append(Site(q, gate, _vector_part(cell, q)))
        elif shape == (n, m):
            found.append(Site(q, gate, "x"))
        elif shape == (n, n):
            found.append(Site(q, gate, "h"))
        elif len(shape) == 2 and shape[0] == n and sp.expand(shape[1] - n - m) == 0:
            found += [Site(q, gate, part) for part in stacked_as(cell)]
        else:
            others.append(q)
    places = [(s.gate, s.part) for s in found]
    if twice := next((place for place in places if places.count(place) > 1), None):
        names = " and ".join(s.parameter.name for s in found if (s.gate, s.part) == twice)
        raise RuleMissing(f"{cell.name} cannot be checked: {names} act on the same gate and the same vector")
    return Sites(cell, n, m, tuple(found), tuple(dict.fromkeys(s.gate for s in found)), tuple(others))


def _labels(cell: Cell) -> dict[Quantity, str]:
    """The gate that each parameter belongs to: W_f, U_f and b_f, or Wf and bf, make gate f; else what they compute."""
    groups: dict[str, list[Quantity]] = {}
    for q in cell.parameters:
        first = next((e.name for e in cell.equations if q in set(named(e.expr))), "")
        groups.setdefault(first, []).append(q)
    labels: dict[Quantity, str] = {}
    for first, members in groups.items():
        ends = {q.name.partition("_")[2] for q in members}
        if "" in ends:
            ends = {q.name.replace("_", "")[1:] for q in members}
        label = ends.pop() if len(ends) == 1 else ""
        labels |= dict.fromkeys(members, label or first)
    return labels


def _vector_part(cell: Cell, q: Quantity) -> str:
    """b: added to the rest of its gate; p: multiplied by a vector; c: added inside of what is multiplied there."""
    for e in cell.equations:
        inside = [n for n in subnodes(e.expr) if isinstance(n, Apply) and q in set(named(n))]
        gate = min(inside, key=lambda n: len(list(subnodes(n))), default=e.expr)
        for node in subnodes(gate):
            if isinstance(node, Hadamard) and q in set(named(node)):
                return "p" if q in node.args else "c"
    return "b"


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
