"""A sequence, many steps at a time: their states, and what the loop over them keeps, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from symlstm.codegen.floats import finite
from symlstm.codegen.streaming import Array, Step, Stream

Made = TypeVar("Made")

PIECE, LONGEST = 2**15, 128
"""How many numbers the states of the steps have that are looked at together, and how many steps at most."""
FEWER = 4
"""So many times fewer steps are looked at first."""


@dataclass(frozen=True)
class Piece:
    """Some consecutive steps at once. index: of the first. x, states: before each step, time first.

    kept: what is known already of quantities that have an equation, by name, (steps, ..., n).
    """

    stream: Stream
    index: int
    steps: int
    x: Any
    states: tuple[Array, ...]
    kept: dict[str, Array]

    @cached_property
    def known(self) -> Mapping[str, Array]:
        """Values, previous states and inputs of all steps, (steps, ..., n), and parameters, by name."""
        stream, x = self.stream, self.x if isinstance(self.x, tuple) else (self.x,)
        before = {s.previous.name: a for s, a in zip(stream.cell.states, self.states, strict=True)}
        inputs = {q.name: a for q, a in zip(stream.cell.inputs, x, strict=False)}
        equations = {e.name for e in stream.cell.equations}
        rest = partial(stream.values, self.x, self.states)  # not a method of the piece: the two would keep each other
        return _Known(stream.p | inputs | before | self.kept, equations, rest)

    def step(self, k: int) -> Step:
        """One of them by itself."""
        return self.stream.at(self.index + k, tuple(a[k] for a in self.states))


class _Known(Mapping[str, Array]):
    """What is known by name; the rest is computed when somebody asks for it."""

    def __init__(self, known: dict[str, Array], rest: set[str], compute: Callable[[], dict[str, Array]]) -> None:
        self.known, self.rest, self.compute = known, rest, compute

    def __getitem__(self, name: str) -> Array:
        if name not in self.known and name in self.rest:
            self.known = self.compute() | self.known
        return self.known[name]

    def __contains__(self, name: object) -> bool:
        return name in self.known or name in self.rest

    def __iter__(self) -> Iterator[str]:
        return iter({**self.known, **dict.fromkeys(self.rest)})

    def __len__(self) -> int:
        return len(self.rest.union(self.known))


class Pieces:
    """The pieces of a sequence, one after the other."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._started: Callable[[], Any] | None = None

    def each(self, also: Callable[[Piece], Made]) -> Iterator[tuple[Piece, Made]]:
        """Every piece (about PIECE numbers of the states), and what is also made of it.

        Where the loops are compiled, another thread makes both while the ones before are used. Raises ValueUnusable
        where the states overflow.
        """
        found, states = (self._started or self._begin(self._piece, 0, self._ends[0], self.stream.first))()
        self._started = None

        def piece(index: int, end: int, states: tuple[Array, ...]) -> tuple[Piece, Made, tuple[Array, ...]]:
            found, after = self._piece(index, end, states)
            return found, also(found), after

        made = also(found)
        for index, end in pairwise(self._ends):
            following = self._begin(piece, index, end, states)
            yield found, made
            found, made, states = following()
        yield found, made

    def start(self) -> None:
        """Begin with the first piece, for those who have something else to do before they use it."""
        self._started = self._begin(self._piece, 0, self._ends[0], self.stream.first)

    @cached_property
    def _ends(self) -> list[int]:
        """Where the pieces end.

        The first is short, as it is waited for; each of the next is made while the one before is used, so it is about
        half as long again.
        """
        longest = max(1, min(LONGEST, PIECE // max(1, sum(a.size for a in self.stream.first))))
        length, ends = max(1, longest // FEWER), [0]
        while ends[-1] < self.stream.steps:
            ends.append(min(ends[-1] + length, self.stream.steps))
            length = min(length + length // 2 + 1, longest)
        return ends[1:]

    @cached_property
    def _begin(self) -> Any:
        """Begins a call, and gives what waits for its result: in another thread where the loops are compiled."""
        if self.stream.compiled.backend == "numpy":
            return partial
        from symlstm.codegen.fast.parts import beside

        return beside

    def _piece(self, index: int, end: int, states: tuple[Array, ...]) -> tuple[Piece, tuple[Array, ...]]:
        """The piece from one step to another, from the states before it, and those after it."""
        steps = end - index
        x = self._inputs(index, steps)
        run, kept = self._run(steps if x is None else x, states)
        before = tuple(a[:-1] for a in run)
        bad = [int(np.argwhere(~np.isfinite(a[1:]))[0][0]) for a in run if not finite(a)]
        if bad:
            step = self.stream.at(index + min(bad), tuple(a[min(bad)] for a in before))
            found = {s.current.name: a[min(bad) + 1] for s, a in zip(self.stream.cell.states, run, strict=True)}
            self.stream.compiled.raise_at_step(step.index, self.stream.p, step.x, step.states, found)
        return Piece(self.stream, index, steps, x, before, kept), tuple(a[-1] for a in run)

    @cached_property
    def _prepared(self) -> dict[str, Array]:
        """What is the same at every step, for `forward`."""
        prepared: dict[str, Array] = self.stream.compiled._functions["prepare"](
            {name: np.asarray(a, self.stream.dtype, order="C") for name, a in self.stream.p.items()}
        )
        return prepared

    def _run(self, x: Any, states: tuple[Array, ...]) -> tuple[list[Array], dict[str, Array]]:
        """The states before each step and after the last, and the values that the loop keeps, time first."""
        functions, cell = self.stream.compiled._functions, self.stream.cell
        shapes = functions["SHAPES"]

        def laid(names: list[str], arrays: Any, lead: int) -> tuple[Array, ...]:
            given = {name: np.asarray(a, self.stream.dtype, order="C") for name, a in zip(names, arrays, strict=True)}
            return tuple(functions["laid_out"](shapes, given, self.stream.batch, lead).values())

        if cell.inputs:
            x = laid([q.name for q in cell.inputs], x if isinstance(x, tuple) else (x,), 1)
        s = laid([s.previous.name for s in cell.states], states, 0)
        with np.errstate(all="ignore"):
            found = functions["forward"](self._prepared, x[0] if len(cell.inputs) == 1 else x, s)
        names = [s.current.name for s in cell.states]
        run = [functions["given_back"](shapes, name, found[name], self.stream.batch, 1) for name in names]
        vectors = [e.name for e in cell.equations if e.quantity.shape[1] == 1 != e.quantity.shape[0]]
        kept = {name: found[name] for name in vectors if name in found and name not in names}
        kept = {name: a.reshape(len(a), *self.stream.batch, a.shape[-1]) for name, a in kept.items()}
        return run, kept | {name: a[1:] for name, a in zip(names, run, strict=True) if name in vectors}

    def _inputs(self, index: int, steps: int) -> Any:
        x = self.stream.x
        if x is None:
            return None
        found = tuple(a[index : index + steps] for a in (x if isinstance(x, tuple) else (x,)))
        return found if len(found) > 1 else found[0]
