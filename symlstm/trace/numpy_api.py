"""What each NumPy function and operator means for traced values: one table row each."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import sympy as sp

from symlstm.errors import CellError, ShapeError
from symlstm.expr import build as b
from symlstm.expr import nodes as x
from symlstm.expr.dims import same_size, show_shape
from symlstm.trace.array import COLUMNS, ROWS, Reading, Traced, broadcast, constant
from symlstm.trace.recognise import recognised_half, recognised_log, recognised_quotient, unfolded

ALLOWED = "use +, -, *, /, **, @, np.tanh, np.exp, np.concatenate, np.where, ... or the functions of symlstm.functions"


def call_ufunc(reading: Reading, ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Entry from __array_ufunc__."""
    name = ufunc.__name__
    if kwargs.pop("out", None) is not None:
        raise CellError(f"np.{name}(..., out=...) writes in place", "assign the result to a name instead")
    kwargs = {k: v for k, v in kwargs.items() if k not in ("dtype", "where", "casting")}
    if method == "reduce" and name == "add":
        return total(constant(reading, inputs[0]), **{k: v for k, v in kwargs.items() if k in ("axis", "keepdims")})
    if method != "__call__":
        raise CellError(f"np.{name}.{method} is not understood in a cell", ALLOWED)
    handler = UFUNCS.get(name)
    if handler is None:
        raise CellError(f"np.{name} is not understood in a cell", ALLOWED)
    return handler(*[constant(reading, value) for value in inputs])


