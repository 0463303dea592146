"""What a user asks for: the derivative of one quantity by another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, overload

from symlstm.calculus.backward import adjoint_symbol, sweep
from symlstm.calculus.entries import NotClosed
from symlstm.calculus.examined import Examined
from symlstm.calculus.forward import Jacobians, forward
from symlstm.calculus.graph import Graph, earlier_equations, graph
from symlstm.calculus.indexform import IndexTerm, index_form
from symlstm.calculus.paths import Path, list_paths
from symlstm.calculus.rewriting import change_symbol
from symlstm.calculus.steps import Step
from symlstm.equations import Cell
from symlstm.errors import RuleMissing, SymlstmError
from symlstm.expr.build import Matrix, add, matmul, partial, total, zeros
from symlstm.expr.dims import show_shape
from symlstm.expr.latex import latex
from symlstm.expr.nodes import Quantity, Zeros
from symlstm.expr.text import text
from symlstm.expr.tree import replace
from symlstm.registry import cell as find
from symlstm.trace.signature import batch_axis

if TYPE_CHECKING:
    from symlstm.calculus.carried import Carried
    from symlstm.calculus.lags import Lagged

PATHS = ("partial", "total")


@dataclass(frozen=True, repr=False)
class Derivation(Examined):
    """d of / d wrt, with its steps.

    result: of a vector by a vector, the Jacobian in numerator layout, J[i, j] = d of_i / d wrt_j. Where one of them is
    a matrix, the derivative is a linear map with more than two indices, and is given by what it does (`acts`). result:
    its action on the upstream gradient of `of`: the gradient of <g, of>, which has the shape of wrt. change: its action
    on a change of wrt: the change of `of`. index: the form by index, d of_i / d W_jk, d of_ij / d W_kl, ... as a sum of
    terms; empty where it is zero, and where there is none.
    """

    cell: Cell
    of: Quantity
    wrt: Quantity
    paths_kind: str
    result: Matrix
    steps: tuple[Step, ...]
    index: tuple[IndexTerm, ...] = ()
    local: dict[Quantity, Matrix] = field(default_factory=dict, compare=False, repr=False)
    change: Matrix | None = None
    change_steps: tuple[Step, ...] = ()

    @property
    def symbol(self) -> Matrix:
        """What was asked for: the derivative, not worked out."""
        through_time = self.paths_kind == "total" and any(self.wrt == s.previous for s in self.cell.states)
        return (total if through_time else partial)(self.of, self.wrt)

    def __repr__(self) -> str:
        if self.acts:
            left, right = text(adjoint_symbol(self.wrt)), text(self.result)
            return f"<{self.cell.name}: {text(self.symbol)} takes {text(self.upstream)} to {left} = {right}>"
        return f"<{self.cell.name}: {text(self.symbol)} = {text(self.result)}>"

    def _repr_latex_(self) -> str:
        """How a notebook shows it."""
        left = adjoint_symbol(self.wrt) if self.acts else self.symbol
        return rf"$\displaystyle {latex(left)} = {latex(self.result)}$"

    @property
    def graph(self) -> Graph:
        return graph(self.cell, self.wrt, self.paths_kind)

    @property
    def acts(self) -> bool:
        """Whether the derivative is given by its actions, not as a matrix."""
        return self.change is not None

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """The single paths, for a Jacobian; their products add up to the result. None where one is no matrix."""
        try:
            return () if self.acts else list_paths(self.graph, self.of)
        except NotClosed:
            return ()

    @property
    def upstream(self) -> Quantity:
        """The symbol of the upstream gradient that `result` acts on, where it is an action."""
        return adjoint_symbol(self.of)

    @property
    def moved(self) -> Quantity:
        """The symbol of the change of wrt that `change` acts on."""
        return change_symbol(self.wrt)


@overload
def derive(
    cell: Cell | str | Callable[..., Any], of: str, wrt: str, *, paths: str = "partial", lag: Literal[1] = 1
) -> Derivation: ...
@overload
def derive(
    cell: Cell | str | Callable[..., Any], of: str, wrt: str, *, paths: str = "partial", lag: Any
) -> Derivation | Lagged | Carried: ...
def derive(
    cell: Cell | str | Callable[..., Any], of: str, wrt: str, *, paths: str = "partial", lag: Any = 1
) -> Derivation | Lagged | Carried:
    """d of / d wrt in closed form, in the names of the cell.

    paths="partial" holds the other previous states fixed; paths="total" counts every path in the unrolled graph
    (it differs only by previous states). lag=k goes back k steps, to the state wrt at t-k: a number, or a letter for a
    closed form in it (symlstm.calculus.lags; with matrices, symlstm.calculus.carried). Raises NameUnknown, and
    RuleMissing where a rule is missing.
    """
    if paths not in PATHS:
        raise SymlstmError(f"paths={paths!r} is not known", 'paths is "partial" or "total"')
    cell = find(cell)
    if lag != 1 or isinstance(lag, bool):
        from symlstm.calculus.chains import lagged
        from symlstm.calculus.lags import read_lag

        if (lag := read_lag(lag, cell)) != 1:
            return lagged(cell, of, wrt, paths, lag)
    top, bottom = cell.quantity(of), cell.quantity(wrt)
    if top.shape[1] != 1 and (hint := _batch_axis(cell)):
        raise RuleMissing(f"{of} is a matrix ({show_shape(top.shape)}), one of whose axes is a batch", hint)
    g = graph(cell, bottom, paths)
    through_time = paths == "total" and any(bottom == s.previous for s in cell.states)
    vectors = top.shape[1] == 1 and all(s.current.shape[1] == 1 for s in cell.states)
    if through_time and vectors and (found := _total(cell, top, bottom)) is not None:
        return found
    done = forward(g, top)
    if top in done.results:
        return Derivation(cell, top, bottom, paths, done.results[top], _all_steps(done), (), done.local)
    return _acting(cell, top, done, g, paths)


def _batch_axis(cell: Cell) -> str:
    leaves = (*(s.previous for s in cell.states), *cell.inputs)
    return batch_axis({q.name: cell.shapes[q.name] for q in leaves}, [cell.shapes[q.name] for q in cell.parameters])


def _all_steps(done: Jacobians) -> tuple[Step, ...]:
    return tuple(step for steps in done.steps.values() for step in steps)


def _total(cell: Cell, of: Quantity, wrt: Quantity) -> Derivation | None:
    """Through the unrolled graph: directly, and through every other state that the step before made of `wrt`.

    d of/d s_{t-1} (total) = d of/d s_{t-1} + sum over the other states r of (d of/d r_{t-1}) (d r_{t-1}/d s_{t-1}).
    None where one of these is no matrix.
    """
    steps: list[Step] = []
    direct = forward(graph(cell, wrt, "partial"), of)
    if of not in direct.results:
        return None
    steps += _all_steps(direct)
    terms = [direct.results[of]]
    symbols = [partial(of, wrt)]
    before = Graph(earlier_equations(cell), wrt)
    for state in cell.states:
        other = state.previous
        if other == wrt:
            continue
        into = forward(graph(cell, other, "partial"), of)
        made = forward(before, other)
        if of not in into.results or other not in made.results:
            return None
        if isinstance(into.results[of], Zeros) or isinstance(made.results[other], Zeros):
            continue
        steps += [*_all_steps(into), *_all_steps(made)]
        terms.append(matmul(into.results[of], made.results[other]))
        symbols.append(matmul(partial(of, other), partial(other, wrt)))
    start, result = total(of, wrt), add(*terms)
    if len(terms) > 1:
        because = f"{text(wrt)} acts directly and through the other states of step t-1"
        opened = add(*symbols)
    else:
        because = f"no other state of step t-1 that reaches {text(of)} depends on {text(wrt)}"
        opened = symbols[0]
    steps.append(Step("chain rule over all paths", start, opened, because, start))
    steps.append(Step("chain rule, insert", opened, result, "all from above", start))
    return Derivation(cell, of, wrt, "total", result, tuple(steps))


@dataclass(frozen=True)
class Actions:
    """What a derivative with more than two indices does to an upstream gradient, and to a change; with the steps."""

    result: Matrix
    steps: tuple[Step, ...]
    change: Matrix
    change_steps: tuple[Step, ...]


def actions(cell: Cell, of: Quantity, done: Jacobians, g: Graph) -> Actions:
    """The actions of d of / d g.wrt, which `done` has followed forward."""
    wrt = g.wrt
    equations = tuple(e for e in g.equations if e.quantity != wrt)
    swept = sweep(cell, [of], [wrt], equations=equations)
    given = {adjoint_symbol(of, "upstream"): adjoint_symbol(of)}
    values: dict[Quantity, Matrix] = {}
    for adjoint in swept.adjoints:
        if adjoint.of == of and adjoint.quantity == adjoint_symbol(of):
            continue
        values[adjoint.quantity] = replace(adjoint.expr, {**given, **values})
    asked = adjoint_symbol(wrt)
    result = adjoint_symbol(of) if of == wrt else values.get(asked, zeros(*wrt.shape))
    last = Step("insert", asked, result, f"all in terms of the gradient of {text(of)}", asked)
    steps = tuple(_with_given(s, given) for s in swept.steps)
    change, changed = done.change(of), change_symbol(of)
    found = _all_steps(done)
    if isinstance(change, Zeros):
        found = (Step("no path", changed, change, f"{text(of)} does not depend on {text(wrt)}", changed),)
    elif found and change != found[-1].after:
        because = f"all in terms of {text(change_symbol(wrt))}"
        found = (*found, Step("chain rule, insert", found[-1].after, change, because, changed))
    return Actions(result, (*steps, last), change, found)


def _acting(cell: Cell, of: Quantity, done: Jacobians, g: Graph, paths: str) -> Derivation:
    """A derivative with more than two indices: by index, as the action on a change, and on an upstream gradient."""
    try:
        index = index_form(g, of)
    except NotClosed:
        index = ()
    a = actions(cell, of, done, g)
    return Derivation(cell, of, g.wrt, paths, a.result, a.steps, index, {}, a.change, a.change_steps)


def _with_given(step: Step, given: dict[Quantity, Quantity]) -> Step:
    return Step(
        step.rule, replace(step.before, given), replace(step.after, given), step.because, replace(step.of, given)
    )
