"""The table of kinds of arrays: whose a value is, as NumPy, from NumPy like it was, and how its code is run."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, cast

import numpy as np

Precision = Literal["own", "wide", "single"]
"""own: float64 goes in. wide: float64 goes in, and is what the library makes by itself as well. single: float32."""


class Kind(Protocol):
    """A library of arrays."""

    def mine(self, value: Any) -> bool:
        """Whether it is an array of floating-point numbers of this library."""

    def numpy(self, value: Any) -> Any:
        """The numbers, in float64."""

    def narrow(self, value: Any) -> bool:
        """Whether the array has fewer digits than float64."""

    def like(self, array: Any, value: Any, precision: Precision) -> Any:
        """Numbers as an array of the kind, on the device, of `value`."""

    def running(self, precision: Precision) -> contextlib.AbstractContextManager[Any]:
        """What somebody's code runs in; all is as before afterwards."""

    def holds(self, value: Any) -> bool:
        """Whether an object holds arrays elsewhere than in its attributes (a module)."""

    def held(self, value: Any) -> list[tuple[str, Any]]:
        """The arrays that such an object holds, by name."""

    def twin(self, value: Any, arrays: Mapping[str, Any], precision: Precision) -> Any:
        """A copy of such an object that holds other arrays."""

    def called(self, value: Any, function: Any) -> bool:
        """Whether a function is what runs when such an object is called."""

    def code(self, value: Any) -> Any:
        """The function in which the user wrote what such an object computes."""

    def signature(self, function: Any, owner: Any) -> inspect.Signature | None:
        """The arguments of a function of the library whose own signature does not say them."""

    def notes(self, value: Any) -> list[tuple[str, str]]:
        """What is to be said of such an object: (name of the finding, message)."""

    def compiled(self, run: Callable[[Any], Any], arrays: Mapping[Any, Any]) -> Callable[[Any], Any] | None:
        """A function of arrays by path that the library has compiled, or None; arrays: what it is called with."""

    def differentiates(self, value: Any) -> bool:
        """Whether the library has the gradients of what such an object computes."""

    def gradients(
        self,
        run: Callable[[Any], Any],
        total: Callable[[Any, Any], Any],
        given: Sequence[Any],
        above: Sequence[Any],
        known: dict[Any, Any],
    ) -> list[Any]:
        """The gradients of `total(run(given), above)` in each of the arrays `given`; None: none reaches it.

        known: where what is compiled is kept, from one call of the same function to the next."""


LIBRARIES = {"torch": "symlstm.checking.tensors.of_torch", "jax": "symlstm.checking.tensors.of_jax"}
"""Imported library -> its adapter."""


def kinds() -> list[Kind]:
    """The adapters of the libraries that are imported."""
    return [cast(Kind, importlib.import_module(place)) for name, place in LIBRARIES.items() if name in sys.modules]


def kind_of(value: Any) -> Kind | None:
    """The adapter of an array, or of an object that holds arrays; None for NumPy and all else."""
    if isinstance(value, (np.ndarray, float, int, str, dict, tuple, list)):
        return None
    return next((kind for kind in kinds() if kind.mine(value) or kind.holds(value)), None)


@contextlib.contextmanager
def running(precision: Precision) -> Iterator[None]:
    """What somebody's code runs in."""
    with contextlib.ExitStack() as stack:
        for kind in kinds():
            stack.enter_context(kind.running(precision))
        yield


def signature_of(function: Any, owner: Any = None) -> inspect.Signature:
    """The arguments of a function; ValueError or TypeError where nothing says them."""
    found = (kind.signature(function, owner) for kind in kinds())
    return next((signature for signature in found if signature is not None), None) or inspect.signature(function)
