"""hypothesis profiles: "ci" (a hundred examples, the same ones every time), "dev", and "thorough" (thousands).

At the end of every run, all formulas that its tests emitted are parsed by KaTeX and compiled by TeX.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.support import emitted

_COMMON = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    "print_blob": True,
}
settings.register_profile("dev", max_examples=60, **_COMMON)
settings.register_profile("ci", max_examples=100, derandomize=True, **_COMMON)
settings.register_profile("thorough", max_examples=int(os.environ.get("SYMLSTM_EXAMPLES", "5000")), **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


def pytest_configure(config):
    emitted.wrap_emitters()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """A process of a parallel run has ended."""
    if "emitted" in getattr(node, "workeroutput", {}):
        emitted.take(node.workeroutput["emitted"])


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["emitted"] = emitted.output()
        return
    wrong = emitted.check()
    emitted.said += wrong
    if wrong and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if emitted.said:
        terminalreporter.section("what the tests emitted, parsed by KaTeX and compiled by TeX")
        for line in emitted.said:
            terminalreporter.line(line)
