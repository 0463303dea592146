"""The pytest fixture `symlstm_check`: a test fails with the report where an implementation is not the cell.

    def test_my_lstm(symlstm_check):
        symlstm_check(my_lstm, "lstm", example=example)

pytest finds it through the entry point `pytest11`; nothing is imported before a test asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def symlstm_check() -> Callable[..., Any]:
    """`sl.check` as an assertion: it returns the report, and fails the test with it where it is not ok."""

    def check(implementation: Any, cell: Any = "lstm", **options: Any) -> Any:
        __tracebackhide__ = True
        from symlstm.checking import check as examine

        report = examine(implementation, cell, **options)
        if not report.ok:
            pytest.fail(str(report), pytrace=False)
        return report

    return check
