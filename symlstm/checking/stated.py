"""A convention stated by hand, in the line that the report prints; what is stated is used in place of what is probed.

    gates i, f, o, g stacked along axis 1; x @ W; [x, h]; one bias; rows are the batch; returns h, c

Any of the pieces may be left out. A piece that does not fit the arrays is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from symlstm.checking.convention import Convention, View
from symlstm.checking.probe import Probe
from symlstm.checking.sites import Sites
from symlstm.errors import ValueUnusable, unknown

Piece = Callable[[re.Match[str]], dict[str, Any]]
COUNTS = {"no bias": 0, "one bias": 1, "two biases": 2}
BATCHES = {"no batch": None, "rows are the batch": 0, "columns are the batch": 1}
PRODUCTS = {"x @ W": True, "W @ x": False}
JOINS = ("[h, x]", "[x, h]", "separate W and U")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


PIECES: dict[str, Piece] = {
    r"gates (?P<order>[\w, ]+) stacked along axis (?P<axis>[01])": lambda m: {
        "order": _names(m["order"]),
        "axis": int(m["axis"]),
    },
    r"one array a gate \(by name\)": lambda m: {"apart": True},
    r"one array a gate \(in the order (?P<order>[\w, ]+)\)": lambda m: {"apart": True, "order": _names(m["order"])},
    r"(?P<product>x @ W|W @ x)": lambda m: {"turned": PRODUCTS[m["product"]]},
    r"W @ x and x @ W mixed": lambda m: {"mixed": True},
    r"(?P<join>\[h, x\]|\[x, h\]|separate W and U)": lambda m: {"join": m["join"]},
    r"(?P<count>no bias|one bias|two biases)": lambda m: {"biases": COUNTS[m["count"]]},
    r"(?P<count>\d+) biases": lambda m: {"biases": int(m["count"])},
    r"(?P<number>[+-][\d.e+-]+) on the (?P<gate>\w+) gate": lambda m: {"added": {m["gate"]: float(m["number"])}},
    r"(?P<batch>no batch|rows are the batch|columns are the batch)": lambda m: {"batch": m["batch"]},
    r"(?P<steps>x is \(.*)": lambda m: {"steps": m["steps"]},
    r"returns (?P<returns>[\w, ]+)": lambda m: {"returns": _names(m["returns"])},
}
"""What a piece of the line may be, and what it says."""
EXAMPLES = (
    "gates i, f, o, g stacked along axis 1", "one array a gate (by name)", "x @ W", "W @ x", *JOINS, *COUNTS,
    "+1 on the f gate", *BATCHES, "returns h, c",
)  # fmt: skip


@dataclass(frozen=True)
class Stated:
    """The pieces of a convention; None (or empty) where nothing is stated."""

    order: tuple[str, ...] = ()
    axis: int | None = None
    apart: bool = False
    turned: bool | None = None
    mixed: bool = False
    join: str = ""
    biases: int | None = None
    added: Mapping[str, float] = field(default_factory=dict)
    batch: str = ""
    steps: str = ""
    returns: tuple[str, ...] = ()

    def said(self) -> str:
        """The line that says it."""
        gates = ", ".join(self.order)
        apart = f"one array a gate ({'in the order ' + gates if self.order else 'by name'})"
        stacked = f"gates {gates} stacked along axis {self.axis}" if self.order else ""
        products = {True: "x @ W", False: "W @ x", None: "W @ x and x @ W mixed" if self.mixed else ""}
        counts = {number: text for text, number in COUNTS.items()} | {None: ""}
        pieces = [apart if self.apart else stacked, products[self.turned], self.join]
        pieces += [counts.get(self.biases, f"{self.biases} biases")]
        pieces += [f"{number:+g} on the {gate} gate" for gate, number in self.added.items()]
        pieces += [self.batch, self.steps, f"returns {', '.join(self.returns)}" if self.returns else ""]
        return "; ".join(piece for piece in pieces if piece)

    def applied(self, found: Convention, probe: Probe) -> Convention:
        """A convention that was found, with what is stated in its place; ValueUnusable names a piece that cannot be."""
        gates = {alias: gate for gate, known in found.sites.aliases.items() for alias in (*known, gate)}
        order = tuple(self._gate(name, gates) for name in self.order)
        made = self._ordered(found, order) if order else found
        made = replace(made, added={self._gate(name, gates): number for name, number in self.added.items()})
        if self.returns:
            made = self._returning(made)
        made = replace(made, views=self._turned(made, probe))
        if self.join:
            made = replace(made, views=self._joined(made, probe))
        self._require_said(made)
        return made

    def _gate(self, name: str, gates: Mapping[str, str]) -> str:
        if name not in gates:
            raise unknown("gate", name, sorted(set(gates.values())))
        return gates[name]

    def _ordered(self, found: Convention, order: tuple[str, ...]) -> Convention:
        if sorted(order) != sorted(found.sites.gates):
            raise _misfit(self.said().split(";")[0], f"the cell has the gates {', '.join(found.sites.gates)}")
        if found.by_name:
            return found
        now = dict(zip(found.order, order, strict=True))
        return replace(found, order=order, views={(now[g], part): v for (g, part), v in found.views.items()})

    def _returning(self, found: Convention) -> Convention:
        paths = sorted(found.outputs.values(), key=lambda path: [str(part) for part in path])
        known = {s.current.name for s in found.sites.cell.states} | set(found.outputs)
        if len(self.returns) != len(paths) or not set(self.returns) <= known:
            raise _misfit(f"returns {', '.join(self.returns)}", f"{len(paths)} results that may be states came back")
        return replace(found, outputs=dict(zip(self.returns, paths, strict=True)))

    def _turned(self, found: Convention, probe: Probe) -> dict[tuple[str, str], tuple[View, ...]]:
        if self.turned is None:
            return dict(found.views)
        for view in (v for views in found.views.values() for v in views if v.cols is not None):
            shape = probe.example.shape(view.path)
            if view.turned != self.turned and shape[0] != shape[-1]:
                piece = "x @ W" if self.turned else "W @ x"
                raise _misfit(piece, f"{'.'.join(map(str, view.path))} is {shape[0]} x {shape[-1]}")
        turned = self.turned
        return {
            key: tuple(replace(v, turned=turned) if v.cols is not None else v for v in views)
            for key, views in found.views.items()
        }

    def _joined(self, found: Convention, probe: Probe) -> dict[tuple[str, str], tuple[View, ...]]:
        n, m, _ = probe.example.sizes
        made = dict(found.views)
        for gate in found.sites.gates:
            both = [made.get((gate, part), ()) for part in "hx"]
            if not all(both):
                continue
            together = both[0][0].path == both[1][0].path
            if together == (self.join == JOINS[2]):
                names = " and ".join(dict.fromkeys(".".join(map(str, v[0].path)) for v in both))
                raise _misfit(self.join, f"gate {gate} has {names}")
            if together:
                start = min((v[0].cols or slice(0)).start for v in both)
                widths, at = {"h": n, "x": m}, start
                for part in "hx" if self.join == JOINS[0] else "xh":
                    made[gate, part] = (replace(made[gate, part][0], cols=slice(at, at + widths[part])),)
                    at += widths[part]
        return made

    def _require_said(self, made: Convention) -> None:
        """Every other piece must be what was found."""
        now = parsed(made.said(), made.sites)
        for name in ("axis", "apart", "biases", "batch", "steps"):
            stated, found = getattr(self, name), getattr(now, name)
            if not any(stated is nothing for nothing in (None, "", False)) and stated != found:
                piece = replace(Stated(), **{name: stated}, order=self.order if name == "axis" else ()).said()
                raise _misfit(piece, f"the arrays say: {made.said()}")


def _misfit(piece: str, why: str) -> ValueUnusable:
    return ValueUnusable(
        f"the convention that was stated does not fit: {piece!r}; {why}", "leave that piece out, and it is found"
    )


def parsed(line: str, sites: Sites | None = None) -> Stated:
    """The convention that a line states; ValueUnusable names a piece that says nothing known."""
    found = Stated()
    for piece in (part.strip().rstrip(".") for part in line.split(";")):
        if not piece:
            continue
        read = next(((m, act) for pattern, act in PIECES.items() if (m := re.fullmatch(pattern, piece))), None)
        if read is None:
            raise ValueUnusable(
                f"{piece!r} is no piece of a convention", f"pieces, between semicolons, are: {'; '.join(EXAMPLES)}"
            )
        said = read[1](read[0])
        said |= {"added": {**found.added, **said["added"]}} if "added" in said else {}
        found = replace(found, **said)
    return found


def stated_finder(line: str, find: Callable[[Sites, Probe], list[Convention]]) -> Callable[..., list[Convention]]:
    """A finder of conventions that uses what the line states, and finds the rest."""
    stated = parsed(line)

    def finder(sites: Sites, probe: Probe) -> list[Convention]:
        made: list[Convention] = []
        misfits = []
        for found in find(sites, probe):
            try:
                now = stated.applied(found, probe)
            except ValueUnusable as error:
                misfits.append(error)
                continue
            if not any(now == other for other in made):
                made.append(now)
        if not made:
            raise misfits[0]
        return made

    return finder
