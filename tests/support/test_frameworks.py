"""What is missing is named: a skip at home, a failure where everything is required."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support import frameworks


def test_a_missing_framework_skips_by_name(monkeypatch):
    monkeypatch.setenv("SYMLSTM_REQUIRE_ALL", "0")
    with pytest.raises(pytest.skip.Exception, match="no_such_framework is not installed"):
        frameworks.require("no_such_framework")
    with pytest.raises(pytest.skip.Exception, match="no_such_tool is not installed"):
        frameworks.require_tool("no_such_tool")


def test_a_skip_says_how_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("SYMLSTM_REQUIRE_ALL", "0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SYMLSTM_KATEX", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="apt install texlive"):
        frameworks.require_tool("pdflatex")
    with pytest.raises(pytest.skip.Exception, match=r"npm install .*SYMLSTM_KATEX"):
        frameworks.require_katex()


def test_in_ci_a_missing_one_fails(monkeypatch, tmp_path):
    monkeypatch.setenv("SYMLSTM_REQUIRE_ALL", "1")
    monkeypatch.setenv("SYMLSTM_KATEX", str(tmp_path))
    for ask in (
        lambda: frameworks.require("no_such_framework"),
        lambda: frameworks.require_tool("no_such_tool"),
        frameworks.require_katex,
    ):
        with pytest.raises(pytest.fail.Exception, match="is not installed"):
            ask()


def test_a_broken_framework_is_not_a_missing_one(monkeypatch, tmp_path):
    (tmp_path / "broken_framework.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        frameworks.require("broken_framework")


def test_jax_computes_in_float64():
    jax = frameworks.require("jax")
    assert jax.numpy.asarray(np.ones(2)).dtype == np.float64
