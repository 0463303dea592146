"""Where two expressions differ: the smallest parts of each that the other one does not have, marked for writing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sympy.core.symbol import Str

from symlstm.expr.nodes import Add, Apply, Hadamard, Node, Quantity

WRONG, RIGHT = "wrong", "right"
COLORS = {WRONG: "red", RIGHT: "teal"}
"""In LaTeX."""
SIGNS = {WRONG: ("»", "«"), RIGHT: ("«", "»")}
"""In plain text, around what is marked."""
IN_ANY_ORDER = (Add, Hadamard)


class Marked(Node):
    """A part of an expression that is pointed at: Marked(part, "wrong"). It is only ever written."""

    def __new__(cls, part: Any, kind: str | Str) -> Marked:
        return Node.__new__(cls, part, kind if isinstance(kind, Str) else Str(kind))

    shape = property(lambda self: self.args[0].shape)
    kind = property(lambda self: self.args[1].name)

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> Any:
        return self.args[0]._entry(i, j)


def differing(right: Any, found: Any) -> tuple[Any, Any]:
    """Both expressions, with the parts marked in which they differ; a part that one lacks is marked in the other."""
    if right == found:
        return right, found
    for kind in IN_ANY_ORDER:
        if isinstance(right, kind) and isinstance(found, kind):
            return _of_lists(kind, right.args, found.args)
        if isinstance(right, kind) and found in right.args:
            return _of_lists(kind, right.args, (found,))[0], found
        if isinstance(found, kind) and right in found.args:
            return right, _of_lists(kind, (right,), found.args)[1]
    if type(right) is type(found) and not isinstance(right, Quantity) and len(right.args) == len(found.args):
        pairs = list(zip(right.args, found.args, strict=True))
        arrays = [a == b for a, b in pairs if hasattr(a, "shape")]
        others = [a == b for a, b in pairs if not hasattr(a, "shape")]
        if all(others) and (any(arrays) or len(arrays) == 1):
            made = [differing(a, b) if hasattr(a, "shape") else (a, b) for a, b in pairs]
            return _again(right, [a for a, _ in made]), _again(found, [b for _, b in made])
    return Marked(right, RIGHT), Marked(found, WRONG)


def _of_lists(kind: type, right: tuple[Any, ...], found: tuple[Any, ...]) -> tuple[Any, Any]:
    """Terms or factors, which may stand in any order: only those are marked that the other side lacks."""
    missing, added = Counter(right) - Counter(found), Counter(found) - Counter(right)
    if len(missing) == len(added) == 1:
        (one,), (other,) = missing, added
        now = differing(one, other)
        if not (isinstance(now[0], Marked) and len(right) == len(found) == 1):
            return _put(kind, right, {one: now[0]}), _put(kind, found, {other: now[1]})
    return (
        _put(kind, right, {term: Marked(term, RIGHT) for term in missing}),
        _put(kind, found, {term: Marked(term, WRONG) for term in added}),
    )


def _put(kind: type, terms: tuple[Any, ...], mapping: dict[Any, Any]) -> Any:
    made = []
    for term in reversed(terms):  # of equal terms the last one is too many
        made.append(mapping.pop(term, term))
    return kind(*reversed(made)) if len(made) > 1 else made[0]


def _again(node: Any, args: list[Any]) -> Any:
    """The node from other arguments, not simplified."""
    return type(node)(*args)


def pointed_at(expr: Any, part: Any) -> Any:
    """The expression with every place marked at which a part stands."""
    if expr == part:
        return Marked(part, WRONG)
    if isinstance(expr, Quantity) or not any(hasattr(a, "shape") for a in expr.args):
        return expr
    return _again(expr, [pointed_at(a, part) if hasattr(a, "shape") else a for a in expr.args])


def around(marked: Any) -> list[Any]:
    """The vectors of one time step that hold everything that is marked, from the smallest to the whole, without marks.

    Where nothing is marked (a term is missing), what a function is applied to, and the whole.
    """
    path, node = [marked], marked
    if not _count(marked):
        path = [marked, *(a for a in marked.args if type(marked) is Apply and hasattr(a, "shape"))]
    else:
        while inside := [a for a in node.args if _count(a) == _count(marked)]:
            node = inside[0]
            path.append(node)
            if isinstance(node, Marked):
                path.append(node.args[0])
                break
    terms = dict.fromkeys(without_marks(term) for term in reversed(path))
    return [t for t in terms if t.shape[1] == 1 and not isinstance(t, Quantity) and _depends_on_time(t)]


def without_marks(expr: Any) -> Any:
    """The expression as it was."""
    if isinstance(expr, Marked):
        return without_marks(expr.args[0])
    if isinstance(expr, Quantity) or not _count(expr):
        return expr
    return _again(expr, [without_marks(a) for a in expr.args])


def _count(expr: Any) -> int:
    if isinstance(expr, Marked):
        return 1
    return 0 if isinstance(expr, Quantity) else sum(_count(a) for a in expr.args)


def _depends_on_time(expr: Any) -> bool:
    if isinstance(expr, Quantity):
        return expr.time is not None
    return any(_depends_on_time(a) for a in expr.args)
