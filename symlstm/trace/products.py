"""What products mean for traced values: @, dot, inner, outer, einsum, for numbers, vectors, matrices and batches."""

from __future__ import annotations

from typing import Any

from symlstm.errors import CellError, ShapeError
from symlstm.expr import build as b
from symlstm.expr.dims import same_size, show_shape
from symlstm.trace.array import COLUMNS, ROWS, Traced
from symlstm.trace.broadcasting import constant
from symlstm.trace.elementwise import multiply, reading_of


def at(left: Traced, right: Traced) -> Traced:
    """left @ right"""
    return matmul(left, right, operator=True)


def dot(a: Any, b: Any) -> Traced:
    """np.dot(a, b) and a.dot(b)"""
    return matmul(a, b)


def matmul(left: Any, right: Any, operator: bool = False) -> Traced:
    """a @ c and np.dot(a, c), for numbers, vectors, matrices and batches of vectors."""
    reading = reading_of(left, right)
    left, right = constant(reading, left), constant(reading, right)
    for one, other in ((left, right), (right, left)):
        if one.open and not other.open:
            one.settle(2 if other._rank else 0)
    if left.open:
        left.settle(2)
    if operator and not (left._rank and right._rank):
        raise ShapeError("@ does not multiply by a number", "use * for a number times an array")
    if (left._batch and not left._rank) or (right._batch and not right._rank):
        raise ShapeError("numbers, one an example, are multiplied with @ or np.dot", "use * for elementwise products")
    if not left._rank or not right._rank:
        return multiply(left, right)
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


def inner(a: Any, b: Any) -> Traced:
    """np.inner: the last axes are multiplied and summed, for two matrices U V^T."""
    reading = reading_of(a, b)
    left, right = constant(reading, a), constant(reading, b)
    if right.open:
        right.settle(2 if left._rank else 0)
    return matmul(left, right.T)


def vdot(a: Any, b: Any) -> Traced:
    """np.vdot of two vectors."""
    return _of_ranks("np.vdot", a, b, (1, 1))


def vecdot(left: Traced, right: Traced) -> Traced:
    return _of_ranks("np.vecdot", left, right, (1, 1))


def matvec(left: Traced, right: Traced) -> Traced:
    return _of_ranks("np.matvec", left, right, (2, 1))


def vecmat(left: Traced, right: Traced) -> Traced:
    return _of_ranks("np.vecmat", left, right, (1, 2))


def _of_ranks(name: str, left: Any, right: Any, ranks: tuple[int, int]) -> Traced:
    reading = reading_of(left, right)
    left, right = constant(reading, left), constant(reading, right)
    for one, rank in zip((left, right), ranks, strict=True):
        one.settle(rank)
        if one._rank != rank or one._batch:
            raise ShapeError(
                f"{name} of {show_shape(left.shape)} and {show_shape(right.shape)} is not understood", "use @"
            )
    return matmul(left, right)


def outer(a: Any, b: Any) -> Traced:
    """a b^T of two vectors."""
    reading = reading_of(a, b)
    left, right = constant(reading, a), constant(reading, b)
    for one in (left, right):
        one.settle(1)
        if one._rank != 1 or one._batch:
            raise ShapeError("np.outer takes two vectors", "it flattens everything else: use @")
    return _outer(left, right)


def _outer(left: Traced, right: Traced) -> Traced:
    return left.like(b.matmul(left._expr, b.transpose(right._expr)), 2)


EINSUM = {
    "ab,b->a": matmul,
    "ab,a->b": lambda u, v: matmul(v, u),
    "a,ab->b": matmul,
    "a,ba->b": lambda u, v: matmul(v, u),
    "a,b->ab": outer,
    "a,a->": matmul,
    "a,a->a": multiply,
    "ab,bc->ac": matmul,
    "ab,cb->ac": inner,
    "ab,ab->ab": multiply,
}
"""The products of a cell as einsum writes them, with the letters in the order in which they come."""


def einsum(subscripts: Any, *operands: Any) -> Traced:
    """The forms of EINSUM; "..." stands for the axis of a batch."""
    reading = reading_of(operands)
    values = [constant(reading, operand) for operand in operands]
    text = subscripts.replace(" ", "") if isinstance(subscripts, str) else ""
    plain = text.replace("...", "")
    letters = dict.fromkeys(c for c in plain if c.isalpha())
    form = plain.translate({ord(c): "abcdefghijklmnopqrstuvwxyz"[k] for k, c in enumerate(letters) if k < 26})
    wanted = [len(part) for part in form.split("->")[0].split(",")]
    if form in EINSUM and len(values) == 2:
        for value, rank in zip(values, wanted, strict=True):
            value.settle(rank)
        if [v._rank if "..." in text else v.ndim for v in values] != wanted:
            shapes = " and ".join(show_shape(v.shape) for v in values)
            raise ShapeError(f"np.einsum({subscripts!r}) of {shapes}: a letter is needed for each axis")
        return EINSUM[form](*values)
    raise CellError(f"np.einsum({subscripts!r}) is not understood in a cell", "use @, np.outer and *")


def tensordot(a: Any, b: Any, axes: Any = 2) -> Traced:
    """np.tensordot along the last axis of a and the first of b."""
    if axes != 1 and axes not in ((1, 0), [1, 0], ((1,), (0,)), ([1], [0])):
        raise CellError(f"np.tensordot(..., axes={axes}) is not understood in a cell", "use @")
    return matmul(a, b, operator=True)