def call_function(reading: Reading, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Entry from __array_function__."""
    handler = FUNCTIONS.get(func.__name__)
    if handler is None:
        raise CellError(f"np.{func.__name__} is not understood in a cell", ALLOWED)
    return handler(*args, **kwargs)


def _reading(*values: Any) -> Reading:
    for value in values:
        if isinstance(value, Traced):
            return value._reading
        if isinstance(value, (list, tuple)):
            for part in value:
                if isinstance(part, Traced):
                    return part._reading
    raise CellError("no value of the cell is involved")


# elementwise


def elementwise(name: str) -> Callable[..., Traced]:
    """Handler of a one-argument function of the table."""

    def handler(z: Traced) -> Traced:
        known = recognised_log(z._expr) if name == "log" else None
        return z.like(b.apply(name, z._expr) if known is None else known, z._rank, z._batch)

    return handler


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


def power(base: Traced, exponent: Traced) -> Traced:
    number, rest = b.split_number(exponent._expr)
    if exponent._rank or not isinstance(rest, (x.Ones, x.Zeros)):
        raise CellError("only constant exponents are understood", "write np.exp(p * np.log(z)) for z**p")
    number = sp.S.Zero if isinstance(rest, x.Zeros) else number
    if number == -1:
        return UFUNCS["divide"](constant(base._reading, 1), base)
    value = {0: b.ones_like(base._expr), 1: base._expr}.get(number)
    return base.like(b.apply("power", base._expr, number) if value is None else value, base._rank, base._batch)


def compare(flip: bool) -> Callable[..., Traced]:
    """a > c as a step that is 1 or 0 (at equality the choice does not matter to the derivative)."""

    def handler(left: Traced, right: Traced) -> Traced:
        a, c, rank, batch = broadcast(left, right)
        return left.like(b.apply("step", b.subtract(c, a) if flip else b.subtract(a, c)), rank, batch)

    return handler


def where(condition: Any, yes: Any, no: Any) -> Traced:
    reading = _reading(condition, yes, no)
    if not isinstance(condition, Traced):
        raise CellError("np.where needs a comparison of values of the cell", "e.g. np.where(z > 0, z, 0.1 * z)")
    yes, no = constant(reading, yes), constant(reading, no)
    chosen, other, rank, batch = broadcast(yes, no)
    if chosen == other:
        return yes.like(chosen, rank, batch)
    if isinstance(condition._expr, x.Apply) and condition._expr.function == "step":
        z = condition._expr.arrays[0]
        if chosen == z and isinstance(other, x.Zeros):
            return yes.like(b.apply("relu", z), rank, batch)
    weighted = UFUNCS["multiply"](condition, yes)
    rest = UFUNCS["multiply"](UFUNCS["subtract"](constant(reading, 1), condition), no)
    return UFUNCS["add"](weighted, rest)


def clip(z: Any, low: Any = None, high: Any = None, **names: Any) -> Traced:
    reading = _reading(z, low, high)
    low, high = names.get("min", names.get("a_min", low)), names.get("max", names.get("a_max", high))
    out = constant(reading, z)
    if low is not None:
        out = UFUNCS["maximum"](out, constant(reading, low))
    return out if high is None else UFUNCS["minimum"](out, constant(reading, high))


def _maximum(a: Any, c: Any) -> Any:
    if isinstance(c, x.Zeros):
        return b.apply("relu", a)
    return b.apply("relu", c) if isinstance(a, x.Zeros) else b.apply("maximum", a, c)


def _logaddexp(a: Any, c: Any) -> Any:
    if isinstance(a, x.Zeros):
        return b.apply("softplus", c)
    return b.add(a, b.apply("softplus", b.subtract(c, a)))


# products


def matmul(left: Any, right: Any, operator: bool = False) -> Traced:
    """a @ c and np.dot(a, c), for numbers, vectors, matrices and batches of vectors."""
    reading = _reading(left, right)
    left, right = constant(reading, left), constant(reading, right)
    for one, other in ((left, right), (right, left)):
        if one.open and not other.open:
            one.settle(2 if other._rank else 0)
    if left.open:
        left.settle(2)
    if operator and not (left._rank and right._rank):
        raise ShapeError("@ does not multiply by a number", "use * for a number times an array")
    if not left._rank or not right._rank:
        return UFUNCS["multiply"](left, right)
    a, c = left._expr, right._expr
    if left._batch and right._batch:
        raise CellError("two batches are multiplied with @", "use * for elementwise products")
    if left._batch == ROWS:
        return left.like(_product(b.transpose(c), a, left, right), 1, ROWS)
    if right._batch == COLUMNS:
        return left.like(_product(a, c, left, right), 1, COLUMNS)
    if left._batch or right._batch:
        raise ShapeError("a batch of rows is multiplied from the left, of columns from the right")
    if left._rank == 1 and right._rank == 1:
        return left.like(_product(b.transpose(a), c, left, right), 0)
    if left._rank == 1:
        return left.like(_product(b.transpose(c), a, left, right), 1)
    return left.like(_product(a, c, left, right), right._rank)


def _product(a: Any, c: Any, left: Traced, right: Traced) -> Any:
    if not same_size(a.shape[1], c.shape[0]):
        raise ShapeError(
            f"{left._expr} of shape {show_shape(left.shape)} times {right._expr} of shape {show_shape(right.shape)}: "
            f"the inner sizes differ",
            "check which of the two is transposed, and the order of concatenation",
        )
    return b.matmul(a, c)


def outer(left: Any, right: Any) -> Traced:
    reading = _reading(left, right)
    left, right = constant(reading, left), constant(reading, right)
    for one in (left, right):
        one.settle(1)
    return left.like(b.matmul(left._expr, b.transpose(right._expr)), 2)


def einsum(subscripts: str, *operands: Any, **_: Any) -> Traced:
    """The forms that are products of a cell: "ij,j->i", "ij,i->j", "i,j->ij", "i,i->", "i,i->i"."""
    first, *rest = subscripts.replace(" ", "").replace("...", "").split("->")
    inputs = first.split(",")
    if len(operands) == 2 and len(inputs) == 2 and rest:
        (p, q), out, (u, v) = inputs, rest[0], operands
        if len(p) == 2 and len(q) == 1 and out in p:
            return matmul(u, v) if p[1] == q else matmul(v, u)
        if len(q) == 2 and len(p) == 1 and out in q:
            return matmul(v, u) if q[1] == p else matmul(u, v)
        if len(p) == len(q) == 1:
            if p != q and out == p + q:
                return outer(u, v)
            return matmul(u, v) if out == "" else UFUNCS["multiply"](u, constant(_reading(u, v), v))
    raise CellError(f"np.einsum({subscripts!r}) is not understood in a cell", "use @, np.outer and *")


# whole vectors and parts of them


def _feature_axis(value: Traced, axis: Any) -> bool:
    """Whether the axis is the one along the vector; raises where NumPy would."""
    if value._batch == ROWS:
        return axis in (1, -1)
    if value._batch == COLUMNS:
        return axis in (0, -2)
    if axis in (0, -1):
        return True
    raise ShapeError(
        f"axis {axis} of {value._expr}, which has one axis", "a vector is one axis long: axis=0 or axis=-1"
    )


def reduction(name: str) -> Callable[..., Traced]:
    def handler(v: Any, axis: Any = None, keepdims: bool = False, **_: Any) -> Traced:
        if v._rank == 0:
            return v
        if v._rank == 2:
            raise CellError(
                f"np.{name} of a matrix is not understood in a cell", "sum with np.ones_like(v) @ M instead"
            )
        if v._batch and (axis is None or not _feature_axis(v, axis)):
            raise CellError(f"np.{name} over the batch", "a cell treats each example alone: reduce along the features")
        if not v._batch and axis is not None:
            _feature_axis(v, axis)
        number = b.whole(name, v._expr)
        if keepdims and not v._batch:
            return v.like(b.spread(number, 1, 1), 0)
        return v.like(number, 0, v._batch)

    return handler


total = reduction("sum")


def _standard_deviation(v: Traced, axis: Any = None, keepdims: bool = False, **_: Any) -> Traced:
    variance = reduction("variance")(v, axis, keepdims)
    return variance.like(b.apply("sqrt", variance._expr), 0, variance._batch)


def _norm(v: Traced, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Traced:
    if ord not in (None, 2):
        raise CellError(f"np.linalg.norm(..., ord={ord!r}) is not understood in a cell", "the Euclidean norm is")
    return reduction("norm")(v, axis, keepdims)


def concatenate(parts: Any, axis: Any = 0, **_: Any) -> Traced:
    reading = _reading(parts)
    values = [constant(reading, part) for part in parts]
    for value in values:
        value.settle(1)
    batch = next((v._batch for v in values if v._batch), None)
    if any(v._rank == 2 for v in values):
        if axis in (1, -1):
            joined = b.concat(*[b.transpose(v._expr) for v in values])
            return values[0].like(b.transpose(joined), 2)
        return values[0].like(b.concat(*[v._expr for v in values]), 2)
    for value in values:
        if value._rank == 1 and axis is not None and not _feature_axis(value, axis):
            raise CellError("np.concatenate along the batch", "concatenate along the features")
    return values[0].like(b.concat(*[v._expr for v in values]), 1, batch)


def _hstack(parts: Any, **_: Any) -> Traced:
    first = parts[0]
    return concatenate(parts, axis=1 if first._batch or first._rank == 2 else 0)


def _vstack(parts: Any, **_: Any) -> Traced:
    if parts[0]._batch == COLUMNS or parts[0]._rank == 2:
        return concatenate(parts, axis=0)
    raise CellError("np.vstack makes vectors the rows of a matrix", "[h, x] is one vector: use np.concatenate")


def split(v: Any, sections: Any, axis: Any = 0) -> list[Traced]:
    v.settle(1)
    v._reading.divided.append(v)
    along_columns = v._rank == 2 and axis in (1, -1)
    if v._rank == 1:
        _feature_axis(v, axis)
    length = v._expr.shape[1 if along_columns else 0]
    if isinstance(sections, int):
        part = sp.expand(length / sections)
        bounds = [sp.expand(part * k) for k in range(sections + 1)]
    else:
        bounds = [sp.S.Zero, *[sp.sympify(s) for s in sections], length]
    out = []
    for start, stop in itertools.pairwise(bounds):
        width = sp.expand(stop - start)
        rows, cols = v._expr.shape
        piece = b.block(v._expr, 0, rows, start, width) if along_columns else b.block(v._expr, start, width, 0, cols)
        out.append(v.view(piece, v._rank, v._batch))
    return out


def get_item(v: Traced, key: Any) -> Traced:
    """Slices with a start and a stop; `:`, `...` and None; no single entries."""
    keys = key if isinstance(key, tuple) else (key,)
    keys = tuple(k for k in keys if k is not Ellipsis)
    axes = [k for k in keys if k is not None]
    if len(axes) < len(keys):
        return _new_axis(v, keys)
    if any(not isinstance(k, slice) for k in axes):
        raise CellError(
            "a single entry is picked out of an array", "a cell works on whole vectors; slices such as z[:n] are fine"
        )
    if v._batch:
        feature = 1 if v._batch == ROWS else 0
        if any(k != slice(None) for a, k in enumerate(axes) if a != feature):
            raise CellError("a part of the batch is picked out", "a cell treats each example alone")
        axes = [axes[feature]] if len(axes) > feature else [slice(None)]
    rows = _range(v, axes[0], 0)
    cols = _range(v, axes[1], 1) if len(axes) > 1 else (sp.S.Zero, v._expr.shape[1])
    return v.view(b.block(v._expr, *rows, *cols), v._rank, v._batch)


def _range(v: Traced, part: slice, axis: int) -> tuple[sp.Expr, sp.Expr]:
    if part.step not in (None, 1):
        raise CellError("a slice with a step", "only contiguous parts are understood")
    length = v._expr.shape[axis]

    def bound(value: Any, default: sp.Expr) -> sp.Expr:
        if value is None:
            return default
        value = sp.sympify(value)
        return sp.expand(length + value) if value.could_extract_minus_sign() else value

    start, stop = bound(part.start, sp.S.Zero), bound(part.stop, length)
    if v._reading.unifier is not None:
        for symbol in length.free_symbols & v._reading.unifier.unknown:
            v._reading.unifier.at_least.setdefault(symbol, []).append(stop)
    width = sp.expand(stop - start)
    if width.could_extract_minus_sign() or sp.expand(length - stop).could_extract_minus_sign():
        raise ShapeError(f"{v._expr} has {length} entries, {start} to {stop} were asked for")
    return start, width


def _new_axis(v: Traced, keys: tuple[Any, ...]) -> Traced:
    if v._rank == 1 and not v._batch and len(keys) == 2:
        return v.view(v._expr if keys[1] is None else b.transpose(v._expr), 2)
    if v._rank == 0:
        return v
    raise CellError("a new axis is added here", "v[:, None] and v[None, :] of a vector are understood")


def _same(v: Any, *_: Any, **__: Any) -> Any:
    return v


def _copy(v: Traced, *_: Any, **__: Any) -> Traced:
    return v.like(v._expr, v._rank, v._batch)


def _cast(v: Traced, *_: Any, **__: Any) -> Traced:
    v._shared = True  # as a copy, it must not follow what is written into v later
    return v


def _minimum_of(v: Traced, axis: Any = None, keepdims: bool = False, **_: Any) -> Traced:
    return UFUNCS["negative"](reduction("max")(UFUNCS["negative"](v), axis, keepdims))


def _either(a: Any, c: Any) -> Any:
    return b.subtract(b.add(a, c), b.hadamard(a, c))


def _tensordot(left: Any, right: Any, axes: Any = 2) -> Traced:
    if axes not in (1, ((1,), (0,)), ([1], [0])):
        raise CellError(f"np.tensordot(..., axes={axes}) is not understood in a cell", "use @")
    return matmul(left, right)


def _reshape(v: Traced, *shape: Any, **_: Any) -> Traced:
    wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
    if v._rank == 1 and len(wanted) == 1:
        return v
    if v._rank == 1 and len(wanted) == 2 and not v._batch and wanted[1] == 1:
        return v.view(v._expr, 2)
    raise CellError("reshape is not understood in a cell", "keep vectors one axis long")


def _transpose(v: Traced, *_: Any) -> Traced:
    return v.T


def _filled(number: int) -> Callable[..., Traced]:
    return lambda v, *_, **__: v.like(b.scale(number, b.ones_like(v._expr)), v._rank, v._batch)


def _full_like(v: Traced, number: Any, **_: Any) -> Traced:
    return UFUNCS["multiply"](_filled(1)(v), constant(v._reading, number))


UFUNCS: dict[str, Callable[..., Any]] = {
    "add": binary(lambda a, c: recognised_half(b.add(a, c))),
    "subtract": binary(b.subtract),
    "multiply": binary(lambda a, c: recognised_half(b.hadamard(a, c))),
    "divide": divide,
    "true_divide": divide,
    "maximum": binary(_maximum),
    "fmax": binary(_maximum),
    "minimum": binary(lambda a, c: b.apply("minimum", a, c)),
    "fmin": binary(lambda a, c: b.apply("minimum", a, c)),
    "logaddexp": binary(_logaddexp),
    "greater": compare(False),
    "greater_equal": compare(False),
    "less": compare(True),
    "less_equal": compare(True),
    "matmul": lambda left, right: matmul(left, right, operator=True),
    "vecdot": matmul,
    "matvec": matmul,
    "vecmat": matmul,
    "power": power,
    "float_power": power,
    "negative": lambda z: z.like(b.negative(z._expr), z._rank, z._batch),
    "positive": _copy,
    "conjugate": _copy,
    "logical_and": binary(b.hadamard),
    "bitwise_and": binary(b.hadamard),
    "logical_or": binary(_either),
    "bitwise_or": binary(_either),
    "logical_not": lambda z: z.like(b.one_minus(z._expr), z._rank, z._batch),
    "invert": lambda z: z.like(b.one_minus(z._expr), z._rank, z._batch),
    "square": lambda z: z.like(b.square(z._expr), z._rank, z._batch),
    "reciprocal": lambda z: UFUNCS["divide"](constant(z._reading, 1), z),
    "absolute": elementwise("abs"),
    "fabs": elementwise("abs"),
    "expit": elementwise("sigmoid"),
    "log_expit": elementwise("log_sigmoid"),
    "heaviside": lambda z, _: elementwise("step")(z),
    **{name: elementwise(name) for name in ("tanh", "exp", "log", "sqrt", "sign", "sin", "cos", "sinh", "cosh")},
    **{name: elementwise(name) for name in ("arctan", "expm1", "log1p")},
}
"""NumPy's (and SciPy's) ufuncs by name."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "dot": matmul,
    "inner": matmul,
    "vdot": matmul,
    "outer": outer,
    "einsum": einsum,
    "concatenate": concatenate,
    "hstack": _hstack,
    "vstack": _vstack,
    "append": lambda a, c, axis=None: concatenate((a, c), 0 if axis is None else axis),
    "split": split,
    "array_split": split,
    "hsplit": lambda v, sections: split(v, sections, 1 if v._batch or v._rank == 2 else 0),
    "where": where,
    "clip": clip,
    "sum": total,
    "mean": reduction("mean"),
    "var": reduction("variance"),
    "std": _standard_deviation,
    "norm": _norm,
    "max": reduction("max"),
    "amax": reduction("max"),
    "min": _minimum_of,
    "amin": _minimum_of,
    "average": reduction("mean"),
    "tensordot": _tensordot,
    "transpose": _transpose,
    "zeros_like": _filled(0),
    "ones_like": _filled(1),
    "full_like": _full_like,
    "squeeze": _same,
    "copy": _copy,
    "real": _same,
    "ravel": _same,
    "reshape": _reshape,
    "shape": lambda v: v.shape,
    "ndim": lambda v: v.ndim,
}
"""NumPy's other functions by name."""

METHODS: dict[str, Callable[..., Any]] = {
    "dot": matmul,
    "sum": total,
    "mean": reduction("mean"),
    "var": reduction("variance"),
    "std": _standard_deviation,
    "max": reduction("max"),
    "min": _minimum_of,
    "transpose": _transpose,
    "copy": _copy,
    "astype": _cast,
    "squeeze": _same,
    "ravel": _same,
    "flatten": _copy,
    "reshape": _reshape,
    "clip": clip,
}
"""Methods of arrays by name."""
