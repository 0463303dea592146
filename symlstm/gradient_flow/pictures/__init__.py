"""The pictures of a flow of gradients, by name; each is one file here with one function `picture(flow)`.

To add one, write such a file and name it in PICTURES.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from symlstm.errors import unknown
from symlstm.gradient_flow.first import first_example
from symlstm.gradient_flow.pictures import drawing
from symlstm.gradient_flow.pictures.picture import Picture

PICTURES = (
    "gates", "half_lives", "lags", "spectrum", "eigenvalues", "gradients", "connectivity", "fixed_points",
)  # fmt: skip
"""In the order of the report."""


def pictures(flow: Any) -> tuple[Picture, ...]:
    """All pictures of a flow, of the first example of a batch. Nothing is drawn yet."""
    return tuple(picture(flow, name) for name in PICTURES)


def picture(flow: Any, name: str) -> Picture:
    """One picture, by name. Raises NameUnknown."""
    if name not in PICTURES:
        raise unknown("picture", name, PICTURES)
    made: Picture = import_module(f"symlstm.gradient_flow.pictures.{name}").picture(first_example(flow))
    return made


def figure(flow: Any, name: str) -> Any:
    """One picture as a matplotlib figure. Raises NameUnknown, and ExtraMissing without matplotlib."""
    return drawing.figure(picture(flow, name))
