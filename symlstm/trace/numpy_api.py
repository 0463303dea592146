"""What each NumPy function, method and operator means for traced values: one table row each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symlstm.errors import CellError
from symlstm.expr import build as b
from symlstm.trace import elementwise as e
from symlstm.trace import parts, products, whole
from symlstm.trace.array import Reading, Traced
from symlstm.trace.broadcasting import constant
from symlstm.trace.elementwise import elementwise, unary
from symlstm.trace.keywords import Row, require_harmless

ALLOWED = "use +, -, *, /, **, @, np.tanh, np.exp, np.concatenate, np.where, ... or the functions of symlstm.functions"


def call_ufunc(reading: Reading, ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Entry from __array_ufunc__."""
    name = ufunc.__name__
    if method == "reduce" and name == "add":
        return ADD_REDUCE.call("np.add.reduce", (constant(reading, inputs[0]), *inputs[1:]), kwargs)
    if method != "__call__":
        raise CellError(f"np.{name}.{method} is not understood in a cell", ALLOWED)
    handler = UFUNCS.get(name)
    if handler is None:
        raise CellError(f"np.{name} is not understood in a cell", ALLOWED)
    for keyword, value in kwargs.items():
        require_harmless(f"np.{name}", keyword, value)
    return handler(*[constant(reading, value) for value in inputs])


def call_function(reading: Reading, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Entry from __array_function__."""
    row = FUNCTIONS.get(func.__name__)
    if row is None:
        raise CellError(f"np.{func.__name__} is not understood in a cell", ALLOWED)
    return row.call(f"np.{func.__name__}", args, kwargs)


def call_method(array: Traced, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Entry from the methods of an array."""
    return METHODS[name].call(f".{name}", (array, *args), kwargs)


UFUNCS: dict[str, Callable[..., Any]] = {
    "add": e.add,
    "subtract": e.subtract,
    "multiply": e.multiply,
    "divide": e.divide,
    "true_divide": e.divide,
    "maximum": e.maximum,
    "fmax": e.maximum,
    "minimum": e.minimum,
    "fmin": e.minimum,
    "logaddexp": e.logaddexp,
    "greater": e.greater,
    "greater_equal": e.greater_equal,
    "less": e.less,
    "less_equal": e.less_equal,
    "matmul": products.at,
    "vecdot": products.vecdot,
    "matvec": products.matvec,
    "vecmat": products.vecmat,
    "power": e.power,
    "float_power": e.power,
    "negative": e.negative,
    "positive": e.copy,
    "conjugate": e.copy,
    "logical_and": e.both,
    "bitwise_and": e.both,
    "logical_or": e.either,
    "bitwise_or": e.either,
    "logical_not": e.no,
    "invert": e.no,
    "square": unary(b.square),
    "reciprocal": e.reciprocal,
    "absolute": elementwise("abs"),
    "fabs": elementwise("abs"),
    "expit": elementwise("sigmoid"),
    "log_expit": elementwise("log_sigmoid"),
    "heaviside": e.heaviside,
    **{name: elementwise(name) for name in ("tanh", "exp", "log", "sqrt", "sign", "sin", "cos", "sinh", "cosh")},
    **{name: elementwise(name) for name in ("arctan", "expm1", "log1p")},
}
"""NumPy's (and SciPy's) ufuncs by name; their keywords are those of HARMLESS."""

_INF = float("inf")
_LIKE = "a dtype order subok shape device"

ADD_REDUCE = Row(whole.total, "a axis dtype out keepdims initial where", {"initial": (0,)})

FUNCTIONS: dict[str, Row] = {
    "dot": Row(products.dot, "a b out"),
    "inner": Row(products.inner, "a b"),
    "vdot": Row(products.vdot, "a b"),
    "outer": Row(products.outer, "a b out"),
    "einsum": Row(products.einsum, "subscripts *operands out dtype order casting optimize"),
    "tensordot": Row(products.tensordot, "a b axes"),
    "concatenate": Row(parts.concatenate, "arrays axis out dtype casting"),
    "hstack": Row(parts.hstack, "tup dtype casting"),
    "vstack": Row(parts.vstack, "tup dtype casting"),
    "append": Row(parts.append, "arr values axis"),
    "split": Row(parts.split, "ary indices_or_sections axis"),
    "array_split": Row(parts.split, "ary indices_or_sections axis"),
    "hsplit": Row(parts.hsplit, "ary indices_or_sections"),
    "where": Row(e.where, "condition x y"),
    "clip": Row(e.clip, "a a_min a_max out min max dtype where casting order subok"),
    "sum": Row(whole.total, "a axis dtype out keepdims initial where", {"initial": (0,)}),
    "mean": Row(whole.mean, "a axis dtype out keepdims where"),
    "average": Row(whole.mean, "a axis weights returned keepdims"),
    "var": Row(whole.variance, "a axis dtype out ddof keepdims where mean correction"),
    "std": Row(whole.standard_deviation, "a axis dtype out ddof keepdims where mean correction"),
    "norm": Row(whole.norm, "x ord axis keepdims"),
    "max": Row(whole.largest, "a axis out keepdims initial where", {"initial": (-_INF,)}),
    "amax": Row(whole.largest, "a axis out keepdims initial where", {"initial": (-_INF,)}),
    "min": Row(whole.smallest, "a axis out keepdims initial where", {"initial": (_INF,)}),
    "amin": Row(whole.smallest, "a axis out keepdims initial where", {"initial": (_INF,)}),
    "transpose": Row(parts.transpose, "a axes"),
    "zeros_like": Row(e.filled(0), _LIKE),
    "ones_like": Row(e.filled(1), _LIKE),
    "full_like": Row(e.full_like, "a fill_value dtype order subok shape device"),
    "copy": Row(e.copy, "a order subok"),
    "real": Row(parts.same, "val"),
    "squeeze": Row(parts.squeeze, "a axis"),
    "ravel": Row(parts.ravel, "a order"),
    "reshape": Row(parts.reshape, "a shape order copy"),
    "shape": Row(lambda a: a.shape, "a"),
    "ndim": Row(lambda a: a.ndim, "a"),
}
"""NumPy's other functions by name."""

METHODS: dict[str, Row] = {
    **{name: FUNCTIONS[name] for name in ("dot", "sum", "mean", "var", "std", "max", "min", "squeeze", "ravel")},
    "transpose": Row(parts.transpose_method, "a *axes"),
    "copy": Row(e.copy, "a order"),
    "astype": Row(parts.cast, "a dtype order casting subok copy"),
    "flatten": Row(parts.flatten, "a order"),
    "reshape": Row(parts.reshape_method, "a *shape order copy"),
    "clip": Row(e.clip, "a min max out dtype where casting order subok"),
}
"""Methods of arrays by name."""
