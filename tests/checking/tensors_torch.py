"""Implementations with torch, as people write them: right ones, and wrong ones with what must be said first."""

import torch
import torch.nn.functional as F
from torch import nn


class LinearCell(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.x2h = nn.Linear(input_size, 4 * hidden_size)
        self.h2h = nn.Linear(hidden_size, 4 * hidden_size)

    def gates(self, x, h):
        return (self.x2h(x) + self.h2h(h)).chunk(4, 1)

    def step(self, i, f, g, o, c):
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def forward(self, x, hidden):
        h, c = hidden
        return self.step(*self.gates(x, h), c)


class ParameterSequence(nn.Module):
    def __init__(self, input_sz, hidden_sz):
        super().__init__()
        self.hidden_size = hidden_sz
        self.W = nn.Parameter(torch.randn(input_sz, hidden_sz * 4) * 0.1)
        self.U = nn.Parameter(torch.randn(hidden_sz, hidden_sz * 4) * 0.1)
        self.bias = nn.Parameter(torch.zeros(hidden_sz * 4))

    def start(self, x, init_states):
        if init_states is not None:
            return init_states
        return torch.zeros(len(x), self.hidden_size), torch.zeros(len(x), self.hidden_size)

    def pick(self, x, t):
        return x[:, t]

    def before(self, h, c):
        return h, c

    def forward(self, x, init_states=None):
        h, c = self.start(x, init_states)
        n, outs = self.hidden_size, []
        for t in range(x.shape[1]):
            h, c = self.before(h, c)
            z = self.pick(x, t) @ self.W + h @ self.U + self.bias
            i, f, o = torch.sigmoid(z[:, :n]), torch.sigmoid(z[:, n : 2 * n]), torch.sigmoid(z[:, 3 * n :])
            c = f * c + i * torch.tanh(z[:, 2 * n : 3 * n])
            h = o * torch.tanh(c)
            outs.append(h.unsqueeze(1))
        return torch.cat(outs, dim=1), (h, c)


class TimeFirst(nn.Module):
    """One Linear a gate, time first, states with a leading axis of layers."""

    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.forget = nn.Linear(n_in + n_hidden, n_hidden)
        self.input = nn.Linear(n_in + n_hidden, n_hidden)
        self.candidate = nn.Linear(n_in + n_hidden, n_hidden)
        self.output = nn.Linear(n_in + n_hidden, n_hidden)

    def cell(self, xh, c):
        f, i, o = torch.sigmoid(self.forget(xh)), torch.sigmoid(self.input(xh)), torch.sigmoid(self.output(xh))
        c = f * c + i * torch.tanh(self.candidate(xh))
        return o * c.tanh(), c

    def forward(self, seq, h0, c0):
        h, c = h0[0], c0[0]
        out = []
        for x in seq:
            h, c = self.cell(torch.cat([x, h], dim=1), c)
            out.append(h)
        return torch.stack(out), (h[None], c[None])


class GRUCell(nn.Module):
    def __init__(self, input_dim, hidden_dim):
        super().__init__()
        self.w_ih = nn.Parameter(torch.randn(3 * hidden_dim, input_dim))
        self.w_hh = nn.Parameter(torch.randn(3 * hidden_dim, hidden_dim))
        self.b_ih = nn.Parameter(torch.zeros(3 * hidden_dim))
        self.b_hh = nn.Parameter(torch.zeros(3 * hidden_dim))

    def mix(self, z, n, h):
        return (1 - z) * n + z * h

    def forward(self, x, h):
        xr, xz, xn = F.linear(x, self.w_ih, self.b_ih).chunk(3, -1)
        hr, hz, hn = F.linear(h, self.w_hh, self.b_hh).chunk(3, -1)
        r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
        return self.mix(z, torch.tanh(xn + r * hn), h)


class Dropping(LinearCell):
    def __init__(self, input_size, hidden_size, dropout=0.5):
        super().__init__(input_size, hidden_size)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, hidden):
        return super().forward(self.drop(x), hidden)


