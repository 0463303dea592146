"""How a formula earns trust: three rungs that share nothing with the rules of differentiation.

    examine(derivation)             # Evidence: .ok, .rungs, str(), .to_json(), .require()

float64: the compiled formula against complex-step differentiation of the numeric cell. digits: 50 digits against
central differences. exact: scalars differentiated by SymPy, equal as polynomials or modulo a large prime.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from symlstm.errors import unknown
from symlstm.evidence.report import Evidence, Rung, together

if TYPE_CHECKING:
    from symlstm.evidence.claims import Claims

__all__ = ["RUNGS", "Evidence", "Rung", "examine"]

RUNGS = ("float64", "digits", "exact")


def examine(result: Any, *, rungs: Sequence[str] = RUNGS, seed: int = 0) -> Evidence:
    """Check a result (a derivation, a backward pass, a solution, ...) by the rungs named, weakest first.

    seed: of the random points. Raises NameUnknown for a rung that does not exist; a formula that is wrong is not an
    error here: `.ok` is False, and `.require()` raises EvidenceFailed.
    """
    from symlstm.evidence.results import all_claims, further

    rungs = (rungs,) if isinstance(rungs, str) else rungs
    for name in rungs:
        if name not in RUNGS:
            raise unknown("rung", name, RUNGS)
    found, said = all_claims(result)
    every = [together(name, [_rung(name, claims, seed) for claims in found], said) for name in RUNGS if name in rungs]
    if "exact" in rungs:
        every += further(result)
    return Evidence(found[0].subject, tuple(every))


def _rung(name: str, claims: Claims, seed: int) -> Rung:
    from importlib import import_module

    from symlstm.evidence.claims import Incomputable
    from symlstm.evidence.program import Uncheckable

    check = import_module(f"symlstm.evidence.{name}").check
    start = time.perf_counter()
    try:
        rung: Rung = check(claims, seed=seed)
    except Incomputable as reason:
        return Rung(name, False, "no value", str(reason), time.perf_counter() - start)
    except Uncheckable as reason:
        return Rung(name, None, "not checked", str(reason), time.perf_counter() - start)
    return rung
