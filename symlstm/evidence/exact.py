"""Third rung: the cell in scalars, differentiated entry by entry by SymPy, compared exactly.

Where all functions are sigma and tanh, both sides are polynomials in the leaves and in the gate values, and equality
is decided. Elsewhere they are rational functions, compared at random points modulo a large prime.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from functools import lru_cache
from math import floor
from typing import Any

import numpy as np
import sympy as sp

from symlstm.evidence.algebra import AlgebraArrays, Undecided, convert
from symlstm.evidence.claims import INDEX, Claims, by_index, expected, formula_names, index_sizes, settle
from symlstm.evidence.interpret import evaluate, shaped
from symlstm.evidence.polynomials import Polynomials
from symlstm.evidence.program import Program, Sizes, shape_of
from symlstm.evidence.report import Mismatch, Rung, failed, nothing_compared
from symlstm.evidence.residues import Residues, Unlucky
from symlstm.evidence.scalars import Scalars, relations_hold, scalars
from symlstm.expr.nodes import Quantity

NAME = "exact"
DRAWS = 256
SPARE = 40
"""Generators of the ring set aside for upstream gradients and functions that only the formula has."""


@dataclass
class Point:
    """The entries in an algebra (why: what keeps out the others), and the Jacobians computed so far."""

    scalars: Scalars
    algebra: Any
    entries: dict[sp.Symbol, Any]
    why: str = ""
    draws: int = 1
    slopes: dict[sp.Symbol, list[tuple[sp.Symbol, Any]]] = field(default_factory=dict)
    jacobians: dict[Quantity, dict[sp.Symbol, dict[int, Any] | None]] = field(default_factory=dict)
    seeds: dict[Quantity, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.arrays = AlgebraArrays(self.algebra)
        self.values = {
            q: shaped([self.entries[s] for s in symbols.flat], symbols.shape)
            for q, symbols in self.scalars.symbols.items()
            if all(s in self.entries for s in symbols.flat)
        }

    @property
    def sizes(self) -> Sizes:
        return self.scalars.sizes

    def jacobian(self, of: Quantity, wrt: Quantity) -> Any:
        """d of / d wrt, flattened to two axes."""
        if wrt not in self.jacobians:
            self.jacobians[wrt] = self._chained(wrt)
        rows, columns = self.scalars.symbols[of].reshape(-1), self.scalars.symbols[wrt].size
        out = self.arrays.full(len(rows), columns, 0)
        for i, symbol in enumerate(rows):
            slopes = self.jacobians[wrt].get(symbol, {})
            if slopes is None:
                raise Undecided(self.why)
            for k, value in slopes.items():
                out[i, k] = value
        return out

    def _chained(self, wrt: Quantity) -> dict[sp.Symbol, dict[int, Any] | None]:
        """The chain rule over scalars: entry -> {entry of wrt: derivative}, None where it is not known."""
        one = self.algebra.rational(1, 1)
        found: dict[sp.Symbol, dict[int, Any] | None] = {}
        for k, s in enumerate(self.scalars.symbols[wrt].flat):
            found[s] = {k: one}
        for symbol, expr, q in self.scalars.definitions:
            if q == wrt or q in self.scalars.held or found.keys().isdisjoint(expr.free_symbols):
                continue
            try:
                found[symbol] = self._summed(symbol, expr, found)
            except Undecided as reason:
                self.why = self.why or str(reason)
                found[symbol] = None
        return found

    def _summed(
        self, symbol: sp.Symbol, expr: sp.Expr, found: dict[sp.Symbol, dict[int, Any] | None]
    ) -> dict[int, Any] | None:
        sums: dict[int, Any] = {}
        for inner, slope in self._slopes(symbol, expr):
            known = found.get(inner, {})
            if known is None:
                return None
            for k, value in known.items():
                product = self.algebra.times(slope, value)
                sums[k] = self.algebra.usable(sums[k] + product) if k in sums else product
        return sums

    def _slopes(self, symbol: sp.Symbol, expr: sp.Expr) -> list[tuple[sp.Symbol, Any]]:
        if symbol not in self.slopes:
            raw = self.scalars.slopes(symbol, expr)
            if any(s not in self.entries for s in expr.free_symbols):
                raise Undecided(self.why)
            self.slopes[symbol] = [(s, convert(slope, self.entries, self.algebra)) for s, slope in raw]
        return self.slopes[symbol]

    def seed(self, q: Quantity) -> Any:
        """Entries for an upstream gradient."""
        if q not in self.seeds:
            shape = shape_of(q, self.sizes)
            make = self.algebra.fresh if isinstance(self.algebra, Polynomials) else self.algebra.random
            self.seeds[q] = shaped([make() for _ in range(shape[0] * shape[1])], shape)
        return self.seeds[q]


def _filled(written: Scalars, algebra: Any, make: Any) -> tuple[dict[sp.Symbol, Any], str]:
    """The entries that the algebra can hold, the leaves being made by `make`, and why the others cannot be held."""
    entries = {s: make() for s in written.leaves}
    why = ""
    for symbol, expr, _ in written.definitions:
        if all(s in entries for s in expr.free_symbols):
            try:
                entries[symbol] = algebra.usable(convert(expr, entries, algebra))
            except Undecided as reason:
                why = why or str(reason)
    return entries, why


@lru_cache(maxsize=128)
def polynomial_point(program: Program) -> Point:
    """The entries as polynomials, where they are some."""
    if not relations_hold():
        raise Undecided("sigma' = s (1 - s) and tanh' = 1 - t^2 do not follow from the definitions")
    written = scalars(program)
    algebra = Polynomials(len(written.leaves) + written.functions + SPARE)
    return Point(written, algebra, *_filled(written, algebra, algebra.fresh))


@lru_cache(maxsize=256)
def residue_point(program: Program, seed: int, index: int) -> Point:
    """The random point number `index` modulo the prime."""
    written = scalars(program)
    rng = random.Random(f"{seed} {index} residues")
    for draw in range(DRAWS):
        algebra = Residues(rng)
        try:
            return Point(written, algebra, *_filled(written, algebra, algebra.random), draw + 1)
        except Unlucky:
            continue
    raise Undecided("no point modulo the prime has all the square roots")


def check(claims: Claims, seed: int = 0, points: int = 2) -> Rung:
    """The exact rung of a result."""
    start = time.perf_counter()
    try:
        return _by_polynomials(claims, polynomial_point(claims.program), start)
    except Undecided:  # other functions than sigma and tanh, or too large
        pass
    try:
        return _by_residues(claims, seed, points, start)
    except Undecided as reason:
        return Rung(NAME, None, "not decided", str(reason), time.perf_counter() - start)


def _by_polynomials(claims: Claims, at: Point, start: float) -> Rung:
    mismatches, entries, _ = _differences(claims, at)
    seconds, sizes = time.perf_counter() - start, claims.program.shown(at.sizes)
    if mismatches:
        return failed(NAME, mismatches, entries, seconds, sizes)
    if not entries:
        return nothing_compared(NAME, seconds)
    gates = len(at.algebra.gates)
    values = f"in {gates} gate values" if gates != 1 else "in 1 gate value"
    figure = f"{entries} {'entry' if entries == 1 else 'entries'} equal as polynomials {values} ({sizes})"
    return Rung(NAME, True, figure, "scalars differentiated by SymPy; equality decided", seconds, "polynomials")


def _by_residues(claims: Claims, seed: int, points: int, start: float) -> Rung:
    chance, entries, sizes = 0.0, 0, ""
    used, index = 0, 0
    while used < points:
        at = residue_point(claims.program, seed, index)
        index += 1
        try:
            mismatches, entries, degree = _differences(claims, at)
        except Unlucky as reason:
            if index > 64 * points:
                raise Undecided(f"no usable point modulo the prime: {reason}") from None
            continue
        used += 1
        sizes = claims.program.shown(at.sizes)
        if mismatches:
            return failed(NAME, mismatches, entries, time.perf_counter() - start, sizes)
        chance += at.algebra.chance(degree, at.draws * index)
    if not entries:
        return nothing_compared(NAME, time.perf_counter() - start)
    figure = (
        f"{entries} {'entry' if entries == 1 else 'entries'} equal as rational functions at {points} random points "
        f"modulo 2^127-1 ({sizes}), chance of error below 1e{floor(chance) + 1}"
    )
    seconds = time.perf_counter() - start
    return Rung(NAME, True, figure, "scalars differentiated by SymPy; Schwartz-Zippel", seconds, "residues", chance)


def _differences(claims: Claims, at: Point) -> tuple[list[Mismatch], int, int]:
    """Entries that differ, how many were compared, and the largest degree of a difference."""
    seeds = {q: at.seed(q) for q in claims.given}
    values = {**at.values, **seeds}
    if not all(q in values or q not in at.scalars.symbols for q in formula_names(claims)):
        raise Undecided(at.why)
    mismatches: list[Mismatch] = []
    entries, degree = 0, 0
    for claim, found in settle(claims, values, lambda expr, known: evaluate(expr, known, at.sizes, at.arrays)):
        oracle = expected(claim, at, seeds)
        if oracle is None:
            continue
        value = by_index(found, index_sizes(claim, at.sizes)) if claim.kind == INDEX else found[0]
        entries += oracle.size
        if value.shape != oracle.shape:
            mismatches.append(Mismatch(claim.label, (0,), f"shape {value.shape}", f"shape {oracle.shape}"))
            continue
        for place in np.ndindex(oracle.shape):
            a, b = value[place], oracle[place]
            if not at.algebra.equal(a, b):
                mismatches.append(Mismatch(claim.label, place, at.algebra.show(a), at.algebra.show(b)))
            degree = max(degree, getattr(a - b, "above", 0))
    return mismatches, entries, degree
