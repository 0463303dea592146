"""Evidence in a document: the small print under a result, or the refusal in its place."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from symlstm.emit.document import Evidence, Formula, Refused, Rung


def evidence_of(result: Any, evidence: Any) -> tuple[Evidence, ...]:
    """The small print: evidence is None (nothing), True (examine now), or an Evidence, or a function that examines."""
    if evidence is None or evidence is False:
        return ()
    found = result.evidence() if evidence is True else evidence(result) if callable(evidence) else evidence
    if found is None:
        return ()
    return (Evidence(rungs_of(found)),)


def rungs_of(found: Any) -> tuple[Rung, ...]:
    """The rungs of an evidence object as plain data."""
    return tuple(
        Rung(
            str(r.name), r.held, str(getattr(r, "figure", "") or ""), str(getattr(r, "detail", "") or ""),
            getattr(r, "method", ""), getattr(r, "measured", None),
        )
        for r in found.rungs
    )  # fmt: skip


def refused(what: Formula, checked: Iterable[Evidence]) -> Refused | None:
    """The refusal, if a rung failed or none held."""
    wrong = [evidence for evidence in checked if not evidence.ok]
    return Refused(what, tuple(rung for evidence in wrong for rung in evidence.rungs)) if wrong else None


def together(checked: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """The evidence of several formulas in one: of each rung, how many formulas it held for, by the kind of check."""
    rungs: dict[str, list[Rung]] = {}
    for evidence in checked:
        for rung in evidence.rungs:
            rungs.setdefault(rung.name, []).append(rung)
    return (Evidence(tuple(_summed(each) for each in rungs.values())),) if rungs else ()


def _summed(rungs: list[Rung]) -> Rung:
    """One rung of several formulas. Only what held and what is undecided comes here; what failed is shown by itself."""
    if len(rungs) == 1:
        return rungs[0]
    kinds: dict[tuple[bool | None, str], list[Rung]] = {}
    for rung in rungs:
        kinds.setdefault((rung.held, rung.method), []).append(rung)
    ordered = sorted(kinds.items(), key=lambda item: (item[0][0] is not True, _place(item[0][1])))
    said = [_counted(held, method, each) for (held, method), each in ordered]
    held = next((r.held for r in rungs if r.held is False), any(r.held for r in rungs) or None)
    return Rung(rungs[0].name, held, "; ".join(said), "")


_KINDS = ("ulp", "digits", "polynomials", "residues")


def _place(method: str) -> int:
    return _KINDS.index(method) if method in _KINDS else len(_KINDS)


def _counted(held: bool | None, method: str, rungs: list[Rung]) -> str:
    """How many formulas were checked in one way, and what came out."""
    count = f"{len(rungs)} {'formula' if len(rungs) == 1 else 'formulas'}"
    if not held:
        reasons = dict.fromkeys(r.detail or r.figure for r in rungs)
        return f"{count} not {'held' if held is False else 'decided'} ({', '.join(reasons)})"
    if method == "polynomials":
        return f"{count} equal as polynomials"
    if method == "residues":
        exponents = [r.measured for r in rungs if r.measured is not None]
        largest = max(exponents)
        chance = largest + math.log10(sum(10 ** (e - largest) for e in exponents))  # that any of them is wrong
        return f"{count} equal as rational functions modulo a prime (chance of error below 1e{math.floor(chance) + 1})"
    figures = dict.fromkeys(r.figure for r in rungs)
    measured = [r for r in rungs if r.measured is not None]
    if len(measured) == len(rungs):
        return f"{count}; {max(measured, key=lambda r: r.measured or 0.0).figure}"
    return f"{count}: {', '.join(figures)}"
