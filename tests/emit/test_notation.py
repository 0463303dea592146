"""Notations: ready ones, a user's own, and what is said about those that cannot be read."""

import pytest

import symlstm as sl
from symlstm.emit import cell_notation, notation
from symlstm.emit.readynotations import NotationError, ready
from symlstm.errors import NameUnknown
from symlstm.expr.latex import latex


def test_the_ready_notations():
    assert ready() == ("blog", "course", "course_letters", "default")
    assert notation() == notation("default")


def test_a_dictionary_of_symbols():
    own = notation({"c_tilde": r"\tilde{C}", "f": r"\phi"})
    text = sl.cell("lstm").latex(own)
    assert r"\tilde{C}_t &= \tanh(W_c" in text
    assert r"\phi_t \odot c_{t-1} + i_t \odot \tilde{C}_t" in text


def test_a_toml_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("product = '\\circ'\ntime = '#1(#2)'\n\n[symbols]\nc = 's'\n")
    text = sl.cell("lstm").latex(file)
    assert r"s(t) &= f(t) \circ s(t-1) + i(t) \circ \tilde{c}(t)" in text
    assert sl.cell("lstm").latex(str(file)) == text


def test_a_symbol_with_a_subscript_of_its_own_gets_time_beside_it():
    assert r"\Gamma_{f,t} &= \sigma(" in sl.cell("lstm").latex({"f": r"\Gamma_f"})


def test_a_name_stands_for_its_other_spelling_too():
    own = notation({"W_f": "F"})
    assert latex(sl.cell("lstm").quantity("W_f"), own) == "F"
    from tests.emit.cells import from_a_course

    assert "F \\, [" in sl.cell(from_a_course).latex(own)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("corse", "did you mean course"),
        ({"prodct": r"\otimes"}, "did you mean product"),
        ({"product": r"\otimes", "symbol": {}}, "did you mean symbols"),
        ({"functions": {"sigmoyd": r"s(#1)"}}, "did you mean sigmoid"),
    ],
)
def test_a_misspelt_name_is_met_with_a_guess(given, said):
    with pytest.raises(NameUnknown, match=said):
        notation(given)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("product = ", "is not TOML"),
        ('[symbols]\nc = "\\tilde{c}"', "control character"),
        ("product = 3", "not a text"),
        ("time = '#1'", "does not mention #2"),
        ("adjoint = '\\bar{c}'", "does not mention #1"),
        ("[symbols]\nc = '\\tilde{c'", "unbalanced braces"),
        ("symbols = 'c'", "is not a table"),
    ],
)
def test_a_file_that_cannot_be_read_is_explained(tmp_path, text, said):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(NotationError, match=said) as caught:
        notation(file)
    assert caught.value.code == "notation"


def test_a_missing_file(tmp_path):
    with pytest.raises(NotationError, match="cannot be read"):
        notation(tmp_path / "none.toml")


def test_blocks_that_would_share_a_name_with_a_parameter_are_written_as_ranges():
    def cell(x, h_prev, *, W_f: "n n+m", W_fh: "n n"):
        from symlstm import concat, tanh

        h = tanh(W_f @ concat(h_prev, x) + W_fh @ h_prev)
        return h

    found = sl.cell(cell)
    names = [b[0] for b in cell_notation(found, notation()).blocks.values()]
    assert names == ["W_{fx}"]


@pytest.mark.parametrize(
    ("sign", "split"),
    [
        ("h", ("h", "")),
        (r"\Gamma_f", (r"\Gamma", "f")),
        (r"\phi_{y}", (r"\phi", "y")),
        (r"W_\phi", ("W", r"\phi")),
        (r"W_\phi_{y}", ("W", r"\phi,y")),
        (r"\phi_{\mathrm{out}}", (r"\phi", r"\mathrm{out}")),
        (r"W_\mathrm{out}", ("W", r"\mathrm{out}")),
        ("F_{a}^{b}", ("F^{b}", "a")),
        ("h^{(t)}", ("h^{(t)}", "")),
        ("W_f'", ("W'", "f")),
        (r"\tilde{c_1}", (r"\tilde{c_1}", "")),
        ("x_1 y", ("x_1 y", "")),
        ("_", ("_", "")),
    ],
)
def test_the_subscript_of_a_sign_of_ones_own(sign, split):
    from symlstm.expr.scripts import without_subscript

    assert without_subscript(sign) == split


def test_a_block_of_a_matrix_with_a_subscript_has_one_subscript():
    own = cell_notation(sl.cell("lstm"), {"W_f": r"W_\phi_{y}", "h": r"\eta_{\mathrm{s}}"})
    names = [latex for (matrix, *_), (latex, _) in own.blocks.items() if matrix.name == "W_f"]
    assert names == [r"W_{\phi,y,\eta,\mathrm{s}}", r"W_{\phi,y,x}"]


@pytest.mark.parametrize("base", [{}, {"time": r"#1^{\langle #2 \rangle}"}])
@pytest.mark.parametrize(
    "sign", [r"\phi_{y}", r"W_\phi", r"W_\phi_{y}", "h^{(t)}", "h'", "F_{a}^{b}", r"Q_{\mathrm{a}_1}'"]
)
@pytest.mark.parametrize("name", ["h", "W_f", "c", "f"])
def test_signs_with_scripts_of_their_own_are_sound_everywhere(base, sign, name):
    from symlstm.emit import emit, report
    from tests.support.github import markdown_formulas
    from tests.support.katex import parse_all

    text = emit(report(sl.cell("lstm")), "markdown", notation={**base, "symbols": {name: sign}})
    assert parse_all(markdown_formulas(text)) == []
