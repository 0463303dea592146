"""The verdict: what was found, where, and the evidence; as text, as JSON, and in every format that is emitted."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symlstm.equations import Cell
from symlstm.errors import ValueUnusable
from symlstm.expr.marked import differing
from symlstm.expr.nodes import Quantity
from symlstm.plugins import service

WRONG, NOTE = "wrong", "note"
SCHEMA = "symlstm.check/1"


@dataclass(frozen=True)
class Compared:
    """An equation of the cell, right, and the one that the implementation has in its place, found."""

    cell: Cell
    quantity: Quantity
    right: Any
    found: Any

    @property
    def marked(self) -> tuple[Any, Any]:
        """Both, with the parts marked in which they differ."""
        return differing(self.right, self.found)


@dataclass(frozen=True)
class Finding:
    """One thing that was found. severity "wrong" makes the report not ok; "note" is to be known.

    name: a short stable word. equation: the quantity whose equation it is, "" where there is none. where: the line of
    the source, or the argument. message: one sentence. evidence: what was measured. code: what stands in that line.
    compared: the equations of the cell beside those of the implementation.
    """

    name: str
    equation: str
    where: str
    message: str
    evidence: str
    severity: str = WRONG
    code: str = ""
    compared: tuple[Compared, ...] = ()

    @property
    def latex(self) -> str:
        """The right equations beside those of the implementation, the wrong terms in red; "" where there are none."""
        return str(service("emit")(self, "latex")).strip() if self.compared else ""

    def data(self) -> dict[str, Any]:
        """The finding as plain data."""
        names = ("name", "severity", "equation", "where", "code", "message", "evidence")
        return {name: getattr(self, name) for name in names} | {"latex": self.latex}


@dataclass(frozen=True)
class Report:
    """The answer to "is this implementation that cell?".

    implementation: what it is called. ulps: by quantity, the largest difference from the 50-digit value: "scaled" in
    units in the last place of the largest entry, "elementwise" in those of each entry; scaled likewise, "bound" the
    derived bound of rounding errors and, of results, "typical" their standard deviation. ruled_out: what was tried and
    does not explain it. reading: what comparing formulas says, or why the implementation could not be run on them.
    convention_data: the convention, for `sl.convert`.
    """

    cell: str
    convention: str
    findings: tuple[Finding, ...] = ()
    ulps: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    ruled_out: tuple[str, ...] = ()
    seconds: float = 0.0
    implementation: str = "this"
    reading: str = ""
    convention_data: Any = field(default=None, repr=False, compare=False)

    def conversion(self, target: str = "symlstm") -> str:
        """A function `convert(parameters)` as text, in plain NumPy: weights from the convention that was found to the
        cell's own names, or to torch, keras, flax, onnx, cs231n, coursera. ValueUnusable where none was found.
        """
        if self.convention_data is None:
            raise ValueUnusable("no convention was found, so there is nothing to convert from")
        return str(service("conversion")(self.convention_data, target))

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found."""
        return not any(f.severity == WRONG for f in self.findings)

    def to_json(self) -> str:
        """The report as JSON, with a versioned schema."""
        made: dict[str, Any] = {"schema": SCHEMA, "implementation": self.implementation, "cell": self.cell}
        made |= {"ok": self.ok, "convention": self.convention, "reading": self.reading}
        made |= {"findings": [f.data() for f in self.findings], "ulps": {k: dict(v) for k, v in self.ulps.items()}}
        made |= {"ruled_out": list(self.ruled_out), "seconds": round(self.seconds, 3)}
        return json.dumps(made, indent=2, ensure_ascii=False)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, whole or not at all: .html, .md, .tex, .txt, .json. Raises OutputUnwritable."""
        if str(path).lower().endswith(".json"):
            service("write")(path, self.to_json() + "\n")
        else:
            service("save")(self, path)

    def __str__(self) -> str:
        return str(service("emit")(self, "terminal")).rstrip("\n")
