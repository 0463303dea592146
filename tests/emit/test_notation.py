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
