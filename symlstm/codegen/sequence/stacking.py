"""Products of several matrices with one vector become one product, together with what is added to each."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symlstm.codegen.sequence.naming import sizes_in, told_by_parameters
from symlstm.codegen.sequence.stages import Stages, is_product, subnodes
from symlstm.equations import Equation
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, add, block, concat, zeros
from symlstm.expr.nodes import Quantity
from symlstm.expr.tree import quantities, replace


def stack_recurrent(s: Stages) -> None:
    """z = U v (+ offset) for all products U_k v with the same v, inside the loop."""
    for vector, group in _groups(s, recurrent=True).items():
        if len(group) > 1:
            _stack(s, vector, group, "z")
    s.look()


def stack_inputs(s: Stages) -> None:
    """The same for what is hoisted: all projections of the input become one product."""
    for vector, group in _groups(s, recurrent=False).items():
        if len(group) > 1:
            _stack(s, vector, group, "a")
    s.look()


def _groups(s: Stages, recurrent: bool) -> dict[Quantity, list[Equation]]:
    found: dict[Quantity, list[Equation]] = {}
    for e in s.equations:
        told = told_by_parameters(s.cell).issuperset(sizes_in(e.expr))
        if told and is_product(e.expr, s.constant) and (e.quantity in s.recurrent) == recurrent:
            found.setdefault(e.expr.args[-1], []).append(e)
    return found


def _stack(s: Stages, vector: Quantity, group: list[Equation], name: str) -> None:
    """One product for a group; what is added to every member where it is used goes into the sum as well."""
    offsets = [_offset(s, e.quantity) for e in group]
    later = s.downstream({e.quantity for e in group})
    if any(o is not None and not later.isdisjoint(quantities(o[1])) for o in offsets):
        offsets = [None] * len(group)  # what is added to one product is made of another
    kinds = {None if o is None else s.is_constant(o[1]) for o in offsets}
    if len({o[0] for o in offsets if o is not None}) < len(group):  # what two members share would be added twice
        kinds = {None}
    rows = [e.quantity.shape[0] for e in group]
    matrices = [e.expr.args[0] for e in group]
    whole = s.namer.quantity(_matrix_name(name), (sp.expand(sp.Add(*rows)), matrices[0].shape[1]), None)
    stacked = s.namer.quantity(name, (whole.shape[0], sp.S.One), x.t, "u")
    product: Matrix = x.Matmul(whole, vector)
    made = [Equation(whole, x.Concat(*matrices))]
    if kinds in ({True}, {False}):
        parts = concat(*[o[1] for o in offsets if o is not None])
        wish, time = (f"b_{name}", None) if kinds == {True} else ("a", x.t)
        offset = s.namer.quantity(wish, stacked.shape, time)
        made += _sum_of_parts(s, offset, parts, offsets)
        product = x.Add(product, offset)
        for e, o in zip(group, offsets, strict=True):
            assert o is not None
            _replace_in(s, o[0], o[2], e.quantity)
    starts = [sp.expand(sp.Add(*rows[:k])) for k in range(len(rows))]
    blocks = {e.quantity: block(stacked, start, r, 0, 1) for e, start, r in zip(group, starts, rows, strict=True)}
    gone = {e.quantity for e in group}
    s.insert([*made, Equation(stacked, product)], gone, blocks)


def _sum_of_parts(s: Stages, offset: Quantity, parts: Matrix, offsets: list[Any]) -> list[Equation]:
    """offset = [o_1; o_2; ...]; where every o_k is V_k x + b_k with the same x, as V x + [b_1; b_2; ...]."""
    products, constants = [], []
    for _, o, _ in offsets:
        terms = list(o.args) if isinstance(o, x.Add) else [o]
        own = [a for a in terms if not s.is_constant(a)]
        rest = [a for a in terms if s.is_constant(a)]
        equation = next((e for e in s.equations if own and e.quantity == own[0]), None)
        if len(own) == 1 and equation is not None and isinstance(equation.expr, x.Add):
            terms = list(equation.expr.args)
            own = [a for a in terms if not s.is_constant(a)]
            rest += [a for a in terms if s.is_constant(a)]
            equation = next((e for e in s.equations if own and e.quantity == own[0]), None)
        if len(own) != 1 or equation is None or not is_product(equation.expr, s.constant):
            return [Equation(offset, parts)]
        products.append(equation.expr)
        constants.append(add(*rest) if rest else zeros(*o.shape))
    if len({p.args[-1] for p in products}) != 1:
        return [Equation(offset, parts)]
    shape = (offset.shape[0], products[0].args[0].shape[1])
    whole = s.namer.quantity("V", shape, None)
    made = [Equation(whole, concat(*[p.args[0] for p in products]))]
    total: Matrix = x.Matmul(whole, products[0].args[-1])
    bias = concat(*constants)
    if not isinstance(bias, x.Zeros):
        b = s.namer.quantity("b", offset.shape, None)
        made.append(Equation(b, bias))
        total = x.Add(total, b)
    return [*made, Equation(offset, total)]


def _offset(s: Stages, q: Quantity) -> tuple[Quantity, Matrix, Matrix] | None:
    """(equation's quantity, what is added to q, the sum as it stands) where q is used once, in a sum with that."""
    uses = [e for e in s.equations if q in quantities(e.expr)]
    if len(uses) != 1:
        return None
    sums = [a for a in subnodes(uses[0].expr) if isinstance(a, x.Add) and q in a.args]
    if len(sums) != 1 or sum(node == q for node in subnodes(uses[0].expr)) != 1:
        return None
    free = [a for a in sums[0].args if a != q and not s.is_recurrent(a) and quantities(a)]
    return (uses[0].quantity, add(*free), sums[0]) if free else None


def _replace_in(s: Stages, owner: Quantity, total: Matrix, q: Quantity) -> None:
    """The sum without what was moved away from it."""
    rest = [a for a in total.args if a == q or s.is_recurrent(a) or not quantities(a)]
    new = rest[0] if len(rest) == 1 else x.Add(*rest)
    s.equations = tuple(
        Equation(e.quantity, replace(e.expr, {total: new}), e.note) if e.quantity == owner else e for e in s.equations
    )


def _matrix_name(name: str) -> str:
    return {"z": "U", "a": "V"}[name]
