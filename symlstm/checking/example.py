"""The example: from a dict, a tuple, a function of (n, m, batch, rng), or the cell that the code can be read as.

Each array gets a template: every axis as whole numbers of one, n, m, batch and steps. A function that makes examples is
called at several sizes, so that templates are known; from a single example they are inferred from its shapes. Where
the input has an axis of steps, or is a list of steps, the implementation takes a whole sequence.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symlstm.checking.axes import JOINED, ONE, SIZES, STEPS, Axis, B, M, N, T
from symlstm.checking.calls import INSIDE, Call, attempt, call_of, in_precision
from symlstm.checking.classes import Factory
from symlstm.checking.globals import global_arrays
from symlstm.checking.leaves import Path, leaves
from symlstm.checking.steplists import listed_inputs
from symlstm.checking.words import role_of
from symlstm.equations import Cell
from symlstm.errors import CellError, ValueUnusable
from symlstm.registry import cell as read_cell

NAMES_OF_STEPS = ("t", "steps", "length", "seq_len", "time", "n_steps", "timesteps", "t_x", "tx", "seq_length")


@dataclass(frozen=True)
class Example:
    """A call, the templates of its arrays, and sizes (n, m, batch) at which it runs.

    x: the input of a whole sequence (None: one step). steps: how many. any_length: whether it takes one step as well.
    """

    call: Call
    templates: dict[Path, tuple[Axis, ...]]
    sizes: tuple[int, int, int]
    x: Path | None = None
    steps: int = 1
    any_length: bool = True

    def shape(self, path: Path) -> tuple[int, ...]:
        return tuple(axis.length(self.sizes, self.steps) for axis in self.templates[path])

    def runs(self) -> bool:
        """Whether the function takes random arrays of these shapes."""
        rng = np.random.default_rng(0)
        try:
            attempt(self.call, {path: rng.standard_normal(self.shape(path)) for path in self.templates})
        except ValueUnusable:
            return False
        return True


def read_example(function: Callable[..., Any] | Factory, example: Any, states: int) -> Example:
    """The example in any of its forms; ValueUnusable where it cannot be used. states: how many the cell has."""
    if isinstance(function, Factory):
        if not callable(example):
            raise ValueUnusable(
                f"{function.made.__name__} is a class: from one example its sizes are not known",
                "give example= as a function of (n, m, batch, rng), or check a method of an object: net.step",
            )
    elif example is None:
        example = _from_the_code(function)
    if callable(example) and (fixed := {**global_arrays(function), **_own(function)}):
        example = _at_sizes_of(function, example, fixed)
    if callable(example):
        return lengths(_from_maker(function, example))
    assert not isinstance(function, Factory)
    call = _call(function, example)
    found = inferred_sequence(call)
    return lengths(found) if found is not None else _inferred(call, states)


def _own(function: Any) -> dict[str, Any]:
    """What an object has, where it has arrays of its own: they have its size."""
    owner = getattr(function, "__self__", None)
    own = dict(vars(owner)) if hasattr(owner, "__dict__") and not inspect.ismodule(owner) else {}
    return own if leaves(own) else {}


def _at_sizes_of(function: Any, make: Callable[..., Any], fixed: Mapping[str, Any]) -> Any:
    """An example at the sizes that weights elsewhere have: the first (n, m) that the function takes."""
    seen = {length for leaf in leaves(fixed) for length in leaf.array.shape}
    seen |= {value for value in fixed.values() if type(value) is int and value > 0}
    parts = {length // k for length in seen for k in (1, 2, 3, 4) if length % k == 0}
    parts |= {a - b for a in seen for b in seen if a > b}
    for n, m in itertools.product(sorted(parts, reverse=True), repeat=2):
        try:
            made = _made(make, (n, m, SIZES[2], STEPS), asks_for_steps(make))
            call = _call(function, made)
            attempt(call, {leaf.path: leaf.array for leaf in call.leaves()})
        except Exception:  # not these sizes
            continue
        return made
    return make


def lengths(example: Example) -> Example:
    """A sequence at the number of steps that tells most, where the function takes any; else as it was given."""
    if example.x is None:
        return example
    wished = replace(example, steps=STEPS)
    if example.steps != STEPS and wished.runs():
        example = wished
    return replace(example, any_length=replace(example, steps=1).runs())


def _call(function: Callable[..., Any], example: Any, steps: int | None = None) -> Call:
    if isinstance(example, (dict, tuple, list)):
        call = call_of(function, *(((), example) if isinstance(example, dict) else (tuple(example), {})))
        return in_precision(replace(call, stacked=listed_inputs(call.arguments, steps)))
    raise ValueUnusable(
        f"the example is a {type(example).__name__}",
        "give a dict by argument name, a tuple of positional arguments, or a function of (n, m, batch, rng)",
    )


def _from_maker(function: Callable[..., Any] | Factory, make: Callable[..., Any]) -> Example:
    asks = asks_for_steps(make)

    def at(sizes: tuple[int, ...]) -> Call:
        try:
            made = _made(make, sizes, asks)
        except Exception as error:
            raise ValueUnusable(
                f"the example function fails at n, m, batch, steps = {sizes}: {type(error).__name__}: {error}",
                "it takes (n, m, batch, rng) or (n, m, batch, T, rng) and gives a dict by argument name, or a tuple",
            ) from error
        own = function.at(*sizes[:2]) if isinstance(function, Factory) else function
        return _call(own, made, sizes[3] if asks else None)

    base = (*SIZES, STEPS)
    templates = templates_of(at, base, asks is not None)
    return with_steps(Example(at(base), templates, SIZES, steps=STEPS if asks else 1))


def templates_of(
    at: Callable[[tuple[int, ...]], Call], base: tuple[int, ...], steps: bool
) -> dict[Path, tuple[Axis, ...]]:
    """What the axes of all arrays count, from calls at several sizes (n, m, batch, steps)."""
    shapes = {leaf.path: leaf.array.shape for leaf in at(base).leaves()}
    moved = []
    for k in range(4 if steps else 3):
        other = at(tuple(s + (i == k) for i, s in enumerate(base)))
        moved.append({leaf.path: leaf.array.shape for leaf in other.leaves()})
    made: dict[Path, tuple[Axis, ...]] = {}
    for path, shape in shapes.items():
        axes = []
        for a, length in enumerate(shape):
            more = [m[path][a] - length if path in m and len(m[path]) == len(shape) else 0 for m in moved]
            rest = length - sum(s * v for s, v in zip(more, base, strict=False))
            axes.append(Axis(rest, *more))
        made[path] = tuple(axes)
    return made


def asks_for_steps(make: Callable[..., Any]) -> str | None:
    """How a function that makes examples asks for the number of steps: the name of its parameter, None if not."""
    try:
        taken = inspect.signature(make).parameters
    except (TypeError, ValueError):
        return None
    named = next((name for name in taken if name.lower() in NAMES_OF_STEPS), None)
    plain = [p for p in taken.values() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    return named or (plain[3].name if len(plain) == 5 else None)


def _made(make: Callable[..., Any], sizes: tuple[int, ...], asks: str | None) -> Any:
    n, m, batch, steps = sizes
    rng = np.random.default_rng(0)
    if asks is None:
        return make(n, m, batch, rng)
    names = [name for name in inspect.signature(make).parameters if name != asks]
    return make(**dict(zip(names, (n, m, batch, rng), strict=False)), **{asks: steps})


def with_steps(example: Example) -> Example:
    """The example with its input of a whole sequence, where it has one: x has an axis of steps, or one of a fixed
    length beside those of batch and features."""
    for path, axes in sorted(example.templates.items(), key=lambda item: role_of(str(item[0][-1])) != "x"):
        rest = [axis for axis in axes if axis != ONE]
        if M not in rest or path[0] in INSIDE or any(axis.n for axis in rest):
            continue
        if T in rest:
            return replace(example, x=path)
        fixed = [k for k, axis in enumerate(axes) if axis.one > 1 and axis == Axis(axis.one)]
        if len(fixed) == 1 and len(rest) == 2 + (B in rest):
            chosen = axes[fixed[0]].one
            axes = tuple(T if k == fixed[0] else axis for k, axis in enumerate(axes))
            return replace(example, x=path, steps=chosen, templates={**example.templates, path: axes})
    return replace(example, steps=1)


def _from_the_code(function: Callable[..., Any]) -> Any:
    """An example function from the code itself, read as a cell by the tracer."""
    try:
        inspect.signature(function)
        read: Cell = read_cell(function)
    except (CellError, TypeError, ValueError) as error:
        raise ValueUnusable(
            f"no example was given, and the code does not say enough: {getattr(error, 'message', error)}",
            "give example= (--example file.py:name), best a function of (n, m, batch, rng) that makes the arguments",
        ) from error

    def make(n: int, m: int, batch: int, rng: Any) -> Any:
        numbers = dict.fromkeys(read.dims, 5)
        for size, quantities in ((m, read.inputs), (n, [s.previous for s in read.states])):
            for q in quantities:  # the code alone may not say that all states have one size; the cell does
                numbers |= dict.fromkeys(read.shapes[q.name][-1].free_symbols, size)
        varying = {s.previous.name for s in read.states} | {q.name for q in read.inputs}
        values = {}
        for name, shape in read.shapes.items():
            if name in read.paths:
                lengths = tuple(int(length.subs(numbers)) for length in shape)
                if name in varying and read.layout is not None:
                    lengths = (batch, *lengths) if read.layout == "rows" else (*lengths, batch)
                values[name] = rng.standard_normal(lengths)
        return read.arguments(values)

    return make


def _inferred(call: Call, states: int) -> Example:
    """Templates from one example: the sizes under which most axes mean something."""
    found = call.leaves()
    if not found:
        raise ValueUnusable("the example holds no array of floating-point numbers", "give arrays of float64")
    by_role = {role_of(str(leaf.path[-1])): leaf for leaf in reversed(found)}
    first = [leaf for leaf in found if leaf.path[0] not in INSIDE]
    x = by_role.get("x") or first[0]
    h = by_role.get("h") or next((leaf for leaf in first if leaf is not x), None)
    if h is None:
        raise ValueUnusable("the example has no state beside its input", "call the argument of the state h_prev")
    c = by_role.get("c")
    if c is None and states > 1:
        c = next((leaf for leaf in first if leaf not in (x, h) and leaf.array.shape == h.array.shape), None)
    batched = {leaf.path for leaf in (x, h, c) if leaf is not None}
    best: tuple[tuple[int, int], Any] | None = None
    for axis in (None,) if h.array.ndim < 2 else (0, 1):
        if x.array.ndim != h.array.ndim or (axis is not None and x.array.shape[axis] != h.array.shape[axis]):
            continue
        n, m = (int(v.array.shape[-1 if axis is None else 1 - axis]) for v in (h, x))
        batch = 1 if axis is None else int(h.array.shape[axis])
        templates: dict[Path, tuple[Axis, ...]] = {}
        known = plain = 0
        for leaf in found:
            if leaf.path in batched:
                own = M if leaf is x else N
                templates[leaf.path] = (own,) if axis is None else (B, own) if axis == 0 else (own, B)
            else:
                axes = [meaning(length, n, m) for length in leaf.array.shape]
                known += sum(a is not None for a in axes)
                plain += sum(a in (ONE, N, M) for a in axes)
                templates[leaf.path] = tuple(
                    a or Axis(length) for a, length in zip(axes, leaf.array.shape, strict=True)
                )
        if best is None or (known, plain) > best[0]:
            best = ((known, plain), (templates, (n, m, batch)))
    if best is None:
        raise ValueUnusable(f"{x.name} is {x.array.shape} and {h.name} is {h.array.shape}: which axis is the batch?")
    chosen, sizes = best[1]
    given = Example(call, chosen, sizes)
    wished = Example(call, chosen, SIZES)  # other sizes tell more, where the function takes them
    return wished if wished.runs() else given


def meaning(length: int, n: int, m: int) -> Axis | None:
    """What an axis of that length counts; None if nothing known."""
    if length == 1:
        return ONE
    counts = itertools.chain(
        [(N, n), (M, m), (JOINED, n + m), (JOINED._replace(one=1), n + m + 1)],
        ((Axis(n=k), k * n) for k in (4, 3, 2)),
    )
    return next((axis for axis, value in counts if value == length), None)


PLAIN = {N: 7, M: 7, JOINED: 6, Axis(n=4): 6}
"""How much more it says that an axis is n, m, n + m or 4 n than that it is 2 n or one."""
ORDERS = ("tbf", "btf", "fbt", "tfb", "bft", "ftb")
"""Steps, batch and features in the order in which they are usual."""


def inferred_sequence(call: Call) -> Example | None:
    """One example of a whole sequence: the meaning of the axes under which most of them have one; None for a step."""
    found = {leaf.path: leaf.array.shape for leaf in call.leaves()}
    given = {path: shape for path, shape in found.items() if path[0] not in INSIDE}
    by_role: dict[str | None, Path] = {}
    for path in given:
        by_role.setdefault(role_of(next(part for part in reversed(path) if isinstance(part, str))), path)
    x = by_role.get("x") or next(iter(given), None)
    if x is None:
        return None
    h = by_role.get("h")
    flat = h is None or len([length for length in given[h] if length > 1]) < 2
    if len(given[x]) == 2 and (call.stacked or not flat):
        orders: tuple[str, ...] = ("tf",) if call.stacked else ()
    elif len(given[x]) == 2:
        orders = ("tf", "ft")
    else:
        orders = tuple(o for o in ORDERS if not call.stacked or o[0] == "t") if len(given[x]) == 3 else ()
    best: tuple[int, Example] | None = None
    for order in orders:
        sizes = dict(zip(order, given[x], strict=True))
        for n in sorted({length for shape in found.values() for length in shape if length > 1}):
            score, example = _read_as(call, found, x, by_role, order, (n, sizes["f"], sizes.get("b", 1)), sizes["t"])
            if score is not None and (best is None or score > best[0]):
                best = (score, example)
    if best is None:
        return None
    wished = replace(best[1], sizes=SIZES)
    return wished if wished.runs() else best[1]


def _read_as(
    call: Call,
    found: Mapping[Path, tuple[int, ...]],
    x: Path,
    roles: Mapping[str | None, Path],
    order: str,
    sizes: tuple[int, int, int],
    steps: int,
) -> tuple[int | None, Example]:
    """How many axes mean something when x is laid out so; None where the states do not fit."""
    n, m, batch = sizes
    templates = {x: tuple({"t": T, "b": B, "f": M}[letter] for letter in order)}
    known = 0
    states = {roles[role] for role in ("h", "c") if role in roles} - {x}
    for path, shape in found.items():
        if path == x:
            continue
        rest = [length for length in shape if length != 1]
        turned = "b" in order and order.index("f") < order.index("b")
        wanted = [length for length in ((n, batch) if turned else (batch, n)) if length != 1]
        if path in states and rest != wanted:
            return None, Example(call, {}, sizes)
        plainly = rest == wanted and len(rest) == 2 and batch not in (n, m, 4 * n) and path[0] not in INSIDE
        if path in states or plainly:
            letters = iter(
                [
                    axis
                    for axis, length in zip(
                        (N, B) if turned else (B, N), (n, batch) if turned else (batch, n), strict=True
                    )
                    if length != 1
                ]
            )
            templates[path] = tuple(ONE if length == 1 else next(letters) for length in shape)
            known += 2 * PLAIN[N]
            continue
        axes = [meaning(length, n, m) for length in shape]
        known += sum(PLAIN.get(axis, 1) for axis in axes if axis is not None)
        templates[path] = tuple(a or Axis(length) for a, length in zip(axes, shape, strict=True))
    return known, Example(call, templates, sizes, x, steps)
