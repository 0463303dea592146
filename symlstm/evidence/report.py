"""What was checked and what came out: the rungs of a formula's evidence, printable and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symlstm.errors import EvidenceFailed


@dataclass(frozen=True)
class Rung:
    """One independent check.

    held: True, False, or None where this rung cannot decide. figure: what was measured, in a few words.
    detail: how it was measured; of a failure, the entry and both values. seconds: the time it took.
    method: what kind of check it was (ulp, digits, polynomials, residues); measured: its number, to compare and to add
    up: the worst ulp, the worst difference, or (residues) log10 of the chance of error.
    """

    name: str
    held: bool | None
    figure: str
    detail: str
    seconds: float
    method: str = ""
    measured: float | None = None

    def __str__(self) -> str:
        verdict = {True: "held", False: "FAILED", None: "open"}[self.held]
        line = f"{self.name:<9} {verdict:<6} {self.figure}"
        return f"{line}: {self.detail}" if self.detail and not self.held else line


@dataclass(frozen=True)
class Evidence:
    """The rungs of one result, weakest first."""

    subject: str
    rungs: tuple[Rung, ...]

    @property
    def ok(self) -> bool:
        """Whether no rung failed and at least one held."""
        return all(r.held is not False for r in self.rungs) and any(r.held for r in self.rungs)

    @property
    def seconds(self) -> float:
        return sum(r.seconds for r in self.rungs)

    def rung(self, name: str) -> Rung:
        """The rung of that name."""
        return next(r for r in self.rungs if r.name == name)

    def require(self) -> Evidence:
        """The evidence itself; raises EvidenceFailed with the rung, the entry and both values unless it is ok."""
        for r in self.rungs:
            if r.held is False:
                raise EvidenceFailed(
                    f"{self.subject}: the {r.name} check failed: {r.detail}",
                    "the formula is not shown; please report the cell that it was derived from",
                )
        if not self.ok:
            reasons = "; ".join(f"{r.name}: {r.detail or r.figure}" for r in self.rungs)
            raise EvidenceFailed(f"{self.subject}: nothing could be checked ({reasons})")
        return self

    def __str__(self) -> str:
        return "\n".join(map(str, self.rungs))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "subject": self.subject,
            "ok": self.ok,
            "rungs": [
                {
                    "name": r.name,
                    "held": r.held,
                    "figure": r.figure,
                    "detail": r.detail,
                    "seconds": round(r.seconds, 4),
                }
                for r in self.rungs
            ],
        }


@dataclass(frozen=True)
class Mismatch:
    """An entry where the formula and the oracle differ."""

    label: str
    entry: tuple[int, ...]
    formula: str
    oracle: str

    def __str__(self) -> str:
        place = ", ".join(str(k + 1) for k in self.entry)
        return f"{self.label}, entry ({place}): the formula gives {self.formula}, the oracle {self.oracle}"


def together(name: str, rungs: Sequence[Rung], said: str) -> Rung:
    """One rung for several programs: it holds if every one does; the figure is that of the worst."""
    if len(rungs) == 1 and not said:
        return rungs[0]
    seconds = sum(r.seconds for r in rungs)
    for wanted in (False, None):
        for r in rungs:
            if r.held is wanted:
                return Rung(name, wanted, r.figure, r.detail, seconds, r.method, r.measured)
    worst = max(rungs, key=lambda r: (r.measured is not None, r.measured or 0.0))
    figure = f"{said}: {'each, ' if len(rungs) > 1 else ''}{worst.figure}"
    return Rung(name, True, figure, worst.detail, seconds, worst.method, worst.measured)


def nothing_compared(name: str, seconds: float) -> Rung:
    """The rung where no formula has an entry to compare: nothing held."""
    return Rung(name, None, "nothing compared", "no formula has an entry that the oracle gives", seconds)


def failed(name: str, mismatches: Sequence[Mismatch], checked: int, seconds: float, sizes: str) -> Rung:
    """The rung for a formula that is wrong."""
    return Rung(name, False, f"{len(mismatches)} of {checked} entries differ ({sizes})", str(mismatches[0]), seconds)
