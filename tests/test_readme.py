"""The README tells the truth: its examples run, its formulas render, its commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from symlstm.cli import app
from tests.support.github import github_problems, markdown_formulas
from tests.support.katex import parse_all

README = Path(__file__).parents[1] / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_run(example, tmp_path):
    script = tmp_path / "example.py"
    script.write_text(example)
    done = subprocess.run([sys.executable, "-W", "error", script], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_first_example_prints_what_the_readme_says(tmp_path):
    script = tmp_path / "example.py"
    script.write_text(EXAMPLES[0])
    printed = subprocess.run([sys.executable, script], capture_output=True, encoding="utf-8", check=True).stdout
    lines = printed.splitlines()
    assert lines[0] == "diag(f_t)"
    assert lines[1].startswith("diag(f_t) + (") and lines[1].endswith("diag(o_{t-1} ⊙ (1 - tanh²(c_{t-1})))")


def test_the_formulas_render():
    text = README.read_text()
    assert markdown_formulas(text)
    assert parse_all(markdown_formulas(text)) == []
    assert github_problems(text) == []


def test_the_commands_exist():
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    used = set(re.findall(r"`symlstm (\w+)", README.read_text()))
    assert used and used <= commands
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0
