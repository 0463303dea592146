"""Ways to call what comes without an example: which arguments, laid out how. They are tried, and what runs is weighed.

A way is right where nothing of one item of the batch reaches another, and nothing of a later step an earlier one.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.checking.axes import LETTERS, SIZES, STEPS, Axis, B, M, N
from symlstm.checking.calls import SELF, Call, attempt, call_of, entry, in_precision
from symlstm.checking.example import Example, lengths
from symlstm.checking.given import templates_of
from symlstm.checking.inferred import meaning
from symlstm.checking.leaves import Path, leaves, like, own_arrays
from symlstm.checking.probe import draw
from symlstm.checking.tensors import signature_of
from symlstm.checking.words import role_of
from symlstm.errors import ValueUnusable

LAYOUTS = (("bf", "bf"), ("btf", "bf"), ("tbf", "bf"), ("btf", "1bf"), ("tbf", "1bf"), ("*bf", "bf"), ("fb", "fb"),
           ("f", "f"), ("tf", "f"), ("tf", "1f"), ("tfb", "fb"), ("f1", "f1"))  # fmt: skip
"""What the axes of x and of the states may count (symlstm.checking.layout); *: a list of steps."""
AXES = {letter: axis for axis, letter in LETTERS.items() if letter != "f"}
JOINT = ("state", "states", "hidden", "hx", "hc", "init", "prev", "carry", "h", "memory")


@dataclass(frozen=True)
class Way:
    """arguments: name -> "x", "h", "c", or several of these in a tuple. x, state: the layouts."""

    arguments: tuple[tuple[str, Any], ...]
    x: str
    state: str

    @property
    def states(self) -> bool:
        return len(self.arguments) > 1


def ways(function: Callable[..., Any], owner: Any, states: int) -> Iterator[Way]:
    """All of them, the most usual first; states: how many the cell has."""
    for arguments in _arguments(function, owner, states):
        for x, state in LAYOUTS:
            if len(arguments) > 1 or state in ("bf", "fb", "f", "f1"):
                yield Way(arguments, x, state)


def _arguments(function: Callable[..., Any], owner: Any, states: int) -> Iterator[tuple[tuple[str, Any], ...]]:
    """x and the states among the arguments: all that are asked for, and as many more as can be states."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    taken = [p for p in signature_of(function, owner).parameters.values() if p.kind in kinds]
    if not taken:
        return
    x = next((p for p in taken if role_of(p.name) == "x"), None)
    x = x or next((p for p in taken if role_of(p.name) is None and not _is_state(p.name)), taken[0])
    asked = [p for p in taken if p is not x and p.default is p.empty]
    more = [p for p in taken if p is not x and p.default is not p.empty and not isinstance(p.default, (bool, int, str))]
    for count in range(len(more), -1, -1):
        for chosen in itertools.combinations(more, count):
            given = [p for p in taken if p is x or p in asked or p in chosen]
            for roles in _roles([p.name for p in given if p is not x], states):
                named = iter(roles)
                yield tuple((p.name, "x" if p is x else next(named)) for p in given)


def _is_state(name: str) -> bool:
    return role_of(name) in ("h", "c") or any(word in name.lower() for word in JOINT)


def _roles(names: list[str], states: int) -> Iterator[tuple[Any, ...]]:
    """What other arguments than x may be, in their order."""
    every = ("h", "c")[:states]
    if not names:
        yield ()
    elif len(names) == 1:
        yield from [(every,), ("h",)] if states > 1 else [("h",), (("h",),)]
    elif len(names) == states:
        roles = tuple(role_of(name) for name in names)
        yield roles if sorted(r or "" for r in roles) == sorted(every) else every


def tried(at: Callable[[int, int], Any], sizes: list[tuple[int, int]], free: bool, states: int, name: str) -> Example:
    """The example in the way that fits best; free: whether `at` makes it in any size. ValueUnusable: none runs."""
    problem: ValueUnusable | None = None
    best: tuple[float, Way, tuple[int, int, int], int] | None = None
    for n, m in sizes:
        function = at(n, m)
        batch, steps = (SIZES[2], STEPS) if free else _others(n, m)
        for way in ways(*entry(function), states):
            try:
                score = _weight(_call(function, way, (n, m, batch), steps), way, (n, m, batch), steps)
            except ValueUnusable as error:
                problem = problem or error
                continue
            if score is not None and (best is None or score > best[0]):
                best = (score, way, (n, m, batch), steps)
        if best is not None and best[0] >= 2:
            break
    if best is not None:
        return lengths(_example(at, *best[1:], free))
    why = f"; the first that was tried: {problem.message}" if problem else ""
    raise ValueUnusable(
        f"{name} takes none of the layouts of x and the states that were tried{why}",
        "give example= (--example file.py:name), best a function of (n, m, batch, rng) that makes the arguments",
    ) from problem


