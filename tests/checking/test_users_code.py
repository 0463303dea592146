"""Classes, global weights, bad manners, and what is told where something cannot be checked."""

import numpy as np
import pytest
from typer.testing import CliRunner

import symlstm as sl
from symlstm.cli import app
from symlstm.errors import SymlstmError
from tests.checking.bench import HELPERS, implementation

CLASSES = (
    HELPERS
    + """
class Net:
    def __init__(self, input_size, hidden_size, bias=True):
        self.W = np.random.randn(4 * hidden_size, input_size)
        self.U = np.random.randn(4 * hidden_size, hidden_size)
        self.b = np.zeros(4 * hidden_size)

    def step(self, x, h_prev, c_prev):
        i, f, g, o = np.split(x @ self.W.T + h_prev @ self.U.T + self.b, 4, axis=1)
        c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

class Wrong(Net):
    def step(self, x, h_prev, c_prev):
        i, f, g, o = np.split(x @ self.W.T + h_prev @ self.U.T + self.b, 4, axis=1)
        c = sigmoid(f) * c_prev + sigmoid(i) * sigmoid(g)  # here
        return sigmoid(o) * np.tanh(c), c

class Called:
    def __init__(self, D, H):
        self.Wf, self.Wi, self.Wc, self.Wo = (np.random.randn(H, H + D) for _ in range(4))
        self.bf, self.bi, self.bc, self.bo = (np.zeros((H, 1)) for _ in range(4))

    def __call__(self, x, state):
        h, c = state
        hx = np.vstack([h, x])
        f, i, o = sigmoid(self.Wf @ hx + self.bf), sigmoid(self.Wi @ hx + self.bi), sigmoid(self.Wo @ hx + self.bo)
        c = f * c + i * np.tanh(self.Wc @ hx + self.bc)
        return o * np.tanh(c), (o * np.tanh(c), c)

class Asks:
    def __init__(self, config):
        pass

    def step(self, x, h, c):
        return h, c

class Two:
    def first(self):
        pass

    def second(self):
        pass

class NeverFits:
    def __init__(self, n_x, n_a):
        pass

    def step(self, x, h, c):
        raise ValueError("no")
"""
)
GLOBALS = (
    HELPERS
    + """
rng = np.random.default_rng(0)
n, m = 5, 3
Wf, Wi, Wc, Wo = (rng.normal(size=(n, n + m)) for _ in range(4))
bf, bi, bc, bo = (np.zeros((n, 1)) for _ in range(4))

def gate(W, b, hx):
    return sigmoid(W @ hx + b)

def step(x, h_prev, c_prev):
    hx = np.vstack([h_prev, x])
    c = gate(Wf, bf, hx) * c_prev + gate(Wi, bi, hx) * np.tanh(Wc @ hx + bc)
    return gate(Wo, bo, hx) * np.tanh(c), c

def example(n, m, batch, rng):
    draw = rng.standard_normal
    return {"x": draw((m, batch)), "h_prev": draw((n, batch)), "c_prev": draw((n, batch))}
"""
)


@pytest.fixture
def nets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(CLASSES)
    (tmp_path / "weights.py").write_text(GLOBALS)
    return tmp_path


@pytest.mark.parametrize("name", ["Net", "Net.step", "Called"])
def test_a_class_is_constructed_and_its_step_checked(nets, name):
    assert sl.check(f"nets.py:{name}", "lstm").ok


def test_the_line_of_a_mistake_in_a_method_is_found(nets):
    report = sl.check("nets.py:Wrong", "lstm")
    assert not report.ok and "# here" in report.findings[0].code


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("Asks", "what config of Asks is could not be found out", "input_size and hidden_size"),
        ("Two", "which method of Two computes a step is not clear", "name it: Two.first"),
        ("NeverFits", "takes none of the layouts", "--example"),
        ("Net.stpe", "no method of Net named 'stpe'", "did you mean step?"),
    ],
)
def test_a_class_that_cannot_be_used_says_what_to_do(nets, name, said, hint):
    with pytest.raises(SymlstmError, match=said) as caught:
        sl.check(f"nets.py:{name}", "lstm")
    assert hint in caught.value.hint


def test_weights_in_globals_are_named_checked_and_put_back(nets):
    from symlstm.registry import found_in_file

    step = found_in_file("weights.py:step")
    before = {name: step.__globals__[name] for name in ("Wf", "bo")}
    report = sl.check(step, "lstm", example=step.__globals__["example"])
    assert report.ok
    (told,) = [f for f in report.findings if f.name == "global"]
    assert told.message.startswith("reads weights from the globals Wf (line ") and told.where.startswith("weights.py:")
    assert all(step.__globals__[name] is value for name, value in before.items())


