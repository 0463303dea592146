"""The functions `prepare`, `forward`, `backward` and `finish`: two loops over time, one line an equation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from symlstm.calculus.backward import adjoint_symbol
from symlstm.codegen.arrays import ArrayWriter
from symlstm.codegen.body import Statement, axes_of, dropped, restored
from symlstm.codegen.comments import in_comment as text
from symlstm.codegen.forward_code import comment_of
from symlstm.codegen.layout import unpacked
from symlstm.codegen.sequence.plan import Plan
from symlstm.codegen.sequence.sweeps import PlanBack
from symlstm.codegen.sequence.writing import Function, used_in
from symlstm.equations import Equation
from symlstm.expr.build import Matrix, transpose
from symlstm.expr.nodes import Concat, Quantity, Transposed, Zeros


@dataclass(frozen=True)
class Kept:
    """What the way back needs of the way there: arrays over all steps, and which of them the loop fills."""

    steps: tuple[Quantity, ...]
    all: tuple[Quantity, ...]


def kept_quantities(plan: Plan, back: PlanBack) -> Kept:
    """States, outputs, what the backward pass reads, and what is computed from the loop's results."""
    needed = used_in(back.exprs)
    cell = plan.cell
    results = [*(s.current for s in cell.states), *cell.outputs]
    later = used_in(e.expr for e in plan.after)
    wanted = {*needed, *results}
    made = {e.quantity for e in (*plan.before, *plan.steps, *plan.after)}
    in_loop = tuple(e.quantity for e in plan.steps if e.quantity in wanted or e.quantity in later)
    return Kept(in_loop, tuple(q for q in dict.fromkeys([*results, *in_loop, *needed]) if q in made))


def spell_time(f: Function, kept: Kept) -> None:
    """f[t] inside the loop; of a state, whose array starts with its initial value, h[t + 1] and before it h[t]."""
    plan = f.plan
    states = {s.current: s.previous for s in plan.cell.states}
    for q in (*(e.quantity for e in plan.before), *plan.cell.inputs, *kept.steps):
        if q not in states:
            f.step.spelled[q] = f"{f.name(q)}[{f.t}]"
    for current, previous in states.items():
        name = f.name(current)
        f.step.spelled[current], f.step.spelled[previous] = f"{name}[{f.t} + 1]", f"{name}[{f.t}]"
        f.once.spelled[current], f.once.spelled[previous] = f"{name}[1:]", f"{name}[:-1]"


def constants(f: Function, exprs: Iterable[Matrix]) -> list[str]:
    """W, b = w["W"], w["b"]"""
    used = {*used_in(exprs), *f.once.used, *f.step.used, *f.size_arrays}
    order = [*f.plan.cell.parameters, *(e.quantity for e in f.plan.once)]
    return unpacked([(f.name(q), f'w["{q.name}"]') for q in order if q in used])


def inputs_unpacked(f: Function) -> tuple[str, list[str], str]:
    """(the argument, lines that unpack it, the number of steps)"""
    inputs = f.plan.cell.inputs
    if not inputs:
        return "steps", [], "steps"
    if len(inputs) == 1:
        name = f.name(inputs[0])
        return name, [], f"len({name})"
    return "inputs", [f"{', '.join(f.name(q) for q in inputs)} = inputs"], f"len({f.name(inputs[0])})"


def several(names: Sequence[str]) -> str:
    """The left side that takes a tuple apart."""
    return f"({names[0]},)" if len(names) == 1 else ", ".join(names)


