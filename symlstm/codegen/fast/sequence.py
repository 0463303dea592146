"""`forward` and `backward` with their time loops compiled; everything around the loops is as NumPy runs it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sympy as sp

from symlstm.codegen.body import axes_of
from symlstm.codegen.fast.kernel import Kernel, Place
from symlstm.codegen.fast.ops import Each, Operation, taken_apart
from symlstm.codegen.layout import filled
from symlstm.codegen.names import Names
from symlstm.codegen.sequence.sweeps import columns
from symlstm.codegen.sequence.writing import Function
from symlstm.codegen.sizes import Sizes
from symlstm.codegen.sums import closes_last
from symlstm.equations import Equation
from symlstm.expr.build import Matrix
from symlstm.expr.functions import ELEMENTWISE, WHOLE
from symlstm.expr.nodes import Quantity, Transposed, quantity, t
from symlstm.expr.tree import quantities

OF_PRODUCTS = ("product", "product_ahead")
OF_JOBS = ("panels_of", "every_of_panels", "outer_sum_in_parts", "done_together", "plain", "ENTRIES_A_THREAD")
"""What the loops call of `products`, and what stands around them of `jobs`."""
CALLED = (
    *OF_PRODUCTS, *OF_JOBS, "jobs", "in_parts", "square", "forward_steps", "backward_steps",
    *(f"each_{name}" for name in ELEMENTWISE), *(f"whole_{name}" for name in WHOLE),
)  # fmt: skip
NO_JOBS = "jobs = []"
WORDS = ("T", "t", "first", "last", "row", "batch", "np", "njit", *CALLED)
"""Names of the loops and of what they call, which no quantity may have."""


@dataclass
class FastLoop:
    """Collects the kernels of one module. Called by the writers of `forward` and `backward` for their loops."""

    kernels: list[str] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    """Every product for all steps, as it was written."""
    products: dict[str, tuple[Quantity, str, str]] = field(default_factory=dict)
    """Of those with a matrix that is not turned: the matrix, the vectors and what is added."""
    aheads: dict[Quantity, tuple[Quantity, Quantity, Quantity | None]] = field(default_factory=dict)
    """Products that the forward loop makes itself, some steps ahead: of a matrix and an input, and what is added."""
    later: set[Quantity] = field(default_factory=set)
    """Whose gradients have sums that are made only when the backward loop has ended."""
    instead = {"outer_sum": "outer_sum_in_parts"}  # noqa: RUF012
    """Functions for all steps at once in place of helpers of NumPy's."""

    def forward(self, f: Function, equations: Sequence[Equation], kept: Iterable[Quantity]) -> list[str]:
        """The call that stands for the forward loop."""
        places = self._outside(f)
        for q in kept:
            places[q] = Place(f"{f.name(q)}[t]")
        self._states(f, places)
        todo = [(e.quantity, e.expr, False) for e in equations]
        return self._loop(f, "forward_steps", todo, places, {}, set(), "for t in range(T):")

    def before(self, f: Function, equations: Sequence[Equation]) -> list[Equation]:
        """The equations in front of the loop, without products with an input: these the loop makes itself.

        Arrays for them are made here. So much is computed at a time as is still in the cache when it is needed.
        """
        inputs, constants = ({f.name(q): q for q in some} for some in (f.plan.cell.inputs, f.plan.constant))
        read = {q for stage in (equations, f.plan.after) for e in stage for q in quantities(e.expr)}
        previous = f.name(f.plan.cell.states[0].previous)
        rest = []
        for e in equations:
            matrix, vector, offset = self.products.get(f.once.full(e.expr), (None, "", ""))
            if matrix is None or vector not in inputs or e.quantity in read or (offset and offset not in constants):
                rest.append(e)
                continue
            shape = f"({f.steps_name}, len({previous}), {f.sizes.text(e.quantity.shape[0])})"
            f.lines.append(f"{f.name(e.quantity)} = np.empty({shape}, {previous}.dtype)")
            self.aheads[e.quantity] = matrix, inputs[vector], constants.get(offset)
        return rest

    def backward(
        self,
        f: Function,
        adjoints: Sequence[tuple[Quantity, Matrix]],
        arrays: dict[Quantity, Matrix],
        placed: dict[Quantity, tuple[Quantity, int]],
        sums: dict[Quantity, Matrix],
        carried: Sequence[tuple[Quantity, Matrix]],
        upstream: Iterable[Quantity],
        kept: Iterable[Quantity],
    ) -> list[str]:
        """The call that stands for the backward loop."""
        places = self._outside(f)
        for q in kept:
            places[q] = Place(f"{f.name(q)}[t]")
        self._states(f, places)
        for symbol in (*upstream, *arrays):
            places[symbol] = Place(f"{f.name(symbol)}[t]")
        for q, _ in carried:
            places[q] = Place(f.name(q))
        made_of: dict[Quantity, set[Quantity]] = {}
        todo: list[tuple[Quantity, Matrix, bool]] = []
        done = {q for q, _ in adjoints}
        rest = [(symbol, expr) for symbol, expr in arrays.items() if symbol not in done]
        for symbol, expr in (*adjoints, *rest):
            parts = columns(expr) if symbol in arrays else None
            if parts is None:
                todo.append((symbol, expr, False))
                continue
            start: sp.Expr = sp.S.Zero
            for k, part in enumerate(parts):
                if isinstance(part, Quantity) and placed.get(part) == (symbol, k):
                    own = part
                else:
                    own = quantity(f"{symbol.name}_part_{k + 1}", part.shape, t, "part")
                    todo.append((own, part, False))
                places[own] = Place(f"{f.name(symbol)}[t]", start)
                made_of.setdefault(symbol, set()).add(own)
                start = sp.expand(start + part.shape[0])
        for q, expr in sums.items():
            own = quantity(f"sum_{q.name}", q.shape, t, "sum")
            places[own] = Place(f.sum_name(q), constant=True)
            todo.append((own, expr, True))
        todo += [(q, expr, False) for q, expr in carried]
        names = [f.name(q) for q, _ in carried]
        copies = [f'{name} = np.array({name}, order="C")' for name in names]
        header = "for t in range(T - 1, -1, -1):"
        lines = self._loop(f, "backward_steps", todo, places, made_of, {q for q, _ in carried}, header)
        return [*copies, *lines, NO_JOBS]

    def product(self, matrix: Matrix, name: str, vector: str, offset: str) -> str | None:
        """The product with a matrix in w for all steps at once; None where it is not one."""
        turned = isinstance(matrix, Transposed)
        q = matrix.args[0] if turned else matrix
        if not isinstance(q, Quantity):
            return None
        size = f"{name}.shape[1]" if turned else f"len({name})"
        text = f"every_of_panels({', '.join([vector, _panels(q, turned), size, *([offset] if offset else [])])})"
        self.written.add(text)
        if not turned:
            self.products[text] = q, vector, offset
        return text

    def added(self, q: Quantity, parts: Sequence[str]) -> str | None:
        """The line that adds a sum of outer products to the gradient of q in d, in place; None where it is not one."""
        call = f"{self.instead['outer_sum']}("
        if len(parts) != 1 or not parts[0].startswith(call) or not closes_last(parts[0].removeprefix(call)):
            # what is left to be added goes into the array that is there
            return f'd["{q.name}"] += {" + ".join(parts)}' if q in self.later else None
        self.later.add(q)
        return f'd["{q.name}"] = {parts[0][:-1]}, d.get("{q.name}"), jobs)'

    def together(self, f: Function, inputs: Sequence[str]) -> list[str]:
        """The gradients of the inputs, behind lines that do what is left to be done, by all threads at once."""
        if not self.later:
            f.lines.remove(NO_JOBS)
            return list(inputs)
        names = []
        for text in inputs:
            if text in self.written:
                name = f.names.new("d_input")
                f.lines += filled(f"{name} = {text[:-1]}, jobs=jobs)")
                text = name
            names.append(text)
        f.lines.append("done_together(jobs)")
        return names

    def _outside(self, f: Function) -> dict[Quantity, Place]:
        plan = f.plan
        places = {q: Place(f.name(q), constant=True) for q in plan.constant}
        for q in (*(e.quantity for e in plan.before), *plan.cell.inputs):
            places[q] = Place(f"{f.name(q)}[t]")
        return places

    def _states(self, f: Function, places: dict[Quantity, Place]) -> None:
        for s in f.plan.cell.states:
            name = f.name(s.current)
            places[s.current], places[s.previous] = Place(f"{name}[t + 1]"), Place(f"{name}[t]")

    def _loop(
        self,
        f: Function,
        name: str,
        todo: Sequence[tuple[Quantity, Matrix, bool]],
        places: dict[Quantity, Place],
        made_of: dict[Quantity, set[Quantity]],
        carried: set[Quantity],
        header: str,
    ) -> list[str]:
        parts = {q for q, place in places.items() if place.start is not None}
        taking = taken_apart(todo, f.plan.constant, carried, parts)
        ops = taking.operations
        state = f.name(f.plan.cell.states[0].current)
        arrays: dict[str, Quantity] = {state: f.plan.cell.states[0].current}
        before = {s.previous: f.name(s.current) for s in f.plan.cell.states}

        def spell(q: Quantity) -> str:
            text = before.get(q) or f.name(q)
            arrays.setdefault(text, q)
            return text

        names = Names((*WORDS, *(f.name(q) for q in places), *(place.array for place in places.values())))
        sizes = Sizes(names, axes_of(f.plan.cell), spell)
        of_arrays = [q for q in _mentioned(ops, made_of) if q in places]
        buffers = {q: names.numbered("buffer") for q in taking.joined}
        for q, joined in taking.joined.items():
            places |= {part: Place(buffers[q], start) for part, start in joined}
            made_of[q] = {part for part, _ in joined}
        kernel = Kernel(name, places, sizes, names, made_of, carried, buffers)
        for target, (matrix, vector, offset) in self.aheads.items():
            arrays |= {f.name(q): q for q in (vector, offset) if q is not None}
            added = f"np.empty(0, {f.name(target)}.dtype)" if offset is None else f.name(offset)
            ahead = f"{f.name(vector)}, {kernel.panel(matrix, False)}, {added}, {f.name(target)}"
            kernel.first.append(f"product_ahead(t, T, first, last, {ahead})")
        for q in of_arrays:
            arrays.setdefault(places[q].array, q)
            if f.is_constant(q):
                f.once.spell(q)  # so that the function unpacks it
        text = kernel.write(ops, lambda: ["T", *arrays], header, f"{state}.shape[1]", f"{state}.dtype")
        for q in arrays.values():
            if f.is_constant(q):
                f.once.spell(q)
        self.kernels.append(text)
        for s in f.plan.cell.states:
            f.once.spell(s.current)
        for q in arrays.values():
            if not f.is_constant(q) and q.role == "value":
                f.once.spell(q)
        made_here = {state, *(places[o.target].array for o in ops if o.target in places), *map(f.name, self.aheads)}
        given = [a if a in made_here else f"plain({a})" for a in arrays]
        given += [_panels(q, turned) for q, turned in kernel.panels]
        wanted = f"{state}.size // ENTRIES_A_THREAD"
        if any(isinstance(o, Each) and o.total for o in ops):
            wanted = "1"  # all examples add to the same sums
        return filled(f"in_parts({', '.join([name, f'{state}.shape[1]', wanted, f.steps_name, *given])})")


def _panels(q: Matrix, turned: bool) -> str:
    return f'panels_of(w, "{q.name}"{", True" * turned})'


def _mentioned(ops: Iterable[Operation], made_of: dict[Quantity, set[Quantity]]) -> list[Quantity]:
    found: dict[Quantity, None] = {}
    for o in ops:
        found.setdefault(o.target)
        found.update(dict.fromkeys(quantities(o.expr) if isinstance(o, Each) else [o.vector]))
    return [*found, *made_of]
