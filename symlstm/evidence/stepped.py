"""Complex-step differentiation of a user's own NumPy function.

Functions that are not analytic (|z|, max, comparisons, variance, norm) are followed along the branch of the real part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

STEP = 2.0**-600
"""The imaginary step: a power of two, so that dividing by it is exact; its square is below the smallest number."""


class Stepped(np.ndarray[Any, Any]):
    """A complex array whose imaginary part is a derivative."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        name = ufunc.__name__
        plain = [_plain(v) for v in inputs]
        out = kwargs.get("out")
        if out is not None:
            kwargs["out"] = tuple(_plain(v) for v in out)
        if method == "__call__" and name in COMPARISONS:
            return getattr(ufunc, method)(*[np.real(v) for v in plain])
        if method == "reduce" and name in ("maximum", "minimum"):
            return _wrapped(_extreme(name)(plain[0], kwargs.get("axis", 0), kwargs.get("keepdims", False)))
        if method == "__call__" and name in UFUNCS:
            return _wrapped(UFUNCS[name](*plain))
        return _wrapped(getattr(ufunc, method)(*plain, **kwargs))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = func.__name__
        if name in FUNCTIONS:
            return _wrapped(FUNCTIONS[name](*_plain(args), **_plain(kwargs)))
        return _wrapped(func(*_plain(args), **_plain(kwargs)))


def _as_function(name: str) -> Callable[..., Any]:
    return lambda v, *args, **kwargs: getattr(np, name)(v, *args, **kwargs)


METHODS: dict[str, Any] = {
    **{name: _as_function(name) for name in ("max", "min", "var", "std", "clip")},
    "real": property(lambda v: v),  # the user's numbers are real
    "astype": lambda v, *_, **__: v,
}
for _name, _method in METHODS.items():
    setattr(Stepped, _name, _method)


def stepped(values: Any) -> Stepped:
    """An array of the user's numbers, ready to be perturbed."""
    return np.asarray(values, dtype=complex).view(Stepped)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.view(np.ndarray)
    if isinstance(value, (tuple, list)):
        return type(value)(_plain(v) for v in value)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value


def _wrapped(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind == "c":
        return value.view(Stepped)
    if isinstance(value, np.complexfloating):
        return np.asarray(value).view(Stepped)
    if isinstance(value, (tuple, list)):
        return type(value)(_wrapped(v) for v in value)
    return value


def _choose(better: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda a, b: np.where(better(np.real(a), np.real(b)), a, b)


def _extreme(name: str) -> Callable[..., Any]:
    pick = np.argmax if name in ("maximum", "max", "amax") else np.argmin

    def act(v: Any, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
        v = np.asarray(v)
        if axis is None:
            flat = v.reshape(-1)[pick(np.real(v))]
            return np.reshape(flat, (1,) * v.ndim) if keepdims else np.asarray(flat)
        axis = axis[0] if isinstance(axis, tuple) else axis
        found = np.take_along_axis(v, np.expand_dims(pick(np.real(v), axis=axis), axis), axis)
        return found if keepdims else np.squeeze(found, axis)

    return act


def _norm(v: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sqrt(np.sum(v * v, axis=axis, keepdims=keepdims))


def _variance(v: Any, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
    away = v - np.mean(v, axis=axis, keepdims=True)
    return np.mean(away * away, axis=axis, keepdims=keepdims)


def _clip(v: Any, low: Any = None, high: Any = None, **names: Any) -> Any:
    low, high = names.get("min", names.get("a_min", low)), names.get("max", names.get("a_max", high))
    v = v if low is None else _choose(np.greater)(v, low)
    return v if high is None else _choose(np.less)(v, high)


def _dot(a: Any, b: Any) -> Any:
    return np.dot(np.ravel(a), np.ravel(b))


def _vecdot(a: Any, b: Any, *, axis: int = -1) -> Any:
    return np.sum(a * b, axis=axis)


def _vecmat(a: Any, b: Any) -> Any:
    return np.squeeze(np.expand_dims(a, -2) @ b, -2)


def _softplus(z: Any) -> Any:
    positive = np.real(z) > 0
    return np.where(positive, z, 0) + np.log1p(np.exp(np.where(positive, -z, z)))


def _absolute(z: Any) -> Any:
    return np.where(np.real(z) < 0, -z, z)


COMPARISONS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "isfinite", "isnan", "signbit"}
UFUNCS: dict[str, Callable[..., Any]] = {
    "maximum": _choose(np.greater),
    "fmax": _choose(np.greater),
    "minimum": _choose(np.less),
    "fmin": _choose(np.less),
    "absolute": _absolute,
    "fabs": _absolute,
    "sign": lambda z: np.sign(np.real(z)) + 0j,
    "heaviside": lambda z, middle: np.heaviside(np.real(z), np.real(middle)) + 0j,
    "conjugate": lambda z: z,  # NumPy conjugates the first argument of the next two as well
    "vecdot": _vecdot,
    "vecmat": _vecmat,
    "logaddexp": lambda a, b: a + _softplus(b - a),
    "expit": lambda z: 1 / (1 + np.exp(-z)),
    "log_expit": lambda z: -_softplus(-z),
    "clip": _clip,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "max": _extreme("maximum"),
    "amax": _extreme("maximum"),
    "min": _extreme("minimum"),
    "amin": _extreme("minimum"),
    "norm": _norm,
    "vdot": _dot,  # NumPy conjugates its first argument
    "var": _variance,
    "std": lambda *args, **kwargs: np.sqrt(_variance(*args, **kwargs)),
    "clip": _clip,
    "real": lambda v: v,
    "real_if_close": lambda v, *_, **__: v,
}
