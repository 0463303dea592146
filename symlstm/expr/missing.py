"""The error for a node type that a table has no row for."""

from __future__ import annotations

from typing import Any

from symlstm.errors import RuleMissing


def no_row(node: Any, table: str, what: str = "row") -> RuleMissing:
    """Names the node type (never prints the node: that may need the very row) and the table to extend."""
    kind = type(node)
    return RuleMissing(
        f"there is no {what} for {kind.__name__} in {table}", f"add a row for {kind.__name__} to {table}"
    )
