"""Sums of rows that follow each other in a generated function become one: each row of memory is visited once."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

ONE, SEVERAL = "fill_rows", "fill_together"


def merged(text: str) -> str:
    """The text of a module where calls of `fill_rows` are made together, as far as no statement between needs one."""
    tree = ast.parse(text)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            node.body = _merged(node.body)
    return ast.unparse(tree)


def _merged(body: list[ast.stmt]) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    waiting: dict[str, Filling] = {}  # by the name of what is filled
    after: dict[str, ast.stmt] = {}  # what is done to a diagonal of it then
    base_of: dict[str, str] = {}

    def end() -> None:
        if len(waiting) > 1 and any(filling.terms for filling in waiting.values()):
            sums = [filling.sum for filling in waiting.values()]
            found.append(ast.Expr(ast.Call(ast.Name(SEVERAL, ast.Load()), sums, [])))
        else:
            found.extend({id(f.statement): f.statement for f in waiting.values()}.values())
        found.extend(after.values())
        waiting.clear()
        after.clear()

    for statement in body:
        fillings = _fillings(statement)
        diagonal = _diagonal(statement)
        plain = {name for name in waiting if name not in after}
        parts: list[ast.AST] = [part for filling in fillings for part in _read(filling, plain)]
        if diagonal in plain and isinstance(statement, (ast.Assign, ast.AugAssign)):
            parts = [statement.value]
        elif not fillings:
            parts = [statement]
        needed = {*waiting, *(base_of[name] for name in waiting if name in base_of)}
        needed |= {view for view, base in base_of.items() if base in waiting}
        simple = fillings or isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr))
        later: list[ast.AST] = [*after.values()]
        for filling in waiting.values():
            later += filling.parts_of_matrices(base_of) if fillings else [filling.sum]
        read_later = _names(later) | {base_of[name] for name in _names(later) if name in base_of}
        changed = _written(statement, fillings, diagonal, plain)
        if not simple or needed & _names(parts) or read_later & changed:
            end()
        waiting |= {filling.name: filling for filling in fillings}
        if diagonal in waiting:
            after[diagonal] = statement
        elif not fillings:
            found.append(statement)
            base_of |= _views(statement)
    end()
    return found


@dataclass(frozen=True)
class Filling:
    """A place that has a name, filled with a sum of terms, zeros where there is none. test: if there is one, only where
    it holds."""

    name: str
    terms: list[ast.expr]
    test: ast.expr | None
    statement: ast.stmt

    @property
    def sum(self) -> ast.expr:
        """As an argument of what makes several together."""
        whole: ast.expr = ast.Tuple([ast.Name(self.name, ast.Load()), *self.terms], ast.Load())
        return whole if self.test is None else ast.IfExp(self.test, whole, ast.Tuple([], ast.Load()))

    def parts_of_matrices(self, views: Mapping[str, str]) -> list[ast.AST]:
        """What is read while rows are written; a matrix that has a name is read row by row, in step with them."""
        matrices = [term.elts[1] for term in self.terms if isinstance(term, ast.Tuple)]
        return [m for m in matrices if not isinstance(m, ast.Name) or m.id in views]


def _fillings(statement: ast.stmt) -> list[Filling]:
    """What a statement fills, if that is all that it does."""
    if isinstance(statement, ast.If) and not statement.orelse:
        inside = [_fillings(one) for one in statement.body]
        whole_body = all(some and all(f.test is None for f in some) for some in inside)
        return [Filling(f.name, f.terms, statement.test, statement) for some in inside for f in some if whole_body]
    if isinstance(statement, ast.Assign) and ast.unparse(statement.value) == "0":
        whole = [t.value for t in statement.targets if isinstance(t, ast.Subscript) and ast.unparse(t.slice) == "..."]
        names = [place.id for place in whole if isinstance(place, ast.Name)]
        return [Filling(name, [], None, statement) for name in names] if len(names) == len(statement.targets) else []
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call) and ast.unparse(call.func) == ONE and isinstance(call.args[0], ast.Name):
        return [Filling(call.args[0].id, call.args[1:], None, statement)]
    return []


def _diagonal(statement: ast.stmt) -> str:
    """The name of what a statement writes the diagonal of, or nothing."""
    if isinstance(statement, (ast.Assign, ast.AugAssign)):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        place = target.value if isinstance(target, ast.Subscript) else None
        if (
            isinstance(place, ast.Call)
            and ast.unparse(place.func) == "diagonal"
            and isinstance(place.args[0], ast.Name)
        ):
            return place.args[0].id
    return ""


def _read(filling: Filling, filled: set[str]) -> list[ast.AST]:
    """What is read by it, but for matrices that stand there as they are filled."""
    found: list[ast.AST] = [ast.Name(filling.name), *([filling.test] if filling.test else [])]
    for term in filling.terms:
        if isinstance(term, ast.Tuple) and isinstance(term.elts[1], ast.Name) and term.elts[1].id in filled:
            found.append(term.elts[0])
        else:
            found.append(term)
    return found


def _names(nodes: list[ast.AST]) -> set[str]:
    return {node.id for part in nodes for node in ast.walk(part) if isinstance(node, ast.Name)}


def _written(statement: ast.stmt, fillings: list[Filling], diagonal: str, waiting: set[str]) -> set[str]:
    """The names that a statement changes, or what they stand for; a diagonal of what waits waits too."""
    if fillings:
        return {filling.name for filling in fillings}
    if diagonal:
        return {diagonal} - waiting
    if not isinstance(statement, (ast.Assign, ast.AugAssign)):
        return set()
    return _names([*statement.targets] if isinstance(statement, ast.Assign) else [statement.target])


def _views(statement: ast.stmt) -> dict[str, str]:
    """Of names that stand for parts of an array: that array."""
    if not isinstance(statement, ast.Assign):
        return {}
    target, value = statement.targets[0], statement.value
    targets = target.elts if isinstance(target, ast.Tuple) else [target]
    values = value.elts if isinstance(value, ast.Tuple) else [value]
    return {
        t.id: v.value.id
        for t, v in zip(targets, values, strict=False)
        if isinstance(t, ast.Name) and isinstance(v, ast.Subscript) and isinstance(v.value, ast.Name)
    }
