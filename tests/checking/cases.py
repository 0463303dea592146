"""A case of the bench: a source text, what is wrong in it, and whether the check rejects it and names that."""

import linecache
import time
from dataclasses import dataclass, field

import symlstm as sl

HELPERS = "import numpy as np\n\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n\n"


@dataclass(frozen=True)
class Case:
    """source: defines `step`, and `back` where there is a backward function. bugs: (a part of the message, equation)
    of each mistake, with | between parts of which any will do; none where it is right. example: of the arguments."""

    name: str
    source: str
    example: object
    cell: object
    bugs: tuple = ()

    def functions(self):
        name, text, space = f"<{self.name}>", HELPERS + self.source, {"__name__": "bench"}
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        exec(compile(text, name, "exec"), space)
        return space["step"], space.get("back")

    def report(self):
        step, back = self.functions()
        return sl.check(step, self.cell, example=self.example, backward=back)


@dataclass(frozen=True)
class Outcome:
    """rejected: not ok. named: every mistake is told, and one of them first. seconds: all in all."""

    case: Case
    rejected: bool
    named: bool
    seconds: float
    told: tuple = field(default=())


def outcome(case):
    start = time.perf_counter()
    report = case.report()
    seconds = time.perf_counter() - start
    told = [f for f in report.findings if f.severity == "wrong" and f.name not in ("unused", "backward_not_checked")]
    fits = [any(_fits(f, bug) for f in told) for bug in case.bugs]
    first = bool(told) and any(_fits(told[0], bug) for bug in case.bugs)
    named = bool(case.bugs) and all(fits) and first
    return Outcome(case, not report.ok, named, seconds, tuple(f.message for f in told))


def _fits(finding, bug):
    parts, equation = bug
    return any(part in finding.message for part in parts.split("|")) and equation in ("", *finding.equation.split(", "))


def mutated(name, source, example, cell, mutants):
    """The right source and its mutants: (old text, new text, part of the message, equation)."""
    made = [Case(f"{name}: right", source, example, cell)]
    for old, new, message, equation in mutants:
        assert source.count(old) >= 1, (name, old)
        text = source.replace(old, new, 1)
        made.append(Case(f"{name}: {old.strip()} -> {new.strip()}", text, example, cell, ((message, equation),)))
    return made


def paired(name, source, example, cell, mutants):
    """Pairs of mutants of different lines."""
    made = []
    for k, first in enumerate(mutants):
        second = mutants[(k + len(mutants) // 2) % len(mutants)]
        text = source.replace(first[0], first[1], 1)
        if first[3] != second[3] and text.count(second[0]) == source.count(second[0]):
            text = text.replace(second[0], second[1], 1)
            bugs = ((first[2], first[3]), (second[2], second[3]))
            made.append(Case(f"{name}: {first[1].strip()} and {second[1].strip()}", text, example, cell, bugs))
    return made