def _others(n: int, m: int) -> tuple[int, int]:
    """A batch and a number of steps that are told apart from all other sizes."""
    taken = {n, m, n + m, 2 * n, 3 * n, 4 * n, 1}
    free = [k for k in range(2, 40) if k not in taken]
    return free[0], next(k for k in free[1:] if k + 1 not in taken | {free[0]} and k >= 3)


def _call(function: Any, way: Way, sizes: tuple[int, int, int], steps: int) -> Call:
    arrays = [array for _, array in own_arrays(entry(function)[1])]

    def zeros(role: Any) -> Any:
        if isinstance(role, tuple):
            return tuple(zeros(part) for part in role)
        layout, feature = (way.x, sizes[1]) if role == "x" else (way.state, sizes[0])
        shape = [{"f": feature, "b": sizes[2], "t": steps, "1": 1}[letter] for letter in layout.lstrip("*")]
        made = np.full(shape, 0.25)
        if arrays:
            made = like(made, arrays[0], "single")
            made = made.detach() if hasattr(made, "detach") else made
        return [made] * steps if layout.startswith("*") and role == "x" else made

    given = {name: zeros(role) for name, role in way.arguments}
    call = call_of(function, (), given)
    stacked = tuple((name,) for name, role in way.arguments if role == "x" and way.x.startswith("*"))
    return in_precision(Call(call.function, call.arguments, call.positional, call.owner, stacked))


def _weight(call: Call, way: Way, sizes: tuple[int, int, int], steps: int) -> float | None:
    """How well a way fits; None where it does not."""
    rng = np.random.default_rng(3)
    x = next((name,) for name, role in way.arguments if role == "x")
    arrays = {leaf.path: draw(rng, leaf.array.shape) for leaf in call.leaves()}
    before = _results(call, arrays)
    if not any(sizes[0] in array.shape for array in before.values()):
        return None

    def moved(letter: str, index: int) -> list[Any]:
        """Which entries of each result change with one step, or one item of the batch, of x."""
        changed = {**arrays, x: arrays[x].copy()}
        place: list[Any] = [slice(None)] * arrays[x].ndim
        place[layout.index(letter)] = index
        changed[x][tuple(place)] += 0.25
        after = _results(call, changed)
        masks = [before[p] != after[p] for p in before if p in after and before[p].shape == after[p].shape]
        return [mask for mask in masks if mask.any()]

    layout = way.x.replace("*", "t")
    score = 0.25 * way.states
    if "b" in layout:
        masks = moved("b", 0)
        score += sum(2.0 if _alone(mask, sizes[2]) else -2.0 for mask in masks) / max(len(masks), 1) - (not masks)
    if "t" in layout:
        score += 0.5 * any(_alone(mask, steps) for mask in moved("t", steps - 1))
        carried = [mask for mask in moved("t", 0) if not _alone(mask, steps)]
        score -= not carried  # a step that takes more axes than it needs
    return score


def _alone(mask: Any, length: int) -> bool:
    """Whether all changes are at one place of an axis of that length."""
    return any(
        size == length and np.flatnonzero(mask.any(axis=tuple(set(range(mask.ndim)) - {axis}))).size == 1
        for axis, size in enumerate(mask.shape)
    )


def _results(call: Call, arrays: dict[Path, Any]) -> dict[Path, Any]:
    return {leaf.path: leaf.array for leaf in leaves(attempt(call, {p: a.copy() for p, a in arrays.items()}))}


def _example(at: Callable[[int, int], Any], way: Way, sizes: tuple[int, int, int], steps: int, free: bool) -> Example:
    call = _call(at(sizes[0], sizes[1]), way, sizes, steps)
    if free:

        def other(sizes: tuple[int, ...]) -> Call:
            return _call(at(sizes[0], sizes[1]), way, (sizes[0], sizes[1], sizes[2]), sizes[3])

        templates = templates_of(other, (*sizes, steps), True)
    else:
        n, m, _ = sizes
        templates = {}
        for leaf in call.leaves():
            if leaf.path[0] == SELF:
                axes = [meaning(length, n, m) or Axis(length) for length in leaf.array.shape]
                templates[leaf.path] = tuple(axes)
    for path, axes_of in list(templates.items()):
        if path[0] == SELF and role_of(str(path[-1])) in ("h", "c"):  # a state that the object keeps
            templates[path] = tuple(B if length == Axis(sizes[2]) else length for length in axes_of)
    for name, role in way.arguments:
        for path in [leaf.path for leaf in call.leaves() if leaf.path[0] == name]:
            layout, own = (way.x.replace("*", "t"), M) if role == "x" else (way.state, N)
            templates[path] = tuple(own if letter == "f" else AXES[letter] for letter in layout)
    x = next((name,) for name, role in way.arguments if role == "x")
    whole = "t" in way.x or "*" in way.x
    return Example(call, templates, sizes, x if whole else None, steps if whole else 1)
