"""Sums and products over time: shapes, entries, how they are written, what they mean written out."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from symlstm.codegen import formula
from symlstm.errors import ShapeError
from symlstm.evidence.digits import FIELD
from symlstm.evidence.interpret import evaluate
from symlstm.evidence.program import Uncheckable
from symlstm.expr import build as b
from symlstm.expr.dims import size
from symlstm.expr.latex import latex
from symlstm.expr.nodes import Eye, Ones, Zeros, quantity, t
from symlstm.expr.notation import DEFAULT
from symlstm.expr.text import text
from symlstm.expr.time import (
    MatmulOver,
    ProductOver,
    SumOver,
    at_times,
    expand,
    matmul_over,
    product_over,
    sum_over,
)
from symlstm.expr.tree import quantities, replace
from tests.support.katex import Formula, parse_all

n, m = size("n"), size("m")
j, k, T = sp.symbols("j k T", integer=True)


def vector(name, time, rows=n):
    return quantity(name, (rows, 1), time)


def matrix(name, time, rows=n):
    return quantity(name, (rows, rows), time)


F = product_over(vector("f", j), j, t - k + 1, t)
J = matmul_over(matrix("J", j), j, t - k + 1, t)
S = sum_over(b.matmul(vector("d", t), b.transpose(vector("x", t, m))), t, 1, T)
SOLUTION = b.add(
    sum_over(b.hadamard(product_over(vector("f", j), j, k + 1, t), vector("i", k)), k, 1, t),
    b.hadamard(product_over(vector("f", j), j, 1, t), vector("c", 0)),
)
WRITTEN = {
    "product": (F, r"\bigodot_{j=t-k+1}^{t} f_j", "⨀_{j=t-k+1}^{t} f_j"),
    "matrix product": (
        J, r"\mathop{\overset{\gets}{\prod}}\limits_{j=t-k+1}^{t} J_j", "∏←_{j=t-k+1}^{t} J_j"
    ),
    "sum": (S, r"\sum_{t=1}^{T} d_t x_t^{\top}", "Σ_{t=1}^{T} d_t x_tᵀ"),
    "sum of products": (
        SOLUTION,
        r"\sum_{k=1}^{t} \biggl(\bigodot_{j=k+1}^{t} f_j\biggr) \odot i_k"
        r" + \biggl(\bigodot_{j=1}^{t} f_j\biggr) \odot c_0",
        "Σ_{k=1}^{t} (⨀_{j=k+1}^{t} f_j) ⊙ i_k + (⨀_{j=1}^{t} f_j) ⊙ c_0",
    ),
    "diag": (b.diag(F), r"\mathrm{diag}\biggl(\bigodot_{j=t-k+1}^{t} f_j\biggr)", "diag(⨀_{j=t-k+1}^{t} f_j)"),
    "sum of a sum": (
        sum_over(b.add(vector("a", j), vector("c", j)), j, 1, T),
        r"\sum_{j=1}^{T} (a_j + c_j)", "Σ_{j=1}^{T} (a_j + c_j)"
    ),
    "product of products": (
        product_over(b.hadamard(vector("a", j), vector("c", j)), j, 1, T),
        r"\bigodot_{j=1}^{T} (a_j \odot c_j)", "⨀_{j=1}^{T} (a_j ⊙ c_j)",
    ),
    "transposed": (
        b.transpose(J), r"\biggl(\mathop{\overset{\gets}{\prod}}\limits_{j=t-k+1}^{t} J_j\biggr)^{\top}",
        "(∏←_{j=t-k+1}^{t} J_j)ᵀ",
    ),
    "before a factor": (
        b.matmul(J, vector("c", t)),
        r"\biggl(\mathop{\overset{\gets}{\prod}}\limits_{j=t-k+1}^{t} J_j\biggr) \, c_t",
        "(∏←_{j=t-k+1}^{t} J_j) c_t"),
    "minus": (b.negative(S), r"-\sum_{t=1}^{T} d_t x_t^{\top}", "-Σ_{t=1}^{T} d_t x_tᵀ"),
    "of minus": (sum_over(b.negative(vector("a", j)), j, 1, T), r"\sum_{j=1}^{T} (-a_j)", "Σ_{j=1}^{T} (-a_j)"),
}  # fmt: skip


@pytest.mark.parametrize(("expr", "wanted", "plain"), WRITTEN.values(), ids=WRITTEN)
def test_it_is_written_with_its_range_and_the_brackets_that_it_needs(expr, wanted, plain):
    assert latex(expr) == wanted
    assert text(expr) == plain == str(expr)


def test_katex_and_the_notation_with_circles_take_it():
    circles = DEFAULT.with_(product=r"\otimes", text_product="⊗")
    assert latex(F, circles).startswith(r"\bigotimes") and text(F, circles).startswith("⨂")
    assert latex(F, DEFAULT.with_(product="*")).startswith(r"\prod")
    formulas = [
        Formula(name, latex(expr), display) for name, (expr, *_) in WRITTEN.items() for display in (True, False)
    ]
    formulas.append(Formula("circles", latex(F, circles), True))
    assert not list(parse_all(formulas))


def test_times_are_written_with_t_first_and_numbers_last():
    for time, shown in ((t - k, "t-k"), (t - k + 1, "t-k+1"), (T - t, "T-t"), (j - 1, "j-1"), (k + 1, "k+1"), (t, "t")):
        assert text(vector("f", time)) == (f"f_{shown}" if len(shown) == 1 else f"f_{{{shown}}}")


def test_written_out_the_latest_factor_of_a_product_is_on_the_left_and_the_earliest_term_of_a_sum_first():
    assert text(expand(at_times(F, {k: 3}))) == "f_t ⊙ f_{t-1} ⊙ f_{t-2}"
    assert text(expand(at_times(J, {k: 3}))) == "J_t J_{t-1} J_{t-2}"
    assert text(expand(at_times(S, {T: 2}))) == "d_1 x_1ᵀ + d_2 x_2ᵀ"
    assert text(expand(at_times(SOLUTION, {t: 2}))) == "f_2 ⊙ i_1 + i_2 + f_2 ⊙ f_1 ⊙ c_0"
    assert expand(F) == F


def test_written_out_every_time_has_a_name_of_its_own():
    assert [q.name for q in quantities(expand(at_times(F, {k: 3})))] == ["f", "f_prev", "f_prev_prev"]
    assert [q.name for q in quantities(expand(at_times(F, {k: 2, t: 3})))] == ["f_3", "f_2"]


def test_a_bound_index_stays_and_a_caught_one_is_refused():
    bound = product_over(vector("f", j), j, k, t)
    assert at_times(bound, {j: t}) == bound
    with pytest.raises(ShapeError, match="index j"):
        at_times(sum_over(vector("f", k + j), j, 1, T), {k: j})
    with pytest.raises(ShapeError, match="index j"):
        replace(bound, {vector("f", j): vector("f", j), vector("g", t): vector("g", j)})


def test_an_empty_range_is_zero_one_or_the_identity():
    assert sum_over(vector("f", j), j, 1, 0) == Zeros(n, sp.S.One)
    assert product_over(vector("f", j), j, t + 1, t) == Ones(n, sp.S.One)
    assert matmul_over(matrix("J", j), j, k + 1, k) == Eye(n)


def test_replacing_inside_holds_for_every_index_and_simplifies():
    one, zero = b.ones(n, 1), b.zeros(n, 1)
    assert replace(SOLUTION, {vector("f", j): one, vector("i", k): zero}) == vector("c", 0)
    assert replace(J, {matrix("J", j): b.eye(n)}) == Eye(n)


REFUSED = {
    "an index that is no integer": lambda: SumOver(vector("f", j), sp.Symbol("j"), 1, T),
    "a range that depends on its index": lambda: ProductOver(vector("f", j), j, 1, j),
    "matrices that are not square": lambda: MatmulOver(quantity("W", (n, m), j), j, 1, T),
    "writing out T terms": lambda: formula(S),
    "a negative count": lambda: expand(sum_over(vector("f", j), j, 1, -1)),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_it_is_refused(make):
    with pytest.raises(ShapeError):
        make()


def numbers(expr, seed=0):
    rng = np.random.default_rng(seed)
    return {q: rng.uniform(0.5, 1, tuple(int(s) for s in q.shape)) for q in quantities(expand(expr))}


OF_NUMBERS = {
    "product": (product_over(vector("f", j, 2), j, t - 2, t), lambda v: v[0] * v[1] * v[2]),
    "matrix product": (matmul_over(matrix("J", j, 2), j, t - 2, t), lambda v: v[0] @ v[1] @ v[2]),
    "sum": (sum_over(vector("f", j, 2), j, 1, 3), lambda v: v[0] + v[1] + v[2]),
    "empty sum": (SumOver(vector("f", j, 2), j, 1, 0), lambda v: np.zeros((2, 1))),
    "empty product": (ProductOver(vector("f", j, 2), j, 1, 0), lambda v: np.ones((2, 1))),
    "empty matrix product": (MatmulOver(matrix("J", j, 2), j, 1, 0), lambda v: np.eye(2)),
}


@pytest.mark.parametrize(("expr", "wanted"), OF_NUMBERS.values(), ids=OF_NUMBERS)
def test_its_value_is_that_of_its_terms_in_every_way_of_computing_it(expr, wanted):
    given = numbers(expr)
    truth = wanted(list(given.values()))
    columns = sp.lambdify(list(given), expr, "numpy")(*given.values())
    np.testing.assert_allclose(columns, truth, rtol=1e-15)
    arrays = {q.name: v[:, 0] if q.shape[1] == 1 else v for q, v in given.items()}
    np.testing.assert_allclose(formula(expr, matrix=True)(arrays), truth, rtol=1e-15)
    exact = {q: np.vectorize(mpmath.mpf, otypes=[object])(v) for q, v in given.items()}
    np.testing.assert_allclose(evaluate(expr, exact, (), FIELD).astype(float), truth, rtol=1e-15)
    entries = {q._entry(a, c): v[a, c] for q, v in given.items() for a, c in np.ndindex(v.shape)}
    explicit = np.array(expr.as_explicit().subs(entries), dtype=float)
    np.testing.assert_allclose(explicit, truth, rtol=1e-15)


def test_without_a_number_of_terms_there_is_no_value_and_entries_stay_open():
    with pytest.raises(Uncheckable, match="not a number of terms"):
        evaluate(F, {}, (), FIELD)
    assert product_over(vector("f", j, 2), j, 1, T)._entry(0, 0).args[0] == product_over(vector("f", j, 2), j, 1, T)
