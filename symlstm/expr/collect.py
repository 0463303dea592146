"""Collecting the terms of a sum as a person does: diag(a) M + diag(b) M as diag(a + b) M, [a; 0] + [0; b] as [a; b]."""

from __future__ import annotations

import sympy as sp

from symlstm.expr.build import (
    Matrix,
    add,
    concat,
    diag,
    hadamard,
    matmul,
    ones,
    ones_like,
    scale,
    split_number,
    transpose,
)
from symlstm.expr.choices import choose, is_choice
from symlstm.expr.nodes import Concat, Diag, Eye, Hadamard, Matmul, Ones, Transposed, Zeros


def collected(terms: list[Matrix]) -> list[Matrix]:
    """The same sum in fewer terms, where terms belong together."""
    return _parts_together(_rows_scaled_together(terms))


def _rows_scaled_together(terms: list[Matrix]) -> list[Matrix]:
    """diag(a) M + diag(b) M as diag(a + b) M, at the place of the first; M may be the identity."""
    scaled = [_scaled_rows(term) for term in terms]
    repeated = {rest for vector, rest in scaled if vector is not None}
    together: dict[tuple[Matrix, bool], list[Matrix]] = {}
    for term, (vector, rest) in zip(terms, scaled, strict=True):
        number, plain = split_number(term)
        if vector is None and plain in repeated:
            vector, rest = scale(number, ones(plain.shape[0], 1)), plain  # M beside diag(a) M is diag(1) M
        together.setdefault((rest, vector is not None), []).append(term if vector is None else vector)
    if len(together) == len(terms):
        return terms
    out: list[Matrix] = []
    for (rest, is_scaled), parts in together.items():
        if not is_scaled:
            out += parts
            continue
        diagonal = diag(with_common_factor(parts))
        out.append(diagonal if isinstance(rest, Eye) else matmul(diagonal, rest))
    return out


def _scaled_rows(term: Matrix) -> tuple[Matrix | None, Matrix]:
    """(a, M) where the term is diag(a) M; (None, term) where it is not of that form."""
    number, rest = split_number(term)
    if isinstance(rest, Eye):
        return scale(number, ones(rest.shape[0], 1)), rest
    if isinstance(rest, Diag):
        return scale(number, rest.args[0]), Eye(rest.shape[0])
    if isinstance(rest, Matmul) and isinstance(rest.args[0], Diag):
        tail = rest.args[1:]
        return scale(number, rest.args[0].args[0]), tail[0] if len(tail) == 1 else Matmul(*tail)
    return None, term


def _parts_together(terms: list[Matrix]) -> list[Matrix]:
    """[a; 0] + [0; b] as [a; b], where every term is such a column of parts (or all are rows of parts)."""
    if len(terms) < 2:
        return terms
    if all(isinstance(term, Transposed) for term in terms):
        joined = _parts_together([term.args[0] for term in terms])
        return [transpose(joined[0])] if len(joined) == 1 else terms
    if not all(isinstance(term, Concat) and any(isinstance(p, Zeros) for p in term.args) for term in terms):
        return terms
    placed: dict[sp.Expr, list[Matrix]] = {}
    for term in terms:
        start: sp.Expr = sp.S.Zero
        for part in term.args:
            if not isinstance(part, Zeros):
                placed.setdefault(sp.expand(start), []).append(part)
            start = start + part.shape[0]
    parts, position = [], sp.S.Zero
    while placed:
        first = [s for s in placed if not any(sp.expand(o - s).could_extract_minus_sign() for o in placed)]
        if len(first) != 1 or any(p.shape != placed[first[0]][0].shape for p in placed[first[0]]):
            return terms
        gap = sp.expand(first[0] - position)
        if gap.could_extract_minus_sign():
            return terms
        if gap != 0:
            parts.append(Zeros(gap, terms[0].shape[1]))
        parts.append(add(*placed.pop(first[0])))
        position = sp.expand(first[0] + parts[-1].shape[0])
    rest = sp.expand(terms[0].shape[0] - position)
    if rest != 0:
        parts.append(Zeros(rest, terms[0].shape[1]))
    return [concat(*parts)]


def with_common_factor(terms: list[Matrix]) -> Matrix:
    """The sum of elementwise products, what all of them share written once: (b - a) ⊙ z ⊙ (1 - z)."""
    terms = _choices_together(terms)
    if len(terms) < 2:
        return add(*terms)
    numbers, factors = zip(*[(n, _factors(rest)) for n, rest in map(split_number, terms)], strict=True)
    common: list[Matrix] = []
    for f in factors[0]:
        if all(other.count(f) > common.count(f) for other in factors[1:]):  # a ⊙ a and a share one a
            common.append(f)
    if not common:
        return add(*sorted(terms, key=_negative_last))
    rests = []
    for number, own in zip(numbers, factors, strict=True):
        left = list(own)
        for f in common:
            left.remove(f)
        rests.append(scale(number, hadamard(*left) if left else ones_like(common[0])))
    total = add(*sorted(rests, key=_negative_last))
    after = factors[0].index(common[0]) > 0
    return hadamard(total, *common) if after else hadamard(*common, total)


def _choices_together(terms: list[Matrix]) -> list[Matrix]:
    """where(c, a, 0) + where(c, 0, b) as where(c, a, b), at the place of the first."""
    together: dict[Matrix, list[Matrix]] = {}
    for term in terms:
        rest = split_number(term)[1]
        together.setdefault(rest.arrays[0] if is_choice(rest) else term, []).append(term)
    if all(len(same) == 1 or not is_choice(split_number(same[0])[1]) for same in together.values()):
        return terms
    out: list[Matrix] = []
    for same in together.values():
        if len(same) == 1 or not is_choice(split_number(same[0])[1]):
            out += same
        else:
            choices = [(number, rest.arrays) for number, rest in map(split_number, same)]
            sides = [[scale(number, arrays[k]) for number, arrays in choices] for k in (1, 2)]
            out.append(_shared(choices[0][1][0], *[with_common_factor(_without_zeros(side)) for side in sides]))
    return out


def _without_zeros(terms: list[Matrix]) -> list[Matrix]:
    return [term for term in terms if not isinstance(term, Zeros)] or terms[:1]


def _shared(condition: Matrix, a: Matrix, b: Matrix) -> Matrix:
    """The choice, with the factors that both sides have written once: g ⊙ where(c, 1, d)."""
    (number, left), (other, right) = split_number(a), split_number(b)
    factors, others = list(_factors(left)), list(_factors(right))
    common: list[Matrix] = []
    for f in list(factors):
        if f in others and not isinstance(f, (Zeros, Ones)):
            common.append(f)
            factors.remove(f)
            others.remove(f)
    if not common:
        return choose(condition, a, b)
    inside = [scale(n, hadamard(ones_like(a), *fs)) for n, fs in ((number, factors), (other, others))]
    return hadamard(*common, choose(condition, *inside))


def _negative_last(term: Matrix) -> bool:
    return bool(split_number(term)[0].could_extract_minus_sign())


def _factors(expr: Matrix) -> tuple[Matrix, ...]:
    return expr.args if isinstance(expr, Hadamard) else (expr,)
