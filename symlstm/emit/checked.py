"""Evidence in a document: the small print under a result, or the refusal in its place."""

from __future__ import annotations

import re
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
        Rung(str(r.name), r.held, str(getattr(r, "figure", "") or ""), str(getattr(r, "detail", "") or ""))
        for r in found.rungs
    )


def refused(what: Formula, checked: Iterable[Evidence]) -> Refused | None:
    """The refusal, if a rung failed or none held."""
    wrong = [evidence for evidence in checked if not evidence.ok]
    return Refused(what, tuple(rung for evidence in wrong for rung in evidence.rungs)) if wrong else None


def together(checked: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """The evidence of several formulas in one: each rung with its worst figure and for how many it held."""
    rungs: dict[str, list[Rung]] = {}
    for evidence in checked:
        for rung in evidence.rungs:
            rungs.setdefault(rung.name, []).append(rung)
    merged = []
    for name, each in rungs.items():
        held = [r for r in each if r.held]
        if len(each) == 1 or not held:
            merged.append(each[0])
            continue
        worst = max(held, key=lambda r: _number(r.figure))
        of_how_many = f"all {len(each)}" if len(held) == len(each) else f"{len(held)} of {len(each)}"
        merged.append(Rung(name, True, f"{of_how_many} formulas; {worst.figure}", worst.detail))
    return (Evidence(tuple(merged)),) if merged else ()


def _number(figure: str) -> float:
    found = re.search(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?", figure)
    return float(found[0]) if found else 0.0