class Nested(nn.Module):
    """A cell inside a module that runs it over a batch-first sequence."""

    def __init__(self, D, H):
        super().__init__()
        self.H = H
        self.cell = LinearCell(D, H)

    def forward(self, x):
        h = c = torch.zeros(x.size(0), self.H)
        out = torch.empty(x.size(0), x.size(1), self.H)
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t, :], (h, c))
            out[:, t] = h
        return out, h, c


class GRUSequence(nn.Module):
    """Batch first by a flag; names say which side a bias is on."""

    def __init__(self, input_size, hidden_size, batch_first=True):
        super().__init__()
        self.i2h, self.h2h = nn.Linear(input_size, 3 * hidden_size), nn.Linear(hidden_size, 3 * hidden_size)
        self.hidden_size, self.batch_first = hidden_size, batch_first

    def forward(self, x, h=None):
        x = x.transpose(0, 1) if self.batch_first else x
        h = x.new_zeros(x.size(1), self.hidden_size) if h is None else h
        ys = []
        for t in range(x.size(0)):
            ir, iz, ia = self.i2h(x[t]).chunk(3, 1)
            hr, hz, ha = self.h2h(h).chunk(3, 1)
            r, z = torch.sigmoid(ir + hr), torch.sigmoid(iz + hz)
            h = (1 - z) * torch.tanh(ia + r * ha) + z * h
            ys.append(h)
        y = torch.stack(ys)
        return (y.transpose(0, 1) if self.batch_first else y), h


class Wrapped(nn.Module):
    """How it was made is not told by its signature, so it is checked in its own sizes."""

    def __init__(self, cell, *args):
        super().__init__()
        self.cell = cell(*args)

    def forward(self, input, state):
        outs = []
        for x in input.unbind(0):
            state = self.cell(x, state)
            outs.append(state[0])
        return torch.stack(outs), state


