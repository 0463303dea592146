r"""pdflatex makes a PDF of a good file, and says what is wrong with a broken one."""

from __future__ import annotations

import pytest

from tests.support.tex import TexError, compile_tex

PAGE = r"""\documentclass{article}
\usepackage{amsmath,amssymb,mathtools,xcolor,booktabs}
\begin{document}
%s
\end{document}
"""


def write(tmp_path, body):
    path = tmp_path / "page.tex"
    path.write_text(PAGE % body, encoding="utf-8")
    return path


def test_a_good_file_compiles_and_leaves_nothing_beside_it(tmp_path):
    path = write(tmp_path, r"\begin{equation}\label{c} c_t = f_t \odot c_{t-1} \end{equation} See \eqref{c}.")
    compiled = compile_tex(path)
    assert compiled.pdf.read_bytes().startswith(b"%PDF")
    assert compiled.warnings == []
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (r"$\nosuchmacro$", r"Undefined control sequence[\s\S]*nosuchmacro"),
        (r"$\frac{a}{b$", "File ended while scanning"),
        (r"$a_b_c$", "Double subscript"),
        (r"\begin{align} a &= b", r"ended by \\end\{document\}"),
    ],
)
def test_a_broken_file_is_caught_with_the_line_that_says_why(tmp_path, body, reason):
    with pytest.raises(TexError, match=reason):
        compile_tex(write(tmp_path, body))


def test_a_line_wider_than_the_page_is_a_warning(tmp_path):
    path = write(tmp_path, r"\noindent\rule{\textwidth}{1pt}\rule{30pt}{1pt}")
    (warning,) = compile_tex(path).warnings
    assert warning.startswith("Overfull")
    assert compile_tex(path, overfull_points=50).warnings == []


def test_an_undefined_reference_is_a_warning(tmp_path):
    assert any("nowhere" in warning for warning in compile_tex(write(tmp_path, r"\ref{nowhere}")).warnings)
