"""Python identifiers for quantities and sizes: all different, none of them a word that the module needs."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable
from typing import Any

HARD_TO_READ = ("l", "O", "I")
RESERVED = frozenset([*keyword.kwlist, *dir(builtins), *HARD_TO_READ, "np"])


class Names:
    """Identifiers handed out so far; what is taken gets an underscore."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = set(RESERVED) | set(reserved)
        self._given: dict[Any, str] = {}

    def of(self, thing: Any, wish: str, otherwise: str = "") -> str:
        """The identifier of a thing, the same at every call; `wish` itself if it is free, else `otherwise`."""
        if thing not in self._given:
            self._given[thing] = self.new(otherwise if otherwise and wish in self._taken else wish)
        return self._given[thing]

    def numbered(self, wish: str) -> str:
        """wish_1, wish_2, ..."""
        k = 1
        while f"{wish}_{k}" in self._taken:
            k += 1
        return self.new(f"{wish}_{k}")

    def new(self, wish: str) -> str:
        """A fresh identifier."""
        name = re.sub(r"\W", "_", wish)
        if not name.isidentifier():
            name = f"q_{name}"
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name
