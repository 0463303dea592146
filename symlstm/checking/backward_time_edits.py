"""Mutants of the backward loop over steps: the carry through time, what is added up, which step's values are used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from symlstm.checking.backward_loop import LAST_ONLY, BackLoop
from symlstm.checking.convention import Convention
from symlstm.checking.edits import Edit

ADDED_UP = {
    "last": ("accumulated", "gradients of parameters are those of the last step alone, not sums over all steps"),
    "first": (
        "accumulated",
        "gradients of parameters are those of the first step alone: each step overwrites what the one after it left",
    ),
    "but_first": ("accumulated", "the first step is missing in the sums that the gradients of parameters are"),
    "but_last": ("accumulated", "the last step is missing in the sums that the gradients of parameters are"),
}
ARRIVES = {
    LAST_ONLY: ("upstream_of_last", "the gradient of the loss is used in the last step alone"),
    "last": ("upstream_of_last", "the gradient of the loss by the last state is used in every step"),
    "first": ("upstream_of_first", "the gradient of the loss by the first state is used in every step"),
    "reversed": ("upstream_reversed", "the gradients of the loss are read in the wrong order"),
    "before": ("upstream_shifted", "the gradient of the loss is that of the step before"),
    "next": ("upstream_shifted", "the gradient of the loss is that of the step after"),
}
COLUMNS = {
    "last": ("values_of_last", "gradients of parameters use the x and the states of the last step at every step"),
    "first": ("values_of_first", "gradients of parameters use the x and the states of the first step at every step"),
    "next": ("values_shifted", "gradients of parameters use the x and the states of the step after"),
    "before": ("values_shifted", "gradients of parameters use the x and the states of the step before"),
}


def backward_time_edits(convention: Convention, loop: BackLoop) -> list[Edit]:
    """All edits of how the steps hang together on the way back, the commonest mistakes first."""
    return [edit for edit in _all(convention, loop) if edit.loop is not None and edit.loop(loop) != loop]


def _edit(name: str, message: str, **changes: Any) -> Edit:
    return Edit(name, message, (), loop=lambda old: replace(old, **changes))


def _without(ups: list[Any]) -> Any:
    return lambda loop: loop.carry(*[(up, None) for up in ups])


def _all(convention: Convention, loop: BackLoop) -> Iterator[Edit]:
    states = dict(zip([s.current for s in convention.sites.cell.states], loop.carries, strict=True))
    groups = [*[[q] for q in states], *([list(states)] if len(states) > 1 else [])]
    for group in reversed(groups):
        names = " and ".join(q.name for q in group)
        yield Edit(
            "carry_missing",
            f"the carry through time is missing: what step t + 1 sends back to {names} is not added to the gradient",
            (),
            loop=_without([states[q][0] for q in group]),
        )
    if len(states) == 2:
        (up, sent), (other_up, other_sent) = states.values()
        a, b = (q.name for q in states)
        message = f"what step t + 1 sends back to {a} arrives at {b}, and the other way round"
        yield Edit("carries_exchanged", message, (), loop=lambda old: old.carry((up, other_sent), (other_up, sent)))
    for how, (name, message) in ADDED_UP.items():
        yield _edit(name, message, steps=how)
    for how, (name, message) in ARRIVES.items():
        yield _edit(name, message, arrives=how)
    for how, (name, message) in COLUMNS.items():
        yield _edit(name, message, columns=how)
    yield _edit("reversed", "the gradients by x are returned from the last step to the first", shows="reversed")
    message = "the gradients by the initial states are those that the last step sends back, not the first"
    yield _edit("initial_of_last", message, initial="last")
