"""Exact numbers as polynomials: the entries of the leaves, and one generator for each sigma(z) and tanh(z).

Every quantity is written in these, so two formulas are equal for all values if and only if the polynomials are.
"""

from __future__ import annotations

from math import comb
from typing import Any

import sympy as sp
from sympy.polys.domains import QQ
from sympy.polys.rings import ring

from symlstm.evidence.algebra import Undecided

LARGEST = 500
"""More terms than this: residues modulo a prime are quicker."""


AT_ZERO = {"sigmoid": (1, 2), "tanh": (0, 1)}
"""The values at zero, which are no generators: numerator, denominator."""
TOO_LARGE = "the polynomials grow too large"


class Polynomials:
    """The ring; generators are handed out as they are needed."""

    def __init__(self, size: int) -> None:
        self.ring, *generators = ring([f"g{k}" for k in range(size)], QQ)
        self.free = list(reversed(generators))
        self.gates: dict[tuple[str, Any], Any] = {}

    def fresh(self) -> Any:
        """A generator that nothing uses yet."""
        if not self.free:
            raise Undecided("more generators are needed than were set aside")
        return self.free.pop()

    def rational(self, numerator: int, denominator: int) -> Any:
        return self.ring.ground_new(QQ(numerator, denominator))

    def power(self, base: Any, exponent: sp.Rational) -> Any:
        if not exponent.is_Integer or exponent < 0:
            raise Undecided(f"the power {exponent} is not a polynomial")
        if comb(len(base) + int(exponent) - 1, int(exponent)) > LARGEST:
            raise Undecided(TOO_LARGE)
        return base ** int(exponent)

    def times(self, a: Any, b: Any) -> Any:
        if len(a) * len(b) > 10 * LARGEST:
            raise Undecided(TOO_LARGE)
        return self.usable(a * b)

    def bounded(self, a: Any, b: Any) -> None:
        """Undecided where the products of the entries of two arrays would be too large."""
        longest = [max((len(entry) for entry in array.flat), default=0) for array in (a, b)]
        if longest[0] * longest[1] > 80 * LARGEST:
            raise Undecided(TOO_LARGE)

    def bounded_minors(self, n: int) -> None:
        """Undecided where the minors of a determinant of n x n would be too large."""
        if n > 4:
            raise Undecided(TOO_LARGE)

    def function(self, name: str, argument: Any) -> Any:
        if name not in ("sigmoid", "tanh"):
            raise Undecided(f"{name} is not a polynomial in gate values")
        if not argument:
            return self.rational(*AT_ZERO[name])
        if (name, argument) not in self.gates:
            self.gates[name, argument] = self.fresh()
        return self.gates[name, argument]

    def usable(self, value: Any) -> Any:
        """The element itself; Undecided where it is too large to go on with."""
        if len(value) > LARGEST:
            raise Undecided(TOO_LARGE)
        return value

    def show(self, value: Any) -> str:
        """A short text of an element."""
        text = str(value)
        return text if len(text) < 60 else f"a polynomial of {len(value)} terms"

    def equal(self, a: Any, b: Any) -> bool:
        return bool(a == b)
