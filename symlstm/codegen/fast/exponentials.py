"""exp and what is built on it, for Numba, without a branch or a table, so that a loop around them is vectorised.

With x = n log 2 + r and |r| <= log(2) / 2, exp(x) = 2^n exp(r); a polynomial gives exp(r) - 1 - r. log 2 is subtracted
in two parts (W. J. Cody, W. Waite: Software Manual for the Elementary Functions, 1980), of which the first has
trailing zeros, so that n times it is exact. NaN gives NaN; the ends are those of the exact function, rounded.
"""

from __future__ import annotations

import math
from typing import Any

from symlstm.codegen.fast.bits import constant, fused, polynomial, scalar, shift, two_powers, two_to_the, with_sign

one = constant(1)
two = constant(2)
half = constant(0.5)
quarter = constant(0.25)
log2_e = constant(1 / math.log(2))
log_2 = constant(float.fromhex("0x1.62e42fefa3800p-1"), float.fromhex("0x1.62e4p-1"))  # the upper bits
log_2_rest = constant(float.fromhex("0x1.ef35793c76730p-45"), 1.4286067653e-06)
exp_lowest = constant(-746, -105)  # below, exp is 0
exp_highest = constant(711, 90)  # above, inf, and so are sinh and cosh
expm1_lowest = constant(-40, -20)  # below, -1
one_from = constant(40, 20)  # from here on 1 + exp(-x) is 1, and so are sigmoid and tanh
shrunk_enough = constant(64)  # 1 - 2^-n is 1 for a larger n

# (exp(r) - 1 - r) / r^2 for |r| <= log(2) / 2: least relative error of exp, 4e-18 and 5e-11
tail = polynomial(
    (
        0.5000000000000011, 0.16666666666666424, 0.0416666666665273, 0.008333333333487696, 0.0013888888944342767,
        0.00019841269521453996, 2.4801492381556624e-05, 2.7557572771146957e-06, 2.7630500566788665e-07,
        2.5004490735531122e-08,
    ),
    (
        0.5, 0.1666666567325592, 0.041666287928819656, 0.008333482779562473, 0.0013944980455562472,
        0.00019798058201558888,
    ),
)  # fmt: skip


@scalar
def reduced(x: Any) -> Any:
    """(n + shift, r, c) with x = n log 2 + r + c; c is what r, rounded, leaves out."""
    shifted = fused(x, log2_e(x), shift(x))
    n = shifted - shift(x)
    upper = fused(-n, log_2(x), x)
    r = fused(-n, log_2_rest(x), upper)
    return shifted, r, fused(-n, log_2_rest(x), upper - r)


@scalar
def within(x: Any, lowest: Any, highest: Any) -> Any:
    """x, or the bound that it passes; NaN stays."""
    x = lowest if x < lowest else x
    return highest if x > highest else x


@scalar
def exp(x: Any) -> Any:
    shifted, r, c = reduced(within(x, exp_lowest(x), exp_highest(x)))
    first, second = two_powers(shifted)
    return (one(x) + (r + fused(r * r, tail(r), c))) * first * second


@scalar
def scaled_expm1(x: Any) -> Any:
    """(n + shift, 2^-n, y, w), y = 2^-n (exp(x) - 1): the sum of 1 - 2^-n, r and w, of which only w is inexact."""
    shifted, r, c = reduced(x)
    n = shifted - shift(x)
    shrink = two_to_the(shift(x) - (shrunk_enough(x) if n > shrunk_enough(x) else n))
    above = one(x) - shrink
    total = above + r
    rest = fused(r * r, tail(r), c) + (r - (total - above))
    return shifted, shrink, total + rest, rest


@scalar
def expm1(x: Any) -> Any:
    shifted, _, y, _ = scaled_expm1(within(x, expm1_lowest(x), exp_highest(x)))
    first, second = two_powers(shifted)
    return with_sign(y * first * second, x)  # -0 stays


@scalar
def sigmoid(x: Any) -> Any:
    """2^-n / (2^-n + exp(r)) for -x = n log 2 + r: accurate down to the smallest number."""
    shifted, r, c = reduced(within(-x, -one_from(x), -exp_lowest(x)))
    first, second = two_powers(shift(x) - (shifted - shift(x)))
    return first / ((one(x) + first * second) + (r + fused(r * r, tail(r), c))) * second


@scalar
def tanh(x: Any) -> Any:
    """y / (y + 2) for y = exp(2 |x|) - 1, the sign put back.

    Near 0, where y = 2 |x| + w, that is |x| + (w - |x| y) / (y + 2), in which only the small last term is inexact.
    """
    size = math.fabs(x)
    twice = two(x) * size
    _, shrink, y, w = scaled_expm1(one_from(x) if twice > one_from(x) else twice)
    near = shrink == one(x)
    quotient = (fused(-size, y, w) if near else y) / fused(two(x), shrink, y)
    return with_sign(size + quotient if near else quotient, x)


@scalar
def sinh(x: Any) -> Any:
    """(y + y / (y + 1)) / 2 for y = exp(|x|) - 1, the sign put back."""
    shifted, shrink, y, _ = scaled_expm1(within(math.fabs(x), -one_from(x), exp_highest(x)))
    first, second = two_powers(shifted)
    return with_sign(half(x) * y * first * second + half(x) * y / (y + shrink), x)


@scalar
def cosh(x: Any) -> Any:
    shifted, r, c = reduced(within(math.fabs(x), -one_from(x), exp_highest(x)))
    first, second = two_powers(shifted)
    p = half(x) * (one(x) + (r + fused(r * r, tail(r), c)))
    return p * first * second + quarter(x) / p / first / second
