"""Write every page of derivations/ beside its source, and say what was checked: `make derivations`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))

from derivations.checks import Checks
from symlstm.emit import emit, write

NOT_PAGES = {"__init__", "checks", "make"}


def pages() -> list[str]:
    """The names of the pages."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_PAGES)


def rendered(name: str) -> tuple[str, Checks]:
    """The Markdown of a page, and what was checked on the way."""
    checks = Checks()
    page = import_module(f"derivations.{name}").page(checks)
    return emit(page, "markdown"), checks


def write_all() -> Iterator[str]:
    """Write all pages; one line about each."""
    for name in pages():
        text, checks = rendered(name)
        write(HERE / f"{name}.md", text)
        yield f"derivations/{name}.md: {checks}"


if __name__ == "__main__":
    count = 0
    for line in write_all():
        print(line, flush=True)
        count += 1
    print(f"{count} pages written; every formula and number named above was checked and held.")
