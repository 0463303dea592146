"""torch's layers and cells are what they say; subclasses with a mistake are rejected, with a diagnosis."""

import pytest

import symlstm as sl
from symlstm.errors import SymlstmError
from tests.support.frameworks import require

torch = require("torch")
nn = torch.nn

RIGHT = {
    "LSTM": (lambda: nn.LSTM(10, 20), "lstm"),
    "LSTM, 2 layers, both directions": (lambda: nn.LSTM(5, 6, num_layers=2, bidirectional=True), "lstm"),
    "LSTM without bias, batch first": (lambda: nn.LSTM(5, 6, bias=False, batch_first=True), "lstm"),
    "LSTM with a projection": (lambda: nn.LSTM(5, 8, proj_size=3, num_layers=2, bidirectional=True), "lstm_projected"),
    "LSTM that dropped out": (lambda: nn.LSTM(5, 6, num_layers=2, dropout=0.5).eval(), "lstm"),
    "LSTM in float32 with n = m": (lambda: nn.LSTM(4, 4).float(), "lstm"),
    "GRU": (lambda: nn.GRU(10, 20), "gru"),
    "GRU, 3 layers": (lambda: nn.GRU(3, 4, num_layers=3), "gru"),
    "RNN": (lambda: nn.RNN(3, 5, bidirectional=True), "rnn"),
    "RNN with relu": (lambda: nn.RNN(3, 5, nonlinearity="relu"), "rnn_relu"),
    "LSTMCell": (lambda: nn.LSTMCell(3, 4), "lstm"),
    "GRUCell without bias": (lambda: nn.GRUCell(3, 4, bias=False), "gru"),
    "RNNCell with relu": (lambda: nn.RNNCell(3, 4, nonlinearity="relu"), "rnn_relu"),
}


@pytest.mark.parametrize("case", RIGHT)
def test_torch_is_right_forward_and_backward(case):
    make, cell = RIGHT[case]
    module = make()
    before = {name: p.clone() for name, p in module.named_parameters()}
    sizes = module.hidden_size, module.input_size
    report = sl.check(module, cell)
    assert report.ok and not report.findings, str(report)
    gradients = {name for name in report.ulps if name.startswith("d")}
    assert {"dx", *(f"d{name}" for name in before)} <= gradients
    assert (module.hidden_size, module.input_size) == sizes
    assert all(torch.equal(p, before[name]) and p.grad is None for name, p in module.named_parameters())


@pytest.mark.parametrize(("make", "asked", "is_"), [
    (lambda: nn.GRU(3, 4), "gru_reset_before", "gru"),
    (lambda: nn.GRU(3, 4), "lstm", "gru"),
    (lambda: nn.LSTM(3, 4), "lstm_peephole", "lstm"),
    (lambda: nn.LSTM(3, 4, proj_size=2), "lstm", "lstm_projected"),
    (lambda: nn.RNN(3, 4, nonlinearity="relu"), "rnn", "rnn_relu"),
])  # fmt: skip
def test_another_cell_is_a_variant_that_is_named(make, asked, is_):
    report = sl.check(make(), asked)
    assert [f.name for f in report.findings] == ["variant"] and not report.ok
    assert report.findings[0].message == f"this is {is_}, not {asked}"


class Plain(nn.LSTMCell):
    """An LSTM cell in plain torch, with holes for mistakes."""

    order = "ifgo"

    def forward(self, x, state):
        h, c = state
        z = x @ self.weight_ih.T + self.bias_ih + h @ self.weight_hh.T + self.bias_hh
        gates = dict(zip(self.order, z.chunk(4, 1), strict=True))
        f, i, o = (torch.sigmoid(gates[g]) for g in "fio")
        c = self.new_c(f, i, torch.tanh(gates["g"]), c)
        h = self.new_h(o, c)
        return h, c

    def new_c(self, f, i, g, c):
        return f * c + i * g

    def new_h(self, o, c):
        return o * torch.tanh(c)


class Permuted(Plain):
    order = "figo"


