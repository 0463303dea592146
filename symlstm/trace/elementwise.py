"""What NumPy's elementwise operations mean for traced values: arithmetic, comparisons and choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from symlstm.errors import CellError
from symlstm.expr import build as b
from symlstm.expr import nodes as x
from symlstm.expr.choices import choose, opposite_of
from symlstm.trace.array import Reading, Traced
from symlstm.trace.broadcasting import broadcast, constant
from symlstm.trace.recognise import recognised_half, recognised_log, recognised_quotient, unfolded


def reading_of(*values: Any) -> Reading:
    """The reading that the values belong to."""
    for value in values:
        if isinstance(value, Traced):
            return value._reading
        if isinstance(value, (list, tuple)):
            for part in value:
                if isinstance(part, Traced):
                    return part._reading
    raise CellError("no value of the cell is involved")


def elementwise(name: str) -> Callable[..., Traced]:
    """Handler of a one-argument function of the table."""

    def handler(z: Traced) -> Traced:
        known = recognised_log(z._expr) if name == "log" else None
        return z.like(b.apply(name, z._expr) if known is None else known, z._rank, z._batch)

    return handler


def unary(build: Callable[[Any], Any]) -> Callable[..., Traced]:
    return lambda z: z.like(build(z._expr), z._rank, z._batch)


def binary(build: Callable[[Any, Any], Any]) -> Callable[..., Traced]:
    def handler(left: Traced, right: Traced) -> Traced:
        a, c, rank, batch = broadcast(left, right)
        return left.like(build(a, c), rank, batch)

    return handler


def divide(left: Traced, right: Traced) -> Traced:
    a, c, rank, batch = broadcast(left, right)
    equations = left._reading.equations
    known = recognised_quotient(unfolded(a, equations), unfolded(c, equations))
    return left.like(recognised_half(b.divide(a, c)) if known is None else known, rank, batch)


def reciprocal(z: Traced) -> Traced:
    return divide(constant(z._reading, 1), z)


def power(base: Traced, exponent: Traced) -> Traced:
    number, rest = b.split_number(exponent._expr)
    if exponent._rank or not isinstance(rest, (x.Ones, x.Zeros)):
        raise CellError("only constant exponents are understood", "write np.exp(p * np.log(z)) for z**p")
    number = sp.S.Zero if isinstance(rest, x.Zeros) else number
    if number == -1:
        return reciprocal(base)
    value = {0: b.ones_like(base._expr), 1: base._expr}.get(number)
    return base.like(b.apply("power", base._expr, number) if value is None else value, base._rank, base._batch)


multiply = binary(lambda a, c: recognised_half(b.hadamard(a, c)))
subtract = binary(b.subtract)
negative = unary(b.negative)
_add = binary(lambda a, c: recognised_half(b.add(a, c)))
_either = binary(lambda a, c: b.subtract(b.add(a, c), b.hadamard(a, c)))


def add(left: Traced, right: Traced) -> Traced:
    """a + c; of two truth values `or`, as in NumPy."""
    return either(left, right) if left._truth and right._truth else _add(left, right)


def copy(a: Traced) -> Traced:
    out = a.like(a._expr, a._rank, a._batch)
    out._truth = a._truth
    return out


def _maximum(a: Any, c: Any) -> Any:
    if isinstance(c, x.Zeros):
        return b.apply("relu", a)
    return b.apply("relu", c) if isinstance(a, x.Zeros) else b.apply("maximum", a, c)


def _logaddexp(a: Any, c: Any) -> Any:
    if isinstance(a, x.Zeros):
        return b.apply("softplus", c)
    return b.add(a, b.apply("softplus", b.subtract(c, a)))


maximum = binary(_maximum)
minimum = binary(lambda a, c: b.apply("minimum", a, c))
logaddexp = binary(_logaddexp)


# comparisons: 1 where true, 0 where not, exact where both sides are equal


def _step(z: Any) -> Any:
    return b.apply("step", z)


def _comparison(build: Callable[[Any, Any], Any]) -> Callable[..., Traced]:
    compute = binary(build)

    def handler(left: Traced, right: Traced) -> Traced:
        return _true_or_false(compute(left, right))

    return handler


def _true_or_false(value: Traced) -> Traced:
    value._truth = True
    return value


greater = _comparison(lambda a, c: _step(b.subtract(a, c)))
less = _comparison(lambda a, c: _step(b.subtract(c, a)))
greater_equal = _comparison(lambda a, c: b.one_minus(_step(b.subtract(c, a))))
less_equal = _comparison(lambda a, c: b.one_minus(_step(b.subtract(a, c))))


def _require_truth(*values: Traced) -> None:
    if not all(value._truth for value in values):
        raise CellError("a condition must be a comparison of values of the cell", "e.g. (z > 0) & (z < 1)")


def both(left: Traced, right: Traced) -> Traced:
    _require_truth(left, right)
    return _true_or_false(binary(b.hadamard)(left, right))


def either(left: Traced, right: Traced) -> Traced:
    _require_truth(left, right)
    return _true_or_false(_either(left, right))


def no(z: Traced) -> Traced:
    _require_truth(z)
    return _true_or_false(unary(b.one_minus)(z))


def heaviside(z: Traced, value: Traced) -> Traced:
    """1 where z > 0, 0 where z < 0, `value` where z is 0."""

    def build(z: Any, at_zero: Any) -> Any:
        is_zero = b.subtract(b.one_minus(_step(z)), _step(b.negative(z)))
        return b.add(_step(z), b.hadamard(at_zero, is_zero))

    return binary(build)(z, value)


def where(condition: Any, x: Any, y: Any) -> Traced:
    """x where the condition holds, y elsewhere."""
    reading = reading_of(condition, x, y)
    if not isinstance(condition, Traced) or not condition._truth:
        raise CellError("np.where needs a comparison of values of the cell", "e.g. np.where(z > 0, z, 0.1 * z)")
    yes, other = constant(reading, x), constant(reading, y)
    a, c, rank, batch = broadcast(yes, other)
    both_sides = [yes.like(e, rank, batch) for e in (a, c)]
    test, a, rank, batch = broadcast(condition, both_sides[0])
    _, c, _, _ = broadcast(condition, both_sides[1])
    known = _as_another(test, a, c)
    return yes.like(choose(test, a, c) if known is None else known, rank, batch)


def _as_another(condition: Any, yes: Any, other: Any) -> Any:
    """A choice that has a shorter name: the condition itself (1 or 0), or relu; None for everything else."""
    if isinstance(yes, x.Ones) and isinstance(other, x.Zeros):
        return condition
    if isinstance(yes, x.Zeros) and isinstance(other, x.Ones):
        return b.one_minus(condition)
    return _relu(condition, yes, other)


def _relu(condition: Any, yes: Any, other: Any) -> Any:
    """relu(z), where the choice is z for z > 0 (or z >= 0) and 0 elsewhere; None for everything else."""
    opposite = opposite_of(condition)
    if opposite is not None:
        condition, yes, other = opposite, other, yes
    if not isinstance(condition, x.Apply) or condition.function != "step":
        return None
    z = condition.arrays[0]
    if yes == z and isinstance(other, x.Zeros):
        return b.apply("relu", z)
    if isinstance(yes, x.Zeros) and other == b.negative(z):
        return b.apply("relu", other)
    return None


def clip(a: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None) -> Traced:
    reading = reading_of(a, a_min, a_max, min, max)
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    out = constant(reading, a)
    if low is not None:
        out = maximum(out, constant(reading, low))
    return out if high is None else minimum(out, constant(reading, high))


def filled(number: int) -> Callable[..., Traced]:
    return lambda a: a.like(b.scale(number, b.ones_like(a._expr)), a._rank, a._batch)


def full_like(a: Traced, fill_value: Any) -> Traced:
    if a._truth:
        raise CellError("np.full_like of truth values makes truth values", "use np.full_like of another array")
    return multiply(filled(1)(a), constant(a._reading, fill_value))
