"""Mutants: what people write in place of an equation. Each is an edit of one or two equations of any cell.

`loop` edits how the steps of a sequence follow each other instead (symlstm.checking.time_edits).

Nothing here knows an LSTM: the edits follow from what an equation is made of. The table `KINDS` says, for each kind of
node, what is commonly written instead; composed edits are edits of edited equations.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from symlstm.checking.reference import Equations, downstream, ordered, reads
from symlstm.checking.sites import Sites, stacked_as
from symlstm.evidence.program import named, subnodes, substituted
from symlstm.expr import build
from symlstm.expr.nodes import Add, Apply, Hadamard, Matmul, Node, Quantity, Whole
from symlstm.expr.text import text

HALF = sp.Rational(1, 2)


@dataclass(frozen=True)
class Edit:
    """changes: (quantity, its new expression). name: what kind of mistake. marked: the part that is wrong."""

    name: str
    message: str
    changes: tuple[tuple[Quantity, Any], ...]
    marked: Any = None
    exchanged: tuple[str, ...] = ()
    loop: Callable[[Any], Any] | None = None

    def applied_to(self, loop: Any) -> Any:
        """The loop over steps with this edit (a Loop, or a BackLoop)."""
        edited = loop.with_equations(self.applied(loop.equations)) if self.changes else loop
        return self.loop(edited) if self.loop else edited

    @property
    def equation(self) -> str:
        return ", ".join(q.name for q, _ in self.changes)

    def applied(self, equations: Equations) -> Equations:
        new = dict(self.changes)
        made = tuple((q, new.get(q, expr)) for q, expr in equations)
        place = {q: k for k, (q, _) in enumerate(equations)}
        in_order = all(place.get(r, -1) < place[q] for q in new if q in place for r in reads(new[q]))
        return made if in_order else ordered(made)


def hard_sigmoid(z: Any, slope: sp.Rational) -> Any:
    """min(max(slope z + 1/2, 0), 1)"""
    half = build.scale(HALF, build.ones_like(z))
    line = build.add(build.scale(slope, z), half)
    return build.subtract(build.apply("relu", line), build.apply("relu", build.subtract(line, build.ones_like(z))))


ACTIVATIONS: dict[str, tuple[str, Any]] = {
    "sigmoid": ("sigmoid", lambda z: build.apply("sigmoid", z)),
    "tanh": ("tanh", lambda z: build.apply("tanh", z)),
    "identity": ("no activation", lambda z: z),
    "relu": ("relu", lambda z: build.apply("relu", z)),
    "hard_sigmoid": ("the hard sigmoid z/6 + 1/2", lambda z: hard_sigmoid(z, sp.Rational(1, 6))),
    "hard_sigmoid_keras2": ("the hard sigmoid 0.2 z + 1/2", lambda z: hard_sigmoid(z, sp.Rational(1, 5))),
    "softplus": ("softplus", lambda z: build.apply("softplus", z)),
}
OFFSETS = (sp.Integer(1), sp.Integer(-1), *(sp.Rational(1, 10**k) for k in (5, 6, 7, 8, 10, 12)))


COMMON = (
    "gates_exchanged wrong_parameter missing_term activation wrong_argument wrong_quantity missing_factor coupled "
    "exchanged sign sum_for_product one_minus offset transposed epsilon"
).split()
"""Names of mistakes, the commonest first; whatever is not here comes after."""


def rarity(edit: Edit) -> int:
    """How late in COMMON a mistake stands."""
    return next((k for k, name in enumerate(COMMON) if edit.name.startswith(name)), len(COMMON))


def edits(sites: Sites, equations: Equations) -> list[Edit]:
    """All edits of the equations, the commonest mistakes first."""
    return _distinct([*exchanges(sites, equations), *edits_of(sites, equations)], equations)


def edits_of(sites: Sites, equations: Equations) -> list[Edit]:
    """Edits of one equation each."""
    return [edit for q, _ in equations for edit in edits_of_equation(sites, equations, q)]


def edits_of_equation(sites: Sites, equations: Equations, q: Quantity) -> list[Edit]:
    """Edits of the equation of one quantity."""
    states = [s.previous for s in sites.cell.states]
    after = downstream(equations, {q})
    free = [other for other, _ in equations if other not in after]
    parameters = tuple(parameters_of(sites, equations))
    return list(_made_of_equation(sites, q, dict(equations)[q], (*states, *free), parameters))


@lru_cache(maxsize=512)
def _made_of_equation(
    sites: Sites, q: Quantity, expr: Any, known: tuple[Quantity, ...], parameters: tuple[Quantity, ...]
) -> tuple[Edit, ...]:
    """In a search most equations are those of the step before."""
    return tuple(_distinct(list(_of_equation(sites, q, expr, known, parameters)), ((q, expr),)))


def _distinct(found: list[Edit], equations: Equations) -> list[Edit]:
    seen: dict[Any, Edit] = {}
    was = dict(equations)
    for edit in found:
        if any(was[q] != new for q, new in edit.changes):
            seen.setdefault(edit.changes, edit)
    return list(seen.values())


def parameters_of(sites: Sites, equations: Equations) -> list[Quantity]:
    """The parameters of the cell, and the second biases that a convention has."""
    read = [q for _, expr in equations for q in named(expr) if q.time is None]
    return list(dict.fromkeys([*sites.cell.parameters, *read]))


def exchanges(sites: Sites, equations: Equations) -> Iterator[Edit]:
    """Two gates, or the two states, in each other's place."""
    gates = sites.gates
    parts = {s.parameter: (s.gate, s.part) for s in sites.sites}
    for q in parameters_of(sites, equations):
        parts.setdefault(q, (q.name.partition("_")[2], q.name.partition("_")[0]))
    for a in range(len(gates)):
        for b in range(a + 1, len(gates)):
            pairs = [
                (p, r)
                for p, (gate, part) in parts.items()
                for r, (other, same) in parts.items()
                if (gate, other, part) == (gates[a], gates[b], same) and p.shape == r.shape
            ]
            both = dict(pairs) | {r: p for p, r in pairs}
            changes = _everywhere(equations, both)
            if changes:
                yield Edit(
                    "gates_exchanged",
                    f"the parameters of gate {gates[a]} act as those of {gates[b]}, and the other way round",
                    changes,
                    exchanged=(gates[a], gates[b]),
                )
            for used, unused in ((gates[a], gates[b]), (gates[b], gates[a])):
                mapping = dict(pairs) if unused == gates[a] else {r: p for p, r in pairs}
                message = (
                    f"the parameters of gate {unused} are not used: those of gate {used} are used for gate {unused} too"
                )
                yield Edit("gate_copied", message, _everywhere(equations, mapping))
    states = [s.previous for s in sites.cell.states]
    if len(states) == 2:
        swapped = {states[0]: states[1], states[1]: states[0]}
        yield Edit(
            "states_exchanged",
            f"{states[0].name} and {states[1].name} are in each other's place",
            _everywhere(equations, swapped),
        )
    for s in (*states, *sites.cell.inputs):
        yield Edit("ignored", f"{s.name} is ignored", _everywhere(equations, {s: build.zeros(*s.shape)}))


