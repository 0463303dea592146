"""What every result can do: be shown in a format, be saved, be checked."""

from __future__ import annotations

from typing import Any

from symlstm.plugins import service


class Shown:
    """What every result can do: LaTeX, Markdown, text, JSON, a file."""

    def __str__(self) -> str:
        return self.text()

    def _emit(self, format_: str, **options: Any) -> str:
        return str(service("emit")(self, format_, **options))

    def latex(self, **options: Any) -> str:
        """LaTeX ready to paste; `save("x.tex")` writes a whole document."""
        return self._emit("latex", **options)

    def markdown(self, **options: Any) -> str:
        """Markdown with mathematics as GitHub renders it."""
        return self._emit("markdown", **options)

    def text(self, **options: Any) -> str:
        """Plain text for the terminal."""
        return self._emit("terminal", **options)

    def json(self, **options: Any) -> str:
        """JSON with a versioned schema."""
        return self._emit("json", **options)

    def save(self, path: Any, **options: Any) -> None:
        """Write to a file; the format follows its ending (.tex, .md, .txt, .json)."""
        service("save")(self, path, **options)


class Examined(Shown):
    """A result with formulas that can be checked."""

    def evidence(self, **options: Any) -> Any:
        """Check the result by the three rungs; see symlstm.evidence."""
        return service("examine")(self, **options)
