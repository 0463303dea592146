"""Files appear whole or not at all, in the format of their ending."""

import os
from types import SimpleNamespace

import pytest

import symlstm as sl
from symlstm.emit import document, emit, save, write
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
    with pytest.raises(OutputUnwritable, match=r"one of .*\.json, \.md, \.tex, \.txt"):
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


def org(document, headline="*"):
    """An emitter of another package, for Org mode."""
    return f"{headline} {document.title[0]}"


def plain_org(document):
    return "plain"


@pytest.fixture
def installed(monkeypatch):
    """Declares an emitter as an installed package would, by an entry point alone."""
    from importlib.metadata import EntryPoint

    from symlstm.emit import emitters
    from symlstm.plugins import EMITTERS, registered

    def install(name, value):
        points = {**registered(EMITTERS), name: EntryPoint(name, value, EMITTERS)}
        monkeypatch.setattr(emitters, "registered", lambda group: points)

    return install


def test_a_format_of_another_package_needs_an_entry_point_alone(derivation, tmp_path, installed):
    installed("org", "tests.emit.test_save:org")
    save(sl.cell("gru"), tmp_path / "gru.org")
    assert (tmp_path / "gru.org").read_text() == "* gru"
    assert emit(sl.cell("gru"), "org", headline="**") == "** gru"
    with pytest.raises(OutputUnwritable, match=r"\.json, \.md, \.org, \.tex, \.txt"):
        save(derivation, tmp_path / "c.docx")


def test_the_command_line_takes_the_ending_of_another_package(tmp_path, installed, monkeypatch):
    from typer.testing import CliRunner

    from symlstm.cli import app

    installed("org", "tests.emit.test_save:org")
    assert CliRunner().invoke(app, ["show", "gru", "-o", str(tmp_path / "gru.org")]).exit_code == 0
    assert (tmp_path / "gru.org").read_text() == "* gru"


def test_an_emitter_says_which_endings_its_files_have(tmp_path, installed, monkeypatch):
    import sys

    monkeypatch.setattr(sys.modules[__name__], "ENDINGS", (".o", ".outline"), raising=False)
    installed("org", "tests.emit.test_save:plain_org")
    for ending in ENDINGS:
        save(sl.cell("gru"), tmp_path / f"gru{ending}")
        assert (tmp_path / f"gru{ending}").read_text() == "plain"
    with pytest.raises(OutputUnwritable):
        save(sl.cell("gru"), tmp_path / "gru.org")


def test_a_broken_emitter_of_another_package_stands_in_nobodys_way(derivation, tmp_path, installed):
    installed("broken", "no_such_module:emit")
    derivation.save(tmp_path / "c.md")
    assert (tmp_path / "c.md").exists()


@pytest.mark.parametrize(
    ("format", "option", "guess"),
    [("latex", "stepz", "steps"), ("latex", "standalon", "standalone"), ("terminal", "widht", "width")],
)
def test_an_unknown_option_is_met_with_a_guess(derivation, format, option, guess):
    with pytest.raises(NameUnknown, match=f"there is no option of {format} named '{option}'") as caught:
        emit(derivation, format, **{option: True})
    assert f"did you mean {guess}?" in caught.value.hint


def test_an_unknown_option_of_a_result_says_which_there_are(derivation):
    with pytest.raises(NameUnknown, match="there is no option of latex named 'colour'"):
        derivation.latex(colour=True)
    with pytest.raises(NameUnknown, match="there is no option named 'stepz'"):
        document(derivation, stepz=True)


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
