"""One sweep backward: the gradient of the loss by every quantity, from the last equation to the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from symlstm.calculus.linear import Placed, Same, Scaled, Taken, Times, Turned, summed
from symlstm.calculus.rules import differential, rule_for
from symlstm.calculus.steps import Step
from symlstm.equations import Cell, Equation
from symlstm.expr.build import Matrix, zeros
from symlstm.expr.choices import leaves_out
from symlstm.expr.nodes import Add, Apply, Hadamard, Matmul, Quantity, Scale, Whole, Zeros, quantity
from symlstm.expr.text import text
from symlstm.expr.tree import quantities

CLOSED = "sum over all uses"
"""The step that closes the adjoint of a quantity."""
NAMING = (Apply, Whole, Hadamard, Matmul)
"""Behind such a node a gradient that is used several times gets a name of its own."""
BY_ENTRY = (Same, Times, Scaled, Turned, Placed, Taken)
"""Maps of each entry by itself, or to another place: a choice is carried on through these (symlstm.expr.choices)."""


@dataclass(frozen=True)
class Adjoint:
    """quantity = expr, where quantity is the gradient of the loss by `of`, or by the part `at` of its equation."""

    quantity: Quantity
    expr: Matrix
    of: Quantity
    because: str
    at: Matrix | None = None


@dataclass(frozen=True)
class Sweep:
    """The adjoints in the order of computation, and their steps."""

    adjoints: tuple[Adjoint, ...]
    steps: tuple[Step, ...]

    def adjoint(self, of: Quantity) -> Adjoint | None:
        return next((a for a in self.adjoints if a.of == of and a.quantity.role == "adjoint"), None)


def adjoint_symbol(q: Quantity, role: str = "adjoint") -> Quantity:
    """The symbol of dL/dq: \\bar q (role "adjoint"), or the part of it that comes from outside ("upstream")."""
    prefix = {"adjoint": "d_", "upstream": "up_", "delta": "delta_"}[role]
    return quantity(prefix + q.name, q.shape, q.time, role, q.base)


@dataclass(frozen=True)
class Later:
    """What the step after sends back to a quantity of this step, and its quantities that use it."""

    gradient: Matrix
    used_in: tuple[Quantity, ...]


def sweep(
    cell: Cell,
    upstream: Iterable[Quantity],
    wanted: Iterable[Quantity] | None = None,
    later: Mapping[Quantity, Later] | None = None,
    equations: tuple[Equation, ...] | None = None,
) -> Sweep:
    """Derive the adjoints of all quantities, given gradients from outside on `upstream`.

    wanted: the quantities whose adjoints are asked for (default: inputs, previous states, parameters).
    later: through time, what the step after sends back; from outside then comes what the loss itself says.
    equations: those of the step, unless others are to be swept over.
    """
    equations = cell.equations if equations is None else equations
    upstream = tuple(upstream)
    leaves = (*(s.previous for s in cell.states), *cell.inputs, *cell.parameters)
    wanted = tuple(leaves if wanted is None else wanted)
    on_the_way = _on_the_way(equations, set(upstream), set(wanted))
    arriving: dict[Quantity, list[Matrix]] = {q: [adjoint_symbol(q, "upstream")] for q in upstream}
    computed = {e.quantity for e in equations}
    state = _Sweeping(arriving, {}, [], [], on_the_way, later is not None, computed)
    for q, sent in (later or {}).items():
        state.arriving.setdefault(q, []).append(sent.gradient)
        state.used_in.setdefault(q, []).extend(sent.used_in)
    for equation in reversed(equations):
        if equation.quantity in on_the_way and equation.quantity in state.arriving:
            _pull_equation(equation, state)
    for leaf in wanted:
        if leaf not in computed:
            _close(leaf, state)
    return Sweep(tuple(state.adjoints), tuple(state.steps))


def _on_the_way(equations: tuple[Equation, ...], sources: set[Quantity], wanted: set[Quantity]) -> set[Quantity]:
    """Quantities that depend on something wanted, and on which something upstream depends."""
    depends = set(wanted)
    for e in equations:
        if any(q in depends for q in quantities(e.expr)):
            depends.add(e.quantity)
    needed = set(sources)
    for e in reversed(equations):
        if e.quantity in needed:
            needed.update(quantities(e.expr))
    return depends & needed


@dataclass
class _Sweeping:
    """What has arrived at each quantity so far, and from which equations."""

    arriving: dict[Quantity, list[Matrix]]
    used_in: dict[Quantity, list[Quantity]]
    adjoints: list[Adjoint]
    steps: list[Step]
    on_the_way: set[Quantity]
    through_time: bool
    computed: set[Quantity]
    names: dict[Matrix, Quantity] = field(default_factory=dict)

    def named(self, symbol: Quantity, expr: Matrix) -> Matrix:
        """How a gradient goes on: by its name; as the choice that it is, where parts of it are left out."""
        if not leaves_out(expr):
            return symbol
        self.names[expr] = symbol
        return expr

    def by_name(self, gradient: Matrix) -> Matrix:
        return self.names.get(gradient, gradient)


def _close(q: Quantity, state: _Sweeping) -> Matrix:
    """The adjoint of q is complete: the sum over all its uses."""
    symbol = adjoint_symbol(q)
    parts = state.arriving.get(q)
    total = summed(parts) if parts else zeros(*q.shape)
    because = _uses(q, parts, state)
    state.adjoints.append(Adjoint(symbol, total, q, because))
    state.steps.append(Step(CLOSED, symbol, total, because, symbol))
    return state.named(symbol, total)


def _uses(q: Quantity, parts: list[Matrix] | None, state: _Sweeping) -> str:
    """Where a quantity is used: from there its gradient comes."""
    uses = list(dict.fromkeys(text(u) for u in state.used_in.get(q, [])))
    outside = any(isinstance(p, Quantity) and p.role == "upstream" for p in parts or [])
    if state.through_time or not parts:
        return used_in(text(q), [*uses, *(["the loss"] if outside else [])])
    if not uses:
        return f"{text(q)} leaves the step: its gradient comes from outside"
    return f"{text(q)} is used in {' and '.join(uses)}" + (" and outside the step" if outside else "")


def used_in(name: str, users: list[str]) -> str:
    """c_t is used in c_{t+1}, h_t and the loss"""
    if not users:
        return f"{name} is not used"
    *first, last = users
    return f"{name} is used in {', '.join(first)}{' and ' if first else ''}{last}"


def _pull_equation(equation: Equation, state: _Sweeping) -> None:
    q = equation.quantity
    _pull(equation.expr, _close(q, state), equation, q, state, [0])


def _pull(
    node: Matrix, gradient: Matrix, equation: Equation, output: Matrix, state: _Sweeping, deltas: list[int]
) -> None:
    """Send the gradient of a node on to its arguments."""
    if isinstance(node, Quantity):
        if node in state.on_the_way:
            goes_on = node in state.computed  # to the derivatives of functions, perhaps
            state.arriving.setdefault(node, []).append(gradient if goes_on else state.by_name(gradient))
            state.used_in.setdefault(node, []).append(equation.quantity)
        return
    for argument, linear in differential(node, output):
        uses = [q for q in occurrences(argument) if q in state.on_the_way]
        if not uses:
            continue
        arrived = gradient if isinstance(linear, BY_ENTRY) else state.by_name(gradient)
        pulled = linear.pull(arrived)
        name = f"{rule_for(node).name(node)}, transposed"
        state.steps.append(Step(name, arrived, pulled, _why(node, argument), arrived))
        if len(uses) > 1 and isinstance(node, NAMING) and _worth_a_name(pulled, argument):
            pulled = _name_delta(pulled, argument, equation, state, deltas)
        _pull(argument, pulled, equation, argument, state, deltas)


def _worth_a_name(pulled: Matrix, argument: Matrix) -> bool:
    """A choice that leaves something out goes on as it is to the derivatives of functions, and has its name behind."""
    if isinstance(pulled, (Quantity, Zeros)):
        return False
    return not (leaves_out(pulled) and _meets_derivative(argument))


def _meets_derivative(expr: Matrix) -> bool:
    """Whether a gradient is multiplied, entry by entry, on its way into an expression."""
    if isinstance(expr, (Add, Scale)):
        return any(_meets_derivative(a) for a in expr.args if hasattr(a, "shape"))
    return isinstance(expr, (Apply, Hadamard))


def _why(node: Matrix, argument: Matrix) -> str:
    return f"from {text(node)} back to {text(argument)}"


def _name_delta(pulled: Matrix, argument: Matrix, equation: Equation, state: _Sweeping, deltas: list[int]) -> Matrix:
    """A gradient that is used several times gets a name: delta_q, the gradient by the pre-activation of q."""
    q = equation.quantity
    deltas[0] += 1
    taken = {other.name for other in state.computed}
    while deltas[0] > 1 and f"{q.name}_{deltas[0]}" in taken:  # delta_h_2 is that of a quantity h_2
        deltas[0] += 1
    suffix = "" if deltas[0] == 1 else f"_{deltas[0]}"
    symbol = quantity(f"delta_{q.name}{suffix}", argument.shape, q.time, "delta", f"{q.base}{suffix}")
    because = f"gradient by {text(argument)}"
    state.adjoints.append(Adjoint(symbol, pulled, q, because, argument))
    state.steps.append(Step("name", symbol, pulled, because, symbol))
    return state.named(symbol, pulled)


def occurrences(expr: Any) -> list[Quantity]:
    """Every occurrence of a quantity."""
    if isinstance(expr, Quantity):
        return [expr]
    return [q for a in expr.args for q in occurrences(a)]
