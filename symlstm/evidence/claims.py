"""What a result claims: formulas, and for each the derivative that it must equal.

A claim is checked at a point of an oracle: the formula evaluated there, against the oracle's Jacobian.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from symlstm.equations import Cell
from symlstm.errors import SymlstmError
from symlstm.evidence.interpret import beside, determinant
from symlstm.evidence.program import (
    Program,
    named,
    number_of,
    one_step,
    shape_of,
    subnodes,
    two_steps,
    with_parts_named,
)
from symlstm.expr.nodes import Quantity, quantity
from symlstm.expr.text import text

if TYPE_CHECKING:
    from symlstm.calculus.backward_pass import BackwardPass
    from symlstm.calculus.derivation import Derivation

JACOBIAN, GRADIENT, CHANGE, INDEX, VALUE, DETERMINANT = (
    "jacobian", "gradient", "change", "index", "value", "determinant",
)  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """One formula and what it says it is.

    kind "jacobian": formula[i, j] = d of_i / d wrt_j. "gradient": the gradient by wrt of the sum over the sources s
    of <seed_s, s>. "change": the change of `of`, given those of the sources, which are what is differentiated by (wrt
    is `of`, for the shape). "index": the sum of products of entries = d of_ij / d wrt_kl; terms: of each its factors,
    an array with the letters of its indices. "value": formula is the value of `of` itself (and wrt is of).
    "determinant": formula is that of the Jacobian of all `blocks[0]` by all `blocks[1]`.
    gives: the symbol that stands for the value in later claims.
    """

    label: str
    kind: str
    wrt: Quantity
    formula: Any = None
    of: Quantity | None = None
    seeds: tuple[tuple[Quantity, Quantity], ...] = ()
    terms: tuple[tuple[tuple[Any, str], ...], ...] = ()
    gives: Quantity | None = None
    blocks: tuple[tuple[Quantity, ...], tuple[Quantity, ...]] = ((), ())


@dataclass(frozen=True)
class Claims:
    """All claims of one result, the program of the oracle, and the quantities that need random values besides."""

    subject: str
    program: Program
    claims: tuple[Claim, ...]
    given: tuple[Quantity, ...] = ()


def claims_of(result: Any) -> Claims:
    """The claims of a derivation or of a backward pass."""
    return _of_backward(result) if hasattr(result, "adjoints") else _of_derivation(result)


def _of_derivation(d: Derivation) -> Claims:
    program = one_step(d.cell)
    if d.paths_kind == "total" and any(d.wrt == s.previous for s in d.cell.states):
        program = two_steps(d.cell)
    label = f"∂{text(d.of)}/∂{text(d.wrt)}"
    subject = label if d.paths_kind == "partial" else f"{label} (all paths)"
    if d.change is None:
        return Claims(subject, program, (Claim(label, JACOBIAN, d.wrt, d.result, d.of),))
    claims = [
        Claim(f"gradient by {text(d.wrt)}", GRADIENT, d.wrt, d.result, seeds=((d.of, d.upstream),)),
        Claim(f"change of {text(d.of)}", CHANGE, d.of, d.change, d.of, seeds=((d.wrt, d.moved),)),
    ]
    if d.index:
        terms = tuple(term.factors for term in d.index)
        claims.append(Claim(f"{label} by index", INDEX, d.wrt, None, d.of, terms=terms))
    return Claims(subject, program, tuple(claims), (d.upstream, d.moved))


def _of_backward(b: BackwardPass) -> Claims:
    seeds = tuple(b.upstream.items())
    parts, part_of = named_parts(b)
    program = with_parts_named(b.cell, parts)
    claims = []
    for a in b.adjoints:
        by = a.of if a.quantity.role == "adjoint" else part_of.get(a.quantity)
        # a part that occurs several times is checked through the adjoints that use its gradients
        claims.append(Claim(text(a.quantity), GRADIENT, by or a.of, a.expr, None, seeds if by else (), (), a.quantity))
    return Claims(f"the backward pass of {b.cell.name}", program, tuple(claims), tuple(b.upstream.values()))


def named_parts(b: Any) -> tuple[dict[Quantity, tuple[Quantity, Any]], dict[Quantity, Quantity]]:
    """The parts of equations whose gradients have names: part -> (quantity of the equation, node), delta -> part."""
    parts: dict[Quantity, tuple[Quantity, Any]] = {}
    part_of: dict[Quantity, Quantity] = {}
    deltas = [(a, a.at) for a in b.adjoints if a.at is not None]
    places = [(a.of, at) for a, at in deltas]
    for a, at in deltas:
        if places.count((a.of, at)) == 1 and _occurrences(b.cell, a) == 1:
            part = quantity(f"{a.quantity.name} at", at.shape, a.of.time)  # with a space: nobody's name
            parts[part] = (a.of, at)
            part_of[a.quantity] = part
    return parts, part_of


def _occurrences(cell: Cell, adjoint: Any) -> int:
    """How often the node that a delta is the gradient by occurs in its equation."""
    equation = cell.equation(adjoint.of)
    return 0 if equation is None else sum(node == adjoint.at for node in subnodes(equation.expr))


class Incomputable(Exception):
    """A formula that has no value where the cell has one."""


def settle(claims: Claims, values: dict[Quantity, Any], calculate: Any) -> Iterator[tuple[Claim, list[Any]]]:
    """Each claim with the values of its formulas, which later claims may use under their names."""
    for claim in claims.claims:
        try:
            if claim.kind == INDEX:
                yield claim, [[(calculate(a, values), at) for a, at in term] for term in claim.terms]
                continue
            value = calculate(claim.formula, values)
        except (ValueError, KeyError, IndexError, TypeError, NameError, ZeroDivisionError, SymlstmError) as error:
            raise Incomputable(f"{claim.label}: the formula cannot be evaluated: {error}") from error
        if claim.gives is not None:
            values[claim.gives] = value
        yield claim, [value]


def by_index(terms: list[list[tuple[Any, str]]], sizes: Sequence[int], field: Any = np) -> Any:
    """The sum of products of entries as an array with one axis a letter, of these sizes.

    field: what multiplies and adds arrays; NumPy, or a field whose arrays are rearranged by their method `map`. Raises
    Incomputable where the arrays are of other sizes.
    """
    axes = string.ascii_lowercase[8 : 8 + len(sizes)]

    def placed(array: Any, letters: str) -> Any:
        index = tuple(slice(None) if at in letters else None for at in axes)

        def act(a: Any) -> Any:
            entries = a if len(letters) == 2 else a[:, 0] if letters else a.reshape(())
            return np.broadcast_to(entries[index], sizes)

        return array.map(act) if hasattr(array, "map") else act(array)

    def product(term: list[tuple[Any, str]]) -> Any:
        return reduce(field.multiply, [placed(array, letters) for array, letters in term])

    try:
        return reduce(field.add, map(product, terms))
    except ValueError as error:
        raise Incomputable(f"the form by index has arrays of other sizes: {error}") from error


def index_sizes(claim: Claim, sizes: Any) -> list[int]:
    """How far each letter runs: those of what is differentiated, then those of what it is differentiated by."""
    assert claim.of is not None
    return [number_of(size, sizes) for size in (*claim.of.shape, *claim.wrt.shape) if size != 1]


def expected(claim: Claim, at: Any, seeds: Mapping[Quantity, Any]) -> Any:
    """What the formula of a claim must equal, from the Jacobians of an oracle; None where nothing is claimed."""
    shape = shape_of(claim.wrt, at.sizes)
    if claim.kind == VALUE:
        return at.values[claim.of]
    if claim.kind == DETERMINANT:
        return determinant_of_jacobian(claim, at, at.arrays)
    if claim.kind in (JACOBIAN, INDEX):
        found = at.jacobian(claim.of, claim.wrt)
        if claim.kind == JACOBIAN:
            return found
        return found.reshape(index_sizes(claim, at.sizes))
    if not claim.seeds:
        return None
    if claim.kind == CHANGE:
        moved = [at.jacobian(claim.of, source) @ seeds[seed].reshape(-1, 1) for source, seed in claim.seeds]
        return sum(moved[1:], moved[0]).reshape(shape)
    terms = [seeds[seed].reshape(1, -1) @ at.jacobian(source, claim.wrt) for source, seed in claim.seeds]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total.reshape(shape)


def determinant_of_jacobian(claim: Claim, at: Any, field: Any) -> Any:
    """The determinant of the Jacobian that an oracle found, 1 x 1."""
    rows, columns = claim.blocks
    whole = field.concat([beside([at.jacobian(of, wrt) for wrt in columns], field) for of in rows])
    return determinant(whole, sum(shape_of(of, at.sizes)[0] for of in rows), field)


def formula_names(claims: Claims) -> set[Quantity]:
    """All quantities that the formulas of a result name."""
    formulas = [c.formula for c in claims.claims if c.formula is not None]
    formulas += [array for c in claims.claims for term in c.terms for array, _ in term]
    return {q for formula in formulas for q in named(formula)}
