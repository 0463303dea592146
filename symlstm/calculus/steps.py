"""A derivation, step by step: which rule, from what, to what, and why."""

from __future__ import annotations

from dataclasses import dataclass

from symlstm.expr.build import Matrix


@dataclass(frozen=True)
class Step:
    """before = after, by `rule`, because of `because`. `of` is what the chain of equalities starts from."""

    rule: str
    before: Matrix
    after: Matrix
    because: str
    of: Matrix
