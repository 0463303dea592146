"""Panels as figures, figures as files: SVG for a page (its colours are the page's), SVG, PDF and PNG on their own.

The same numbers give the same bytes: no date, no random names.
"""

from __future__ import annotations

import io
import re
from typing import Any

from symlstm.gradient_flow.pictures.picture import WIDTH, Panel, Picture
from symlstm.gradient_flow.pictures.style import COLORS, LOOK, matplotlib

METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


def one(panel: Panel) -> Any:
    """A figure with one panel."""
    return _filled([[panel]], [])


def figure(picture: Picture) -> Any:
    """A figure with all panels of a picture, two in a row."""
    return _filled(_rows(picture.panels), [])


def page(pictures: list[Picture], title: str) -> Any:
    """A figure with every picture, beneath each other."""
    rows: list[list[Panel]] = []
    titles = {}
    for picture in pictures:
        if picture.panels:
            titles[len(rows)] = picture.title
            rows += _rows(picture.panels)
    return _filled(rows, [titles.get(k, "") for k in range(len(rows))], title)


def _rows(panels: tuple[Panel, ...]) -> list[list[Panel]]:
    return [list(panels[k : k + 2]) for k in range(0, len(panels), 2)]


def _filled(rows: list[list[Panel]], titles: list[str], title: str = "") -> Any:
    library = matplotlib()
    columns = max(map(len, rows), default=1)
    above = [0.4 if k < len(titles) and titles[k] else 0.0 for k in range(len(rows))]
    heights = [max(p.height for p in row) + more for row, more in zip(rows, above, strict=True)]
    top = 0.45 if title else 0.0
    with library.rc_context(LOOK):
        made = library.figure.Figure(figsize=(columns * WIDTH, sum(heights) + top), layout="constrained")
        ratios = [top, *heights] if title else heights
        strips = made.subfigures(len(ratios), 1, height_ratios=ratios, squeeze=False)[:, 0]
        if title:
            strips[0].text(0.012, 0.4, title, fontsize=15)
            strips = strips[1:]
        for k, (strip, row) in enumerate(zip(strips, rows, strict=True)):
            if above[k]:
                strip.suptitle(titles[k], x=0.012, ha="left", fontsize=13)
            parts = strip.subfigures(1, columns, squeeze=False)[0]
            for part, panel in zip(parts, row, strict=False):
                panel.draw(part)
    return made


def content(made: Any, format: str) -> bytes:
    """The file of a figure: "svg", "pdf" or "png"."""
    out = io.BytesIO()
    with matplotlib().rc_context(LOOK):
        made.savefig(out, format=format, metadata=METADATA[format], dpi=200)
    return out.getvalue()


def inline(panel: Panel) -> str:
    """A panel as <svg> within a page: its colours are the page's variables, its names (ids) its own."""
    library = matplotlib()
    made = one(panel)
    with library.rc_context(LOOK):
        out = io.StringIO()
        made.savefig(out, format="svg", metadata=METADATA["svg"], transparent=True)
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text)
    text = text.replace("xlink:href=", "href=")
    text = re.sub(r'\bid="', f'id="{panel.name}-', text)
    text = re.sub(r'href="#', f'href="#{panel.name}-', text).replace("url(#", f"url(#{panel.name}-")
    for name, color in COLORS.items():
        text = text.replace(color, f"var(--{name})")
    head = re.compile(r"<svg [^>]*>")
    size = re.search(r'viewBox="[^"]*"', text)
    assert size is not None
    text = head.sub(f'<svg {size[0]} role="img" aria-label="{_quoted(panel.alt)}">', text, count=1)
    return "\n".join(line.rstrip() for line in text.splitlines())


def _quoted(text: str) -> str:
    from html import escape

    return escape(text, quote=True)