class NoTanh(Plain):
    def new_h(self, o, c):
        return o * c


class Coupled(Plain):
    def new_c(self, f, i, g, c):
        return f * c + (1 - f) * g


class Detached(Plain):
    """Right forward, wrong gradients: the carry is cut."""

    def new_c(self, f, i, g, c):
        return f * c.detach() + i * g


class Single(Plain):
    """float32 inside."""

    def new_c(self, f, i, g, c):
        return f * c + (i.float() * g.float()).double()


def test_a_subclass_in_plain_torch_is_right():
    assert sl.check(Plain(3, 4), "lstm").ok


@pytest.mark.parametrize(("module", "name", "equation", "words"), [
    (Permuted, "gates_exchanged", None, "gate"),
    (NoTanh, "variant_no_output_tanh", "h", "without tanh"),
    (Coupled, "variant_coupled_gates", "c", "coupled"),
    (Detached, "backward_wrong", "", "gradients"),
    (Single, "imprecise", "", "float32"),
])  # fmt: skip
def test_a_subclass_with_a_mistake_is_diagnosed(module, name, equation, words):
    report = sl.check(module(3, 4), "lstm")
    assert not report.ok
    first = report.findings[0]
    assert first.name == name and words in first.message
    assert equation is None or first.equation == equation


def test_layers_that_are_put_together_wrongly_are_found():
    class Doubled(nn.LSTM):
        """The last layer's final state is that of the first."""

        def forward(self, x, state=None):
            y, (h, c) = super().forward(x, state)
            return y, (torch.stack([h[0], h[0]]), c)

    report = sl.check(Doubled(3, 4, num_layers=2), "lstm")
    assert report.findings[0].name == "stack"
    assert "h after the last step of layer 1" in report.findings[0].message


def test_dropout_is_to_be_switched_off():
    with pytest.raises(SymlstmError, match=r"drops out at random"):
        sl.check(nn.LSTM(3, 4, num_layers=2, dropout=0.5), "lstm")
    with pytest.raises(SymlstmError, match=r"needs no example"):
        sl.check(nn.LSTM(3, 4), "lstm", example={})


def test_a_users_own_cell_is_what_it_is_compared_with():
    def mine(x: "m", h_prev: "n", c_prev: "n", *,
             W_i: "n m", U_i: "n n", b_i: "n", W_f: "n m", U_f: "n n", b_f: "n",
             W_c: "n m", U_c: "n n", b_c: "n", W_o: "n m", U_o: "n n", b_o: "n"):  # fmt: skip
        i = sl.sigmoid(W_i @ x + U_i @ h_prev + b_i)
        f = sl.sigmoid(W_f @ x + U_f @ h_prev + b_f)
        g = sl.tanh(W_c @ x + U_c @ h_prev + b_c)
        o = sl.sigmoid(W_o @ x + U_o @ h_prev + b_o)
        c = f * c_prev + i * g
        h = o * sl.tanh(c)
        return h, c

    assert sl.check(nn.LSTM(3, 4), mine).ok


def test_a_module_is_run_at_its_own_sizes_on_its_own_weights():
    torch = require("torch")
    module = torch.nn.LSTM(6, 9, num_layers=2, bidirectional=True)
    report = sl.check(module, "lstm")
    own = [name for name in report.ulps if name.endswith("(n = 9, m = 6, its own weights)")]
    assert report.ok and len([name for name in own if name.startswith("dweight")]) == 8
    assert all(report.ulps[name]["scaled"] <= report.ulps[name]["bound"] for name in own)


def test_what_is_wrong_at_the_own_sizes_alone_is_caught():
    torch = require("torch")

    class Large(torch.nn.LSTM):
        def forward(self, x, state=None):
            output, last = super().forward(x, state)
            return (output * (1 + 1e-6) if self.hidden_size > 8 else output), last

    report = sl.check(Large(6, 9), "lstm")
    assert not report.ok and report.findings[0].message.startswith("at its own sizes (n = 9, m = 6, its own weights), ")
    assert sl.check(Large(6, 8), "lstm").ok
