"""`symlstm flow`: what it reads and prints, that it is what sl.flow gives, and what it says of bad input."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import symlstm as sl
from symlstm.cli import app
from tests.convert.test_convert import weights
from tests.support.frameworks import require

OWN = """
from symlstm import tanh, sigmoid

def leaky(x: "m", s_prev: "n", *, V: "n m", a: "n"):
    s = sigmoid(a) * s_prev + tanh(V @ x)
    return s

def alone(s_prev: "n", *, A: "n n"):
    s = tanh(A @ s_prev)
    return s

def two(x: "m", u: "q", s_prev: "n", *, V: "n m", P: "n q", A: "n n"):
    s = tanh(A @ s_prev + V @ x + P @ u)
    return s
"""
RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
P = weights("symlstm", "lstm")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    np.save("x.npy", X)
    np.savez("w.npz", **P)

    def run(*arguments):
        return CliRunner().invoke(app, ["flow", *map(str, arguments)])

    return run


def report(done):
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def same(found, wanted):
    assert json.dumps(found) == json.dumps(wanted.to_json())


QUICK = ["--starts", 1, "--json"]


def test_it_is_what_flow_gives(run):
    found = report(run("lstm", "--checkpoint", "w.npz", "--data", "x.npy", *QUICK))
    same(found, sl.flow("lstm", P, X, starts=1))
    options = ["--lags", "2,7", "--pairs", "h:c,c", "--count", 3, "--burn-in", 5, "--output-of", "c", "--seed", 4]
    found = report(run("lstm", "--checkpoint", "w.npz", "--data", "x.npy", *QUICK, *options))
    wanted = {"lags": [2, 7], "pairs": [("h", "c"), ("c", "c")], "count": 3, "burn_in": 5, "output": "c", "rng": 4}
    same(found, sl.flow("lstm", P, X, starts=1, **wanted))
    found = report(run("lstm", "--checkpoint", "w.npz", "--steps", 12, *QUICK))
    same(found, sl.flow("lstm", P, steps=12, starts=1))
    found = report(run("lstm", "--checkpoint", "w.npz", "--data", "x.npy", "--steps", 12, *QUICK))
    same(found, sl.flow("lstm", P, X[:12], starts=1))


def test_batch_first_and_initial_states(run):
    x = RNG.normal(size=(6, 2, 4))
    h, c = RNG.normal(size=(2, 2, 3))
    np.savez("data.npz", x=x.swapaxes(0, 1), h=h, c_prev=c)
    asked = ["--data", "data.npz:x", "--batch-first", "--states", "data.npz"]
    same(report(run("lstm", "--checkpoint", "w.npz", *asked, *QUICK)), sl.flow("lstm", P, x, (h, c), starts=1))
    np.savez("data.npz", c=c)
    done = run("lstm", "--checkpoint", "w.npz", "--data", "x.npy", "--states", "data.npz")
    assert done.exit_code == 2 and "data.npz has no state h" in done.stderr


def test_own_cells_by_their_own_names(run):
    p = sl.parameters("own.py:two", n=3, m=4, q=2, rng=1)
    np.savez("two.npz", **{f"encoder.{name}": a for name, a in p.items()}, other=np.ones(3))
    u = RNG.normal(size=(30, 2))
    np.save("u.npy", u)
    found = report(run("own.py:two", "--checkpoint", "two.npz", "--data", "x.npy", "--data", "u.npy", *QUICK))
    same(found, sl.flow("own.py:two", p, (X, u), starts=1))
    p = sl.parameters("own.py:alone", n=3)
    np.savez("alone.npz", **p)
    same(report(run("own.py:alone", "--checkpoint", "alone.npz", "--steps", 9, *QUICK)),
         sl.flow("own.py:alone", p, steps=9, starts=1))  # fmt: skip


def test_a_layer_of_a_stack_reads_what_the_layers_below_give(run):
    torch = require("torch")
    module = torch.nn.LSTM(4, 3, num_layers=2, bidirectional=True).double()
    torch.save(module.state_dict(), "stack.pt")
    with torch.no_grad():
        first = torch.nn.LSTM(4, 3, bidirectional=True).double()
        first.load_state_dict({name: a for name, a in module.state_dict().items() if "_l0" in name})
        below = first(torch.as_tensor(X))[0].numpy()
    for direction in ("forward", "reverse"):
        (layer,) = [one for one in sl.read_checkpoint("stack.pt") if (one.level, one.direction) == (1, direction)]
        wanted = sl.flow("lstm", layer.parameters, below[:: 1 if direction == "forward" else -1], starts=1)
        asked = ["--data", "x.npy", "--layer", 1, "--direction", direction]
        found = report(run("lstm", "--checkpoint", "stack.pt", *asked, *QUICK))
        np.testing.assert_allclose(found["spectrum"]["exponents"], wanted.spectrum.exponents, rtol=1e-9)
    done = run("lstm", "--checkpoint", "stack.pt", "--data", "x.npy")
    assert done.exit_code == 2 and "stack.pt has 4 layers of lstm" in done.stderr
    assert "--layer 1 --direction reverse (n = 3, m = 6)" in done.stderr
    done = run("lstm", "--checkpoint", "stack.pt", "--data", "x.npy", "--layer", 2)
    assert done.exit_code == 2 and "stack.pt has no lstm layer 2" in done.stderr


def test_a_projection_hands_on_fewer_numbers_than_the_cell_has(run):
    torch = require("torch")
    module = torch.nn.LSTM(4, 5, num_layers=2, proj_size=2).double()
    torch.save(module.state_dict(), "projected.pt")
    with torch.no_grad():
        first = torch.nn.LSTM(4, 5, proj_size=2).double()
        first.load_state_dict({name: a for name, a in module.state_dict().items() if "_l0" in name})
        below = first(torch.as_tensor(X))[0].numpy()
    (layer,) = [one for one in sl.read_checkpoint("projected.pt") if one.level == 1]
    wanted = sl.flow("lstm_projected", layer.parameters, below, starts=1)
    done = run("lstm_projected", "--checkpoint", "projected.pt", "--data", "x.npy", "--layer", 1, *QUICK)
    np.testing.assert_allclose(report(done)["spectrum"]["exponents"], wanted.spectrum.exponents, rtol=1e-9)
    assert "n = 5, p = 2, m = 2; 30 steps" in done.stderr


def test_bfloat16_in_a_safetensors_file_is_read(run):
    torch = require("torch")
    require("safetensors")
    from safetensors.torch import save_file

    short = {name: a.detach().bfloat16() for name, a in torch.nn.LSTM(4, 3).state_dict().items()}
    save_file(short | {"step": torch.tensor(7), "seen": torch.tensor([True])}, "short.safetensors")
    torch.save({name: a.float() for name, a in short.items()}, "same.pt")
    found, same_weights = (
        report(run("lstm", "--checkpoint", file, "--data", "x.npy", *QUICK))
        for file in ("short.safetensors", "same.pt")
    )
    assert found == same_weights


def test_more_examples_than_steps_may_be_the_other_way_round(run):
    np.save("batch.npy", np.zeros((2, 5, 4)))
    asked = ["lstm", "--checkpoint", "w.npz", "--data", "batch.npy", "--starts", 1]
    assert "2 steps, 5 examples (if it is the other way round: --batch-first)" in run(*asked).stderr
    assert "5 steps, 2 examples\n" in run(*asked, "--batch-first").stderr


def test_layers_are_named(run):
    both = {f"encoder.{k}": a for k, a in P.items()} | {f"decoder.{k}": a / 2 for k, a in P.items()}
    gru = {f"head.{k}": a for k, a in weights("torch", "gru").items()}
    np.savez("both.npz", **both, **gru)
    found = report(run("lstm", "--checkpoint", "both.npz", "--data", "x.npy", "--layer", "decoder", *QUICK))
    same(found, sl.flow("lstm", {k: a / 2 for k, a in P.items()}, X, starts=1))
    done = run("lstm", "--checkpoint", "both.npz", "--data", "x.npy")
    assert "both.npz has 2 layers of lstm" in done.stderr and "--layer encoder" in done.stderr
    assert run("gru", "--checkpoint", "both.npz", "--data", "x.npy", *QUICK).exit_code == 0


def test_the_terminal_shows_numbers_first_and_says_how_files_were_read(run):
    done = run("lstm", "--checkpoint", "w.npz", "--data", "x.npy", "--starts", 1)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Gradient flow of lstm: ") and "n = 3" in lines[0] and "30 steps" in lines[0]
    first = sl.flow("lstm", P, X, starts=1).spectrum.exponents[0]
    assert any(line.split()[:1] == [f"{first:.4g}"] and "first Lyapunov exponent" in line for line in lines)
    assert done.stderr == "the layer: lstm as symlstm names it, n = 3, m = 4; 30 steps\n"
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("ending", [".json", ".txt", ".md", ".tex", ".html"])
def test_the_report_follows_the_ending(run, ending, tmp_path):
    if ending == ".html":
        require("matplotlib")
        require("latex2mathml")
    done = run("lstm", "--checkpoint", "w.npz", "--data", "x.npy", "--starts", 1, "-o", f"flow{ending}")
    assert done.exit_code == 0, done.output
    assert done.stdout == "" and f"wrote flow{ending}" in done.stderr
    text = (tmp_path / f"flow{ending}").read_text()
    assert "lstm" in text
    if ending == ".json":
        same(json.loads(text), sl.flow("lstm", P, X, starts=1))


def without(name):
    return {k: a for k, a in P.items() if k != name}


FILES = {
    "gru.npz": weights("torch", "gru"),
    "no_W_o.npz": without("W_o"),
    "no_b_o.npz": without("b_o"),
    "peephole.npz": weights("symlstm", "lstm_peephole"),
    "other.npz": {"kernel_1": np.ones(3)},
    "none.npz": {},
    "spoilt.npz": P | {"b_i": np.array([0, np.inf, 0])},
    "small.npz": P | {"W_i": P["W_i"][:2]},
    "leaky.npz": {"V": np.ones((3, 4)), "b": np.ones(3)},
    "alone.npz": {"A": np.eye(3)},
}
BAD = {
    "another cell": ("lstm --checkpoint gru.npz --data x.npy", "gru.npz holds gru (n = 3, m = 4), not lstm"),
    "the way": ("lstm --checkpoint gru.npz --data x.npy", "symlstm flow gru --checkpoint gru.npz takes it"),
    "a matrix": (
        "lstm --checkpoint no_W_o.npz --data x.npy",
        "is not lstm as symlstm names it; W_o is missing",
    ),
    "a bias": (
        "lstm --checkpoint no_b_o.npz --data x.npy",
        "is not lstm as symlstm names it: b_o is missing",
    ),
    "too many": ("lstm --checkpoint peephole.npz --data x.npy", "p_f, p_i, p_o are too many"),
    "nothing": ("lstm --checkpoint other.npz --data x.npy", "other.npz has no layer of lstm among kernel_1"),
    "no array": ("lstm --checkpoint none.npz --data x.npy", "none.npz has no arrays"),
    "weights": ("lstm --checkpoint spoilt.npz --data x.npy", "b_i in spoilt.npz is not finite at [1]"),
    "a shape": ("lstm --checkpoint small.npz --data x.npy", "W_i must be 3 x 7 and is 2 x 7"),
    "own": (
        "own.py:leaky --checkpoint leaky.npz --data x.npy",
        "is not leaky as symlstm names it; a is missing; b is",
    ),
    "convention": ("lstm --checkpoint w.npz --from torhc --data x.npy", "no convention named 'torhc'"),
    "no such file": ("lstm --checkpoint nope.npz --data x.npy", "there is no file nope.npz"),
    "ending": ("lstm --checkpoint x.npy --data x.npy", "x.npy is not a file of weights that is known"),
    "pickle": ("lstm --checkpoint w.pkl --data x.npy", "w.pkl is a pickle: reading it would run the code in it"),
    "no data": ("lstm --checkpoint w.npz", "--data is missing"),
    "no steps": ("own.py:alone --checkpoint alone.npz", "--steps is missing"),
    "no input": ("own.py:alone --checkpoint alone.npz --data x.npy", "alone has no input: --data is not for it"),
    "two inputs": (
        "lstm --checkpoint w.npz --data x.npy --data x.npy",
        "lstm has 1 input (x), and --data is given 2 times",
    ),
    "width": ("lstm --checkpoint w.npz --data wide.npy", "wide.npy is 9 x 5: the layer reads 4 numbers a step"),
    "NaN": ("lstm --checkpoint w.npz --data nan.npy", "nan.npy has NaN at step 812, column 2"),
    "lag": ("lstm --checkpoint w.npz --data x.npy --lags 1,30", "the lag 30 is too long for 30 steps"),
    "lags": ("lstm --checkpoint w.npz --data x.npy --lags 1-3", "--lags 1-3: lags are whole numbers of steps"),
    "pair": ("lstm --checkpoint w.npz --data x.npy --pairs h:q", "no state of lstm named 'q'"),
    "pairs": ("lstm --checkpoint w.npz --data x.npy --pairs h:c:c", "--pairs h:c:c: a pair is two states"),
    "burn-in": ("lstm --checkpoint w.npz --data x.npy --burn-in 30", "burn_in must be a whole number from 0 to 29"),
    "count": ("lstm --checkpoint w.npz --data x.npy --count 7", "count must be a whole number from 1 to 6"),
    "output of": ("lstm --checkpoint w.npz --data x.npy --output-of q", "no state or output of lstm named 'q'"),
    "steps": ("lstm --checkpoint w.npz --data x.npy --steps 31", "--steps 31: x.npy has 30 steps"),
    "direction": ("lstm --checkpoint w.npz --data x.npy --direction back", "no direction named 'back'"),
    "reverse": ("lstm --checkpoint w.npz --data x.npy --direction reverse", "w.npz has no reverse layer"),
    "states": ("lstm --checkpoint w.npz --data x.npy --states nope.npz", "there is no file nope.npz"),
    "cell": ("lstn --checkpoint w.npz --data x.npy", "there is no cell named 'lstn'"),
    "format": ("lstm --checkpoint w.npz --data x.npy -o flow.docx", "no format has the ending '.docx'"),
    "folder": ("lstm --checkpoint w.npz --data x.npy -o none/flow.txt", "there is no folder none"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_and_nothing_is_written(run, case, tmp_path):
    command, said = BAD[case]
    for name, arrays in FILES.items():
        np.savez(name, **arrays)
    np.save("wide.npy", np.ones((9, 5)))
    np.save("nan.npy", np.where(np.arange(4000).reshape(1000, 4) == 3250, np.nan, 1.0))
    (tmp_path / "w.pkl").write_bytes(b"\x80\x04N.")
    before = sorted(tmp_path.rglob("*"))
    done = run(*command.split(), *(() if "-o" in command else ("-o", "out.json")))
    assert done.exit_code == 2 and said in done.stderr, done.output
    assert done.stdout == ""
    assert [path for path in sorted(tmp_path.rglob("*")) if "__pycache__" not in str(path)] == before
