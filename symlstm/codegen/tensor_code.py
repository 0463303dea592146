"""Jacobians with more than two indices as code: each term of the form by index, or column after column.

A vector has one axis in the result (also one of a single number), a matrix two: d c_i / d W_jk is (..., i, j, k).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import sympy as sp

from symlstm.calculus.entries import NotClosed
from symlstm.calculus.graph import graph
from symlstm.calculus.indexform import IndexTerm, index_form, letters_of
from symlstm.codegen.arrays import MATRIX, SCALAR, ArrayWriter, kind
from symlstm.codegen.body import Body, Statement
from symlstm.codegen.change_code import add_batch, add_changes, axes_of
from symlstm.codegen.comments import in_comment
from symlstm.codegen.rows import terms_of
from symlstm.codegen.sizes import ATOM, PRODUCT
from symlstm.equations import Cell
from symlstm.expr.build import Matrix, split_number
from symlstm.expr.nodes import Ones, Quantity

Factor = tuple[Matrix, str]
_TRIVIAL = "xyzw"
"""What axes of length one are called in subscripts."""


def tensor_function(cell: Cell, of: Quantity, wrt: Quantity, reserved: Sequence[str]) -> tuple[str, set[str]]:
    """The text of `jacobian` where one of the two is a matrix, and the helper functions that it calls."""
    try:
        terms = index_form(graph(cell, wrt, "partial"), of)
    except NotClosed:
        return _by_columns(cell, of, wrt, reserved)
    body = Body(cell, reserved)
    out = body.writer.names.new("J")
    letters = letters_of(of, wrt)
    axes = [letters.get(at, mark) for at, mark in zip("rckl", _TRIVIAL, strict=True) if at in _shown(of, wrt)]

    def allocate(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        sizes = ", ".join(writer.sizes.text(s) for s in (*axes_of(of), *axes_of(wrt)))
        return [f"{out} = np.zeros(({writer.batch()}, {sizes}), {writer.spell(of)}.dtype)"]

    body.add(Statement((), allocate))
    for term in terms:
        for factors, diagonals in _diagonal_or_dense(term):
            body.add(_term(out, axes, factors, diagonals))
    return body.write("jacobian", _doc(of, wrt), lambda w, e: [f"return {out}"], with_values=True), body.writer.helpers


def _shown(of: Quantity, wrt: Quantity) -> str:
    """The indices that have an axis."""
    return ("rc" if of.shape[1] != 1 else "r") + ("kl" if wrt.shape[1] != 1 else "k")


def _doc(of: Quantity, wrt: Quantity) -> str:
    rows, columns = ("ij" if of.shape[1] != 1 else "i"), ("kl" if of.shape[1] != 1 else "jk")
    columns = columns if wrt.shape[1] != 1 else columns[0]
    shape = ", ".join((*rows, *columns))
    entry = f"d {of.name}_{rows} / d {wrt.name}_{columns}"
    return f"The derivative of {of.name} by {wrt.name}, the other arguments held fixed: (..., {shape}), {entry}."


def _by_columns(cell: Cell, of: Quantity, wrt: Quantity, reserved: Sequence[str]) -> tuple[str, set[str]]:
    """Every entry of wrt changed by one in turn: how `of` changes."""
    body = Body(cell, reserved)
    batch = add_batch(body)
    columns = add_changes(body, wrt, [of], batch)

    def returns(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        sizes = ", ".join(writer.sizes.text(s) for s in (*axes_of(of), *axes_of(wrt)))
        return [f"return {columns(of, f'(*{batch}, {sizes})')}"]

    return body.write("jacobian", _doc(of, wrt), returns, with_values=True), body.writer.helpers


def _diagonal_or_dense(term: IndexTerm) -> list[tuple[list[Factor], list[str]]]:
    """The term as a sum of products in which a diagonal matrix is its diagonal: (factors, pairs of equal letters)."""
    options: list[list[tuple[list[Factor], list[str]]]] = []
    for array, at in term.factors:
        if len(at) < 2 or kind(array) != MATRIX or array.shape[0] != array.shape[1]:
            options.append([([(array, at)], [])])
            continue
        rows, own = array.shape[0], []
        for t in terms_of(array):
            own.append(([(t.vector_of(rows), at[0])], [at]) if t.matrix is None else ([(t.expr(rows), at)], []))
        options.append(own)
    found = []
    for chosen in itertools.product(*options):
        factors = [f for own, _ in chosen for f in own]
        found.append(_equal_letters(factors, [at for _, pairs in chosen for at in pairs]))
    return found


def _equal_letters(factors: list[Factor], pairs: list[str]) -> tuple[list[Factor], list[str]]:
    """The factors with one letter for those that are equal."""
    for first, second in map(tuple, pairs):
        factors = [(array, at.replace(second, first)) for array, at in factors]
    return factors, pairs


def _term(out: str, axes: list[str], factors: list[Factor], pairs: list[str]) -> Statement:
    own = list(axes)
    for first, second in map(tuple, pairs):
        own = [first if at == second else at for at in own]
    kept = list(dict.fromkeys(own))
    number, factors = _number_apart(factors)
    minus = number.could_extract_minus_sign()
    named = [f"({in_comment(array)})" + (f"_{at}" if at else "") for array, at in factors]
    amount = [] if abs(number) == 1 and pairs + named else [str(abs(number))]
    comment = f"{'-' if minus else '+'} {' '.join([*amount, *(f'I_{at}' for at in pairs), *named])}"

    def render(writer: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        place = f'np.einsum("...{"".join(own)}->...{"".join(kept)}", {out})[...]' if pairs else out
        given = [_placed(writer, array, at, kept) for array, (_, at) in zip(exprs, factors, strict=True)]
        if abs(number) != 1 or not given:
            given.insert(0, writer.sizes.piece(abs(number)).at_least(PRODUCT))
        return [f"{place} += {'-' if minus else ''}{' * '.join(given)}"]

    return Statement(tuple(array for array, _ in factors), render, comment)


def _number_apart(factors: list[Factor]) -> tuple[Any, list[Factor]]:
    """The plain number of a product, and the factors without."""
    split = [(*split_number(array), at) for array, at in factors]
    number = sp.Mul(*[own for own, _, _ in split])
    return number, [(rest, at) for _, rest, at in split if not isinstance(rest, Ones)]


def _placed(writer: ArrayWriter, array: Matrix, letters: str, axes: list[str]) -> str:
    """The array with its axes among those of the result."""
    index = ", ".join(":" if at in letters else "None" for at in axes)
    if kind(array) == SCALAR and not writer.batched(array):
        return writer.text(array, ATOM)
    return writer.indexed(array, index, writer.full(array, ATOM))
