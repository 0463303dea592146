"""Files appear whole or not at all, in the format of their ending."""

import os
from types import SimpleNamespace

import pytest

import symlstm as sl
from symlstm.emit import emit, save, write
from symlstm.errors import NameUnknown, OutputUnwritable, SymlstmError


@pytest.fixture
def derivation():
    return sl.derive(sl.cell("lstm"), "c", "c_prev")


@pytest.mark.parametrize(
    ("ending", "start"), [("tex", "\\documentclass"), ("md", "# $`"), ("txt", "∂c_t"), ("json", '{\n  "schema"')]
)
def test_the_format_follows_the_ending(derivation, tmp_path, ending, start):
    path = tmp_path / f"c.{ending}"
    derivation.save(path)
    assert path.read_text("utf-8").startswith(start)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["c.docx", "c"])
def test_another_ending_lists_those_that_there_are(derivation, tmp_path, name):
    with pytest.raises(OutputUnwritable, match=r"\.tex, \.md, \.txt, \.json"):
        save(derivation, tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there(derivation, tmp_path):
    with pytest.raises(OutputUnwritable, match="cannot be written"):
        save(derivation, tmp_path / "none" / "c.md")


def test_a_place_that_is_a_folder(derivation, tmp_path):
    (tmp_path / "c.md").mkdir()
    with pytest.raises(OutputUnwritable):
        save(derivation, tmp_path / "c.md")
    assert os.listdir(tmp_path) == ["c.md"]


def test_a_failure_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "c.md"
    path.write_text("old")

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", broken)
    with pytest.raises(OutputUnwritable, match="No space left"):
        write(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["c.md"]


def test_a_failed_derivation_writes_nothing(derivation, tmp_path):
    with pytest.raises(NameUnknown):
        save(derivation, tmp_path / "c.md", notation="corse")
    assert os.listdir(tmp_path) == []


def test_an_unknown_format_is_met_with_a_guess(derivation):
    with pytest.raises(NameUnknown, match="did you mean latex"):
        emit(derivation, "latx")


def test_something_else_cannot_be_shown():
    with pytest.raises(SymlstmError, match="int cannot be shown"):
        emit(3, "markdown")


def rung(name, held):
    return SimpleNamespace(name=name, held=held, figure="3 of 4 entries differ", detail="entry (1, 1)")


@pytest.mark.parametrize("format", ["terminal", "markdown", "latex", "json"])
def test_a_formula_that_fails_its_evidence_is_not_shown(derivation, format):
    failed = SimpleNamespace(rungs=(rung("exact", False), rung("digits", True)))
    text = emit(derivation, format, evidence=failed, steps=True)
    assert "diag(f_t)" not in text and "diag}(f_t)" not in text
    assert "exact" in text
    assert "boxed" not in text


def test_evidence_that_could_decide_nothing_does_not_count(derivation):
    undecided = SimpleNamespace(rungs=(rung("exact", None),))
    assert "Not shown" in emit(derivation, "terminal", evidence=undecided)


def test_evidence_stands_in_small_print_beneath(derivation):
    text = emit(derivation, "terminal", evidence=SimpleNamespace(rungs=(rung("exact", True),)))
    assert text.index("│ ∂c_t/∂c_{t-1} = diag(f_t) │") < text.index("✓ exact: 3 of 4 entries differ")
