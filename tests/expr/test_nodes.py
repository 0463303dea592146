"""Expression nodes: shapes are checked when a node is made, equality is by structure, entries say what a node means."""

import numpy as np
import pytest
import sympy as sp

from symlstm.errors import ShapeError
from symlstm.expr import build as b
from symlstm.expr import nodes as x
from symlstm.expr.dims import size
from symlstm.expr.tree import replace
from tests.support.ulps import scaled_ulps
from tests.trace.reading import value

n, m = size("n"), size("m")
v, w, u = x.Quantity("v", n, 1, x.t), x.Quantity("w", n, 1), x.Quantity("u", m, 1)
W, V = x.Quantity("W", n, m), x.Quantity("V", n, m)
S = x.Quantity("S", n, n)
A = x.Quantity("A", n, n + m)
s = x.Quantity("s", 1, 1)

NODES = {
    "Ones": x.Ones(n, m),
    "Zeros": x.Zeros(n, m),
    "Eye": x.Eye(n),
    "Add": x.Add(v, w, x.Ones(n, sp.S.One)),
    "Scale": x.Scale(sp.Rational(1, 2), W),
    "scale by a size": x.Scale(1 / n, v),
    "Hadamard": x.Hadamard(v, w),
    "sigmoid": x.Apply("sigmoid", v),
    "power": x.Apply("power", v, sp.Integer(3)),
    "maximum": x.Apply("maximum", v, w),
    "softmax": x.Whole("softmax", v),
    "variance": x.Whole("variance", v),
    "norm": x.Whole("norm", v),
    "max": x.Whole("max", v),
    "Spread": x.Spread(s, n, m),
    "Matmul": x.Matmul(W, u),
    "Matmul of three": x.Matmul(S, W, u),
    "Transposed": x.Transposed(W),
    "Diag": x.Diag(v),
    "Concat": x.Concat(v, u, w),
    "Concat of matrices": x.Concat(W, V),
    "Block": x.Block(W, sp.S.Zero, n, sp.S.One, m - 1),
    "all together": x.Matmul(x.Diag(x.Hadamard(v, x.Apply("tanh", w))), x.Add(W, V)),
}
every_node = pytest.mark.parametrize("node", NODES.values(), ids=NODES)
SIZES = {n: sp.Integer(3), m: sp.Integer(2)}


def in_numbers(node):
    return node.xreplace(SIZES)


@every_node
def test_a_node_is_rebuilt_from_its_arguments(node):
    assert node.func(*node.args) == node
    assert hash(node.func(*node.args)) == hash(node)


@every_node
def test_a_node_equals_its_like_and_no_other(node):
    assert [other for other in NODES.values() if other == node] == [node]


@every_node
def test_a_node_takes_numbers_for_its_sizes(node):
    assert in_numbers(node).shape == tuple(part.subs(SIZES) for part in node.shape)
    assert not in_numbers(node).free_symbols & {n, m}


@every_node
def test_the_entries_of_a_node_are_what_it_computes(node):
    rng = np.random.default_rng(3)
    node = in_numbers(node)
    quantities = sorted(node.atoms(x.Quantity), key=lambda q: q.name)
    numbers = {q: rng.uniform(0.2, 1.0, [int(part) for part in q.shape]) for q in quantities}
    entries = {
        q._entry(sp.Integer(i), sp.Integer(j)): sp.Float(a[i, j], 30)
        for q, a in numbers.items()
        for i, j in np.ndindex(a.shape)
    }
    explicit = np.array(node.as_explicit().subs(entries).evalf(20), dtype=float)
    computed = value(node, {q.name: a for q, a in numbers.items()}, {})
    assert scaled_ulps(computed, explicit) <= 8
    function = sp.lambdify(quantities, node, "numpy")
    assert scaled_ulps(np.asarray(function(*numbers.values()), float), explicit) <= 8


@every_node
def test_the_transpose_has_the_entries_turned(node):
    node = in_numbers(node)
    assert sp.simplify(b.transpose(node).as_explicit() - node.as_explicit().T) == sp.zeros(*node.shape[::-1])
    assert b.transpose(b.transpose(node)).as_explicit() == node.as_explicit()


