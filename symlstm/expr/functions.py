"""The functions that a cell may use, one row each: value, derivative in terms of its own output, LaTeX, NumPy.

Adding an elementwise function is adding a row to ELEMENTWISE; a function of a whole vector, to WHOLE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symlstm.expr.build import (
    Matrix,
    add,
    apply,
    diag,
    divide,
    hadamard,
    matmul,
    negative,
    one_minus,
    ones,
    ones_like,
    scale,
    spread,
    square,
    subtract,
    transpose,
    whole,
    zeros,
)
from symlstm.expr.choices import choose


@dataclass(frozen=True)
class Elementwise:
    """An elementwise function y = f(z), or f(a, b).

    value: its definition on SymPy numbers. derivatives: for each array argument, the derivative from
    (arguments..., constants..., output). latex and numpy: templates; {0}, {1} are the arguments.
    helper: the name of a function in `symlstm.expr.numeric` that the NumPy template calls.
    because: the reason given in a derivation; reason: its LaTeX, where it is a formula.
    """

    value: Callable[..., sp.Expr]
    derivatives: tuple[Callable[..., Matrix], ...]
    latex: str
    numpy: str
    because: str
    helper: str = ""
    reason: str = ""


@dataclass(frozen=True)
class WholeFunction:
    """A function of a whole vector v, giving a vector of the same size or one number.

    value: entry i from the list of entries. jacobian: the Jacobian from (v, output), numerator layout.
    numpy: template with the vector in the last axis; a number comes out without that axis.
    because, reason, helper: as for an elementwise function.
    """

    value: Callable[[list[sp.Expr], Any], sp.Expr]
    jacobian: Callable[[Matrix, Matrix], Matrix]
    latex: str
    numpy: str
    because: str
    keeps_shape: bool = False
    helper: str = ""
    reason: str = ""


def _row(
    value: Callable[..., sp.Expr],
    *derivatives: Callable[..., Matrix],
    latex: str,
    numpy: str,
    because: str,
    reason: str = "",
) -> Elementwise:
    called = numpy.split("(")[0]
    helper = "" if "." in called or "{" in called else called
    return Elementwise(value, derivatives, latex, numpy, because, helper, reason)


def _power_derivative(z: Matrix, exponent: sp.Expr, y: Matrix) -> Matrix:
    if exponent == 2:
        return scale(2, z)
    return scale(exponent, apply("power", z, exponent - 1))


ELEMENTWISE: dict[str, Elementwise] = {
    "sigmoid": _row(
        lambda z: 1 / (1 + sp.exp(-z)),
        lambda z, s: hadamard(s, one_minus(s)),
        latex=r"\sigma\left({0}\right)", numpy="sigmoid({0})", because="sigma' = sigma (1 - sigma)",
        reason=r"\sigma' = \sigma (1 - \sigma)",
    ),
    "tanh": _row(
        sp.tanh,
        lambda z, y: one_minus(square(y)),
        latex=r"\tanh\left({0}\right)", numpy="np.tanh({0})", because="tanh' = 1 - tanh^2",
        reason=r"\tanh' = 1 - \tanh^2",
    ),
    "relu": _row(
        lambda z: z * sp.Heaviside(z, 0),
        lambda z, y: apply("step", z),
        latex=r"\mathrm{{relu}}\left({0}\right)", numpy="relu({0})", because="relu' = 1 where z > 0, else 0",
    ),
    "step": _row(
        lambda z: sp.Heaviside(z, 0),
        lambda z, y: zeros(*z.shape),
        latex=r"\mathbb{{1}}\left[{0} > 0\right]", numpy="step({0})", because="a step is constant on both sides",
    ),
    "exp": _row(
        sp.exp,
        lambda z, y: y,
        latex=r"\exp\left({0}\right)", numpy="np.exp({0})", because="exp' = exp",
        reason=r"\exp' = \exp",
    ),
    "log": _row(
        sp.log,
        lambda z, y: divide(ones_like(z), z),
        latex=r"\log\left({0}\right)", numpy="np.log({0})", because="log' z = 1 / z",
        reason=r"\log' z = 1/z",
    ),
    "sqrt": _row(
        sp.sqrt,
        lambda z, y: divide(ones_like(z), scale(2, y)),
        latex=r"\sqrt{{{0}}}", numpy="np.sqrt({0})", because="sqrt' z = 1 / (2 sqrt z)",
        reason=r"\sqrt{z}' = 1/(2\sqrt{z})",
    ),
    "abs": _row(
        lambda z: z * (2 * sp.Heaviside(z, 0) - 1),
        lambda z, y: apply("sign", z),
        latex=r"\left\lvert {0} \right\rvert", numpy="absolute({0})", because="|z|' = sign z",
        reason=r"|z|' = \mathrm{sign}(z)",
    ),
    "sign": _row(
        lambda z: 2 * sp.Heaviside(z, 0) - 1,
        lambda z, y: zeros(*z.shape),
        latex=r"\mathrm{{sign}}\left({0}\right)", numpy="np.sign({0})", because="a sign is constant on both sides",
    ),
    "softplus": _row(
        lambda z: sp.log(1 + sp.exp(z)),
        lambda z, y: apply("sigmoid", z),
        latex=r"\mathrm{{softplus}}\left({0}\right)", numpy="softplus({0})", because="softplus' = sigma",
        reason=r"\mathrm{softplus}' = \sigma",
    ),
    "log_sigmoid": _row(
        lambda z: -sp.log(1 + sp.exp(-z)),
        lambda z, y: apply("sigmoid", negative(z)),
        latex=r"\log\sigma\left({0}\right)", numpy="log_sigmoid({0})", because="(log sigma)' z = sigma(-z)",
        reason=r"(\log \sigma)' z = \sigma(-z)",
    ),
    "sin": _row(
        sp.sin,
        lambda z, y: apply("cos", z),
        latex=r"\sin\left({0}\right)", numpy="np.sin({0})", because="sin' = cos",
        reason=r"\sin' = \cos",
    ),
    "cos": _row(
        sp.cos,
        lambda z, y: negative(apply("sin", z)),
        latex=r"\cos\left({0}\right)", numpy="np.cos({0})", because="cos' = -sin",
        reason=r"\cos' = -\sin",
    ),
    "sinh": _row(
        sp.sinh,
        lambda z, y: apply("cosh", z),
        latex=r"\sinh\left({0}\right)", numpy="np.sinh({0})", because="sinh' = cosh",
        reason=r"\sinh' = \cosh",
    ),
    "cosh": _row(
        sp.cosh,
        lambda z, y: apply("sinh", z),
        latex=r"\cosh\left({0}\right)", numpy="np.cosh({0})", because="cosh' = sinh",
        reason=r"\cosh' = \sinh",
    ),
    "arctan": _row(
        sp.atan,
        lambda z, y: divide(ones_like(z), add(ones_like(z), square(z))),
        latex=r"\arctan\left({0}\right)", numpy="np.arctan({0})", because="arctan' z = 1 / (1 + z^2)",
        reason=r"\arctan' z = 1/(1 + z^2)",
    ),
    "expm1": _row(
        lambda z: sp.exp(z) - 1,
        lambda z, y: add(y, ones_like(z)),
        latex=r"\left(e^{{{0}}} - 1\right)", numpy="np.expm1({0})", because="(e^z - 1)' = e^z",
        reason=r"(e^z - 1)' = e^z",
    ),
    "log1p": _row(
        lambda z: sp.log(1 + z),
        lambda z, y: divide(ones_like(z), add(ones_like(z), z)),
        latex=r"\log\left(1 + {0}\right)", numpy="np.log1p({0})", because="log(1 + z)' = 1 / (1 + z)",
        reason=r"\log(1 + z)' = 1/(1 + z)",
    ),
    "power": _row(
        lambda z, exponent: z**exponent,
        _power_derivative,
        latex=r"{0}^{{{1}}}", numpy="{0}**{1}", because="(z^a)' = a z^(a-1)",
        reason=r"(z^a)' = a z^{a-1}",
    ),
    "divide": _row(
        lambda a, b: a / b,
        lambda a, b, y: divide(ones_like(b), b),
        lambda a, b, y: negative(divide(y, b)),
        latex=r"\frac{{{0}}}{{{1}}}", numpy="{0} / {1}", because="quotient rule",
    ),
    "maximum": _row(
        lambda a, b: b + (a - b) * sp.Heaviside(a - b, 0),
        lambda a, b, y: apply("step", subtract(a, b)),
        lambda a, b, y: one_minus(apply("step", subtract(a, b))),
        latex=r"\max\left({0}, {1}\right)", numpy="maximum({0}, {1})", because="the larger one counts",
    ),
    "minimum": _row(
        lambda a, b: a + (b - a) * sp.Heaviside(a - b, 0),
        lambda a, b, y: one_minus(apply("step", subtract(a, b))),
        lambda a, b, y: apply("step", subtract(a, b)),
        latex=r"\min\left({0}, {1}\right)", numpy="minimum({0}, {1})", because="the smaller one counts",
    ),
    "where": _row(
        lambda c, a, b: sp.Piecewise((a, c > sp.Rational(1, 2)), (b, True)),
        lambda c, a, b, y: zeros(*c.shape),
        lambda c, a, b, y: choose(c, ones_like(a), zeros(*a.shape)),
        lambda c, a, b, y: choose(c, zeros(*b.shape), ones_like(b)),
        latex=r"\mathrm{{where}}\left({0}, {1}, {2}\right)", numpy="where({0}, {1}, {2})",
        because="only what is chosen counts",
    ),
}  # fmt: skip
"""Elementwise functions by name."""


def _variance(entries: list[sp.Expr], i: Any) -> sp.Expr:
    mean = sp.Add(*entries) / len(entries)
    return sp.Add(*[(e - mean) ** 2 for e in entries]) / len(entries)


def _row_of_ones(v: Matrix) -> Matrix:
    return ones(1, v.shape[0])


def _centred(v: Matrix) -> Matrix:
    return subtract(v, spread(whole("mean", v), *v.shape))


WHOLE: dict[str, WholeFunction] = {
    "softmax": WholeFunction(
        lambda e, i: sp.exp(e[int(i)]) / sp.Add(*[sp.exp(x) for x in e]),
        lambda v, y: subtract(diag(y), matmul(y, transpose(y))),
        r"\mathrm{{softmax}}\left({0}\right)", "softmax({0})", "softmax' = diag(y) - y y^T", True, "softmax",
        reason=r"\mathrm{softmax}' = \mathrm{diag}(y) - y y^{\top}",
    ),
    "sum": WholeFunction(
        lambda e, i: sp.Add(*e),
        lambda v, y: _row_of_ones(v),
        r"\mathrm{{sum}}\left({0}\right)", "np.sum({0}, axis=-1)", "a sum has derivative 1 in each entry",
    ),
    "mean": WholeFunction(
        lambda e, i: sp.Add(*e) / len(e),
        lambda v, y: scale(1 / v.shape[0], _row_of_ones(v)),
        r"\mathrm{{mean}}\left({0}\right)", "np.mean({0}, axis=-1)", "a mean has derivative 1/n in each entry",
    ),
    "variance": WholeFunction(
        _variance,
        lambda v, y: scale(2 / v.shape[0], transpose(_centred(v))),
        r"\mathrm{{var}}\left({0}\right)", "variance({0})", "var' = 2 (v - mean v)^T / n", False, "variance",
        reason=r"\mathrm{var}' = \frac{2}{n} (v - \mathrm{mean}(v))^{\top}",
    ),
    "max": WholeFunction(
        lambda e, i: sp.Max(*e),
        lambda v, y: transpose(one_minus(apply("step", subtract(spread(y, *v.shape), v)))),
        r"\max\left({0}\right)", "np.max({0}, axis=-1)", "only the largest entry counts",
    ),
    "norm": WholeFunction(
        lambda e, i: sp.sqrt(sp.Add(*[x**2 for x in e])),
        lambda v, y: transpose(divide(v, spread(y, *v.shape))),
        r"\left\lVert {0} \right\rVert_2", "norm({0})", "the norm changes along v / |v|", False, "norm",
    ),
    "logsumexp": WholeFunction(
        lambda e, i: sp.log(sp.Add(*[sp.exp(x) for x in e])),
        lambda v, y: transpose(whole("softmax", v)),
        r"\mathrm{{logsumexp}}\left({0}\right)", "logsumexp({0})", "logsumexp' = softmax^T", False, "logsumexp",
        reason=r"\mathrm{logsumexp}' = \mathrm{softmax}^{\top}",
    ),
}  # fmt: skip
"""Functions of a whole vector by name."""
