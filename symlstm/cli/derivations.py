"""Commands that derive: everything or one derivative, the backward pass, through time, the solution."""

from __future__ import annotations

from typing import Annotated

import typer

from symlstm.cli.shared import CellName, NotationName, Output, Steps, WithEvidence, explained, show_result


def derive(
    cell: CellName,
    of: Annotated[str | None, typer.Argument(help="The quantity to differentiate, e.g. c.")] = None,
    wrt: Annotated[str | None, typer.Argument(help="By which quantity, e.g. c_prev.")] = None,
    paths: Annotated[str, typer.Option("--paths", help="partial (this step) or total (every path).")] = "partial",
    lag: Annotated[str, typer.Option("--lag", help="How many steps back: 1, 2, ... or a letter.")] = "1",
    steps: Steps = False,
    evidence: WithEvidence = True,
    output: Output = None,
    notation: NotationName = "default",
) -> None:
    """Derive everything about a cell, or one derivative: `symlstm derive lstm c c_prev`."""
    with explained():
        from symlstm.calculus.derivation import derive as derive_one
        from symlstm.errors import SymlstmError
        from symlstm.registry import cell as find

        found = find(cell)
        if of is None:
            from symlstm.emit import report

            show_result(report(found), output, notation, steps=steps, evidence=evidence)
            return
        if wrt is None:
            raise SymlstmError(f"by which quantity is {of} to be differentiated?", f"symlstm derive {cell} {of} h_prev")
        show_result(
            derive_one(found, of, wrt, paths=paths, lag=lag),
            output,
            notation,
            steps=steps,
            evidence=evidence,
            paths=True,
        )


def backward(
    cell: CellName,
    steps: Steps = False,
    evidence: WithEvidence = True,
    output: Output = None,
    notation: NotationName = "default",
) -> None:
    """Derive the backward pass of one step: the adjoint of every quantity, the gradient of every parameter."""
    with explained():
        from symlstm.calculus.backward_pass import backward as sweep
        from symlstm.registry import cell as find

        show_result(sweep(find(cell)), output, notation, steps=steps, evidence=evidence)


def bptt(
    cell: CellName,
    steps: Steps = False,
    evidence: WithEvidence = True,
    output: Output = None,
    notation: NotationName = "default",
) -> None:
    """Derive backpropagation through time: the recurrences from t = T to 1, the gradients as sums over the steps."""
    with explained():
        from symlstm.calculus.through_time import bptt as through_time
        from symlstm.registry import cell as find

        show_result(through_time(find(cell)), output, notation, steps=steps, evidence=evidence)


def solution(
    cell: CellName,
    state: Annotated[str | None, typer.Argument(help="Which state, e.g. c; else the first that has one.")] = None,
    steps_back: Annotated[str | None, typer.Option("--over", help="From so many steps back: 2, or a letter.")] = None,
    evidence: WithEvidence = True,
    output: Output = None,
    notation: NotationName = "default",
) -> None:
    """Solve the recurrence of a gated state, given its gates: the closed form and its proof by induction."""
    with explained():
        from symlstm.calculus.solution import solution as solve

        found = solve(cell, state)
        show_result(found if steps_back is None else found.over(steps_back), output, notation, evidence=evidence)