@every_node
def test_a_node_prints_as_latex_and_text(node):
    assert sp.latex(node).count("{") == sp.latex(node).count("}")
    assert str(node)


REFUSED = {
    "sum": lambda: x.Add(v, u),
    "elementwise product": lambda: x.Hadamard(W, v),
    "matrix product": lambda: x.Matmul(W, v),
    "function of two arrays": lambda: x.Apply("maximum", v, u),
    "softmax of a matrix": lambda: x.Whole("softmax", W),
    "repeated vector": lambda: x.Spread(v, n, m),
    "diagonal of a matrix": lambda: x.Diag(W),
    "concatenation": lambda: x.Concat(v, W),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_shapes_are_checked_when_a_node_is_made(make):
    with pytest.raises(ShapeError):
        make()


def test_a_quantity_at_another_time_is_another_quantity():
    assert v != v.shifted(-1)
    assert v == v.shifted(-1).shifted(1)
    assert w.shifted(-1) == w


def test_a_name_a_role_and_a_sign_make_a_quantity():
    assert x.Quantity("h", n, 1, x.t) != x.Quantity("h", n, 1)
    assert x.Quantity("h", n, 1, x.t) != x.Quantity("h", n, 1, x.t, "adjoint")
    assert x.Quantity("h_prev", n, 1, x.t - 1, base="h") != x.Quantity("h_prev", n, 1, x.t - 1)


BUILT = {
    "x + 0": (b.add(v, b.zeros(n, 1)), v),
    "x - x": (b.subtract(v, v), x.Zeros(n, sp.S.One)),
    "x + x": (b.add(v, v), x.Scale(sp.Integer(2), v)),
    "1 * x": (b.hadamard(b.ones(n, 1), v), v),
    "0 * x": (b.hadamard(b.zeros(n, 1), v), x.Zeros(n, sp.S.One)),
    "I W": (b.matmul(b.eye(n), W), W),
    "W 0": (b.matmul(W, b.zeros(m, 1)), x.Zeros(n, sp.S.One)),
    "diag diag": (b.matmul(b.diag(v), b.diag(w)), x.Diag(x.Hadamard(v, w))),
    "diag v": (b.matmul(b.diag(v), w), x.Hadamard(v, w)),
    "diag + diag": (b.add(b.diag(v), b.diag(w)), x.Diag(x.Add(v, w))),
    "W + diag(v) W": (b.add(W, b.matmul(b.diag(v), W)), b.matmul(b.diag(b.add(b.ones(n, 1), v)), W)),
    "W - diag(v) W": (b.subtract(W, b.matmul(b.diag(v), W)), b.matmul(b.diag(b.one_minus(v)), W)),
    "diag(v v w) + diag(v w)": (
        b.add(b.diag(b.hadamard(v, v, w)), b.diag(b.hadamard(v, w))),
        b.diag(b.hadamard(v, w, b.add(v, b.ones(n, 1)))),
    ),
    "2 (3 x)": (b.scale(2, b.scale(3, v)), x.Scale(sp.Integer(6), v)),
    "W^T^T": (b.transpose(b.transpose(W)), W),
    "(S W)^T": (b.transpose(b.matmul(S, W)), x.Matmul(x.Transposed(W), x.Transposed(S))),
    "[v; u] from n": (b.block(b.concat(v, u), n, m, 0, 1), u),
    "[[v; u]; w]": (b.concat(b.concat(v, u), w), x.Concat(v, u, w)),
    "A [v; 0]": (b.matmul(A, b.concat(v, b.zeros(m, 1))), b.matmul(b.block(A, 0, n, 0, n), v)),
    "x / 1": (b.divide(v, b.ones(n, 1)), v),
}  # fmt: skip


@pytest.mark.parametrize(("found", "wanted"), BUILT.values(), ids=BUILT)
def test_building_simplifies_what_a_person_would(found, wanted):
    assert found == wanted


def test_terms_keep_the_order_in_which_they_are_written():
    assert b.add(w, v).args == (w, v)
    assert b.hadamard(w, v).args == (w, v)
    assert b.one_minus(v).args[0] == x.Ones(n, sp.S.One)


def test_replacing_a_quantity_simplifies_on_the_way():
    assert replace(b.add(b.matmul(W, u), v), {u: b.zeros(m, 1)}) == v