def _everywhere(equations: Equations, mapping: Any) -> tuple[tuple[Quantity, Any], ...]:
    made = [(q, substituted(expr, mapping), expr) for q, expr in equations]
    return tuple((q, new) for q, new, old in made if new != old)


def _of_equation(
    sites: Sites, q: Quantity, expr: Any, known: tuple[Quantity, ...], parameters: tuple[Quantity, ...]
) -> Iterator[Edit]:
    def edit(name: str, message: str, old: Any, new: Any) -> Edit:
        return Edit(name, f"{message} in the equation of {q.name}", ((q, substituted(expr, {old: new})),), new)

    vectors = [v for v in known if v.shape == (sites.n, 1)]
    for node in dict.fromkeys(subnodes(expr)):
        if isinstance(node, Quantity) and node in parameters:
            for p in parameters:
                if p != node and p.shape == node.shape:
                    yield edit("wrong_parameter", f"{p.name} in place of {node.name}", node, p)
        elif isinstance(node, Quantity) and node.shape == (sites.n, 1):
            for v in vectors:
                if v != node:
                    yield edit("wrong_quantity", f"{text(v)} in place of {text(node)}", node, v)
                    for new in _in_one_place(expr, node, v):
                        said = f"{text(v)} in place of {text(node)}, in one of its places, in the equation of {q.name}"
                        yield Edit("wrong_quantity", said, ((q, new),), v)
            yield edit("one_minus", f"1 - {text(node)} in place of {text(node)}", node, build.one_minus(node))
            for v in vectors:
                if v != node:
                    new = build.one_minus(v)
                    yield edit("coupled", f"1 - {text(v)} in place of {text(node)}", node, new)
            yield edit("squashed", f"tanh({text(node)}) in place of {text(node)}", node, build.apply("tanh", node))
            yield edit("squashed", f"σ({text(node)}) in place of {text(node)}", node, build.apply("sigmoid", node))
        elif isinstance(node, Apply) and node.function in ACTIVATIONS:
            z = node.args[1]
            for name, (said, make) in ACTIVATIONS.items():
                if name != node.function:
                    yield edit(f"activation_{name}", f"{said} in place of {node.function}", node, make(z))
        elif isinstance(node, Whole):
            function, z = node.args[0].name, node.args[1]
            for v in [*vectors, *(p for p in parameters if p.shape == z.shape)]:
                new = build.whole(function, v)
                yield edit("wrong_argument", f"{text(new)} in place of {text(node)}", node, new)
            for name, (said, make) in ACTIVATIONS.items() if node.shape == z.shape else ():
                yield edit(f"activation_{name}", f"{said} in place of {function}", node, make(z))
        elif isinstance(node, Add):
            for v in vectors:
                if node == build.one_minus(v):
                    yield edit("coupled", f"{text(v)} in place of {text(node)}", node, v)
            yield from _of_sum(node, edit)
        elif isinstance(node, Hadamard):
            yield edit("sum_for_product", f"+ in place of ⊙ between {text(node)}", node, build.add(*node.args))
            for k, factor in enumerate(node.args):
                rest = [a for j, a in enumerate(node.args) if j != k]
                yield edit("missing_factor", f"{text(factor)} is missing", node, build.hadamard(*rest))
        elif isinstance(node, Matmul) and len(node.args) == 2:
            yield from _of_product(sites, node, edit)
    inside = [v for v in vectors if v in set(named(expr))]
    together = [set(node.args) for node in subnodes(expr) if isinstance(node, (Hadamard, Add))]
    for a, b in itertools.combinations(inside, 2):
        if any({a, b} <= terms for terms in together):  # of which the order says nothing
            continue
        new = substituted(expr, {a: b, b: a})
        yield Edit("exchanged", f"{text(a)} and {text(b)} are exchanged in the equation of {q.name}", ((q, new),), new)
    if isinstance(expr, Apply) and isinstance(expr.args[1], Add):
        z = expr.args[1]
        for number in OFFSETS:
            offset = build.scale(number, build.ones_like(z))
            name = "offset" if abs(number) == 1 else "epsilon"
            yield edit(
                name,
                f"{'+' if number > 0 else '-'} {float(abs(number)):g} is added before the activation",
                z,
                build.add(z, offset),
            )
        for v in vectors:
            if v.name != q.name and v.shape == z.shape:
                yield edit("peephole", f"{text(v)} is added before the activation", z, build.add(z, v))
    if q.shape == (sites.n, 1):
        for number in OFFSETS[2:]:
            offset = build.scale(number, build.ones_like(expr))
            yield edit("epsilon", f"{float(number):g} is added to the result", expr, build.add(expr, offset))


