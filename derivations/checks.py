"""What a page has checked, so that it can be said; a check that fails stops the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

STEADY = {
    "float64": "equal to complex-step differentiation of the cell's own code, within the rounding bound",
    "digits": "equal to 50 significant digits at random points",
}
"""What a rung says on a page: the measured figures differ a little from machine to machine."""


WAYS = {
    "the numeric cell run": "equal to what the cell's own code gives when it is run, within the rounding bound",
    "complex step on the equations": "equal to complex-step differentiation of the equations, within the rounding bound",
    "the equations run": "equal to what the equations give, within the rounding bound",
}
"""The same where it was not complex steps through the cell's own code."""


@dataclass
class Checks:
    """Counts of formulas and numbers that were checked on one page."""

    formulas: int = 0
    rungs: dict[str, int] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)

    def evidence(self, result: Any) -> Any:
        """Examine a result; what is printed under it holds on every machine."""
        found = result.evidence().require()
        self.formulas += 1
        for rung in found.rungs:
            if rung.held:
                self.rungs[rung.name] = self.rungs.get(rung.name, 0) + 1
        return replace(found, rungs=tuple(_steady(rung) for rung in found.rungs))

    def same(self, what: str, found: Any, expected: Sequence[Any] | np.ndarray, decimals: int = 8) -> None:
        """Numbers agree to so many decimals, or AssertionError says which do not."""
        np.testing.assert_allclose(found, expected, rtol=0, atol=0.51 * 10.0**-decimals, err_msg=what)
        self.numbers.append(what)

    def __str__(self) -> str:
        parts = []
        if self.formulas:
            rungs = ", ".join(f"{name} {count}" for name, count in self.rungs.items())
            parts.append(f"{self.formulas} formulas ({rungs})")
        if self.numbers:
            parts.append(f"numbers: {'; '.join(self.numbers)}")
        return ", ".join(parts) or "nothing to check"


def _steady(rung: Any) -> Any:
    said = STEADY.get(rung.name)
    if not rung.held or said is None:
        return rung
    found, comma, way = rung.figure.rpartition(", ")
    said = next((wording for part, wording in WAYS.items() if comma and part in way), said)
    about, colon, _ = found.partition(": each, ")
    return replace(rung, figure=f"{about}: each {said}" if colon else said, detail="")
