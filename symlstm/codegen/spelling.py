"""Sizes in the order in which a person writes them: n+m where h is above x, though SymPy sorts m before n."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp


def spelled_size(size: sp.Expr, order: Sequence[sp.Symbol]) -> str:
    """A size such as n+m or 4*n, its terms in the order of the symbols given; plain numbers last."""

    def place(term: sp.Expr) -> int:
        return min((order.index(s) for s in term.free_symbols if s in order), default=len(order))

    text = ""
    for term in sorted(sp.Add.make_args(sp.expand(size)), key=place):
        minus = term.could_extract_minus_sign()
        text += ("-" if minus else "+" if text else "") + str(-term if minus else term).replace(" ", "")
    return text
