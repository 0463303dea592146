"""The check: what share of wrong implementations is rejected and named, how fast, and how small an error is caught."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.timing import shown

EPSILONS = tuple(10.0**-k for k in range(2, 15))
DERIVATIVE = "o * (1 - tc ** 2)"
FORWARD_BUGS = (
    ("h = o * np.tanh(c)", "h = o * np.tanh(prev_c)"),
    ("h = o * np.tanh(c)", "h = o * c"),
    ("np.tanh(ag)", "sigmoid(ag)"),
    ("f * prev_c + i * g", "f * prev_c + g"),
)
"""In the LSTM of the bench; gradients are then taken of the wrong function itself."""


def table() -> str:
    """Two Markdown tables: the bench, and gradient checkers on the same cases."""
    return f"{_catch()}\n\n{_beside()}"


def _catch() -> str:
    from tests.checking import catch

    lines = ["| | cases | rejected | mistakes named | median | slowest |", "|---|---|---|---|---|---|"]
    missed: list[str] = []
    for name, cases in (("right", catch.RIGHT), ("one mistake", catch.SINGLE), ("two mistakes", catch.PAIRS)):
        found = catch.share(cases)
        seconds = [o.seconds for o in found.outcomes]
        named = f"{found.named} ({100 * found.named / len(cases):.1f} %)" if name != "right" else ""
        lines.append(
            f"| {name} | {len(cases)} | {found.rejected} | {named} | {shown(statistics.median(seconds))} | "
            f"{shown(max(seconds))} |"
        )
        missed += found.missed if name != "right" else []
    told = "\n".join(f"- {line}" for line in missed)
    return "\n".join([*lines, "", "Rejected, but not named as the bench has it:", "", told or "- none"])


def _beside() -> str:
    from tests.checking.bench_backward import LSTM, OF_LSTM

    checkers: dict[str, Callable[[str, bool], bool]] = {
        "symlstm": _symlstm,
        "torch.autograd.gradcheck": _torch,
        "jax.test_util.check_grads": _jax,
    }
    lines = [
        f"| | wrong forward, of {len(FORWARD_BUGS)} | wrong backward, of {len(OF_LSTM)} | smallest relative error of a "
        "derivative that is caught |",
        "|---|---|---|---|",
    ]
    for name, catches in checkers.items():
        assert not catches(LSTM, True) and not catches(LSTM, False), f"{name} rejects the right LSTM"
        forward = sum(catches(LSTM.replace(old, new, 1), False) for old, new in FORWARD_BUGS)
        backward = sum(catches(LSTM.replace(old, new, 1), True) for old, new, _, _ in OF_LSTM)
        least = list(_caught(catches, LSTM))
        lines.append(f"| {name} | {forward} | {backward} | {f'{least[-1]:.0e}' if least else 'none'} |")
    said = (
        "One LSTM of the bench, float64, defaults of each. A wrong forward function is differentiated by the library "
        "itself: gradient checkers compare a function with its own differences. The error: the derivative of tanh in "
        "the backward pass times 1 + eps, eps from 1e-2 down to 1e-14."
    )
    return "\n".join([*lines, "", said])


def _caught(catches: Callable[[str, bool], bool], source: str) -> Iterator[float]:
    for eps in EPSILONS:
        if not catches(source.replace(DERIVATIVE, f"{DERIVATIVE} * (1 + {eps!r})", 1), True):
            return
        yield eps


def _functions(source: str, library: Any) -> tuple[Any, Any]:
    space: dict[str, Any] = {"np": library, "sigmoid": lambda z: 1 / (1 + library.exp(-z)), "__name__": "bench"}
    exec(source, space)
    return space["step"], space["back"]


def _arrays() -> tuple[Any, ...]:
    from tests.checking.bench_backward import lstm_example

    return tuple(lstm_example(3, 4, 2, np.random.default_rng(0)))


def _symlstm(source: str, by_hand: bool) -> bool:
    from tests.checking.bench_backward import lstm_example
    from tests.checking.cases import Case

    text = source if by_hand else source.partition("def back")[0]
    return not Case("LSTM by hand", text, lstm_example, "lstm").report().ok


def _torch(source: str, by_hand: bool) -> bool:
    import torch

    def split(a: Any, parts: int, axis: int) -> Any:
        return torch.chunk(a, parts, dim=axis)

    library = SimpleNamespace(exp=torch.exp, tanh=torch.tanh, split=split, hstack=torch.hstack)
    step, back = _functions(source, library)

    class ByHand(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *arrays: Any) -> Any:
            h, c, ctx.cache = step(*arrays)
            return h, c

        @staticmethod
        def backward(ctx: Any, *upstream: Any) -> Any:
            return back(*upstream, ctx.cache)

    def by_itself(*arrays: Any) -> Any:
        return step(*arrays)[:2]

    arrays = [torch.tensor(a, requires_grad=True) for a in _arrays()]
    return not torch.autograd.gradcheck(ByHand.apply if by_hand else by_itself, arrays, raise_exception=False)


def _jax(source: str, by_hand: bool) -> bool:
    import jax
    import jax.numpy as jnp
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    step, back = _functions(source, jnp)

    def by_itself(*arrays: Any) -> Any:
        return step(*arrays)[:2]

    function: Any = jax.custom_vjp(by_itself)
    function.defvjp(lambda *arrays: (step(*arrays)[:2], step(*arrays)[2]), lambda cache, up: tuple(back(*up, cache)))
    try:
        arrays = tuple(jnp.asarray(a) for a in _arrays())
        check_grads(function if by_hand else by_itself, arrays, order=1, modes=["rev"])
    except AssertionError:
        return True
    return False


if __name__ == "__main__":
    print(table())
