"""Which claims a result makes, by what kind of result it is, and what is said of them together."""

from __future__ import annotations

from typing import Any

from symlstm.evidence.claims import Claims, claims_of
from symlstm.evidence.lags import claims_of_lag, said_of_lag
from symlstm.evidence.through_time import claims_through_time


def all_claims(result: Any) -> tuple[list[Claims], str]:
    """The claims of a result, and what they are about where they are several ("" where there is one)."""
    if hasattr(result, "lag"):
        return claims_of_lag(result), said_of_lag(result)
    return [claims_through_time(result) if hasattr(result, "recurrences") else claims_of(result)], ""
