"""The evidence of several formulas in one line says how each kind of check came out, and hides none."""

import symlstm as sl
from symlstm.emit import emit, report
from symlstm.emit.checked import evidence_of, together
from symlstm.emit.document import Evidence, Rung
from tests.evidence.small_cells import quotient


def summed(*rungs):
    (evidence,) = together([Evidence((rung,)) for rung in rungs])
    (rung,) = evidence.rungs
    return rung


def polynomials(entries):
    return Rung("exact", True, f"{entries} entries equal as polynomials in 8 gate values", "", "polynomials")


def residues(chance):
    return Rung("exact", True, f"900 entries equal; chance of error below 1e{chance}", "", "residues", chance)


def test_exact_by_polynomials_and_modulo_a_prime_are_counted_apart():
    found = summed(polynomials(4), residues(-70.5), polynomials(90), residues(-68.25))
    assert found.held
    assert found.figure == (
        "2 formulas equal as polynomials; "
        "2 formulas equal as rational functions modulo a prime (chance of error below 1e-68)"
    )


def test_the_chances_of_error_add_up():
    assert "below 1e-68)" in summed(*[residues(-70.5)] * 150).figure
    assert "below 1e-70)" in summed(*[residues(-70.5)] * 2).figure


def test_the_worst_figure_is_the_worst_number_not_the_first_in_the_text():
    one = Rung("float64", True, "worst 0.5 ulp over 90 entries", "", "ulp", 0.5)
    other = Rung("float64", True, "2 ways; worst 3.0 ulp over 4 entries", "", "ulp", 3.0)
    assert summed(one, other).figure == "2 formulas; 2 ways; worst 3.0 ulp over 4 entries"


def test_what_is_not_decided_is_said_with_its_reason():
    found = summed(polynomials(4), Rung("exact", None, "not decided", "Max is not decided exactly"), polynomials(4))
    assert found.held
    assert found.figure == "2 formulas equal as polynomials; 1 formula not decided (Max is not decided exactly)"
    assert summed(*[Rung("exact", None, "not decided", "too large")] * 2).held is None


def test_checks_of_another_kind_are_all_named():
    assert summed(Rung("mine", True, "3 of 3"), Rung("mine", True, "5 of 5")).figure == "2 formulas: 3 of 3, 5 of 5"


def test_the_report_of_a_cell_with_quotients_tells_the_chance_of_error():
    text = " ".join(emit(report(sl.cell(quotient)), "terminal", evidence=True, width=400).split())
    assert "equal as rational functions modulo a prime (chance of error below 1e-" in text


def test_every_rung_that_held_says_what_kind_of_check_it_was():
    for result in (sl.backward(sl.cell("lstm")), sl.derive(sl.cell(quotient), "h", "h_prev")):
        (evidence,) = evidence_of(result, True)
        assert all(r.method for r in evidence.rungs)
        assert all(r.measured is not None for r in evidence.rungs if r.method != "polynomials")