def prepare_function(plan: Plan, reserved: Sequence[str]) -> tuple[str, set[str]]:
    """What is the same at every step."""
    cell = plan.cell
    f = Function(plan, reserved, sized_by=[a for a in axes_of(cell) if a.array in cell.parameters])
    f.once.like = cell.parameters[0] if cell.parameters else f.once.like
    f.add_once(*[_assignment(f, f.once, e) for e in plan.once])

    def head() -> list[str]:
        used = [q for q in cell.parameters if _layout(cell, q) or q in f.once.used or q in f.size_arrays]
        return unpacked([(f.name(q), f'p["{q.name}"]{_layout(cell, q)}') for q in used])

    changed = [q for q in cell.parameters if _layout(cell, q)]
    entries = [f'"{q.name}": {f.name(q)}' for q in (*changed, *(e.quantity for e in plan.once))]
    f.lines.append(f"return {{**p, {', '.join(entries)}}}" if entries else "return dict(p)")
    doc = "What is the same at every step: the parameters, and those that share a factor as one matrix."
    return f.text("prepare", "p", doc, head), f.helpers


def _layout(cell: Any, q: Quantity) -> str:
    index = dropped(cell, q)
    return f"[{index}]" if index else ""


def _comment(plan: Plan, e: Equation) -> str:
    own = plan.cell.equation(e.quantity)
    return comment_of(own or e)


def assigned(f: Function, writer: ArrayWriter, q: Quantity, expr: Matrix, comment: str) -> Statement:
    """The statement q = expr, in a writer's spelling of q where it has one."""
    name = writer.spelled.get(q) or f.name(q)
    return Statement((expr,), lambda w, e: [f"{name} = {w.full(e[0])}"], comment)


def _assignment(f: Function, writer: ArrayWriter, e: Equation) -> Statement:
    return assigned(f, writer, e.quantity, e.expr, _comment(f.plan, e))


def _for_all_steps(f: Function, e: Equation) -> Statement:
    """An equation outside of the loop, with a row for every step, also where all rows are the same."""

    def render(w: ArrayWriter, exprs: tuple[Matrix, ...]) -> list[str]:
        value = w.full(exprs[0])
        if not w.batched(exprs[0]):
            own = [w.sizes.text(s) for s in e.quantity.shape if s != 1]
            value = f"np.broadcast_to({value}, ({', '.join([w.batch(), *own])}{',' * (not own)}))"
        return [f"{f.name(e.quantity)} = {value}"]

    return Statement((e.expr,), render, _comment(f.plan, e))


def forward_function(plan: Plan, kept: Kept, reserved: Sequence[str], fast: Any = None) -> tuple[str, set[str]]:
    """All steps of a sequence (or of a piece of one). fast: writes a call in the place of the loop."""
    cell = plan.cell
    f = Function(plan, reserved)
    f.once.fast = fast
    argument, unpacking, count = inputs_unpacked(f)
    spell_time(f, kept)
    previous = [f.name(s.previous) for s in cell.states]
    f.lines += _allocated(f, kept)
    f.add_once(*[_for_all_steps(f, e) for e in (plan.before if fast is None else fast.before(f, plan.before))])
    for s, name in zip(cell.states, previous, strict=True):
        f.lines.append(f"{f.name(s.current)}[0] = {name}")
    if fast is None:
        f.add_steps([_assignment(f, f.step, e) for e in plan.steps], f"for {f.t} in range({f.steps_name}):")
    else:
        f.lines += fast.forward(f, plan.steps, kept.steps)
    f.add_once(*[_for_all_steps(f, e) for e in plan.after])
    entries = ", ".join(f'"{q.name}": {f.name(q)}' for q in kept.all)
    f.lines.append(f"return {{{entries}}}")
    stages = (*plan.before, *plan.steps, *plan.after)

    def head() -> list[str]:
        given = constants(f, [e.expr for e in stages])
        return [*unpacking, f"{several(previous)} = states", *given, f"{f.steps_name} = {count}"]

    doc = (
        "All steps of a sequence: every quantity that the way back needs, one row a step, by name.\n\n"
        f"{_about_input(cell)}, states (batch, ...); the arrays of states begin with their initial values."
    )
    return f.text("forward", f"w, {argument}, states", doc, head), f.helpers


def _about_input(cell: Any) -> str:
    return "The inputs are (steps, batch, ...)" if cell.inputs else "steps: how many"


