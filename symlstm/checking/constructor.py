"""Making an instance of somebody's class: sizes and the like by the names of what its constructor takes."""

from __future__ import annotations

import contextlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.checking.leaves import own_arrays
from symlstm.errors import ValueUnusable

HIDDEN = set(
    "hidden_size hidden_sz hidden_dim hidden hiddens n_hidden nh n_h h hid units num_units n_units num_hiddens "
    "num_hidden d_hidden hidden_units hidden_features dim_hidden hidden_channels state_size state_dim "
    "cell_size rnn_size n_a na hs hsize h_size h_dim hdim dim_h nhid nhidden n out_features size_hidden size_h "
    "d_h size num_cells mem_cell_ct".split()
)
INPUT = set(
    "input_size input_sz input_dim n_in nin n_input n_inputs num_inputs num_input nx n_x d d_in in_features "
    "in_dim dim_in input_features input_channels embed_dim embedding_dim embed_size emb_size emb_dim "
    "feature_size feature_dim num_features x_dim xdim dim_x x_size ninp in_size insize size_in size_x m input "
    "inputs d_input d_model x d_x features vocab_size dim".split()
)
FIXED = {
    "batch": 2, "batch_size": 2, "b": 2, "bs": 2, "nb": 2, "n_batch": 2,
    "num_layers": 1, "n_layers": 1, "layers": 1, "nlayers": 1, "output_size": 7, "output_dim": 7, "n_out": 7,
    "num_classes": 7, "num_outputs": 7, "ny": 7, "n_y": 7, "out_dim": 7,
}  # fmt: skip
"""What is asked for but is no size of a cell."""


@dataclass(frozen=True)
class Maker:
    """A class, and which of its constructor's arguments are the sizes n and m; others are what they are."""

    made: type
    hidden: tuple[str, ...]
    inputs: tuple[str, ...]
    others: dict[str, Any]

    def at(self, n: int, m: int) -> Any:
        """An instance of that size; whatever its constructor raises."""
        values = {**dict.fromkeys(self.hidden, n), **dict.fromkeys(self.inputs, m)}
        values |= {name: value() if callable(value) else value for name, value in self.others.items()}
        with _randomness_kept():
            return self.made(**values)


@contextlib.contextmanager
def _randomness_kept() -> Iterator[None]:
    """The random numbers that the user draws are not moved by those that are drawn here."""
    numpy_state = np.random.get_state()
    torch = sys.modules.get("torch")
    with torch.random.fork_rng(devices=[]) if torch is not None else contextlib.nullcontext():
        try:
            yield
        finally:
            np.random.set_state(numpy_state)


def makers(made: type) -> list[Maker]:
    """How instances can be made, the likeliest first; ValueUnusable names what is asked for and cannot be told."""
    hidden, inputs, unknown = [], [], []
    others: dict[str, Any] = {}
    try:
        taken = inspect.signature(made).parameters
    except (TypeError, ValueError):
        raise ValueUnusable(f"how {made.__name__} is made is not known", "give an object of it, or a method") from None
    for name, parameter in taken.items():
        plain = _plain(name)
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if plain in HIDDEN:
            hidden.append(name)
        elif plain in INPUT:
            inputs.append(name)
        elif plain in ("key", "prng_key", "rng_key") or (plain == "rng" and "jax" in sys.modules):
            others[name] = _key
        elif plain in ("rng", "generator", "random_state") and parameter.default is parameter.empty:
            others[name] = _generator
        elif parameter.default is parameter.empty:
            if plain in FIXED:
                others[name] = FIXED[plain]
            else:
                unknown.append(name)
    if not unknown:
        return [Maker(made, tuple(hidden), tuple(inputs), others)]
    if len(unknown) == 2 and not hidden and not inputs:
        first, second = unknown
        return [Maker(made, (second,), (first,), others), Maker(made, (first,), (second,), others)]
    if len(unknown) == 1 and bool(hidden) != bool(inputs):
        last = (unknown[0],)
        return [Maker(made, tuple(hidden) or last, tuple(inputs) or last, others)]
    raise ValueUnusable(
        f"what {', '.join(unknown)} of {made.__name__} is could not be found out",
        "sizes are known by names such as input_size and hidden_size; or check an object that you have made, or a "
        "method of it: sl.check(net.step, ...)",
    )


def _plain(name: str) -> str:
    """inputSize, input_size_, Input_Size: input_size."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()).strip("_")


def _key() -> Any:
    return sys.modules["jax"].random.PRNGKey(0)


def _generator() -> Any:
    return np.random.default_rng(0)


def sizes_of_instance(instance: Any) -> list[tuple[int, int]]:
    """The sizes (n, m) that an instance may have, the likeliest first: as its attributes or its arrays say."""
    named: dict[str, list[int]] = {"n": [], "m": []}
    for name, value in _attributes(instance):
        plain = _plain(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            named["n"] += [value] if plain in HIDDEN else []
            named["m"] += [value] if plain in INPUT else []
    lengths = {int(length) for _, array in own_arrays(instance) for length in np.shape(array)}
    lengths |= {length // k for length in lengths for k in (2, 3, 4) if length % k == 0}
    hidden = named["n"][:1] or sorted(lengths)
    lengths |= {length - n for length in lengths for n in hidden if length > n}
    inputs = [*named["m"][:1], *sorted(lengths)]
    return list(dict.fromkeys((n, m) for n in hidden for m in inputs))


def _attributes(instance: Any) -> list[tuple[str, Any]]:
    parts = [part for _, part in instance.named_modules()] if hasattr(instance, "named_modules") else [instance]
    own = [part for part in parts if not type(part).__module__.startswith("torch.")]  # a Linear has sizes of its own
    return [item for part in own for item in getattr(part, "__dict__", {}).items()]


def again(instance: Any) -> Callable[[int, int], Any] | None:
    """How to make instances like this one of other sizes; None where its attributes do not say how it was made.

    Whether they compute the same is to be tried.
    """
    try:
        taken, (maker, *_) = inspect.signature(type(instance)).parameters, makers(type(instance))
    except (ValueUnusable, TypeError, ValueError):
        return None
    own = getattr(instance, "__dict__", {})
    kept = {
        name: own[name]
        for name in taken
        if name not in (*maker.hidden, *maker.inputs) and isinstance(own.get(name), (bool, int, float, str))
    }
    return Maker(maker.made, maker.hidden, maker.inputs, {**maker.others, **kept}).at
