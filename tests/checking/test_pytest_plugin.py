"""The fixture `symlstm_check`: found by pytest, tells the report where a test fails, costs nothing at import."""

import subprocess
import sys

from tests.checking.bench import source

pytest_plugins = ["pytester"]

EXAMPLE = """
def example(n, m, batch, rng):
    d = rng.standard_normal
    return (d((batch, m)), d((batch, n)), d((batch, n)), d((m, 4 * n)), d((n, 4 * n)), d(4 * n))
"""
TEST = """
def test_it(symlstm_check):
    report = symlstm_check(step, "lstm", example=example)
    assert report.ok and report.ulps["h"]["scaled"] <= report.ulps["h"]["bound"]
"""


def test_a_right_implementation_passes(pytester):
    pytester.makepyfile(source("cs231n") + EXAMPLE + TEST)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_wrong_one_fails_with_the_report_and_no_traceback(pytester):
    pytester.makepyfile(source("cs231n", H="o * c") + EXAMPLE + TEST)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["step is not lstm", "*h = o * c", "*found"])
    assert "checking/check.py" not in result.stdout.str()


def test_the_fixture_is_listed_with_its_docstring(pytester):
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["symlstm_check*"])


def test_the_plugin_imports_nothing_but_pytest():
    check = (
        "import pytest, sys; before = set(sys.modules); import symlstm.pytest_plugin;"
        "new = {m.split('.')[0] for m in set(sys.modules) - before}; assert new == {'symlstm'}, new"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
