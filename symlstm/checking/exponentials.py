"""Formulas of +, -, ×, / and exp as numbers: two formulas are one number where, and only where, they are equal.

The signature of a formula (Gonnet, Determining equivalence of expressions in random polynomial time, STOC 1984): every
variable is a random residue, and exp(z) is g^z in a field whose multiplicative group has an element g of prime order,
that of the field of z. So exp(a + b) = exp(a) exp(b) and all that follows from it (sigma, tanh, softmax, whatever way
they are written) hold by themselves. Exponentials inside exponentials climb a chain of primes, each 2 k p + 1 of the
one before: a formula has a residue modulo each of them that is far enough up. Different formulas have equal signatures
with a probability of about their degree in 2^-127; equal ones always have.

Each number carries its value as a float as well: it decides comparisons (a maximum, a branch), so that what is compared
is the formula on the inputs that take the same branches.
"""

from __future__ import annotations

import itertools
import math
import operator
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symlstm.errors import SymlstmError

FIRST = 2**127 - 1
STEPS = (114, 234, 150, 160, 272, 90)
"""k of each next prime, k p + 1."""


def _chain() -> tuple[int, ...]:
    return tuple(itertools.accumulate(STEPS, lambda p, k: k * p + 1, initial=FIRST))


PRIMES = _chain()
BASES = tuple(pow(3, (above - 1) // below, above) for below, above in itertools.pairwise(PRIMES))
"""g of each field but the first: of order p of the field below."""
CLOSE = 10**6
"""A float that is a fraction with a denominator up to this, to the last bit, was written as that fraction."""


class Unreadable(SymlstmError):
    """The code does something that formulas cannot follow; the message says what."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class Number:
    """Residues modulo the primes from number `start` on, and the value as a float."""

    __slots__ = ("at", "residues", "start")

    def __init__(self, start: int, residues: tuple[int, ...], at: float) -> None:
        if not residues:
            raise Unreadable(f"exponentials are inside each other more than {len(STEPS)} deep")
        self.start, self.residues, self.at = start, residues, at

    def __add__(self, other: Any) -> Any:
        return _both(self, other, operator.add)

    def __sub__(self, other: Any) -> Any:
        return _both(self, other, operator.sub)

    def __mul__(self, other: Any) -> Any:
        return _both(self, other, operator.mul)

    def __truediv__(self, other: Any) -> Any:
        divisor = number(other)
        return NotImplemented if divisor is None else self * divisor.inverse()

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __rtruediv__(self, other: Any) -> Any:
        return self.inverse() * other

    def __neg__(self) -> Number:
        return self * -1

    def __pos__(self) -> Number:
        return self

    def __abs__(self) -> Number:
        return self if self.at >= 0 else -self

    def __pow__(self, exponent: Any) -> Any:
        power = getattr(exponent, "at", exponent)
        if float(power) != int(power):
            raise Unreadable(f"a power {power} is taken")
        base = self if power >= 0 else self.inverse()
        k = abs(int(power))
        found = (pow(r, k, p) for r, p in zip(base.residues, PRIMES[base.start :], strict=True))
        return Number(base.start, tuple(found), base.at**k)

    def inverse(self) -> Number:
        """1 / this."""
        if not self.at or not all(self.residues):
            raise Unreadable("something is divided by zero")
        found = (pow(r, -1, p) for r, p in zip(self.residues, PRIMES[self.start :], strict=True))
        return Number(self.start, tuple(found), 1 / self.at)

    def exp(self) -> Number:
        """e to the power of this: one field up."""
        steps = zip(self.residues, BASES[self.start :], PRIMES[self.start + 1 :], strict=False)
        return Number(self.start + 1, tuple(pow(g, r, p) for r, g, p in steps), math.exp(min(self.at, 700.0)))

    def tanh(self) -> Number:
        square = (self * 2).exp()
        return (square - 1) / (square + 1)

    def expm1(self) -> Number:
        return self.exp() - 1

    def sinh(self) -> Number:
        return (self.exp() - (-self).exp()) / 2

    def cosh(self) -> Number:
        return (self.exp() + (-self).exp()) / 2

    def conjugate(self) -> Number:
        return self

    @property
    def real(self) -> Number:
        return self

    def __lt__(self, other: Any) -> bool:
        return bool(self.at < getattr(other, "at", other))

    def __le__(self, other: Any) -> bool:
        return bool(self.at <= getattr(other, "at", other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.at > getattr(other, "at", other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.at >= getattr(other, "at", other))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.same(other)

    def __hash__(self) -> int:
        return hash(self.residues[-1])

    def __bool__(self) -> bool:
        return bool(self.at)

    def __float__(self) -> float:
        raise Unreadable("a value is stored as a plain number")

    def same(self, other: Number) -> bool:
        """Whether the two are one formula."""
        return self.residues[-1] == other.residues[-1]


def _both(a: Number, other: Any, operation: Callable[[Any, Any], Any]) -> Any:
    b = number(other)
    if b is None:
        return NotImplemented
    start = max(a.start, b.start)
    pairs = zip(a.residues[start - a.start :], b.residues[start - b.start :], PRIMES[start:], strict=True)
    return Number(start, tuple(operation(x, y) % p for x, y, p in pairs), float(operation(a.at, b.at)))


def variable(rng: random.Random, at: float) -> Number:
    """An independent variable whose value is `at`."""
    return Number(0, tuple(rng.randrange(1, p) for p in PRIMES), float(at))


def number(value: Any) -> Number | None:
    """A constant as it was written (0.2 is 1/5); None for what is no real number."""
    if isinstance(value, Number):
        return value
    try:
        written = value if isinstance(value, Fraction) else _written(value)
    except (TypeError, ValueError, OverflowError):
        return None
    residues = (written.numerator * pow(written.denominator, -1, p) % p for p in PRIMES)
    return Number(0, tuple(residues), float(written))


def _written(value: Any) -> Fraction:
    if hasattr(value, "p") and hasattr(value, "q"):  # a SymPy rational
        return Fraction(int(value.p), int(value.q))
    exact = Fraction(float(value))
    short = Fraction(repr(float(value)))
    near = exact.limit_denominator(CLOSE)
    return near if float(near) == float(value) else short
