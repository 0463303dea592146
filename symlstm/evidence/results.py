"""Which claims a result makes, by what kind of result it is, and what is said of them together."""

from __future__ import annotations

from typing import Any

from symlstm.evidence import induction
from symlstm.evidence.cases import claims_of_cases, said_of_cases
from symlstm.evidence.claims import Claims, claims_of
from symlstm.evidence.determinants import claims_of_determinant
from symlstm.evidence.lags import claims_of_carried, claims_of_lag, said_of_lag
from symlstm.evidence.report import Rung
from symlstm.evidence.solutions import claims_of_solution, said_of_solution
from symlstm.evidence.through_time import claims_through_time


def all_claims(result: Any) -> tuple[list[Claims], str]:
    """The claims of a result, and what they are about where they are several ("" where there is one)."""
    if hasattr(result, "carried"):
        return claims_of_carried(result), said_of_lag(result)
    if hasattr(result, "lag"):
        return claims_of_lag(result), said_of_lag(result)
    if hasattr(result, "recurrences"):
        return [claims_through_time(result)], ""
    if hasattr(result, "recurrence"):
        return claims_of_solution(result), said_of_solution(result)
    if hasattr(result, "determinant"):
        return [claims_of_determinant(result)], ""
    if hasattr(result, "cases"):
        return claims_of_cases(result), said_of_cases(result)
    return [claims_of(result)], ""


def further(result: Any) -> list[Rung]:
    """The rungs that only this kind of result has."""
    return [induction.check(result)] if hasattr(result, "recurrence") and induction.needed(result) else []