def wrapped(change):
    step, example = implementation("separate")
    return change(step), example


def _counts(step):
    seen = []

    def counts(x, h_prev, c_prev, **p):
        seen.append(1)
        return step(x, h_prev * len(seen), c_prev, **p)

    return counts


def _chance(step):
    return lambda x, h_prev, c_prev, **p: step(x, h_prev * np.random.rand(), c_prev, **p)


def _chance_of_its_own(step):
    return lambda x, h_prev, c_prev, **p: step(x, h_prev * np.random.default_rng().random(), c_prev, **p)


def _writes(step):
    def writes(x, h_prev, c_prev, **p):
        c_prev *= 2
        return step(x, h_prev, c_prev / 2, **p)

    return writes


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        (_counts, "keeps_state", "it keeps a state in the variable seen around it"),
        (_chance, "nondeterministic", "random numbers of NumPy's or Python's global generator"),
        (_chance_of_its_own, "nondeterministic", "two calls with the same arguments"),
        (_writes, "changed_input", "c_prev is changed in place"),
    ],
)
def test_bad_manners_are_told_apart(change, name, said):
    function, example = wrapped(change)
    report = sl.check(function, "lstm", example=example)
    assert not report.ok and [f.name for f in report.findings] == [name] and said in report.findings[0].message


def test_an_overflowing_exponential_is_a_note():
    function, example = implementation("course", F="np.exp(zf) / (1 + np.exp(zf))")
    report = sl.check(function, "lstm", example=example)
    (note,) = [f for f in report.findings if f.name == "overflow"]
    assert report.ok and "+800" in note.message and note.severity == "note"
    assert not [f for f in sl.check(*_right(), example=example).findings if f.name == "overflow"]


def _right():
    return implementation("course")[0], "lstm"


def test_the_line_of_float32_is_named():
    function, example = implementation("course", G="np.tanh(zg.astype(np.float32)).astype(float)")
    (finding,) = sl.check(function, "lstm", example=example).findings
    assert finding.name == "imprecise" and "float32" in finding.code and finding.where in finding.code


def test_an_example_with_equal_sizes_says_what_it_hides():
    step, make = implementation("course")

    def four(xt, a_prev, c_prev, parameters):
        assert xt.shape[0] == a_prev.shape[0] == 4
        return step(xt, a_prev, c_prev, parameters)

    report = sl.check(four, "lstm", example=make(4, 4, 2, np.random.default_rng(0)))
    assert report.ok and [f.name for f in report.findings] == ["same_sizes"]


BAD = {
    "raises": ("raise KeyError('Wf')", "fails at .*bad.py.*KeyError", "x "),
    "exits": ("raise SystemExit(3)", "fails at .*SystemExit", ""),
    "nothing": ("return None", "nothing that step returns", "it must return the new states"),
    "shapes": ("return np.zeros((99, 1)), np.zeros((99, 1))", "nothing that step returns has the shape", ""),
    "text": ("return 'h', 'c'", "nothing that step returns", ""),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_function_that_fails_is_told_with_exit_status_2(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    body, said, hint = BAD[kind]
    text = GLOBALS.replace("    hx = np.vstack([h_prev, x])\n", f"    {body}\n    hx = np.vstack([h_prev, x])\n", 1)
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(SymlstmError, match=said) as caught:
        sl.check("bad.py:step", "lstm", example="bad.py:example")
    assert hint in caught.value.hint
    told = CliRunner().invoke(app, ["check", "bad.py:step", "--example", "bad.py:example"])
    assert told.exit_code == 2 and "Traceback" not in told.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nets.py:Nets"], "did you mean Net"),
        (["nothing.py:step"], "there is no file nothing.py"),
        (["weights.py:step", "--cell", "lsmt"], "did you mean lstm?"),
        (["weights.py:step", "--example", "weights.py:exampel"], "did you mean example?"),
        (["weights.py:step", "--example", "weights.py:gate"], "the example function fails"),
        (["weights.py:step"], "no example was given"),
        (["weights.py"], "say which one"),
    ],
)
def test_wrong_usage_of_the_command_says_what_to_do(nets, args, said):
    told = CliRunner().invoke(app, ["check", *args])
    assert told.exit_code == 2 and said in told.stderr and "Traceback" not in told.output
