"""Random straight-line cells as Python source text: hypothesis draws them, NumPy, torch and symlstm run the same text.

Arguments of log, sqrt, / and ** stay where these are smooth and of moderate size; functions with a kink are drawn
freely, and a run that comes close to one is discarded (`tests.random_cells.runs.Near`).
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import strategies as st

SMOOTH = {
    "sigmoid": "sigmoid({0})",
    "tanh": "tanh({0})",
    "softplus": "softplus({0})",
    "log_sigmoid": "log_sigmoid({0})",
    "sin": "np.sin({0})",
    "cos": "np.cos({0})",
    "sinh": "np.sinh(np.sin({0}))",
    "cosh": "np.cosh(np.sin({0}))",
    "exp": "np.exp(np.tanh({0}))",
    "expm1": "np.expm1(np.sin({0}))",
    "log1p": "np.log1p(np.square({0}))",
    "arctan": "np.arctan({0})",
    "log": "np.log(1.1 + np.sin({0})**2)",
    "sqrt": "np.sqrt(1.1 + np.sin({0})**2)",
    "square": "np.square(np.sin({0}))",
    "power": "(1.2 + np.sin({0})**2)**1.5",
    "cube": "np.tanh({0})**3",
    "inverse": "(1.5 + np.sin({0}))**-1",
    "logistic": "1 / (1 + np.exp(-{0}))",
    "one minus": "1 - {0}",
    "negative": "-{0}",
    "half": "0.5 * {0}",
    "shifted": "{0} + 0.75",
    "divided": "{0} / 3",
}
KINKED = {
    "relu": "relu({0})",
    "maximum with 0": "np.maximum({0}, 0)",
    "abs": "np.abs({0})",
    "sign": "np.sign({0}) * {0}",
    "step": "np.where({0} > 0.2, {0}, 0.1 * {0})",
    "at least": "np.where({0} >= 0.2, {0}, 0.1 * {0})",
    "at most": "np.where({0} <= 0.2, {0}, 0.1 * {0})",
    "counted": "({0} > 0.2) * {0}",
    "clip": "np.clip({0}, -0.5, 0.6)",
    "elu": "np.where({0} > 0.2, {0}, np.expm1({0}))",
    "selu": "1.05 * np.where({0} <= 0, 1.67 * (np.exp(np.minimum({0}, 0.6)) - 1), {0})",
    "hard sigmoid": "np.where({0} > 0.5, 1.0, np.where({0} < -0.5, 0.0, {0} + 0.5))",
    "between": "np.where(({0} > -0.5) & ({0} < 0.6), {0}, np.sin({0}))",
}
TWO = {
    "sum": "{0} + {1}",
    "difference": "{0} - {1}",
    "product": "{0} * {1}",
    "quotient": "{0} / (1.5 + np.sin({1}))",
    "gate": "sigmoid({0}) * {1}",
    "coupled": "sigmoid({0}) * {1} + (1 - sigmoid({0})) * np.tanh({1})",
    "weighted": "0.5 * {0} - 1.25 * {1}",
    "shared": "({0} + {1}) * np.tanh({0} + {1})",
    "maximum": "np.maximum({0}, {1})",
    "minimum": "np.minimum({0}, {1})",
    "where": "np.where({0} > {1}, {0} * {1}, {1})",
    "where in where": "np.where({0} > {1}, np.tanh({0}), np.where({0} > 0.2, {0} * {1}, np.sin({1})))",
    "where less": "np.where({0} < {1}, {0} * {1}, {1})",
    "where at least": "np.where({0} >= {1}, {0} * {1}, {1})",
    "where at most": "np.where({0} <= {1}, {0} * {1}, {1})",
}
REDUCTIONS = {
    "sum": "np.sum({0})",
    "mean": "np.mean({0})",
    "variance": "np.var({0})",
    "norm": "norm(1.3 + np.sin({0}))",
    "max": "np.max({0})",
    "logsumexp": "logsumexp({0})",
}
NORMALISED = {
    "softmax": "softmax({0})",
    "softmax by hand": "np.exp(np.sin({0})) / np.sum(np.exp(np.sin({0})))",
    "layer norm": "({0} - np.mean({0})) / np.sqrt(np.var({0}) + 0.5)",
    "unit": "{0} / norm(1.3 + np.cos({0}))",
}
ENDS = ["tanh({0})", "tanh({0})", "0.9 * ({0})", "sigmoid({0}) * ({0})", "np.sin({0}) + 0.25"]
LETTERS = "nmpq"

Size = tuple[str, ...]  # a sum of letters: ("n", "m") is n+m


@dataclass
class Program:
    """A cell: its source, the names of its states and outputs, the shapes of its arguments, and sizes in numbers."""

    source: str = ""
    states: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    shapes: dict[str, tuple[Size, ...]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    seed: int = 0

    def __repr__(self) -> str:
        return f"{self.source}# sizes {self.sizes}, seed {self.seed}\n"

    def shape_in_numbers(self, name):
        return tuple(sum(self.sizes[letter] for letter in size) for size in self.shapes[name])


def spelt(size: Size) -> str:
    counted = Counter(size)
    return "+".join(letter if k == 1 else f"{k}*{letter}" for letter, k in sorted(counted.items(), reverse=True))


class _Writer:
    """Draws lines; every value has a name and a kind: (), (size,) or (size, size)."""

    def __init__(self, draw, letters):
        self.draw = draw
        self.letters = letters
        self.lines = []
        self.serial = itertools.count()
        self.values = {}
        self.parameters = {}
        self.parts = {}  # name of a concatenation -> sizes of its parts
        self.unused = []

    def pick(self, options):
        return self.draw(st.sampled_from(list(options)))

    def add(self, text, shape):
        name = f"v{next(self.serial)}"
        self.lines.append(f"{name} = {text}")
        self.values[name] = shape
        self.unused.append(name)
        return name

    def use(self, names):
        """One of the names, rather one that nothing has used yet, so that most lines matter in the end."""
        names = list(names)
        waiting = [name for name in names if name in self.unused]
        name = self.pick(waiting if waiting and self.draw(st.integers(0, 2)) else names)
        if name in self.unused:
            self.unused.remove(name)
        return name

    def of_rank(self, rank):
        return [name for name, shape in self.values.items() if len(shape) == rank]

    def alike(self, name):
        return [other for other, shape in self.values.items() if _same(shape, self.values[name])]

    def vector(self):
        return self.use(self.of_rank(1))

    def parameter(self, *shape):
        """A parameter of that shape: one that is there already (tied weights), or a new one."""
        there = [name for name, other in self.parameters.items() if _same(other, shape)]
        if there and self.draw(st.integers(0, 3)) == 0:
            return self.pick(there)
        name = f"{'sbW'[len(shape)]}{len(self.parameters)}"
        self.parameters[name] = shape
        return name

    def size(self):
        known = [self.values[name][0] for name in self.of_rank(1)]
        return self.pick([*((letter,) for letter in self.letters), *known])

    # one line each

    def one(self):
        name = self.use(self.values)
        table = self.pick([SMOOTH, SMOOTH, SMOOTH, KINKED])
        self.add(table[self.pick(table)].format(name), self.values[name])

    def two(self):
        name = self.use(self.values)
        other = self.use([v for v in self.alike(name) if v != name] or [name])
        self.add(TWO[self.pick(TWO)].format(name, other), self.values[name])

    def product(self):
        v = self.vector()
        own, out = self.values[v][0], self.size()
        form = self.pick(
            ["{W} @ {v}", "np.dot({W}, {v})", "{v} @ {V}", "{V}.T @ {v}", "np.einsum('ij,j->i', {W}, {v})"]
        )
        forward = "{W}" in form
        weight = self.parameter(out, own) if forward else self.parameter(own, out)
        self.add(form.format(W=weight, V=weight, v=v), (out,))

    def affine(self):
        u, v, out = self.vector(), self.vector(), self.size()
        left, right = self.parameter(out, self.values[u][0]), self.parameter(out, self.values[v][0])
        self.add(f"{left} @ {u} + {right} @ {v} + {self.parameter(out)}", (out,))

    def chain(self):
        v, inner, out = self.vector(), self.size(), self.size()
        left, right = self.parameter(out, inner), self.parameter(inner, self.values[v][0])
        middle = self.pick(["{L} @ ({R} @ {v})", "({L} @ {R}) @ {v}", "np.tanh({L}) @ ({R} @ {v})"])
        self.add(middle.format(L=left, R=right, v=v), (out,))

    def matrix(self):
        v, out = self.vector(), self.size()
        shape = out, self.values[v][0]
        a, c = self.parameter(*shape), self.parameter(*shape)
        form = self.pick(["({a} * {c}) @ {v}", "({a} + {c}) @ {v}", "(0.5 * {a} - np.sin({c})) @ {v}"])
        self.add(form.format(a=a, c=c, v=v), (out,))

    def outer(self):
        u, v = self.vector(), self.vector()
        w = self.use(self.alike(v))
        self.add(f"np.outer({u}, np.sin({v})) @ {w}", self.values[u])

    def inner(self):
        v = self.vector()
        form = self.pick(["{0} @ {1}", "np.dot({0}, {1})", "np.sum({0} * {1})"])
        self.add(form.format(v, self.use(self.alike(v))), ())

    def reduction(self):
        self.add(REDUCTIONS[self.pick(REDUCTIONS)].format(self.vector()), ())

    def normalised(self):
        v = self.vector()
        self.add(NORMALISED[self.pick(NORMALISED)].format(v), self.values[v])

    def joined(self):
        parts = [self.vector() for _ in range(self.draw(st.integers(2, 3)))]
        size = sum((self.values[p][0] for p in parts), ())
        if len(size) <= 5:
            how = self.pick(["concat({0})", "np.concatenate([{0}])", "np.hstack([{0}])"])
            name = self.add(how.format(", ".join(parts)), (size,))
            self.parts[name] = [self.values[p][0] for p in parts]

    def part(self):
        """A part of a concatenation, or of a stacked product."""
        if self.parts and self.draw(st.booleans()):
            name = self.pick(self.parts)
            sizes = self.parts[name]
        else:
            v, letter = self.vector(), self.pick(self.letters)
            sizes = [(letter,)] * self.draw(st.integers(2, 3))
            stacked = tuple(letter for size in sizes for letter in size)
            name = self.add(f"{self.parameter(stacked, self.values[v][0])} @ {v}", (stacked,))
        k = self.draw(st.integers(0, len(sizes) - 1))
        stop = self.draw(st.integers(k + 1, len(sizes)))
        start = sum(sizes[:k], ())
        end = sum(sizes[:stop], ())
        text = f"{name}[{self.length(start)}:{self.length(end)}]"
        self.add(text, (sum(sizes[k:stop], ()),))

    def halves(self):
        v, letter = self.vector(), self.pick(self.letters)
        a, c = f"v{next(self.serial)}", f"v{next(self.serial)}"
        weight = self.parameter((letter,) * 2, self.values[v][0])
        self.lines.append(f"{a}, {c} = np.split({weight} @ {v}, 2)")
        self.values[a] = self.values[c] = ((letter,),)
        self.unused += [a, c]

    def columns(self):
        """Some columns of a matrix times a vector of their size."""
        v, letter, out = self.vector(), self.pick(self.letters), self.size()
        own = self.values[v][0]
        if self.draw(st.booleans()):
            weight = self.parameter(out, (letter, *own))
            self.add(f"{weight}[:, {self.length((letter,))}:] @ {v}", (out,))
        else:
            weight = self.parameter((*out, letter), own)
            self.add(f"{weight}[:{self.length(out)}] @ {v}", (out,))

    def scaled(self):
        name = self.use(self.values)
        number = self.use(self.of_rank(0)) if self.of_rank(0) and self.draw(st.booleans()) else self.parameter()
        form = self.pick(
            ["{s} * {v}", "{v} * {s}", "{v} + {s}", "{s} - {v}", "{v} / (1.5 + np.sin({s}))", "np.maximum({v}, {s})"]
        )
        self.add(form.format(s=number, v=name), self.values[name])

    def sum_of(self, names, size):
        """A vector of that size made of the values."""
        terms = []
        for name in names:
            shape = self.values[name]
            if _same(shape, (size,)):
                terms.append(name)
            elif shape:
                terms.append(f"{self.parameter(size, shape[0])} @ {name}")
            else:
                terms.append(f"{name} * {self.parameter(size)}")
        return " + ".join(terms)

    def length(self, size):
        """The size as an expression over the lengths of arguments."""
        if not size:
            return "0"
        return " + ".join(self.letters[letter] for letter in size)


def _same(shape, other):
    return [Counter(s) for s in shape] == [Counter(s) for s in other]


LINES = [
    _Writer.one, _Writer.one, _Writer.two, _Writer.two, _Writer.product, _Writer.affine, _Writer.chain, _Writer.matrix,
    _Writer.outer, _Writer.inner, _Writer.reduction, _Writer.normalised, _Writer.joined, _Writer.part, _Writer.halves,
    _Writer.columns, _Writer.scaled,
]  # fmt: skip


@st.composite
def programs(draw, most_lines=9):
    """A random cell with one to three states, with or without input, and perhaps outputs besides its states."""
    count = draw(st.integers(1, 3))
    states = ["h", "c", "s"][:count]
    letters_of_states = [draw(st.sampled_from("npq"[: k + 1])) for k in range(count)]
    with_input = draw(st.booleans())
    arguments = {f"{s}_prev": ((letter,),) for s, letter in zip(states, letters_of_states, strict=True)}
    if with_input:
        arguments = {"x": (("m",),), **arguments}
    lengths = {shape[0][0]: f"{name}.shape[0]" for name, shape in reversed(arguments.items())}
    writer = _Writer(draw, lengths)
    writer.values.update(arguments)
    for _ in range(draw(st.integers(1, most_lines))):
        draw(st.sampled_from(LINES))(writer)
    ends = []
    left_over = list(writer.unused)
    for k, (state, letter) in enumerate(zip(states, letters_of_states, strict=True)):
        end = writer.sum_of(left_over[k::count] or [writer.vector()], (letter,))
        ends.append(f"{state} = {draw(st.sampled_from(ENDS)).format(end)}")
        writer.values[state] = ((letter,),)
    outputs = []
    if draw(st.booleans()):
        v = draw(st.sampled_from([name for name in writer.values if len(writer.values[name]) == 1]))
        ends.append(f"y = softmax({writer.parameter(('n',), writer.values[v][0])} @ {v})")
        outputs = ["y"]
    program = Program(states=states, outputs=outputs, seed=draw(st.integers(0, 2**16)))
    program.shapes = {**arguments, **writer.parameters}
    program.sizes = {letter: draw(st.integers(1, 4)) for letter in LETTERS}
    positional = ", ".join(f'{name}: "{" ".join(map(spelt, shape))}"' for name, shape in arguments.items())
    named = ", ".join(f'{name}: "{" ".join(map(spelt, shape))}"' for name, shape in writer.parameters.items())
    heading = f"def cell({positional}{', *, ' if named else ''}{named}):"
    body = [heading, *writer.lines, *ends, f"return {', '.join([*states, *outputs])}"]
    program.source = "\n    ".join(body) + "\n"
    return program