class Keeping(nn.Module):
    """States are kept in the object."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.linear = nn.Linear(input_size + hidden_size, 4 * hidden_size)
        self.h, self.c = torch.zeros(2, hidden_size), torch.zeros(2, hidden_size)

    def forward(self, x):
        outs = []
        for t in range(x.size(1)):
            i, f, o, g = self.linear(torch.cat((x[:, t], self.h), 1)).chunk(4, 1)
            self.c = f.sigmoid() * self.c + i.sigmoid() * g.tanh()
            self.h = o.sigmoid() * self.c.tanh()
            outs.append(self.h)
        return torch.stack(outs, 1)


def function(x, h, c, w_ih, w_hh, b):
    i, f, g, o = (x @ w_ih.T + h @ w_hh.T + b).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def function_example(n, m, batch, rng):
    def draw(*shape):
        return torch.tensor(rng.standard_normal(shape))

    return draw(batch, m), draw(batch, n), draw(batch, n), draw(4 * n, m), draw(4 * n, n), draw(4 * n)


def from_scratch(inputs, state, params):
    """A list of steps as one tensor, parameters in a list: as a textbook has it."""
    [W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xo, W_ho, b_o, W_xc, W_hc, b_c] = params
    (H, C), outputs = state, []
    for X in inputs:
        I = torch.sigmoid(X @ W_xi + H @ W_hi + b_i)  # noqa: E741
        F_ = torch.sigmoid(X @ W_xf + H @ W_hf + b_f)
        O = torch.sigmoid(X @ W_xo + H @ W_ho + b_o)  # noqa: E741
        C = F_ * C + I * torch.tanh(X @ W_xc + H @ W_hc + b_c)
        H = O * torch.tanh(C)
        outputs.append(H)
    return outputs, (H, C)


def from_scratch_example(n, m, batch, T, rng):
    def draw(*shape):
        return torch.tensor(rng.standard_normal(shape), dtype=torch.float32)

    params = [p.requires_grad_() for _ in range(4) for p in (draw(m, n), draw(n, n), draw(n))]
    return draw(T, batch, m), (draw(batch, n), draw(batch, n)), params


class ByHand(torch.autograd.Function):
    """tanh with a backward pass by hand."""

    @staticmethod
    def forward(ctx, z):
        h = torch.tanh(z)
        ctx.save_for_backward(h)
        return h

    @staticmethod
    def backward(ctx, dh):
        (h,) = ctx.saved_tensors
        return dh * (1 - h * h)


class WrongByHand(ByHand):
    @staticmethod
    def backward(ctx, dh):
        (h,) = ctx.saved_tensors
        return dh * (1 - h)


class WithFunction(LinearCell):
    squash = ByHand

    def step(self, i, f, g, o, c):
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * self.squash.apply(c), c


class Owned:
    """Not a module: an object with tensors, and a method."""

    def __init__(self, input_size, hidden_size):
        self.Wx = torch.randn(4 * hidden_size, input_size)
        self.Wh = torch.randn(4 * hidden_size, hidden_size)
        self.b = torch.zeros(4 * hidden_size)

    def step(self, x, h, c):
        return function(x, h, c, self.Wx, self.Wh, self.b)


def no_bias(x, h, c, w_ih, w_hh, b):
    return function(x, h, c, w_ih, w_hh, torch.cat([b[: 2 * len(b) // 4], 0 * b[2 * len(b) // 4 :]]))


def one_bias_for_another(inputs, state, params):
    params = list(params)
    params[5] = params[2]
    return from_scratch(inputs, state, params)


def wrong_way(inputs, state, params):
    return from_scratch(inputs.flip(0), state, params)


class Predicting(LinearCell):
    """With a prediction from the new state."""

    def __init__(self, input_size, hidden_size, output_size=7):
        super().__init__(input_size, hidden_size)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, x, hidden):
        h, c = super().forward(x, hidden)
        return self.out(h).softmax(-1), (h, c)


RIGHT = {
    "with a prediction": (Predicting(4, 3), "lstm_softmax", None),
    "a module": (LinearCell(3, 5), "lstm", None),
    "a module's class": (LinearCell, "lstm", None),
    "a wide module": (LinearCell(64, 64), "lstm", None),
    "a module in float64": (LinearCell(4, 3).double(), "lstm", None),
    "a sequence, batch first": (ParameterSequence(4, 3), "lstm", None),
    "a sequence, time first": (TimeFirst(4, 3), "lstm", None),
    "a cell in a module": (Nested(6, 5), "lstm", None),
    "a GRU": (GRUCell(4, 3), "gru", None),
    "a GRU over a sequence": (GRUSequence(3, 5), "gru", None),
    "as many inputs as units": (Wrapped(LinearCell, 4, 4), "lstm", None),
    "states in the object": (Keeping(3, 5), "lstm", None),
    "with dropout": (Dropping(4, 3), "lstm", None),
    "a function": (function, "lstm", function_example),
    "a textbook": (from_scratch, "lstm", from_scratch_example),
    "a backward pass by hand": (WithFunction(4, 3), "lstm", None),
    "an object": (Owned(4, 3).step, "lstm", None),
}


def changed(base, **methods):
    """A class like another with other methods."""
    return type(base.__name__, (base,), methods)


def _other_order(self, i, f, g, o, c):
    return LinearCell.step(self, f, o, i, g, c)


def _names_exchanged(self, xh, c):
    c = torch.sigmoid(self.input(xh)) * c + torch.sigmoid(self.forget(xh)) * torch.tanh(self.candidate(xh))
    return torch.sigmoid(self.output(xh)) * c.tanh(), c


def _sigmoid_candidate(self, i, f, g, o, c):
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.sigmoid(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _no_tanh(self, i, f, g, o, c):
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * c, c


def _hard(self, i, f, g, o, c):
    c = F.hardsigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _offset(self, i, f, g, o, c):
    return LinearCell.step(self, i, f + 1, g, o, c)


def _old_cell(self, i, f, g, o, c):
    new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), new


def _hidden_unused(self, x, h):
    i, f, g, o = self.x2h(x).chunk(4, 1)
    hi, _, hg, ho = self.h2h(h).chunk(4, 1)
    return i + hi, f + self.h2h(torch.zeros_like(h)).chunk(4, 1)[1], g + hg, o + ho


def _float32_inside(self, i, f, g, o, c):
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g.float()).to(c.dtype)
    return torch.sigmoid(o) * torch.tanh(c), c


def _random(self, i, f, g, o, c):
    return LinearCell.step(self, i, f, F.dropout(g), o, c)


def _in_place(self, x, hidden):
    h, c = hidden
    i, f, g, o = self.gates(x, h)
    c.mul_(torch.sigmoid(f)).add_(torch.sigmoid(i) * torch.tanh(g))
    return torch.sigmoid(o) * torch.tanh(c), c.clone()


def _initial_ignored(self, x, init_states):
    return torch.zeros(len(x), self.hidden_size), torch.zeros(len(x), self.hidden_size)


def _cell_over_h(self, xh, c):
    h, c = TimeFirst.cell(self, xh, c)
    return c, h


def _output_is_forget(self, xh, c):
    f, i = torch.sigmoid(self.forget(xh)), torch.sigmoid(self.input(xh))
    c = f * c + i * torch.tanh(self.candidate(xh))
    return f * c.tanh() + 0 * self.output(xh), c


WRONG = {
    "names exchanged": (changed(TimeFirst, cell=_names_exchanged)(4, 3), "lstm", None),
    "sigmoid candidate": (changed(LinearCell, step=_sigmoid_candidate)(4, 3), "lstm", None),
    "no tanh in h": (changed(LinearCell, step=_no_tanh)(64, 32), "lstm", None),
    "hard sigmoid": (changed(LinearCell, step=_hard), "lstm", None),
    "forget offset": (changed(LinearCell, step=_offset), "lstm", None),
    "c_prev in h": (changed(LinearCell, step=_old_cell), "lstm", None),
    "h is not used": (changed(LinearCell, gates=_hidden_unused), "lstm", None),
    "float32 inside": (changed(LinearCell, step=_float32_inside)(4, 3), "lstm", None),
    "dropout that never ends": (changed(LinearCell, step=_random)(4, 3), "lstm", None),
    "c in place": (changed(LinearCell, forward=_in_place)(4, 3), "lstm", None),
    "initial states ignored": (
        changed(ParameterSequence, start=_initial_ignored)(4, 3), "lstm", None,
    ),
    "the next batch item": (
        changed(ParameterSequence, pick=lambda self, x, t: x[:, 0])(4, 3), "lstm", None,
    ),
    "f for o": (changed(TimeFirst, cell=_output_is_forget), "lstm", None),
    "z for 1 - z": (changed(GRUCell, mix=lambda self, z, n, h: z * n + (1 - z) * h), "gru", None),
    "a GRU with a sum": (changed(GRUCell, mix=lambda self, z, n, h: n + z * h), "gru", None),
    "two biases left out": (no_bias, "lstm", function_example),
    "one bias for another": (one_bias_for_another, "lstm", from_scratch_example),
    "the other way round": (wrong_way, "lstm", from_scratch_example),
    "a GRU as an LSTM": (GRUCell(4, 3), "gru_reset_before", None),
}  # fmt: skip


def _c_detached(self, i, f, g, o, c):
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c.detach()), c


def _gate_detached(self, i, f, g, o, c):
    return LinearCell.step(self, i, f.detach(), g, o, c)


def _without_gradients(self, x, hidden):
    with torch.no_grad():
        return LinearCell.forward(self, x, hidden)


def _damaged(self, i, f, g, o, c):
    f, i, g = torch.sigmoid(f), torch.sigmoid(i), torch.tanh(g)
    c = f * c + i * g
    f.zero_()
    return torch.sigmoid(o) * torch.tanh(c), c


WRONG_GRADIENTS = {
    "a backward pass by hand": (changed(WithFunction, squash=WrongByHand)(4, 3), "lstm", None),
    "c is cut off in h": (changed(LinearCell, step=_c_detached)(4, 3), "lstm", None),
    "a gate is cut off": (changed(LinearCell, step=_gate_detached)(4, 3), "lstm", None),
    "h is cut off between steps": (
        changed(ParameterSequence, before=lambda self, h, c: (h.detach(), c))(4, 3), "lstm", None,
    ),
    "both are cut off between steps": (
        changed(ParameterSequence, before=lambda self, h, c: (h.detach(), c.detach()))(4, 3), "lstm", None,
    ),
    "no gradients": (changed(LinearCell, forward=_without_gradients)(4, 3), "lstm", None),
    "damaged in place": (changed(LinearCell, step=_damaged)(4, 3), "lstm", None),
}  # fmt: skip
