"""What an adapter makes of a framework's object: layers and directions, their arrays, and a function that runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from symlstm.checking.report import Finding, Report
from symlstm.conventions.layout import Layout
from symlstm.evidence.running import U

Run = Callable[[Mapping[str, Any], Any, Mapping[tuple[int, str], Any], "Mapping[Any, Any] | None"], "Result"]


@dataclass(frozen=True)
class Adapter:
    """recognises: whether a thing is this framework's, without importing it. check: (thing, cell) -> Report."""

    recognises: Callable[[Any], bool]
    check: Callable[[Any, Any], Report]


@dataclass(frozen=True)
class Place:
    """A layer in one direction. names: name in the layout -> key among the arrays of the network."""

    level: int
    reverse: bool
    names: Mapping[str, str]

    @property
    def label(self) -> str:
        return f"layer {self.level}{', reverse' if self.reverse else ''}"


@dataclass(frozen=True)
class Result:
    """output: (steps, batch, directions * p), None if not known. last: (place, state) -> (batch, length).

    gradients: by key of an array, "x", and (place, state) for initial states; empty if none were asked for.
    """

    output: Any
    last: Mapping[tuple[int, str], Any]
    gradients: Mapping[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """Recurrent layers that can be run on any numbers.

    cell: the built-in cell that the framework says it is. places: by level, forward before reverse. sizes: n, m (of the
    first layer), p (the length of h). run(arrays, x, states, upstream) -> Result: x is (steps, batch, m), states by
    (place, state) are (batch, length); upstream has gradients by "output" and (place, state), or is None. unit: of
    rounding, 2^-53 or 2^-24. states: whether it takes initial states (else they are zero). differentiates: whether run
    gives gradients. notes: findings that the adapter has of its own. weights: numbers for the arrays, drawn where there
    are none. own: makes the same at the sizes, and with the weights, that the framework's object itself has.
    """

    name: str
    cell: str
    layout: Layout
    places: tuple[Place, ...]
    sizes: Mapping[str, int]
    run: Run
    unit: float = U
    states: bool = True
    differentiates: bool = True
    notes: tuple[Finding, ...] = ()
    weights: Mapping[str, Any] = field(default_factory=dict)
    own: Callable[[], Network] | None = None

    def width(self, place: Place) -> dict[str, int]:
        """The sizes of a layer: the input of a higher one is the output of the one below, in all directions."""
        directions = sum(p.level == 0 for p in self.places)
        m = self.sizes["m"] if place.level == 0 else directions * self.sizes["p"]
        return {**self.sizes, "m": m}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array by its key."""
        return {
            place.names[a.name]: a.shape(self.width(place))
            for place in self.places
            for a in self.layout.arrays
            if a.name in place.names
        }
