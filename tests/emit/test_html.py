"""HTML: one file, well-formed, that asks nobody for anything, with every formula as MathML."""

import re
import sys
from html.parser import HTMLParser
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

import symlstm as sl
from symlstm.emit import Page, document, emitters, report
from symlstm.emit.document import Document, Section
from symlstm.emit.html import emit
from symlstm.emit.mathml import ConverterMissing, mathml
from symlstm.plugins import EMITTERS, registered
from tests.emit.cells import BUILT_IN, NOTATIONS, OWN, everything
from tests.emit.unusual_cells import CELLS as UNUSUAL

CELLS = (*BUILT_IN, *OWN, everything, *UNUSUAL)
NAMES = [c if isinstance(c, str) else c.__name__ for c in CELLS]
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Tags(HTMLParser):
    """Every tag with its attributes; `wrong` says what is not closed as it was opened."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.wrong = [], [], []
        self.feed(text)
        self.close()
        self.wrong += self.open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"/{tag}")


def problems(text):
    """What is wrong with a page: tags, requests, LaTeX that was not converted, MathML that is not XML."""
    tags = Tags(text)
    out = list(tags.wrong)
    out += [tag for tag, _ in tags.found if tag in ("script", "link", "img", "iframe", "object")]
    out += [value for tag, a in tags.found for name, value in a.items() if name == "src" or "url(" in (value or "")]
    out += re.findall(r"url\(.*?\)|@import.*", text)
    for formula in re.findall(r"<math.*?</math>", text, re.DOTALL):
        entities = re.sub(r"&(?!#x?[0-9A-Fa-f]+;|amp;|lt;|gt;)\w*;?", "!", formula)
        words = "".join(ElementTree.fromstring(entities).itertext())
        out += [words] if re.search(r"[\\{}$]|QQ|Undefined", words) else []
    outside = re.sub(r"<(math|code|style).*?</\1>", "", text, flags=re.DOTALL)
    return out + re.findall(r"\\[a-z]+|\$", outside)


@pytest.mark.parametrize("cell", CELLS, ids=NAMES)
def test_everything_about_a_cell_is_one_sound_page(cell):
    text = emit(document(report(sl.cell(cell)), steps=cell not in UNUSUAL))
    assert problems(text) == []
    assert "http" not in text
    assert text.count("<math") > 20


@pytest.mark.parametrize("notation", NOTATIONS[1:])
def test_every_notation_is_converted(notation):
    assert problems(emit(document(report(sl.cell("lstm")), notation=notation, steps=True))) == []


@pytest.mark.parametrize("cell", BUILT_IN)
def test_every_derivation_of_the_built_in_cells_is_a_page(cell):
    found = sl.cell(cell)
    for state in found.states:
        for other in found.states:
            for paths in ("partial", "total"):
                d = sl.derive(found, state.current.name, other.previous.name, paths=paths)
                text = emit(document(d, steps=True, paths=True))
                assert problems(text) == [] and '<div class="result">' in text
    assert problems(emit(document(sl.backward(found), steps=True))) == []


def test_steps_can_be_folded_and_evidence_is_shown():
    rungs = SimpleNamespace(rungs=(SimpleNamespace(name="exact", held=True, figure="16 entries", detail=""),))
    text = emit(document(sl.derive("lstm", "c", "c_prev"), steps=True, evidence=rungs))
    assert "<details open>\n<summary><h2>Steps</h2></summary>" in text
    assert '<li class="held"><span>✓</span> exact: 16 entries</li>' in text


def test_a_formula_that_fails_its_evidence_is_not_shown():
    rungs = SimpleNamespace(rungs=(SimpleNamespace(name="exact", held=False, figure="3 differ", detail="<1>"),))
    text = emit(document(sl.derive("lstm", "c", "c_prev"), steps=True, evidence=rungs))
    assert "Not shown" in text and 'class="result"' not in text
    assert "3 differ; &lt;1&gt;" in text and problems(text) == []


def test_the_ending_of_a_file_says_html(tmp_path, monkeypatch):
    points = {**registered(EMITTERS), "html": EntryPoint("html", "symlstm.emit.html:emit", EMITTERS)}
    monkeypatch.setattr(emitters, "registered", lambda group: points)
    sl.derive("lstm", "c", "c_prev").save(tmp_path / "x.html")
    assert (tmp_path / "x.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_words_and_code_are_escaped():
    page = Page("a < b & c").text("x < y, `<b>`, [here](https://example.org/?a=1&b=2)").code("if a < b: pass")
    text = emit(page.document())
    assert problems(text) == []
    assert "<title>a &lt; b &amp; c</title>" in text and "<code>&lt;b&gt;</code>" in text
    assert 'href="https://example.org/?a=1&amp;b=2"' in text


def test_a_table_of_numbers_is_flush_right():
    text = emit(Page("t").table(["gate", "value"], [["$f_t$", 0.5]], numeric=True).document())
    assert '<table class="numeric">' in text and problems(text) == []


def test_both_colour_schemes_are_there():
    text = emit(document(sl.cell("rnn")))
    assert "prefers-color-scheme: dark" in text and 'content="light dark"' in text


def test_an_upright_d_stays_upright_and_words_are_one_identifier():
    assert '<mi mathvariant="normal">d</mi>' in mathml(r"\mathrm{d} c_t")
    assert "<mi>diag</mi>" in mathml(r"\mathrm{diag}(f_t)")


def test_large_brackets_open_and_close_without_blanks():
    made = mathml(r"a \bigl(b + c\bigr)")
    assert made.count('form="prefix"') == made.count('form="postfix"') == 1


def test_brackets_of_a_matrix_and_gaps_between_its_rows():
    made = mathml(r"\begin{bmatrix} a \\[2.4ex] b \end{bmatrix}")
    assert "2.4" not in made and made.count('stretchy="true"') == 2


def test_without_the_converter_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    mathml.cache_clear()
    with pytest.raises(ConverterMissing, match="latex2mathml") as caught:
        emit(document(sl.cell("rnn")))
    assert "pip install 'symlstm[html]'" in caught.value.hint


def test_a_block_that_is_not_known_is_named():
    made = Document(("t",), (Section((), (object(),)),))
    with pytest.raises(TypeError, match="cannot show a object"):
        emit(made)
