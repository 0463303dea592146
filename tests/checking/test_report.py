"""The report: the wrong term marked beside the right one, the very line, every format, exit status and files."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import symlstm as sl
from symlstm.checking.edits import edits
from symlstm.checking.lines import lines
from symlstm.checking.reference import equations_of
from symlstm.checking.sites import sites_of
from symlstm.cli import app
from symlstm.emit import emit
from symlstm.expr.latex import latex
from symlstm.expr.marked import Marked, differing, without_marks
from symlstm.expr.text import text
from tests.checking.bench import BUGS, implementation, source
from tests.emit.test_html import problems
from tests.support.emitted import displays
from tests.support.katex import Formula, parse_all

EXAMPLE = """
def example(n, m, batch, rng):
    d = rng.standard_normal
    return (d((batch, m)), d((batch, n)), d((batch, n)), d((m, 4 * n)), d((n, 4 * n)), d(4 * n))
"""
CELLS = ("lstm", "gru", "gru_reset_before", "rnn", "lstm_peephole")


def report_of(style="course", **holes):
    function, example = implementation(style, **holes)
    return sl.check(function, "lstm", example=example)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "right.py").write_text(source("cs231n") + EXAMPLE)
    (tmp_path / "wrong.py").write_text(source("cs231n", b_g="i", O="np.tanh(zo)") + EXAMPLE)
    return tmp_path


def run(name, *more):
    return CliRunner().invoke(app, ["check", f"{name}.py:step", "--example", f"{name}.py:example", *more])


def every_edit(cell):
    equations = equations_of(sl.cell(cell))
    for edit in edits(sites_of(sl.cell(cell)), equations):
        for q, found in edit.changes:
            yield edit, dict(equations)[q], found


@pytest.mark.parametrize("cell", CELLS)
def test_something_is_marked_for_every_edit_and_taking_the_marks_away_gives_the_equations_back(cell):
    for edit, right, found in every_edit(cell):
        both = differing(right, found)
        assert any(list(part.atoms(Marked)) for part in both if not isinstance(part, type(None))), edit
        assert [without_marks(part) for part in both] == [right, found], edit
        assert text(both[0]) != text(right) or text(both[1]) != text(found)


def test_what_is_marked_is_the_term_that_differs():
    h = sl.cell("lstm").equation(sl.cell("lstm").quantity("h")).expr
    c = sl.cell("lstm").equation(sl.cell("lstm").quantity("c")).expr
    assert text(differing(h, h.args[0])[0]) == "o_t ⊙ «tanh(c_t)»"
    swapped = type(c)(c.args[1], c.args[0])
    assert text(differing(c, swapped)[1]) == text(swapped)  # the order of terms is no difference
    assert latex(differing(c, type(c)(c.args[0], h))[1]).count(r"\textcolor{red}") == 2


@pytest.mark.parametrize("cell", CELLS)
def test_every_marked_equation_is_parsed_by_katex(cell):
    formulas = [
        Formula(e.name, latex(part)) for e, right, found in every_edit(cell) for part in differing(right, found)
    ]
    assert parse_all(formulas) == []


@pytest.mark.parametrize("bug", [b for b in BUGS if BUGS[b][2] != "c" or b == "minus"])
def test_the_latex_of_a_finding_has_both_equations_and_katex_parses_it(bug):
    finding = report_of("course", **BUGS[bug][0]).findings[0]
    assert r"\textcolor{red}" in finding.latex or r"\textcolor{teal}" in finding.latex
    assert "expected" in finding.latex and "found" in finding.latex
    assert parse_all([Formula(bug, each) for each in displays(finding.latex)]) == []


@pytest.mark.parametrize("style", ["course", "cs231n", "torch", "separate", "joined", "words"])
@pytest.mark.parametrize(
    ("holes", "code"),
    [
        ({"b_g": "i"}, "zg = "),
        ({"H": "o * c"}, "h = o * c"),
        ({"C": "f * c_prev + i * h_prev"}, "c = f * c_prev"),
        ({"F": "np.tanh(zf)"}, "f = np.tanh(zf)"),
    ],
)
def test_the_line_is_the_one_that_computes_what_is_wrong(style, holes, code):
    function, example = implementation(style, **holes)
    finding = sl.check(function, "lstm", example=example).findings[0]
    assert finding.code.split("  ", 1)[1].startswith(code)
    assert finding.where in finding.code


def test_lines_in_methods_helpers_and_stacked_gates():
    class Net:
        def __init__(self):
            self.n = 2

        def gates(self, a):
            s = 1 / (1 + np.exp(-a[:, : 2 * self.n]))
            return s, np.tanh(a[:, 2 * self.n :])

        def step(self, a):
            s, g = self.gates(a)
            both = s[:, :2] * g  # both
            return both

    from symlstm.checking.calls import call_of

    net, a = Net(), np.random.default_rng(0).normal(size=(3, 6))
    call = call_of(net.step, (a,), {})
    s, g = net.gates(a)
    found = lines(call, {("a",): a}, [s[:, :2], g, s[:, :2] * g, a * 3])
    assert [each and each.text.split(" ")[0] for each in found] == ["s", "return", "both", None]


def test_the_json_says_what_the_report_says():
    report = report_of(H="o * c")
    data = json.loads(report.to_json())
    assert data["schema"] == "symlstm.check/1" and data["ok"] is False and data["implementation"] == "step"
    assert data["findings"][0]["latex"] == report.findings[0].latex != ""


def test_the_page_is_sound_and_marks_the_wrong_term():
    page = emit(report_of(b_g="i"), "html")
    assert problems(page) == [] and "http" not in page
    assert '<mstyle class="wrong">' in page and '<mstyle class="right">' in page


@pytest.mark.parametrize("width", [40, 60, 100])
def test_the_terminal_report_fits_its_width(width):
    shown = emit(report_of(b_g="i", H="o * c"), "terminal", width=width)
    prose = [line for line in shown.splitlines() if "<bench" not in line]
    assert max(map(len, prose)) <= width
    assert "»b_i«" in shown and "«b_c»" in shown


def test_a_right_implementation_gets_a_report_without_marks():
    shown = str(report_of())
    assert shown.startswith("step is lstm") and "✓ h and c agree" in shown and "✗" not in shown


def test_the_exit_status_and_the_files(files):
    assert run("right").exit_code == 0
    told = run("wrong", "--html", "r.html", "-o", "r.tex")
    assert told.exit_code == 1 and told.stdout == ""
    assert "\\textcolor{red}" in (files / "r.tex").read_text() and "<math" in (files / "r.html").read_text()
    assert run("wrong", "-o", "r.json").exit_code == 1
    assert json.loads((files / "r.json").read_text())["findings"][0]["equation"] == "c_tilde"
    assert "c̃_t" in run("wrong").stdout


@pytest.mark.parametrize("more", [["-o", "r.foo"], ["--html", "r.pdf"], ["-o", "nowhere/r.html"]])
def test_a_place_that_cannot_be_written_is_told_and_nothing_is_left(files, more):
    before = sorted(p.name for p in files.iterdir() if p.name != "__pycache__")
    told = run("wrong", *more)
    assert told.exit_code == 2 and "Traceback" not in told.output
    assert sorted(p.name for p in files.iterdir() if p.name != "__pycache__") == before


def test_what_the_code_prints_does_not_disturb_the_json(files):
    loud = (files / "right.py").read_text().replace("    a = ", "    print('here')\n    a = ")
    assert "print" in loud
    (files / "loud.py").write_text(loud)
    assert json.loads(run("loud", "--json").stdout)["ok"]


@pytest.mark.parametrize("style", ["course", "cs231n", "torch", "separate", "joined", "words"])
def test_differences_are_of_the_typical_size_that_is_said_and_the_bound_is_above(style):
    for row in report_of(style).ulps.values():
        assert row["typical"] / 20 < row["scaled"] < 5 * row["typical"] < row["bound"]


def test_typical_is_the_deviation_that_is_measured():
    """1000 sums of products in float64 against exact ones: the measured deviation is within a factor of two."""
    from fractions import Fraction

    from symlstm.checking.typical import TYPICAL
    from symlstm.evidence.running import exact

    rng = np.random.default_rng(0)
    a, b = rng.uniform(-1, 1, (1000, 1, 12)), rng.uniform(-1, 1, (1000, 12, 1))
    true = [
        sum(Fraction(x) * Fraction(y) for x, y in zip(u[0], v[:, 0], strict=True)) for u, v in zip(a, b, strict=True)
    ]
    off = [float(Fraction(float((u @ v)[0, 0])) - t) for u, v, t in zip(a, b, true, strict=True)]
    said = TYPICAL.matmul(exact(a), exact(b)).real
    assert 0.5 < np.std(off) / np.sqrt(np.mean(said**2)) < 2
