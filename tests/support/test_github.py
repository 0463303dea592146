"""Formulas are found where GitHub finds them, and what GitHub refuses is named."""

from __future__ import annotations

import pytest

from tests.support.github import BLOCKED, blocked_macros, github_problems, markdown_formulas

PAGE = r"""# Gates $f_t$

The gate $`f_t \in (0, 1)`$ and $i_t$, for 5$ or 6$ and \$7, `$not$` and ``$`nor this`$``.

$$
c_t = f_t \odot c_{t-1}
$$

```math
\begin{aligned}
h &= o \\
  &= 1
\end{aligned}
```

```python
cost = "$x$"  # no formula
```

- in a list: $$a + b$$
  ```math
  x
  ```
"""


def test_every_kind_of_formula_is_found_in_order():
    found = [(formula.label, formula.latex, formula.display) for formula in markdown_formulas(PAGE)]
    assert found == [
        ("line 1, $...$", "f_t", False),
        ("line 3, $`...`$", r"f_t \in (0, 1)", False),
        ("line 3, $...$", "i_t", False),
        ("line 5, $$...$$", r"c_t = f_t \odot c_{t-1}", True),
        ("line 9, ```math", "\\begin{aligned}\nh &= o \\\\\n  &= 1\n\\end{aligned}", True),
        ("line 20, $$...$$", "a + b", True),
        ("line 21, ```math", "x", True),
    ]


def test_a_text_without_formulas_has_none():
    assert markdown_formulas("It costs $5, or 6 $, or $ 7 $.\n\n`$x$`\n") == []
    assert github_problems(PAGE) == []


@pytest.mark.parametrize("macro", BLOCKED)
def test_blocked_macros_are_named(macro):
    assert blocked_macros(rf"a + \{macro}{{b}} + \{macro} c") == [f"\\{macro}"]
    assert github_problems(f"Here\n\n```math\n\\{macro}{{b}}\n```\n") == [f"line 3, ```math: GitHub blocks \\{macro}"]


def test_longer_names_are_other_macros():
    assert blocked_macros(r"\left( \mathrm{diag} \letter \default \hrefs \right)") == []


def test_backslashes_that_markdown_eats_are_named_outside_code_only():
    assert github_problems(r"$`\{a\}`$") == []
    (problem,) = github_problems(r"text $\{a$ text")
    assert "eats the backslash of \\{" in problem
    assert len(github_problems("$$\na \\\\ b \\, c\n$$")) == 2
