"""Every rule broken on purpose, each in turn: at least two rungs notice.

The breaks are made from the tables themselves, so a new row is broken too; it fails here until a small cell uses it.
"""

import dataclasses
import inspect
from typing import Any

import pytest
import sympy as sp

from symlstm.calculus import forward, graph, linear, rules
from symlstm.evidence import examine
from symlstm.expr import functions
from symlstm.expr import nodes as x
from symlstm.expr.build import add, negative, ones, scale, transpose

from .small_cells import ELEMENTWISE_CELLS, NODE_CELLS, WHOLE_CELLS, blocks, cell_of, chained, normalised, results

SLIGHTLY = sp.Rational(1003, 1000)
CHANGES = {
    "slightly larger": lambda e: scale(SLIGHTLY, e),
    "other sign": negative,
    "too much": lambda e: add(e, scale(sp.Rational(1, 1000), ones(*e.shape))),
}
"""Ways in which a derivative can be wrong."""

transposed = NODE_CELLS["transposed"]
CELLS_BY_NODE = {
    x.Add: chained,
    x.Scale: chained,
    x.Hadamard: chained,
    x.Apply: chained,
    x.Whole: normalised,
    x.Spread: normalised,
    x.Matmul: chained,
    x.Transposed: transposed,
    x.Concat: blocks,
    x.Block: blocks,
}
"""A cell that uses the rule of each node type."""
CELLS_BY_MAP = {
    "Same": chained,
    "Times": chained,
    "Scaled": chained,
    "Between": chained,
    "Turned": transposed,
    "Repeated": normalised,
    "Placed": blocks,
    "Taken": blocks,
}
"""A cell that uses each linear map."""


@pytest.fixture(autouse=True)
def nothing_remembered():
    """Results of an unbroken rule must not be found again, nor those of a broken one later."""
    for cached in (forward.forward, graph.earlier_equations):
        cached.cache_clear()
    yield
    for cached in (forward.forward, graph.earlier_equations):
        cached.cache_clear()


def most_failures(function):
    """The largest number of rungs that fail for one result of the cell; 2 is enough."""
    most = 0
    found = results(cell_of(function))
    while most < 2:
        try:
            result = next(found)
        except StopIteration:
            break
        most = max(most, sum(r.held is False for r in examine(result).rungs))
    return most


@dataclasses.dataclass(frozen=True)
class Wrong:
    """A linear map with a mistake in both directions."""

    right: Any
    change: Any

    def __getattr__(self, name):
        return getattr(object.__getattribute__(self, "right"), name)

    def act(self, change):
        return self.change(self.right.act(change))

    def push(self, jacobian):
        return self.change(self.right.push(jacobian))

    def pull(self, gradient):
        return self.change(self.right.pull(gradient))


def rules_broken():
    for node in rules.RULES:
        for name, change in list(CHANGES.items())[:2]:
            yield node, name, lambda maps, change=change: [(a, Wrong(m, change)) for a, m in maps]
        yield node, "last term missing", lambda maps: maps[:-1]
    exchanged = lambda maps: [(a, m) for (a, _), (_, m) in zip(maps, reversed(maps), strict=True)]  # noqa: E731
    yield x.Hadamard, "arguments exchanged", exchanged
    yield x.Transposed, "not transposed", lambda maps: [(maps[0][0], _Untransposed())]
    yield x.Block, "the first rows instead", lambda maps: [(a, dataclasses.replace(m, row=sp.S.Zero)) for a, m in maps]
    yield x.Matmul, "left factor forgotten", lambda maps: [(a, _without_left(m)) for a, m in maps]


class _Untransposed:
    def act(self, change):
        return scale(2, transpose(change))

    def push(self, jacobian):
        return jacobian

    def pull(self, gradient):
        return scale(2, transpose(gradient))


def _without_left(map_):
    left = map_.left
    square = left is not None and left.shape[0] == left.shape[1]
    return dataclasses.replace(map_, left=None) if square else map_


@pytest.mark.parametrize(("node", "name", "broken"), list(rules_broken()), ids=lambda v: getattr(v, "__name__", str(v)))
def test_a_broken_rule_is_noticed(monkeypatch, node, name, broken):
    rule = rules.RULES[node]
    wrong = dataclasses.replace(rule, differential=lambda n, output: broken(rule.differential(n, output)))
    monkeypatch.setitem(rules.RULES, node, wrong)
    assert most_failures(CELLS_BY_NODE[node]) >= 2


MAPS = [
    name
    for name, value in vars(linear).items()
    if inspect.isclass(value) and value.__module__ == linear.__name__ and name != "LinearMap" and hasattr(value, "pull")
]


@pytest.mark.parametrize("change", ["slightly larger", "other sign"])
@pytest.mark.parametrize("direction", ["push", "pull"])
@pytest.mark.parametrize("name", MAPS)
def test_a_broken_linear_map_is_noticed(monkeypatch, name, direction, change):
    kind = getattr(linear, name)
    right = getattr(kind, direction)
    monkeypatch.setattr(kind, direction, lambda self, given: CHANGES[change](right(self, given)))
    assert most_failures(CELLS_BY_MAP[name]) >= 2


def derivatives_broken():
    for name, row in functions.ELEMENTWISE.items():
        for k in range(len(row.derivatives)):
            if (name, k) == ("where", 0):
                continue  # a condition is made of steps, which pass nothing on
            constant = name in ("step", "sign")
            for change in ("too much",) if constant else CHANGES:
                yield name, k, change


@pytest.mark.parametrize(("name", "k", "change"), list(derivatives_broken()), ids=str)
def test_a_broken_derivative_is_noticed(monkeypatch, name, k, change):
    row = functions.ELEMENTWISE[name]
    broken, right = list(row.derivatives), row.derivatives[k]
    broken[k] = lambda *arguments: CHANGES[change](right(*arguments))
    monkeypatch.setitem(functions.ELEMENTWISE, name, dataclasses.replace(row, derivatives=tuple(broken)))
    assert most_failures(ELEMENTWISE_CELLS[name]) >= 2


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", functions.WHOLE)
def test_a_broken_jacobian_is_noticed(monkeypatch, name, change):
    row = functions.WHOLE[name]
    wrong = dataclasses.replace(row, jacobian=lambda v, y: CHANGES[change](row.jacobian(v, y)))
    monkeypatch.setitem(functions.WHOLE, name, wrong)
    assert most_failures(WHOLE_CELLS[name]) >= 2


def test_half_a_softmax_is_noticed(monkeypatch):
    row = functions.WHOLE["softmax"]
    wrong = dataclasses.replace(row, jacobian=lambda v, y: functions.diag(y))
    monkeypatch.setitem(functions.WHOLE, "softmax", wrong)
    assert most_failures(WHOLE_CELLS["softmax"]) >= 2


def test_unbroken_nothing_fails():
    for function in {*CELLS_BY_NODE.values(), *CELLS_BY_MAP.values()}:
        assert most_failures(function) == 0
