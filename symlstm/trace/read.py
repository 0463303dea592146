"""Reading a Python function into a cell: once to find sizes and names, once more to write the equations."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp

from symlstm.equations import Cell, Equation, State
from symlstm.errors import CellError, ShapeError, unknown
from symlstm.expr.build import Matrix
from symlstm.expr.dims import SIZE_LETTERS, Unifier, inferring, parse_shape, same_shape, show_shape, size
from symlstm.expr.nodes import Quantity, quantity, t
from symlstm.expr.notation import base_of
from symlstm.expr.tree import quantities, replace
from symlstm.trace.arguments import Argument, PreviousState, leaf_quantity
from symlstm.trace.array import COLUMNS, ROWS, Reading, Traced
from symlstm.trace.frames import caught, code_of, explain, notes, run
from symlstm.trace.results import SEVERAL_STATES, results, unique_previous
from symlstm.trace.signature import Signature, batch_axis, read_signature
from symlstm.trace.whole import refuse_batch_maximum


def trace(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    inputs: Sequence[str] | None = None,
    states: Sequence[str] | None = None,
    shapes: Mapping[str, str] | None = None,
) -> Cell:
    """Read a Python function into a cell.

    shapes: sizes by argument name where annotations do not give them; what neither gives is inferred from use.
    Raises CellError with the line for code that is not a straight line over array operations.
    """
    signature = read_signature(function, inputs, states, dict(shapes or {}))
    for part, text in (shapes or {}).items():
        signature.shapes.setdefault(part, parse_shape(text))
    if line := caught(function):
        raise CellError(
            f"{code_of(function).co_filename}:{line}: `try` in a cell can hide what is not understood",
            "leave it out: a cell is straight-line code over array operations",
            line,
        )
    failures: list[CellError] = []
    for layout in (None, ROWS, COLUMNS):
        try:
            reading = _both(function, signature, layout)
            cell = _cell(function, signature, reading, name or str(getattr(function, "__name__", "cell")))
            for part in shapes or ():
                if part not in cell.shapes and part not in reading.arguments:
                    raise unknown(f"argument of {cell.name}", part, dict.fromkeys([*reading.arguments, *cell.shapes]))
            return cell
        except CellError as error:
            failures.append(error)
            if not isinstance(error.__cause__, (ShapeError, IndexError, ValueError)) and layout is None:
                break
    raise max(failures, key=lambda failure: failure.line or sys.maxsize)  # the reading that came furthest


def _both(function: Callable[..., Any], signature: Signature, layout: str | None) -> Reading:
    """Read twice; where the number of axes of an argument was a guess and nothing fits, guess again."""
    waiting: list[dict[str, int]] = [{}]
    failure: CellError | None = None
    for attempt in range(MOST_GUESSES):
        if attempt >= len(waiting):
            break
        ranks = waiting[attempt]
        first = Reading(layout, Unifier(), dict(signature.shapes), ranks=ranks)
        try:
            return _second(function, signature, _read(function, signature, first))
        except CellError as error:
            failure = failure or error
            if not isinstance(error.__cause__, ShapeError):
                break
            free = [name for name in dict.fromkeys(first.guessed) if name not in ranks]
            waiting += [{**ranks, name: rank} for name in free for rank in (2, 1, 0)]
    assert failure is not None
    raise failure


def _read(function: Callable[..., Any], signature: Signature, reading: Reading) -> Reading:
    """Run the function once on traced values; keep the names of its variables."""
    arguments: dict[str, Any] = {}
    for argument in (*signature.inputs, *signature.states, *signature.parameters):
        arguments[argument] = _argument(argument, signature, reading)
    reading.arguments = arguments
    args = tuple(arguments[n] for n in signature.positional)
    kwargs = {n: arguments[n] for n in signature.parameters if n not in signature.positional}
    try:
        if reading.unifier is not None:
            with inferring(reading.unifier):
                returned, variables = run(function, args, kwargs)
                results(function, signature, reading, returned, variables)
                for argument, value in reading.states:
                    _require_kept_shape(reading.leaves[argument][0], value)
        else:
            returned, variables = run(function, args, kwargs)
            results(function, signature, reading, returned, variables)
    except (Exception, SystemExit) as error:  # the user's own code: anything may happen
        told = explain(function, error)
        if isinstance(error, ShapeError) and (hint := _batch_axis(signature)):
            raise CellError(told.message, hint, told.line) from error
        raise told from error
    return reading


def _batch_axis(signature: Signature) -> str:
    varying = {name: signature.shapes.get(name, ()) for name in (*signature.states, *signature.inputs)}
    return batch_axis(varying, [signature.shapes.get(name, ()) for name in signature.parameters])


def _require_kept_shape(previous: Quantity, value: Traced) -> None:
    if not same_shape(previous.shape, value._expr.shape):
        raise ShapeError(
            f"the new state for {previous.name} is {show_shape(value._expr.shape)}, {previous.name} itself is "
            f"{show_shape(previous.shape)}",
            "a state keeps its shape from step to step",
        )


MOST_GUESSES = 24


def _argument(name: str, signature: Signature, reading: Reading) -> Traced:
    varying = name in signature.inputs or name in signature.states
    batch = reading.layout if varying else None
    if not varying:
        argument = Argument(reading, name, (("argument", name),))
        if name in reading.shapes:
            argument.settle(len(reading.shapes[name]))
        return argument
    shape = reading.shapes.get(name)
    if name in signature.states and base_of(name) in SEVERAL_STATES:
        container = PreviousState(reading, reading.renamed.get(name, name), (("argument", name),), batch)
        container.first = name == signature.states[0]
        return container
    if shape is None:
        letter = "m" if name in signature.inputs[:1] else "n" if name == signature.states[0] else ""
        shape = (reading.usual(letter, name),)
    time = t - 1 if name in signature.states else t
    base = base_of(name)
    leaf = leaf_quantity(unique_previous(name, signature), shape, time, base)
    reading.leaves[name] = (leaf, len(shape), (("argument", name),))
    return Traced(reading, leaf, len(shape), batch, leaf=True)


def _second(function: Callable[..., Any], signature: Signature, first: Reading) -> Reading:
    """Read again, now with every size and every name known, so that each named value becomes an equation."""
    unifier = first.unifier
    assert unifier is not None
    for symbol, stops in unifier.at_least.items():
        if unifier.resolve(symbol) == symbol:
            largest = max((unifier.resolve(s) for s in stops), key=lambda s: (len(str(s)), str(s)))
            if symbol not in largest.free_symbols:
                unifier.solution[symbol] = largest
    final = _size_names(unifier, [q for q, _, _ in first.leaves.values()])
    shapes = {}
    for argument, (leaf, rank, _) in first.leaves.items():
        resolved = [sp.expand(unifier.resolve(s).subs(final)) for s in leaf.shape]
        shapes[first.renamed.get(argument, argument)] = tuple(resolved[:rank])
    taken = {name: base_of(name) for name in first.names.values()}
    names = dict(first.names)
    second = Reading(first.layout, None, shapes, names=names, taken=taken, renamed=first.renamed)
    return _read(function, signature, second)


def _size_names(unifier: Unifier, leaves: list[Quantity]) -> dict[sp.Symbol, sp.Symbol]:
    """Letters for the sizes that stay free."""
    used, free = set(), []
    for leaf in leaves:
        for part in leaf.shape:
            for symbol in sorted(unifier.resolve(part).free_symbols, key=str):
                if symbol not in unifier.unknown:
                    used.add(symbol)
                elif symbol not in free:
                    free.append(symbol)
    found: dict[sp.Symbol, sp.Symbol] = {}
    for symbol, letter in sorted(unifier.letters.items(), key=lambda pair: pair[1], reverse=True):
        resolved = unifier.resolve(symbol)
        if resolved in free and resolved not in found and size(letter) not in used:
            found[resolved] = size(letter)
    letters = (size(c) for c in SIZE_LETTERS if size(c) not in used and size(c) not in found.values())
    return found | dict(zip([s for s in free if s not in found], letters, strict=False))


def _cell(function: Callable[..., Any], signature: Signature, reading: Reading, name: str) -> Cell:
    comments = notes(function)
    equations = {q: Equation(q, expr, comments.get(q.name, "")) for q, expr in reading.equations}
    found: list[State] = []
    outputs = [v for _, v in reading.outputs if v._expr in equations]
    places = {v._expr.name: reading.places[id(v)] for v in outputs}
    for argument, value in reading.states:
        previous, _, _ = reading.leaves[argument]
        current = value._expr
        if current not in equations:
            unused = _unused(base_of(argument), reading, equations)
            current = quantity(unused, value._expr.shape, t, base=base_of(argument))
            equations[current] = Equation(current, value._expr)
        current_base = quantity(current.name, current.shape, t, base=previous.base)
        if current_base != current:
            equations = _renamed(equations, current, current_base)
            current = current_base
        found.append(State(current, previous))
        places[current.name] = reading.places[id(value)]
    needed = _needed([s.current for s in found] + [v._expr for v in outputs], equations)
    refuse_batch_maximum(e.expr for q, e in equations.items() if q in needed)
    parameters = [
        q
        for a, (q, _, path) in reading.leaves.items()
        if path[0][1] not in signature.states and a not in signature.inputs and q in needed
    ]
    parameters += [
        reading.leaves[a][0] for a in signature.parameters if a in reading.leaves and reading.leaves[a][0] not in needed
    ]
    order = {n: k for k, n in enumerate(signature.parameters)}
    parameters.sort(key=lambda q: order.get(q.name, order.get(str(reading.leaves[q.name][2][0][1]), len(order))))
    return Cell(
        name=name,
        function=function,
        equations=tuple(e for q, e in equations.items() if q in needed),
        inputs=tuple(reading.leaves[a][0] for a in signature.inputs if a in reading.leaves),
        states=tuple(found),
        parameters=tuple(parameters),
        outputs=tuple(v._expr for v in outputs),
        shapes={q.name: tuple(q.shape[:rank]) for q, rank, _ in reading.leaves.values()},
        paths={q.name: path for q, _, path in reading.leaves.values()},
        positional=signature.positional,
        places=places,
        layout=reading.layout,
    )


def _unused(name: str, reading: Reading, equations: Mapping[Quantity, Equation]) -> str:
    taken = {q.name for q in equations} | {q.name for q, _, _ in reading.leaves.values()}
    return name if name not in taken else f"{name}_new"


def _renamed(equations: dict[Quantity, Equation], old: Quantity, new: Quantity) -> dict[Quantity, Equation]:
    swap = {old: new}
    return {swap.get(q, q): Equation(swap.get(q, q), replace(e.expr, swap), e.note) for q, e in equations.items()}


def _needed(results: list[Matrix], equations: Mapping[Quantity, Equation]) -> set[Quantity]:
    """Everything that the states and outputs depend on."""
    needed: set[Quantity] = set()
    waiting = [q for r in results for q in quantities(r)]
    while waiting:
        q = waiting.pop()
        if q not in needed:
            needed.add(q)
            if q in equations:
                waiting += quantities(equations[q].expr)
    return needed
