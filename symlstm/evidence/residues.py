"""Exact numbers at a random point modulo the prime 2^127 - 1 (Schwartz, J. ACM 27(4), 1980; Zippel, EUROSAM 1979).

Every leaf and every transcendental value f(z) is a random residue, keyed by the function and the residue of z, so that
the same value is the same residue wherever it occurs. Relations between functions hold because they share generators:
sigma, tanh, softmax, softplus, sinh, cosh are rational in exp(z), with exp(-z) = 1/exp(z); sin and cos in tan(z/2);
sqrt(z)^2 = z by taking square roots modulo the prime. Values that are in truth related but come out independent can
only make a right formula look wrong, never a wrong one right.

A residue carries bounds of the degrees of the polynomials above and below the line that it is the value of. Two
different rational functions agree at a random point with probability at most (degree of the difference) / p.
"""

from __future__ import annotations

import random

import sympy as sp

from symlstm.evidence.algebra import Undecided

P = 2**127 - 1


class Unlucky(Exception):
    """This point cannot be used: a division by zero, or a square root that does not exist modulo the prime."""


class Residue:
    """value modulo P, and bounds of the degrees of numerator and denominator."""

    __slots__ = ("above", "below", "value")

    def __init__(self, value: int, above: int = 0, below: int = 0) -> None:
        self.value, self.above, self.below = value % P, above, below

    def __add__(self, other: Residue) -> Residue:
        if self.below == other.below == 0:
            return Residue(self.value + other.value, max(self.above, other.above))
        above = max(self.above + other.below, other.above + self.below)
        return Residue(self.value + other.value, above, self.below + other.below)

    def __mul__(self, other: Residue) -> Residue:
        return Residue(self.value * other.value, self.above + other.above, self.below + other.below)

    def __neg__(self) -> Residue:
        return Residue(-self.value, self.above, self.below)

    def __sub__(self, other: Residue) -> Residue:
        return self + (-other)

    def inverse(self) -> Residue:
        if self.value == 0:
            raise Unlucky("division by zero")
        return Residue(pow(self.value, -1, P), self.below, self.above)

    def to_the(self, exponent: int) -> Residue:
        base = self if exponent >= 0 else self.inverse()
        k = abs(exponent)
        return Residue(pow(base.value, k, P), base.above * k, base.below * k)


class Residues:
    """The algebra of one random point."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.generators: dict[tuple[str, int], Residue] = {}
        self.degree = 1
        self.roots = 0

    def random(self) -> Residue:
        return Residue(self.rng.randrange(1, P), 1)

    def rational(self, numerator: int, denominator: int) -> Residue:
        return Residue(numerator * pow(denominator, -1, P))

    def power(self, base: Residue, exponent: sp.Rational) -> Residue:
        if exponent.is_Integer:
            return base.to_the(int(exponent))
        whole = int(sp.floor(exponent))
        part = exponent - whole
        root = self._root(base) if part == sp.Rational(1, 2) else self._generator(f"power {part}", base)
        return base.to_the(whole) * root

    def times(self, a: Residue, b: Residue) -> Residue:
        return a * b

    def bounded(self, a: object, b: object) -> None:
        """Residues do not grow."""

    def bounded_minors(self, n: int) -> None:
        """Residues do not grow."""

    def function(self, name: str, argument: Residue) -> Residue:
        known = getattr(self, f"_{name}", None)
        if known is None:
            raise Undecided(f"{name} is not known modulo a prime")
        return known(argument)

    def _generator(self, name: str, argument: Residue) -> Residue:
        self.degree = max(self.degree, argument.above + argument.below)
        return self.generators.setdefault((name, argument.value), self.random())

    def _exp(self, z: Residue) -> Residue:
        if z.value == 0:
            return Residue(1)
        return self._generator("exp", z) if z.value <= P // 2 else self._generator("exp", -z).inverse()

    def _sigmoid(self, z: Residue) -> Residue:
        e = self._exp(z)
        return e * (Residue(1) + e).inverse()

    def _tanh(self, z: Residue) -> Residue:
        square = self._exp(z).to_the(2)
        return (square - Residue(1)) * (square + Residue(1)).inverse()

    def _sinh(self, z: Residue) -> Residue:
        e = self._exp(z)
        return (e - e.inverse()) * self.rational(1, 2)

    def _cosh(self, z: Residue) -> Residue:
        e = self._exp(z)
        return (e + e.inverse()) * self.rational(1, 2)

    def _odd(self, name: str, z: Residue) -> Residue:
        if z.value == 0:
            return Residue(0)
        return self._generator(name, z) if z.value <= P // 2 else -self._generator(name, -z)

    def _sin(self, z: Residue) -> Residue:
        half = self._odd("tan half", z)
        return Residue(2) * half * (Residue(1) + half * half).inverse()

    def _cos(self, z: Residue) -> Residue:
        square = self._odd("tan half", z).to_the(2)
        return (Residue(1) - square) * (Residue(1) + square).inverse()

    def _arctan(self, z: Residue) -> Residue:
        return self._odd("arctan", z)

    def _log(self, z: Residue) -> Residue:
        if z.value == 0:
            raise Unlucky("log of zero")
        return Residue(0) if z.value == 1 else self._generator("log", z)

    def _step(self, z: Residue) -> Residue:
        """A locally constant value: step(-z) = 1 - step(z); 0 at 0."""
        if z.value == 0:
            return Residue(0)
        return self._generator("step", z) if z.value <= P // 2 else Residue(1) - self._generator("step", -z)

    def _root(self, z: Residue) -> Residue:
        """A square root (P = 3 mod 4)."""
        key = ("sqrt", z.value)
        if key not in self.generators:
            root = pow(z.value, (P + 1) // 4, P)
            if root * root % P != z.value or root == 0:
                raise Unlucky("no square root modulo the prime")
            self.degree = max(self.degree, z.above + z.below)
            self.roots += 1
            self.generators[key] = Residue(root, z.above + 1, z.below)
        return self.generators[key]

    def usable(self, value: Residue) -> Residue:
        return value

    def show(self, value: Residue) -> str:
        """A residue, shortened."""
        text = str(value.value)
        return f"{text} mod 2^127-1" if len(text) < 12 else f"{text[:6]}... mod 2^127-1"

    def equal(self, a: Residue, b: Residue) -> bool:
        return a.value == b.value

    def chance(self, largest: int, draws: int) -> float:
        """A bound of log10 of the probability that something false looks true at this point.

        largest: the degree of the largest difference compared; besides it, any two of the arguments of functions may
        coincide. draws: how many points were tried before one could be used.
        """
        from math import log10

        pairs = len(self.generators) ** 2
        return log10(max(1, draws) * (largest + pairs * 2 * self.degree)) - log10(P)
