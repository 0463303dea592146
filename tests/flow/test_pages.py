"""The report of a flow as a file: one page that asks nobody for anything, with the numbers of its JSON."""

import json
import re
import sys

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import ExtraMissing, NameUnknown, OutputUnwritable
from symlstm.gradient_flow.pictures import PICTURES
from tests.support.frameworks import require

require("matplotlib")


@pytest.fixture(scope="module")
def flow():
    p = sl.parameters("lstm", n=6, m=2, rng=0)
    return sl.flow("lstm", p, np.random.default_rng(0).normal(size=(40, 2)))


@pytest.fixture(scope="module")
def page(flow, tmp_path_factory):
    path = tmp_path_factory.mktemp("flow") / "flow.html"
    flow.save(path)
    return path.read_text()


def test_the_page_asks_nobody_for_anything(page):
    assert not re.search(r"<(script|link|iframe|object|img)\b|@import", page)
    for target in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert target.startswith(("#", "data:image/png;base64,")), target
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    assert "http://" not in page and "https://" not in page


def test_both_colour_schemes_are_declared_and_the_pictures_follow_them(page):
    assert '<meta name="color-scheme" content="light dark">' in page and "prefers-color-scheme: dark" in page
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "var(--ink)" in drawn and "var(--accent)" in drawn
    declared = set(re.findall(r"(--\w+):", page))
    assert set(re.findall(r"var\((--\w+)\)", drawn)) <= declared
    assert not re.search(r"#1c1c1e|#1f5fa8|#000000", drawn)


def test_names_within_the_pictures_are_unique_and_found(page):
    names = re.findall(r'\bid="([^"]*)"', page)
    assert len(names) == len(set(names))
    assert set(re.findall(r'href="#([^"]*)"', page)) | set(re.findall(r"url\(#([^)]*)\)", page)) <= set(names)


def test_every_picture_is_described(page):
    drawn = re.findall(r"<svg [^>]*>", page)
    assert len(drawn) >= len(PICTURES)
    for tag in drawn:
        assert 'role="img"' in tag and len(re.search(r'aria-label="([^"]*)"', tag)[1]) > 30


def test_the_same_numbers_give_the_same_bytes(flow, page, tmp_path):
    for ending in (".html", ".svg", ".pdf", ".png", ".json"):
        first, again = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
        flow.save(first), flow.save(again)
        assert first.read_bytes() == again.read_bytes()
    assert (tmp_path / "a.html").read_text() == page


def test_the_ending_says_the_format(flow, tmp_path):
    flow.save(tmp_path / "flow.json")
    assert json.loads((tmp_path / "flow.json").read_text()) == flow.to_json()
    flow.save(tmp_path / "flow.txt")
    assert "First exponent" in (tmp_path / "flow.txt").read_text()
    with pytest.raises(OutputUnwritable, match="no format has the ending"):
        flow.save(tmp_path / "flow.docx")
    with pytest.raises(NameUnknown, match="no picture named 'spectra'"):
        flow.figure("spectra")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["flow.json", "flow.txt"]


def test_without_matplotlib_the_extra_is_named_and_text_still_works(flow, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    flow.save(tmp_path / "flow.txt"), flow.save(tmp_path / "flow.md")
    for ending in (".html", ".svg"):
        with pytest.raises(ExtraMissing, match="matplotlib") as told:
            flow.save(tmp_path / f"flow{ending}")
        assert "symlstm[plots]" in told.value.hint and not (tmp_path / f"flow{ending}").exists()
    with pytest.raises(ExtraMissing, match="matplotlib"):
        flow.figure("spectrum")
