"""How a choice is built, written, and multiplied."""

import pytest

from symlstm.expr import latex, text
from symlstm.expr.build import (
    add,
    apply,
    block,
    concat,
    diag,
    hadamard,
    matmul,
    negative,
    one_minus,
    ones,
    ones_like,
    scale,
    subtract,
    zeros,
)
from symlstm.expr.choices import chained, choose, leaves_out
from symlstm.expr.collect import with_common_factor
from symlstm.expr.nodes import quantity, t

a, b, d, z = (quantity(name, ("n", "1"), t) for name in "abdz")
W, V = quantity("W", ("n", "m")), quantity("V", ("n", "m"))
n, joined = z.shape[0], concat(z, negative(z))
both = apply("step", joined)
nothing, one = zeros(*z.shape), ones(*z.shape)
positive, large = apply("step", z), apply("step", subtract(z, scale(2, one)))

SIMPLER = [
    (choose(positive, a, a), a),
    (choose(one_minus(positive), a, b), choose(positive, b, a)),
    (chained(choose(positive, a, nothing), d), choose(positive, hadamard(a, d), nothing)),
    (chained(d, choose(positive, nothing, a)), choose(positive, nothing, hadamard(d, a))),
    (chained(d, choose(positive, a, b)), hadamard(d, choose(positive, a, b))),
    (chained(choose(large, nothing, choose(positive, one, nothing)), d),
     choose(large, nothing, choose(positive, d, nothing))),
    (chained(scale(2, choose(positive, a, nothing)), d), choose(positive, scale(2, hadamard(a, d)), nothing)),
    (chained(add(choose(positive, a, nothing), choose(large, nothing, b)), d),
     add(choose(positive, hadamard(a, d), nothing), choose(large, nothing, hadamard(b, d)))),
    (chained(concat(choose(positive, a, nothing), nothing), concat(d, b)),
     concat(choose(positive, hadamard(a, d), nothing), nothing)),
    (matmul(diag(choose(positive, one, nothing)), diag(d), W), matmul(diag(choose(positive, d, nothing)), W)),
    (matmul(diag(choose(positive, one, nothing)), add(matmul(diag(d), W), matmul(diag(b), V))),
     add(matmul(diag(choose(positive, d, nothing)), W), matmul(diag(choose(positive, b, nothing)), V))),
    (matmul(diag(choose(both, ones_like(joined), zeros(*joined.shape))), concat(matmul(diag(d), W), V)),
     concat(matmul(diag(choose(block(both, 0, n, 0, 1), d, nothing)), W),
            matmul(diag(choose(block(both, n, n, 0, 1), one, nothing)), V))),
    (with_common_factor([choose(positive, a, nothing), choose(positive, nothing, b)]), choose(positive, a, b)),
    (with_common_factor([choose(positive, d, nothing), choose(positive, nothing, hadamard(d, b))]),
     hadamard(d, choose(positive, one, b))),
    (with_common_factor([choose(positive, a, nothing), choose(large, nothing, b)]),
     add(choose(positive, a, nothing), choose(large, nothing, b))),
]  # fmt: skip


@pytest.mark.parametrize(("found", "wanted"), SIMPLER, ids=str)
def test_choices_and_their_products(found, wanted):
    assert found == wanted


def test_a_product_that_a_user_writes_stays_outside():
    """There a zero times infinity is what the function computes."""
    assert hadamard(choose(positive, a, nothing), d).args == (choose(positive, a, nothing), d)


def test_what_leaves_something_out():
    assert leaves_out(choose(positive, a, nothing)) and leaves_out(negative(choose(positive, nothing, a)))
    assert not leaves_out(choose(positive, a, b)) and not leaves_out(add(a, choose(positive, a, nothing)))


WRITTEN = [
    (choose(positive, a, b), r"\mathrm{where}(z_t > 0, a_t, b_t)", "where(z_t > 0, a_t, b_t)"),
    (choose(apply("step", negative(z)), a, b), None, "where(z_t < 0, a_t, b_t)"),
    (choose(large, one, nothing), None, "step(z_t - 2)"),
    (choose(large, scale(3, one), nothing), None, "where(z_t > 2, 3, 0)"),
    (choose(apply("step", subtract(one, z)), a, one), None, "where(z_t < 1, a_t, 1)"),
    (choose(apply("step", subtract(a, b)), z, b), None, "where(a_t > b_t, z_t, b_t)"),
    (choose(apply("step", add(a, b)), z, b), None, "where(a_t + b_t > 0, z_t, b_t)"),
    (choose(hadamard(positive, large), a, b), r"\mathrm{where}(z_t > 0 \land z_t > 2, a_t, b_t)",
     "where(z_t > 0 ∧ z_t > 2, a_t, b_t)"),
]  # fmt: skip


@pytest.mark.parametrize(("expr", "as_latex", "as_text"), WRITTEN, ids=str)
def test_a_choice_is_written_with_its_comparison(expr, as_latex, as_text):
    assert text.text(expr) == as_text
    assert as_latex is None or latex.latex(expr) == as_latex