def _allocated(f: Function, kept: Kept) -> list[str]:
    """Empty arrays for what the loop fills, those of one shape together."""
    states = {s.current: s.previous for s in f.plan.cell.states}
    like = f.name(f.plan.cell.states[0].previous)
    groups: dict[tuple[str, ...], list[str]] = {}
    for q in kept.steps:
        own = [f.sizes.text(s) for s in q.shape if s != 1]
        length = f"{f.steps_name} + 1" if q in states else f.steps_name
        groups.setdefault((length, *own), []).append(f.name(q))
    lines = []
    for (length, *own), names in groups.items():
        shape = f"({', '.join([length, f'len({like})', *own])})"
        made = f"np.empty({shape}, {like}.dtype)"
        many = f"({made} for _ in range({len(names)}))"
        lines.append(f"{', '.join(names)} = {many if len(names) > 1 else made}")
    return lines


def finish_function(plan: Plan, back: PlanBack, reserved: Sequence[str]) -> tuple[str, set[str]]:
    """From the gradients of what `prepare` made to those of the parameters."""
    cell = plan.cell
    f = Function(plan, reserved, sized_by=[a for a in axes_of(cell) if a.array in cell.parameters])
    f.once.like = cell.parameters[0] if cell.parameters else f.once.like
    stage = back.once
    direct = {q for s in (back.after, back.steps, back.before) for q in s.gradients if q in cell.parameters}
    outside = {adjoint_symbol(q, "upstream"): q for q in stage.upstream}
    for symbol, q in outside.items():
        f.once.unbatched.add(symbol)
        f.names.of(symbol, f"d_{q.name}")
    for a in stage.adjoints:
        f.once.unbatched.add(a.quantity)
        f.add_once(assigned(f, f.once, a.quantity, a.expr, f"{text(a.quantity)} = {text(a.expr)}"))
    pairs: list[tuple[str, str]] = []
    given_out: list[str] = []
    for q in cell.parameters:
        expr = stage.gradients.get(q)
        parts = [f'd["{q.name}"]'] if q in direct else []
        if expr is not None and not isinstance(expr, Zeros):
            parts.append(_turned_together(f, expr))
        value = " + ".join(parts) or f"np.zeros_like({f.once.spell(q)})"
        if len(parts) == 1:
            value = _apart(value, given_out)
        pairs.append((q.name, restored(cell, q, f"({value})" if len(parts) > 1 else value, False)))
    f.lines += ["return {", *[f'    "{name}": {value},' for name, value in pairs], "}"]

    def head() -> list[str]:
        named = (*cell.parameters, *(e.quantity for e in plan.once))
        values = [q for q in named if q in f.once.used or q in f.size_arrays]
        given = [(f.names.of(s, s.name), f'd["{q.name}"]') for s, q in outside.items() if s in f.once.used]
        return [*unpacked([(f.name(q), f'w["{q.name}"]') for q in values]), *unpacked(given)]

    doc = "The gradients of the parameters, from those of everything in w."
    return f.text("finish", "w, d", doc, head), f.helpers


def _apart(value: str, given_out: list[str]) -> str:
    """A copy, where the same array, or what it is a part of, is given for another parameter already."""
    whole = re.match(r'd\["\w+"\]|\w+', value)
    name = whole[0] if whole else value
    again = any(other in (value, name) or (name == value and other.startswith(f"{name}[")) for other in given_out)
    given_out.append(value)
    return f"{value}.copy()" if again and "(" not in value else value


def _turned_together(f: Function, expr: Matrix) -> str:
    """[A^T; B^T]^T as A and B side by side."""
    if isinstance(expr, Transposed) and isinstance(expr.args[0], Concat):
        parts = ", ".join(f.once.full(transpose(part)) for part in expr.args[0].args)
        return f"np.concatenate(({parts}), axis=1)"
    return f.once.full(expr)
