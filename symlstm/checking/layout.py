"""What the axes of an array count, one letter each, and the array with its axes in our order.

t steps, b batch, f features (m or n); T steps after the initial state, which comes first; U steps before the initial
state, which comes last (the row -1); 1 an axis of length one.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def standard(array: Any, axes: str) -> Any:
    """(steps, batch, features), or (batch, features) where there is no axis of steps; without a batch, one of 1."""
    array = np.asarray(array)
    if array.ndim != len(axes):
        raise ValueError(f"an array of {array.ndim} axes is not laid out as {axes!r}")
    for letter, part in (("T", slice(1, None)), ("U", slice(None, -1))):
        if letter in axes:
            array = array[(slice(None),) * axes.index(letter) + (part,)]
    axes = axes.replace("T", "t").replace("U", "t")
    kept = [k for k, letter in enumerate(axes) if letter != "1"]
    array = array.reshape([array.shape[k] for k in kept])
    letters = [axes[k] for k in kept]
    array = array.transpose([letters.index(letter) for letter in "tbf" if letter in letters])
    if "b" not in letters:
        array = np.expand_dims(array, -2)
    return array


def laid_out(array: Any, axes: str) -> Any:
    """(steps, batch, features), or (batch, features), as an array with these axes: `standard` the other way round."""
    array = np.asarray(array)
    letters = "tbf" if array.ndim == 3 else "bf"
    if "b" not in axes:
        array, letters = array.reshape(*array.shape[:-2], array.shape[-1]), letters.replace("b", "")
    array = array.transpose([letters.index(letter) for letter in axes if letter in letters])
    return np.expand_dims(array, [k for k, letter in enumerate(axes) if letter == "1"])


def said(axes: str, sizes: dict[str, str]) -> str:
    """(T, B, m): the axes in words."""
    names = {"t": "T", "b": "B", "T": "T+1", "U": "T+1", "1": "1", **sizes}
    return "(" + ", ".join(names[letter] for letter in axes) + ")"
