"""log and what is built on it, for Numba, without a branch or a table, so that a loop around them is vectorised.

With x = 2^k (1 + f) and 1 + f between 1/sqrt 2 and sqrt 2, log x = k log 2 + log(1 + f), and the last is a polynomial
in s = f / (2 + f) (FreeBSD's e_log.c, e_logf.c and s_log1p.c, Sun Microsystems 1993).
"""

from __future__ import annotations

import math
from typing import Any

from symlstm.codegen.fast.bits import constant, fused, polynomial, scalar, split
from symlstm.codegen.fast.exponentials import exp, half, one, two

zero = constant(0)
infinity = constant(math.inf)
nan = constant(math.nan)
smallest_normal = constant(2.0**-1022, 2.0**-126)
raised = constant(2.0**54, 2.0**25)  # times a denormal number: a normal one
raised_by = constant(54, 25)
log_2 = constant(6.93147180369123816490e-01, 6.9313812256e-01)  # the upper bits
log_2_rest = constant(1.90821492927058770002e-10, 9.0580006145e-06)
halved_from = constant(math.sqrt(2) - 1)

# (log(1 + f) - 2 s) / s^3 by s^2
tail = polynomial(
    (
        6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
        1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
    ),
    (0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841),
)  # fmt: skip


@scalar
def log_near_one(f: Any, k: Any, rest: Any) -> Any:
    """k log 2 + log(1 + f) + rest, |f| < 0.42."""
    s = f / (two(f) + f)
    square = s * s
    halved = half(f) * f * f
    correction = fused(s, halved + square * tail(square), fused(k, log_2_rest(f), rest))
    return fused(k, log_2(f), f - (halved - correction))


@scalar
def at_the_ends(inner: Any, x: Any, y: Any) -> Any:
    """y = log(inner), set right where the inner number is 0 or negative and where x is infinite or NaN."""
    y = y if inner > zero(x) else (-infinity(x) if inner == zero(x) else nan(x))
    return y if x < infinity(x) else x


@scalar
def log(x: Any) -> Any:
    small = x < smallest_normal(x)
    m, k = split(x * raised(x) if small else x)
    return at_the_ends(x, x, log_near_one(m - one(x), k - raised_by(x) if small else k, zero(x)))


@scalar
def log1p(x: Any) -> Any:
    """log(1 + x); what 1 + x, rounded, leaves out is added as rest / (1 + x)."""
    u = one(x) + x
    m, k = split(u)
    near = k == zero(x)
    rest = one(x) - (u - x) if k > one(x) else x - (u - one(x))
    y = log_near_one(x if near else m - one(x), k, zero(x) if near else rest / u)
    return at_the_ends(u, x, x if x == zero(x) else y)  # -0 stays


@scalar
def softplus(x: Any) -> Any:
    """max(x, 0) + log(1 + e) for e = exp(-|x|): 1 + e = 2 (1 + (e - 1) / 2)."""
    e = exp(-math.fabs(x))
    near = e < halved_from(x)
    f = e if near else half(x) * (e - one(x))
    return (x if x > zero(x) else zero(x)) + log_near_one(f, zero(x) if near else one(x), zero(x))


@scalar
def log_sigmoid(x: Any) -> Any:
    return -softplus(-x)
