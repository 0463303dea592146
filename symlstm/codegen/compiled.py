"""A cell as functions on arrays: `compile(cell)` runs the text of `symlstm.codegen.module`, with inputs checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from symlstm.codegen import inputs, mismatch, on_demand
from symlstm.codegen.faithful import require_faithful
from symlstm.codegen.fitting import Given
from symlstm.codegen.floats import all_finite, finite
from symlstm.codegen.module import RESERVED, module
from symlstm.codegen.sequence import given as sequences
from symlstm.codegen.upstream import read_directions, read_out, read_upstream
from symlstm.equations import Cell
from symlstm.errors import ExtraMissing, ValueUnusable, unknown
from symlstm.expr.choices import sides_of_choices

Array = np.ndarray[Any, Any]
BACKENDS = ("numpy", "numba")


@dataclass(frozen=True)
class Compiled:
    """A cell on arrays, one step or a whole sequence: values, Jacobians and gradients, for any leading batch axes.

    p: the parameters by name, in their shapes on paper. x: (..., m); None for a cell without input, a tuple for
    several. states: a tuple in the order of the cell, each (..., n); a cell with one state takes the array alone too.
    Batch axes of x and states are broadcast. Dtypes follow NumPy's promotion: float32 stays float32 throughout,
    beside float64 it becomes float64; complex numbers pass through. Nothing given is changed. Raises ShapeError,
    ValueUnusable and NameUnknown.
    """

    cell: Cell
    backend: str
    source: str = field(repr=False)
    _functions: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    def step(self, p: Any, x: Any, states: Any) -> tuple[Array, ...]:
        """The new states, a tuple in the order of the cell (for one state, of length one)."""
        given = inputs.read(self.cell, p, x, states)
        return tuple(self._run("step", given))

    def values(self, p: Any, x: Any, states: Any) -> dict[str, Array]:
        """Every quantity that has an equation, by name: (..., n)."""
        given = inputs.read(self.cell, p, x, states)
        return dict(self._run("values", given))

    def state_jacobian(self, p: Any, x: Any, states: Any, out: Array | None = None) -> Array:
        """The Jacobian of all new states by all previous states, stacked in the order of the cell: (..., s, s).

        A state that is a matrix is stacked row after row. out: an array of that shape, which is written and returned;
        without it a new one is made, which takes about as long as the Jacobian itself where s is large.
        """
        given = inputs.read(self.cell, p, x, states)
        return self._run("state_jacobian", given, read_out(self.cell, out, given))

    def jvp(self, p: Any, x: Any, states: Any, directions: Any) -> Array:
        """J V: the state Jacobian times k directions, without forming it: (..., s, k) from (..., s, k).

        directions: in each column a change of all previous states, stacked in the order of the cell. Its code is
        generated at the first call; `jvp_source` shows it.
        """
        given = inputs.read(self.cell, p, x, states)
        return self._run("jvp", given, read_directions(self.cell, directions, given), function=self._jvp)

    @property
    def jvp_source(self) -> str:
        """The text of the function that `jvp` runs."""
        return on_demand.source(self.cell, "jvp")[0]

    @cached_property
    def _jvp(self) -> Callable[..., Any]:
        return on_demand.function("jvp", on_demand.source(self.cell, "jvp"), self._functions["values"])

    def jacobian(self, p: Any, x: Any, states: Any, of: str, wrt: str) -> Array:
        """The Jacobian of one named quantity by another, the other arguments of its equations held fixed.

        (..., rows, columns), J[i, j] = d of_i / d wrt_j. A matrix has two axes in place of one: a vector by a matrix
        is (..., i, j, k), d of_i / d W_jk, a matrix by a matrix (..., i, j, k, l). The code is generated at the first
        call for a pair; `jacobian_source` shows it.
        """
        given = inputs.read(self.cell, p, x, states)
        return self._run("jacobian", given, function=self._jacobian_function(of, wrt))

    def jacobian_source(self, of: str, wrt: str) -> str:
        """The text of the function that `jacobian` runs for a pair."""
        return on_demand.jacobian_source(self.cell, self.cell.quantity(of), self.cell.quantity(wrt))[0]

    def vjp(self, p: Any, x: Any, states: Any, upstream: Any) -> dict[str, Array]:
        """Gradients of a loss by name: parameters (summed over the batch), inputs and previous states (one an example).

        upstream: the gradients of the loss by the new states, a tuple in their order, or a dict by the names of states
        and outputs; None, and what is missing, counts as zero.
        """
        given = inputs.read(self.cell, p, x, states)
        return dict(self._run("vjp", given, read_upstream(self.cell, upstream, given)))

    def run(self, p: Any, x: Any, states: Any, *, steps: int | None = None) -> dict[str, Array]:
        """A whole sequence: every new state and output by name, (T, ..., n).

        x: (T, ..., m), time first, then any batch axes (a tuple for several inputs; None for a cell without input,
        which takes `steps`). states: the initial ones, as for `step`; `zero_states` makes zeros.
        """
        given = sequences.read(self.cell, p, x, states, steps)
        with np.errstate(all="ignore"):
            found = self._functions["run"](given.p, given.x, given.states)
        self._require_finite(found, given)
        return dict(found)

    def gradients(
        self,
        p: Any,
        x: Any,
        states: Any,
        upstream: Any,
        *,
        steps: int | None = None,
        checkpoint_every: Any = None,
    ) -> dict[str, Array]:
        """Gradients by name of L = sum over t of <upstream[name][t], name_t>, back through all steps.

        Of parameters in their shapes, of inputs (T, ..., m), of initial states (..., n) by the names h_prev, ...
        upstream: by the names of states and outputs, (T, ..., n) each; what is missing counts as zero.
        checkpoint_every: keep only the states at the beginning of every so many steps, and compute what lies between
        again on the way back.
        """
        given = sequences.read(self.cell, p, x, states, steps)
        whole = isinstance(checkpoint_every, (int, np.integer)) and not isinstance(checkpoint_every, bool)
        if checkpoint_every is not None and not (whole and checkpoint_every >= 1):
            raise ValueUnusable(
                f"checkpoint_every must be a whole number of steps, 1 or more, not {checkpoint_every!r}"
            )
        above = sequences.read_upstream(self.cell, upstream, given)
        with np.errstate(all="ignore"):
            found = self._functions["gradients"](given.p, given.x, given.states, above, checkpoint_every)
        if not all_finite(found.values()):
            with np.errstate(all="ignore"):
                self._require_finite(self._functions["run"](given.p, given.x, given.states), given)
            name = next(n for n, a in found.items() if not finite(a))
            error = mismatch.not_finite(f"the gradient of {name}", found[name])
            raise ValueUnusable(f"{error.message}, though every value of the sequence is finite", error.hint)
        return dict(found)

    def zero_states(self, p: Any, batch_shape: Any = ()) -> tuple[Array, ...]:
        """Zeros for all states, (*batch_shape, n) each, in the sizes and the dtype of the parameters."""
        return sequences.zero_states(self.cell, p, batch_shape)

    def _require_finite(self, found: dict[str, Array], given: sequences.Sequence) -> None:
        """ValueUnusable names the first step at which a result is not finite, and the equation that made it so."""
        bad = [np.argwhere(~np.isfinite(a))[0][0] for a in found.values() if not finite(a)]
        if not bad:
            return
        step = int(min(bad))
        x = given.x if not self.cell.inputs else _at(given.x, step)
        before = [found[s.current.name][step - 1] for s in self.cell.states] if step else list(given.states)
        self.raise_at_step(step, given.p, x, tuple(before), {name: a[step] for name, a in found.items()})

    def raise_at_step(self, step: int, p: Any, x: Any, before: Any, found: dict[str, Array]) -> None:
        """ValueUnusable for a step whose results are not finite: names the equation that made them so."""
        with np.errstate(all="ignore"):
            values = self._functions["values"](p, None if not self.cell.inputs else x, before)
        for equation in self.cell.equations:
            if not np.isfinite(values[equation.name]).all():
                error = mismatch.overflowed(equation, values[equation.name])
                raise ValueUnusable(f"at step {step} (from 0), {error.message}", error.hint)
        name = next(n for n, a in found.items() if not np.isfinite(a).all())
        raise ValueUnusable(f"at step {step} (from 0), {name} is not finite")

    def _jacobian_function(self, of: str, wrt: str) -> Callable[..., Any]:
        key = f"jacobian of {of} by {wrt}"
        if key not in self._functions:
            made = on_demand.jacobian_source(self.cell, self.cell.quantity(of), self.cell.quantity(wrt))
            self._functions[key] = on_demand.function("jacobian", made, self._functions["values"])
        return self._functions[key]

    def _run(self, name: str, given: Given, *more: Any, function: Any = None) -> Any:
        """Call a generated function; where its arithmetic overflows, say which quantity did."""
        function = function or self._functions[name]
        arguments = (given.p, given.x, given.states, *more)
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise", under="ignore"):
                result = function(*arguments)
            if name not in ("step", "values") or all(np.isfinite(a).all() for _, a in self._checked(name, result)):
                return result
        except FloatingPointError:
            with np.errstate(all="ignore"):
                result = function(*arguments)
        self._raise_if_not_finite(name, given, result)
        return result

    @cached_property
    def _left_out(self) -> frozenset[str]:
        """The quantities that count only where they are chosen: elsewhere they may overflow, as in the function."""
        results = {*(s.current for s in self.cell.states), *self.cell.outputs}
        left_out, counted = set(), set(results)
        for equation in reversed(self.cell.equations):
            inside, outside = sides_of_choices(equation.expr)
            if equation.quantity not in counted and equation.quantity in left_out:
                left_out |= outside
            else:
                counted |= outside
            left_out |= inside
        return frozenset(q.name for q in left_out - counted)

    def _checked(self, name: str, result: Any) -> list[tuple[str, Any]]:
        """The arrays of a result that must be finite, with what to call them."""
        if name == "values":
            result = {n: a for n, a in result.items() if n not in self._left_out}
        return _named(name, result)

    def _raise_if_not_finite(self, name: str, given: Given, result: Any) -> None:
        with np.errstate(all="ignore"):
            values = self._functions["values"](given.p, given.x, given.states)
        finite = all(np.isfinite(a).all() for _, a in self._checked(name, result))
        for equation in self.cell.equations:
            if not (finite and equation.name in self._left_out) and not np.isfinite(values[equation.name]).all():
                raise mismatch.overflowed(equation, values[equation.name])
        for label, array in self._checked(name, result):
            if not np.isfinite(array).all():
                error = mismatch.not_finite(label, np.asarray(array))
                raise ValueUnusable(f"{error.message}, though every value of the step is finite", error.hint)


def _at(x: Any, step: int) -> Any:
    return tuple(a[step] for a in x) if isinstance(x, tuple) else x[step]


def _named(name: str, result: Any) -> list[tuple[str, Any]]:
    """The arrays of a result, with what to call them."""
    if isinstance(result, dict):
        return [(f"the gradient of {n}", a) for n, a in result.items()]
    return [(f"the {name.replace('_', ' ')}", a) for a in (result if isinstance(result, tuple) else (result,))]


@lru_cache(maxsize=64)
def _compiled(cell: Cell, backend: str) -> Compiled:
    source = module(cell).text
    if backend == "numpy":
        return Compiled(cell, backend, source, on_demand.executed(source, cell.name))
    _require_numba()
    from symlstm.codegen.fast.build import fast_functions, fast_source

    loops = fast_source(cell, RESERVED)
    return Compiled(cell, backend, "\n\n".join([source, loops]) if loops else source, fast_functions(loops, source))


def _require_numba() -> None:
    try:
        import numba  # noqa: F401
    except ImportError as error:
        raise ExtraMissing(f'backend="numba" needs {error.name}', "pip install 'symlstm[fast]'") from None


def compile(cell: Any, backend: str = "numpy") -> Compiled:
    """A cell as functions on NumPy arrays; see Compiled. cell: a Cell, or anything that `symlstm.cell` takes.

    backend="numba" (the extra "fast"): the same functions; the time loops of `run` and `gradients` and the row sums of
    `state_jacobian` are compiled at their first use, a few seconds for float32 and for float64. Other dtypes take
    NumPy's loops, and so does a loop that computes matrices (as states, or to add them up) or multiplies by a matrix
    that has no name, such as a part of one.

    The function is run beside its equations first: CellError where they do not compute the same.
    """
    if backend not in BACKENDS:
        raise unknown("backend", str(backend), BACKENDS)
    if not isinstance(cell, Cell):
        from symlstm.registry import cell as find

        cell = find(cell)
    made = _compiled(cell, backend)
    require_faithful(cell, made._functions["values"])
    return made


def export(cell: Cell) -> str:
    """The text of a module with one step of the cell, its Jacobian and gradients, and whole sequences; NumPy alone."""
    return compile(cell).source
