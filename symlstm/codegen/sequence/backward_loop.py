"""The function `backward`: the way back through all steps, what can be summed at the end summed at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symlstm.calculus.backward import Adjoint, adjoint_symbol
from symlstm.codegen.arrays import ArrayWriter
from symlstm.codegen.body import Statement
from symlstm.codegen.comments import in_comment as text
from symlstm.codegen.layout import commented, unpacked
from symlstm.codegen.sequence.backward_plan import arrange
from symlstm.codegen.sequence.loops import Kept, assigned, constants, inputs_unpacked, several, spell_time
from symlstm.codegen.sequence.plan import Plan
from symlstm.codegen.sequence.sweeps import PlanBack, columns
from symlstm.codegen.sequence.writing import Function
from symlstm.codegen.sums import batch_total
from symlstm.expr.build import Matrix, add
from symlstm.expr.nodes import Quantity, Zeros
from symlstm.expr.tree import replace


class BackwardWriter:
    """Writes `backward` for one cell."""

    def __init__(self, plan: Plan, back: PlanBack, kept: Kept, reserved: Sequence[str], fast: Any = None) -> None:
        self.plan, self.back, self.kept, self.fast = plan, back, kept, fast
        self.loop = arrange(plan, back)
        self.f = Function(plan, reserved)
        self.f.once.fast = fast
        spell_time(self.f, kept)
        self.added: dict[Quantity, list[str]] = {}
        self.arriving: dict[Quantity, list[str]] = {}

    def function(self) -> tuple[str, set[str]]:
        """The text, and the helper functions that it calls."""
        f, cell = self.f, self.plan.cell
        argument, unpacking, count = inputs_unpacked(f)
        self._spell()
        self._after()
        self._before_loop()
        self._loop()
        self._sums()
        self._before()
        carried = [f.name(self.loop.carried[s.previous]) for s in cell.states]
        inputs = [self._input(q) for q in cell.inputs]
        if self.fast is not None:
            inputs = self.fast.together(f, inputs)
        f.lines.append(f"return {_tuple(inputs)}, {_tuple(carried)}")

        def head() -> list[str]:
            read = {*f.once.used, *f.step.used, *f.size_arrays}
            read |= {s.current for s in cell.states if s.previous in read}
            names = [q for q in self.kept.all if q in read]
            lines = [*unpacking] if any(q in read or q in f.size_arrays for q in cell.inputs) else []
            sized = [s.previous for s in cell.states if s.previous in f.size_arrays]
            lines += unpacked([(f.name(q), f'kept["{q.name}"]') for q in names])
            lines += [*constants(f, self.back.exprs), f"{f.steps_name} = {count}"]
            lines += [f"{f.name(q)} = {self._current_name(q)}[0]" for q in sized]
            return [*lines, f"{several(carried)} = d_states"]

        doc = (
            "The way back through the steps of `forward`: gradients of the inputs and of the initial states.\n\n"
            "upstream: gradients of the loss by states and outputs, (steps, batch, ...) by name. d_states: what comes\n"
            "from the steps after these. The gradients of everything in w are added to d."
        )
        return f.text("backward", f"w, {argument}, kept, upstream, d_states, d", doc, head), f.helpers

    def _current_name(self, previous: Quantity) -> str:
        return self.f.name(next(s.current for s in self.plan.cell.states if s.previous == previous))

    def _spell(self) -> None:
        """Adjoints that are kept are arrays outside the loop and rows inside."""
        f, loop = self.f, self.loop
        constant = self.plan.constant
        for symbol in loop.arrays:
            name = f.name(symbol)
            f.step.spelled[symbol] = f"{name}[{f.t}]"
        for part, (symbol, k) in loop.placed.items():
            place = self._range(symbol, k)
            name = f.name(symbol)
            f.step.spelled[part], f.once.spelled[part] = f"{name}[{f.t}, ..., {place}]", f"{name}[..., {place}]"
        for stage in (self.back.after, self.back.before):
            for a in stage.adjoints:
                if a.of in constant:
                    f.once.unbatched.add(a.quantity)

    def _range(self, symbol: Quantity, k: int) -> str:
        parts = columns(self.loop.arrays[symbol])
        assert parts is not None
        start = sum((p.shape[0] for p in parts[:k]), start=parts[0].shape[0] * 0)
        writer = self.f.step
        if parts[k].shape[0] == 1:
            return f"{writer.sizes.text(start)}"
        return writer.range(start, parts[k].shape[0], symbol.shape[0])

    def _stage_lines(self, adjoints: Sequence[Adjoint], gradients: dict[Quantity, Matrix]) -> None:
        """A stage that is done for all steps at once."""
        f = self.f
        f.add_once(*[assigned(f, f.once, a.quantity, a.expr, f"{text(a.quantity)} = {text(a.expr)}") for a in adjoints])
        for q, expr in gradients.items():
            if f.is_constant(q):
                self._add_constant(q, expr)
            else:
                self.arriving.setdefault(q, []).append(f.once.full(expr))

    def _add_constant(self, q: Quantity, expr: Matrix) -> None:
        if not isinstance(expr, Zeros):
            self.added.setdefault(q, []).append(batch_total(self.f.once, expr))

    def _after(self) -> None:
        """Behind the loop, so first on the way back."""
        stage = self.back.after
        for q in stage.upstream:
            self._upstream(q)
        self._stage_lines(stage.adjoints, stage.gradients)

    def _upstream(self, q: Quantity) -> None:
        """up_h = upstream["h"] + what arrives from behind the loop."""
        f = self.f
        symbol = adjoint_symbol(q, "upstream")
        results = [*(s.current for s in self.plan.cell.states), *self.plan.cell.outputs]
        parts = [f'upstream["{q.name}"]'] if q in results else []
        parts += self.arriving.pop(q, [])
        f.lines.append(f"{f.name(symbol)} = {' + '.join(parts)}")
        f.step.spelled[symbol] = f"{f.name(symbol)}[{f.t}]"

    def _before_loop(self) -> None:
        f, loop = self.f, self.loop
        for q in self.back.steps.upstream:
            self._upstream(q)
        groups: dict[tuple[str, ...], list[str]] = {}
        for symbol in loop.arrays:
            own = tuple(f.sizes.text(s) for s in symbol.shape if s != 1)
            groups.setdefault(own, []).append(f.name(symbol))
        for own, names in groups.items():
            like = f.once.spell(self.plan.cell.states[0].current)
            made = f"np.empty({_tuple([f'*{like}.shape[:2]', *own])}, {like}.dtype)"
            many = f"({made} for _ in range({len(names)}))"
            f.lines.append(f"{', '.join(names)} = {many if len(names) > 1 else made}")
        for q in loop.sums:
            f.lines.append(f"{f.sum_name(q)} = np.zeros_like({f.once.spell(q)})")

    def _loop(self) -> None:
        f, loop, cell = self.f, self.loop, self.plan.cell
        comes_later = {
            adjoint_symbol(s.current, "upstream"): add(adjoint_symbol(s.current, "upstream"), loop.carried[s.previous])
            for s in cell.states
        }
        gradients = {q: replace(e, comes_later) for q, e in self.back.steps.gradients.items()}
        if self.fast is not None:
            f.lines += self.fast.backward(
                f,
                [(a.quantity, replace(a.expr, comes_later)) for a in self.back.steps.adjoints],
                {symbol: replace(e, comes_later) for symbol, e in loop.arrays.items()},
                loop.placed,
                {q: gradients[q] for q in loop.sums},
                [(loop.carried[s.previous], gradients[s.previous]) for s in cell.states],
                [adjoint_symbol(q, "upstream") for q in self.back.steps.upstream],
                self.kept.steps,
            )
            return
        statements: list[Statement] = []
        for a in self.back.steps.adjoints:
            expr = replace(a.expr, comes_later)
            comment = f"{text(a.quantity)} = {text(a.expr)}"
            if expr != a.expr:
                comment += f", and what step t+1 sends back to {text(a.of)}"
            if a.quantity in loop.arrays:
                statements.append(self._kept_row(a.quantity, expr, comment))
            else:
                statements.append(assigned(f, f.step, a.quantity, expr, comment))
        done = {a.quantity for a in self.back.steps.adjoints}
        for symbol, expr in loop.arrays.items():
            if symbol not in done:
                statements.append(self._kept_row(symbol, replace(expr, comes_later), f"{text(symbol)} = {text(expr)}"))
        for q in loop.sums:
            statements.append(_summed(f, q, gradients[q]))
        statements.append(self._sent_back(gradients))
        f.add_steps(statements, f"for {f.t} in reversed(range({f.steps_name})):")

    def _kept_row(self, symbol: Quantity, expr: Matrix, comment: str) -> Statement:
        """d_z[t, ..., :n] = ..., part by part where the adjoint is put together from parts."""
        f, loop = self.f, self.loop
        parts = columns(expr)
        name = f.name(symbol)
        if parts is None:
            return Statement((expr,), lambda w, e: [f"{name}[{f.t}] = {w.full(e[0])}"], comment)
        todo = [
            (k, p) for k, p in enumerate(parts) if not (isinstance(p, Quantity) and loop.placed.get(p) == (symbol, k))
        ]

        def render(w: ArrayWriter, e: tuple[Matrix, ...]) -> list[str]:
            return [
                f"{name}[{f.t}, ..., {self._range(symbol, k)}] = {0 if isinstance(p, Zeros) else w.full(p)}"
                for (k, _), p in zip(todo, e, strict=True)
            ]

        return Statement(tuple(p for _, p in todo), render, comment if len(todo) == len(parts) else "")

    def _sent_back(self, gradients: dict[Quantity, Matrix]) -> Statement:
        """The gradients by the previous states, which step t-1 will add to its own."""
        f, loop, cell = self.f, self.loop, self.plan.cell
        exprs = tuple(gradients[s.previous] for s in cell.states)
        names = [f.name(loop.carried[s.previous]) for s in cell.states]
        shown = "; ".join(
            f"{text(adjoint_symbol(s.previous))} = {text(self.back.steps.gradients[s.previous])}" for s in cell.states
        )

        def render(w: ArrayWriter, e: tuple[Matrix, ...]) -> list[str]:
            values = [
                f"np.zeros_like({name})" if isinstance(expr, Zeros) else w.full(expr)
                for name, expr in zip(names, e, strict=True)
            ]
            return [f"{', '.join(names)} = {', '.join(values)}"]

        return Statement(exprs, render, shown)

    def _sums(self) -> None:
        """Gradients of constants, for all steps at once."""
        f, loop = self.f, self.loop
        for q in loop.sums:
            self.added.setdefault(q, []).append(f.sum_name(q))
        for q, expr in loop.later.items():
            self._add_constant(q, expr)
        self._put()

    def _put(self) -> None:
        for q, parts in self.added.items():
            line = f'd["{q.name}"] = d.get("{q.name}", 0) + {" + ".join(parts)}'
            if self.fast is not None:
                line = self.fast.added(q, parts) or line
            self.f.lines += commented([line], f"of {text(q)}")
        self.added.clear()

    def _before(self) -> None:
        """In front of the loop, so last on the way back."""
        f, loop, stage = self.f, self.loop, self.back.before
        known = {a.quantity for a in self.back.steps.adjoints}
        for q, expr in self.back.steps.gradients.items():
            if not f.is_constant(q) and q not in loop.carried:
                symbol = expr if expr in known else adjoint_symbol(q)
                self.arriving.setdefault(q, []).insert(0, f.once.spell(symbol))
        for q in stage.upstream:
            symbol = adjoint_symbol(q, "upstream")
            parts = self.arriving.pop(q, [])
            if len(parts) == 1 and parts[0].isidentifier():
                f.once.spelled[symbol] = parts[0]
            else:
                f.lines.append(f"{f.name(symbol)} = {' + '.join(parts)}")
        self._stage_lines(stage.adjoints, stage.gradients)
        self._put()

    def _input(self, q: Quantity) -> str:
        parts = self.arriving.get(q, [])
        return " + ".join(parts) if parts else f"np.zeros_like({self.f.once.spell(q)})"


def _summed(f: Function, q: Quantity, expr: Matrix) -> Statement:
    return Statement((expr,), lambda w, e: [f"{f.sum_name(q)} += {batch_total(w, e[0])}"], f"of {text(q)}")


def _tuple(parts: Sequence[str]) -> str:
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
