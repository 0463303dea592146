"""Finished points of a sweep, kept one a line, so that a sweep that was killed goes on where it was.

A line is written by one call and synced to the disk: it is there whole or not at all. A half-written last line, and any
line that cannot be read, counts for nothing: its point is measured again. Points are found by a hash of all that their
numbers depend on, so points of another sweep in the same file are left alone.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from symlstm.errors import OutputUnwritable


class Journal:
    """The points in a file, by key; in memory alone where there is no path."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found: dict[str, dict[str, Any]] = {}
        if path is None:
            return
        try:
            self.file = open(path, "a+b")  # noqa: SIM115 - closed by `close`
        except OSError as error:
            raise OutputUnwritable(f"{path} cannot be written: {error.strerror}", "give another path") from None
        self.file.seek(0)
        text = self.file.read()
        for line in text.splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError):
                point = json.loads(line)
                self.found[point["key"]] = dict(point["found"])
        if not text.endswith(b"\n") and text:
            self.file.write(b"\n")

    def add(self, key: str, found: dict[str, Any]) -> None:
        """Keep a finished point. Raises OutputUnwritable."""
        self.found[key] = found
        if self.path is None:
            return
        try:
            self.file.write(json.dumps({"key": key, "found": found}).encode() + b"\n")
            self.file.flush()
            os.fsync(self.file.fileno())
        except OSError as error:
            raise OutputUnwritable(f"{self.path} cannot be written: {error.strerror}", "free some space") from None

    def close(self) -> None:
        if self.path is not None:
            self.file.close()
