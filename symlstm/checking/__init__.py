"""Somebody's implementation against a cell: its convention, the comparison, the diagnosis. `check` is `sl.check`."""

from symlstm.checking.check import check
from symlstm.checking.report import Finding, Report

__all__ = ["Finding", "Report", "check"]
