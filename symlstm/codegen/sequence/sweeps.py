"""The backward pass of each stage of a plan, derived by the rules of `symlstm.calculus` from its equations."""

from __future__ import annotations

from dataclasses import dataclass, replace

from symlstm.calculus.backward import Adjoint, Sweep, sweep
from symlstm.codegen.sequence.plan import Plan
from symlstm.codegen.sequence.stages import subnodes
from symlstm.equations import Equation
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Add, Block, Concat, Matmul, Quantity, Scale, Transposed, Zeros, quantity, t
from symlstm.expr.tree import quantities
from symlstm.expr.tree import replace as replaced


@dataclass(frozen=True)
class StageBack:
    """The backward pass of one stage.

    upstream: the quantities whose gradients come in. adjoints: in order, those of the wanted left out. gradients: of
    the quantities that the stage takes from outside, by quantity; zeros where it does not use one.
    """

    upstream: tuple[Quantity, ...]
    adjoints: tuple[Adjoint, ...]
    gradients: dict[Quantity, Matrix]


@dataclass(frozen=True)
class PlanBack:
    """The backward passes of the four stages, last first in time."""

    after: StageBack
    steps: StageBack
    before: StageBack
    once: StageBack

    @property
    def exprs(self) -> list[Matrix]:
        """All that is computed on the way back through the sequence."""
        stages = (self.after, self.steps, self.before)
        return [a.expr for s in stages for a in s.adjoints] + [e for s in stages for e in s.gradients.values()]


def sweeps(plan: Plan) -> PlanBack:
    """Derive all four."""
    cell = plan.cell
    previous = tuple(s.previous for s in cell.states)
    made_in_steps = {e.quantity for e in plan.steps}
    results = tuple(dict.fromkeys([*(s.current for s in cell.states), *cell.outputs]))
    own = {e.quantity for e in plan.after}
    after = _stage(plan, plan.after, tuple(q for q in results if q in own))
    into_steps = [q for q in results if q in made_in_steps]
    into_steps += [q for q in after.gradients if q in made_in_steps]
    steps = _stage(plan, plan.steps, tuple(dict.fromkeys(into_steps)), previous)
    known = {e.quantity for e in plan.before}
    into_before = [q for stage in (steps, after) for q in stage.gradients if q in known]
    before = _stage(plan, plan.before, tuple(dict.fromkeys(into_before)))
    named = {e.quantity for e in plan.once}
    into_once = [q for stage in (steps, after, before) for q in stage.gradients if q in named]
    once = _stage(plan, plan.once, tuple(dict.fromkeys(into_once)))
    return PlanBack(after, steps, before, once)


def with_parts_kept(plan: Plan, back: PlanBack) -> tuple[Plan, PlanBack]:
    """Where the way back reads only a part of what the loop computes, the part gets a name, and it alone is kept."""
    results = {s.current for s in plan.cell.states} | set(plan.cell.outputs)
    results.update(q for e in plan.after for q in quantities(e.expr))
    open_: set[Quantity] = set()
    parts: dict[Matrix, None] = {}
    for expr in back.exprs:
        _look(expr, open_, parts)
    inside = {e.quantity for e in plan.steps} - results - open_
    found = [p for p in parts if p.args[0] in inside]
    if not found:
        return plan, back
    taken = {*plan.cell.by_name, *(e.name for e in (*plan.once, *plan.before, *plan.steps, *plan.after))}
    named: dict[Matrix, Matrix] = {}
    steps = list(plan.steps)
    for part in found:
        whole = part.args[0]
        users = [e.quantity.base for e in plan.steps if part in subnodes(e.expr)]
        name = "_".join([whole.name, *(users[:1] or [str(len(named))])])
        while name in taken:
            name += "_"
        taken.add(name)
        named[part] = quantity(name, part.shape, t)
        at = next(k for k, e in enumerate(steps) if e.quantity == whole)
        steps.insert(at + 1, Equation(named[part], part))
    return replace(plan, steps=tuple(steps)), PlanBack(
        *(_renamed(s, named) for s in (back.after, back.steps, back.before, back.once))
    )


def _look(expr: Matrix, open_: set[Quantity], parts: dict[Matrix, None]) -> None:
    """Note which quantities are read as a whole, and which parts of quantities are read."""
    if isinstance(expr, Quantity):
        open_.add(expr)
    elif isinstance(expr, Block) and isinstance(expr.args[0], Quantity):
        parts[expr] = None
    else:
        for a in expr.args:
            if hasattr(a, "shape"):
                _look(a, open_, parts)


def _renamed(stage: StageBack, named: dict[Matrix, Matrix]) -> StageBack:
    adjoints = tuple(replace(a, expr=replaced(a.expr, named)) for a in stage.adjoints)
    return StageBack(stage.upstream, adjoints, {q: replaced(e, named) for q, e in stage.gradients.items()})


def _stage(
    plan: Plan, equations: tuple[Equation, ...], upstream: tuple[Quantity, ...], always: tuple[Quantity, ...] = ()
) -> StageBack:
    given = {e.quantity for e in equations}
    outside = dict.fromkeys(q for e in equations for q in quantities(e.expr) if q not in given)
    wanted = tuple(dict.fromkeys([*outside, *always]))
    if not upstream or not equations:
        return StageBack(upstream, (), {})
    swept = _without_other_names(sweep(replace(plan.cell, equations=equations), upstream, wanted), given, bool(always))
    results = {a.quantity for a in swept if a.of not in given}
    gradients = {a.of: a.expr for a in swept if a.quantity in results}
    adjoints = tuple(a for a in swept if a.quantity not in results)
    return StageBack(
        upstream, adjoints, {q: e for q, e in gradients.items() if not isinstance(e, Zeros) or q in always}
    )


def _without_other_names(swept: Sweep, given: set[Quantity], keep_upstream: bool) -> list[Adjoint]:
    """The adjoints without those of the stage's own quantities that are only another name for an earlier one.

    keep_upstream: a gradient that is all from outside keeps its own name (in the loop, step t+1 adds to it).
    """
    same: dict[Matrix, Matrix] = {}
    out = []
    for a in swept.adjoints:
        expr = replaced(a.expr, same)
        outside = isinstance(expr, Quantity) and expr.role == "upstream"
        if a.of in given and isinstance(expr, Quantity) and not (outside and keep_upstream):
            same[a.quantity] = expr
        else:
            out.append(replace(a, expr=expr))
    return out


def columns(expr: Matrix) -> tuple[Matrix, ...] | None:
    """The parts of a column that is put together from parts, else None."""
    return expr.args if isinstance(expr, Concat) and expr.shape[1] == 1 else None


def is_outer(expr: Matrix) -> bool:
    """Whether a gradient has a term that is an outer product a b^T of two vectors."""
    terms = expr.args if isinstance(expr, Add) else (expr,)
    return any(isinstance(e, Matmul) and 1 not in e.shape and e.args[-1].shape[0] == 1 for e in map(_inside, terms))


def _inside(expr: Matrix) -> Matrix:
    while isinstance(expr, (Scale, Transposed)):
        expr = expr.args[-1]
    return expr
