"""The report of a flow as a file: one page that asks nobody for anything, with the numbers of its JSON."""

import json
import re
import sys

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import ExtraMissing, NameUnknown, OutputUnwritable
from symlstm.gradient_flow import pictures
from symlstm.gradient_flow.pictures import PICTURES, drawing
from tests.flow.numbers import GREFF, variant
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


def test_the_same_numbers_give_the_same_bytes(flow, page, monkeypatch, tmp_path):
    flow.save(tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text() == page
    monkeypatch.setattr(pictures, "PICTURES", ("half_lives",))
    for ending, start in ((".svg", b"<?xml"), (".pdf", b"%PDF"), (".png", b"\x89PNG"), (".json", b"{")):
        first, again = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
        flow.save(first), flow.save(again)
        assert first.read_bytes() == again.read_bytes() and first.read_bytes().startswith(start)


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


def rows_of(page, title):
    """The cells of the first table after a title, as text; a formula is its letters."""
    table = re.search(rf"<h2>{title}</h2>.*?<tbody>(.*?)</tbody>", page, re.DOTALL)[1]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    return [[re.sub(r"<.*?>", "", c) for c in re.findall(r"<td>(.*?)</td>", row, re.DOTALL)] for row in rows]


def shown(value):
    """Four digits, as everywhere on the page."""
    return {"inf": "∞", "-inf": "−∞"}.get(value) or f"{value:.4g}".replace("-", "−")


def shares(values):
    return [f"{100 * v:.3g}%" if v == 0 or v >= 1e-6 else shown(float(f"{v:.3g}")) for v in values]


def test_each_number_of_the_page_is_that_of_the_json(flow, page):
    data = flow.to_json()
    glance = [row[1] for row in rows_of(page, "At a glance")]
    half = sorted(data["half_lives"][0]["half_life"])
    assert glance[1] == shown(data["spectrum"]["exponents"][0]) and glance[2] in map(shown, half[2:4])
    assert glance[3] == shown(max(data["snapshots"]["spectral_radius"]))
    last = [r for r in data["lags"] if r["of"] == "c"][-1]
    assert glance[4] == shares([last["share"]])[0]
    assert [row[1:4] for row in rows_of(page, "Gates over time")] == [
        [shown(np.mean(g["mean"])), shown(np.mean(g["deviation"])), shown(min(g["least"]))] for g in data["gates"]
    ]
    (unit,) = data["half_lives"]
    assert [row[2:] for row in rows_of(page, "Half-lives of the direct path")] == [
        list(map(shown, each)) for each in zip(unit["rate"], unit["half_life"], unit["time_constant"], strict=True)
    ]
    assert [row[1:5] for row in rows_of(page, "Direct and total path")] == [
        [
            str(r["lag"]),
            shown(r["total"]),
            *(("–", "–") if r["share"] is None else (shown(r["direct"]), *shares([r["share"]]))),
        ]
        for r in data["lags"]
    ]
    assert [row[1] for row in rows_of(page, "Lyapunov exponents")] == list(map(shown, data["spectrum"]["exponents"]))
    found = rows_of(page, "Eigenvalues of the state Jacobian")
    assert found[0][:2] == ["origin", shown(data["origin"]["spectral_radius"])]
    assert found[1] == ["1", *(shown(v) for v in (
        data["snapshots"]["spectral_radius"][0], max(data["snapshots"]["singular_values"][0]),
        min(data["snapshots"]["singular_values"][0])))]  # fmt: skip
    found = rows_of(page, "Connectivity to earlier inputs and states")[0]
    logs = data["connectivity"]["inputs"] | data["connectivity"]["states"]
    assert found == ["1", *(shown(np.exp(v[0])) for v in logs.values())]
    points = rows_of(page, "Fixed points at the mean input")
    assert [row[1:3] for row in points] == [
        [shown(q["spectral_radius"]), "yes" if q["stable"] else "no"] for q in data["fixed_points"]["points"]
    ]
    assert [[r[1], r[2], r[4], r[5]] for r in rows_of(page, "Certificate")] == [
        [c["name"], *(shown(c[k]) for k in ("left", "right", "margin"))] for c in data["certificate"]["conditions"]
    ]
    assert rows_of(page, "Left out") == [list(item) for item in data["left_out"].items()]


UNITS = r"step|nats a step|^unit|^norm of|part of|% of variance|largest first"


@pytest.mark.parametrize("name", PICTURES)
def test_every_axis_says_what_it_shows_and_every_panel_its_number(flow, name):
    made = flow.figure(name)
    drawn = [axes for axes in made.axes if axes.get_label() != "<colorbar>"]
    assert drawn
    for axes in drawn:
        assert re.search(UNITS, axes.get_xlabel()) and re.search(UNITS, axes.get_ylabel())
        assert re.search(r"\d", axes.get_title(loc="left")) or axes.get_title(loc="left").startswith("Convergence")


def test_what_differs_differs_without_hue():
    from matplotlib import colormaps

    from symlstm.gradient_flow.pictures.style import SERIES, SIZES, VALUES

    for name in (VALUES, SIZES):
        grey = colormaps[name](np.linspace(0, 1, 64))[:, :3] @ [0.2126, 0.7152, 0.0722]
        assert (np.diff(grey) > 0).all()
    assert len({(s["linestyle"], s["marker"]) for s in SERIES}) == len({s["marker"] for s in SERIES}) == len(SERIES)


def edges():
    rng = np.random.default_rng(0)
    constant = {k: np.zeros_like(a) for k, a in sl.parameters("lstm", n=1, m=1).items()}
    constant |= {"b_f": np.array([800.0]), "b_i": np.array([-800.0]), "b_o": np.array([-800.0])}
    yield "one step, one unit, saturated gates", sl.flow("lstm", constant, np.zeros((1, 1)))
    cell = variant("no_output_gate")
    x = rng.normal(size=(12, 3, 2))
    yield "a batch, exponents of -inf", sl.flow(cell, sl.parameters(cell, n=3, m=2, rng=0), x)
    cell = sl.cell(f"{GREFF.with_name('small_cells.py')}:fast_weights")
    yield "a matrix for a state", sl.flow(cell, sl.parameters(cell, n=3, m=2, rng=0), x[:, 0])
    p = {"U": 1.2 * np.eye(2)}
    yield "no input", sl.flow(f"{GREFF.with_name('small_cells.py')}:autonomous", p, steps=9, states=np.ones(2))


DRAWN = {
    "one step, one unit, saturated gates": [name for name in PICTURES if name not in ("lags", "fixed_points")],
    "a batch, exponents of -inf": ["spectrum", "fixed_points"],
    "a matrix for a state": ["half_lives", "eigenvalues", "gradients"],
    "no input": ["connectivity"],
}
"""What is drawn of each, beside its text."""


def test_pages_of_unusual_runs(tmp_path):
    """Whatever warns (an empty axis, a layout without room, a logarithm of zero) fails the test."""
    said = {}
    for what, found in edges():
        found.save(tmp_path / "flow.txt")
        said[what] = (tmp_path / "flow.txt").read_text()
        for name in DRAWN[what]:
            drawing.content(found.figure(name), "svg")
        assert "nan" not in said[what].lower()
    one, batch, matrix, alone = said.values()
    assert re.search(r"fixed points\s+A is a matrix, and fixed points are looked for where", matrix)
    assert "None: A is a matrix, and norms over a lag are taken" in matrix and "certificate" in matrix
    assert "No lag fits into 1 step." in one and "∞ steps" in one
    assert "Of 3 examples the first one is shown" in batch and "3 exponents are −∞" in batch
    assert "None: autonomous has no direct path" in alone and "Gradient by inputs" not in alone


def test_without_matplotlib_the_extra_is_named_and_text_still_works(flow, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    flow.save(tmp_path / "flow.txt"), flow.save(tmp_path / "flow.md")
    for ending in (".html", ".svg"):
        with pytest.raises(ExtraMissing, match="matplotlib") as told:
            flow.save(tmp_path / f"flow{ending}")
        assert "symlstm[plots]" in told.value.hint and not (tmp_path / f"flow{ending}").exists()
    with pytest.raises(ExtraMissing, match="matplotlib"):
        flow.figure("spectrum")
