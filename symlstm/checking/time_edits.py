"""Mutants of the loop over steps: what is carried, which input a step reads, what is shown. A table of edits of a Loop.

They compose with each other and with edits of the equations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from symlstm.checking.convention import Convention
from symlstm.checking.edits import Edit
from symlstm.checking.loop import LAST, Loop
from symlstm.expr.text import text

READ = {
    "first": ("x_of_the_first_step", "every step reads the x of the first step"),
    "last": ("x_of_the_last_step", "every step reads the x of the last step"),
    "before": ("x_shifted", "step t reads the x of step t - 1, and the first its own"),
    "before_around": ("x_shifted", "step t reads the x of step t - 1, and the first that of the last"),
    "next": ("x_shifted", "step t reads the x of step t + 1, and the last its own"),
    "next_around": ("x_shifted", "step t reads the x of step t + 1, and the last that of the first"),
}
SHOWN = {
    "late": ("outputs_shifted", "the states that are returned are those before each step: the initial one is first"),
    "next": ("outputs_shifted", "the states that are returned are one step ahead"),
    "last": ("outputs_repeated", "the state after the last step is returned for every step"),
    "first": ("outputs_repeated", "the state after the first step is returned for every step"),
    "reversed": ("outputs_reversed", "the states are returned from the last step to the first"),
}
LASTS = {
    "first": ("last_is_first", "what is returned as the last state is that after the first step"),
    "one_early": ("last_is_early", "what is returned as the last state is that before the last step"),
}


def time_edits(convention: Convention, loop: Loop) -> list[Edit]:
    """All edits of how the steps follow each other, the commonest mistakes first."""
    made = []
    for edit in (*_carried(convention, loop), *_started(convention, loop), *_read_and_shown(convention)):
        assert edit.loop is not None
        if edit.loop(loop) != loop:
            made.append(edit)
    return made


def _edit(name: str, message: str, **loop: Any) -> Edit:
    return Edit(name, message, (), loop=lambda old: replace(old, **loop))


def _carry(name: str, message: str, changes: dict[Any, dict[str, Any]]) -> Edit:
    def act(loop: Loop) -> Loop:
        for previous, new in changes.items():
            loop = loop.carry(previous, **new)
        return loop

    return Edit(name, message, (), loop=act)


def _carried(convention: Convention, loop: Loop) -> Iterator[Edit]:
    states = [s.previous for s in convention.sites.cell.states]
    for _, many in (("one", [[s] for s in states]), ("all", [states] if len(states) > 1 else [])):
        for group in many:
            who = " and ".join(s.base for s in group)
            are = "are" if len(group) > 1 else "is"
            yield _carry(
                "not_carried",
                f"{who} {are} not carried from step to step: each step starts from the initial {who}",
                {s: {"source": None} for s in group},
            )
            yield _carry(
                "carry_reset",
                f"{who} {are} reset to zero before each step",
                {s: {"source": None, "start": None} for s in group},
            )
            yield _carry(
                "carry_two_back",
                f"{who} {are} taken from two steps before",
                {s: {"lag": 2} for s in group},
            )
    for s in states:
        for other in convention.sites.cell.states:
            if other.previous != s:
                yield _carry(
                    "carry_of_another",
                    f"{text(other.current)} is carried to the next step as {s.base}",
                    {s: {"source": other.current}},
                )


def _started(convention: Convention, loop: Loop) -> Iterator[Edit]:
    given = [s.previous for s in convention.sites.cell.states if s.previous.name in convention.roles]
    for group in [*([s] for s in given), *([given] if len(given) > 1 else [])]:
        names = " and ".join(f"the initial {s.base}" for s in group)
        message = f"{names} {'are' if len(group) > 1 else 'is'} ignored: zero in its place"
        yield _carry("start_ignored", message, {s: {"start": None} for s in group})
    if len(given) == 2:
        a, b = given
        message = f"the initial {a.base} and {b.base} are in each other's place"
        yield _carry("starts_exchanged", message, {a: {"start": b}, b: {"start": a}})
    for s in given:
        for other in given:
            if other != s:
                message = f"the initial {other.base} in place of the initial {s.base}"
                yield _carry("wrong_start", message, {s: {"start": other}})


def _read_and_shown(convention: Convention) -> Iterator[Edit]:
    shown = [s.current for s in convention.sites.cell.states if s.current.name in convention.outputs]
    everywhere = tuple((q, "reversed") for q in shown)
    message = "the sequence is run from the last step to the first"
    if shown:
        yield _edit("backwards", message, reads="reversed", shows=everywhere)
    yield _edit("backwards", f"{message}, and its states returned in that order", reads="reversed")
    for how, (name, message) in READ.items():
        yield _edit(name, message, reads=how)
    for group in [*([shown] if shown else []), *([[q] for q in shown] if len(shown) > 1 else [])]:
        who = " and ".join(q.name for q in group)
        for how, (name, message) in SHOWN.items():
            yield _edit(name, f"{message} (of {who})", shows=tuple((q, how) for q in group))
    if any(name.endswith(LAST) for name in convention.outputs):
        for how, (name, message) in LASTS.items():
            yield _edit(name, message, last=how)
    seen = {name.removesuffix(LAST) for name in convention.outputs}
    for s in convention.sites.cell.states:
        for other in convention.sites.cell.states:
            if s != other and s.current.name in seen:
                message = f"{text(other.current)} is returned in place of {text(s.current)}"
                yield _edit("returned_another", message, shown_as=((s.current, other.current),))