def _in_one_place(expr: Any, old: Any, new: Any) -> list[Any]:
    """The expression with one occurrence of `old` replaced, for each; none where there is only one."""

    def each(node: Any) -> Iterator[Any]:
        if node == old:
            yield new
        elif isinstance(node, Node) and not isinstance(node, Quantity):
            for k, part in enumerate(node.args):
                for made in each(part):
                    yield type(node)(*node.args[:k], made, *node.args[k + 1 :])

    found = list(each(expr))
    return found if len(found) > 1 else []


def _of_sum(node: Any, edit: Any) -> Iterator[Edit]:
    for k, term in enumerate(node.args):
        rest = [a for j, a in enumerate(node.args) if j != k]
        yield edit("missing_term", f"{text(term)} is missing", node, build.add(*rest))
        yield edit("twice", f"{text(term)} is added twice", node, build.add(*node.args, term))
        yield edit("sign", f"{text(term)} has the wrong sign", node, build.add(*rest, build.negative(term)))
    if len(node.args) == 2 and all(a.shape == node.shape for a in node.args):
        yield edit("product_for_sum", f"⊙ in place of + between {text(node)}", node, build.hadamard(*node.args))


def _of_product(sites: Sites, node: Any, edit: Any) -> Iterator[Edit]:
    weight, vector = node.args
    n, m = sites.n, sites.m
    if weight.shape == (n, n):
        yield edit(
            "transposed",
            f"{text(weight)}ᵀ in place of {text(weight)}",
            node,
            build.matmul(build.transpose(weight), vector),
        )
    if sp.expand(weight.shape[1] - n - m) == 0:
        h, x = sites.cell.states[0].previous, sites.cell.inputs[0]
        start = 0 if stacked_as(sites.cell) == "hx" else m
        recurrent = build.block(weight, 0, n, start, n)
        rest = build.block(weight, 0, n, n if start == 0 else 0, m)
        flipped = build.add(build.matmul(build.transpose(recurrent), h), build.matmul(rest, x))
        yield edit("transposed", f"the recurrent part of {text(weight)} is transposed", node, flipped)
        yield edit("missing_input", f"x is not multiplied by {text(weight)}", node, build.matmul(recurrent, h))
        yield edit("missing_state", f"{text(h)} is not multiplied by {text(weight)}", node, build.matmul(rest, x))
        other = build.concat(x, h) if start == 0 else build.concat(h, x)
        yield edit("order_of_columns", f"{text(weight)} is applied to {text(other)}", node, build.matmul(weight, other))
        for state in sites.cell.states[1:]:
            c = state.previous
            mixed = build.add(build.matmul(recurrent, c), build.matmul(rest, x))
            yield edit("wrong_quantity", f"{text(weight)} is applied to {text(c)} in place of {text(h)}", node, mixed)
