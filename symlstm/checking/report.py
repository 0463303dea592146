"""The verdict: what was found, where, and the evidence; as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WRONG, NOTE = "wrong", "note"
SCHEMA = "symlstm.check/1"


@dataclass(frozen=True)
class Finding:
    """One thing that was found. severity "wrong" makes the report not ok; "note" is to be known.

    name: a short stable word. equation: the quantity whose equation it is, "" where there is none. where: the line of
    the source, or the argument. message: one sentence. evidence: what was measured. latex: the equation as the
    implementation has it, the wrong term in red, where there is one.
    """

    name: str
    equation: str
    where: str
    message: str
    evidence: str
    severity: str = WRONG
    latex: str = ""


@dataclass(frozen=True)
class Report:
    """The answer to "is this implementation that cell?".

    ulps: by quantity, the largest difference from the 50-digit value: "scaled" in units in the last place of the
    largest entry, "elementwise" in those of each entry, "bound" the derived rounding bound, scaled likewise.
    """

    cell: str
    convention: str
    findings: tuple[Finding, ...] = ()
    ulps: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    ruled_out: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found."""
        return not any(f.severity == WRONG for f in self.findings)

    def to_json(self) -> str:
        """The report as JSON, with a versioned schema."""
        findings = [{k: getattr(f, k) for k in Finding.__dataclass_fields__} for f in self.findings]
        made: dict[str, Any] = {"schema": SCHEMA, "cell": self.cell, "ok": self.ok, "convention": self.convention}
        made |= {"findings": findings, "ulps": {k: dict(v) for k, v in self.ulps.items()}}
        made |= {"ruled_out": list(self.ruled_out), "seconds": round(self.seconds, 3)}
        return json.dumps(made, indent=2, ensure_ascii=False)

    def __str__(self) -> str:
        lines = [f"{'yes' if self.ok else 'no'}: this {'is' if self.ok else 'is not'} {self.cell}"]
        if self.convention:
            lines.append(f"convention: {self.convention}")
        for f in self.findings:
            lines.append(f"{'✗' if f.severity == WRONG else '·'} {f.name}{f' in {f.equation}' if f.equation else ''}")
            lines += [f"    {part}" for part in (f.message, f.evidence, f.where and f"at {f.where}") if part]
        for name, found in self.ulps.items():
            lines.append(
                f"{name}: {found['scaled']:.3g} ulp scaled, {found['elementwise']:.3g} ulp element by element "
                f"(rounding bound {found['bound']:.3g} ulp scaled)"
            )
        if self.ruled_out:
            lines.append("ruled out: " + ", ".join(self.ruled_out))
        return "\n".join(lines)
