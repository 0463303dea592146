"""J V over some steps, compiled: what a step consists of is data, so that one loop serves all cells.

Terms of one sum that multiply the same tangent by matrices are one product: of three gates and k directions that takes
3 + k steps an entry of a matrix, where the products by themselves take 3 k.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uintp  # a place that is not negative: no look whether it counts from the end

from symlstm.codegen.fast.products import compiled, inner, product, set_rows
from symlstm.codegen.fast.sharing import count_on, seen, show
from symlstm.codegen.fast.tiles import COUNT, ROWS, mixing_tile, width

WIDE = width(8)
"""Columns of a panel."""
PRODUCT, MIXED, ZEROS, TERM = range(4)
"""What an operation does. Places count entries of one row; the room has them for all rows.

(PRODUCT, from, length, panels, count, to, columns): a tangent is multiplied by a matrix. (MIXED, from, length, panels,
terms, to, columns, their factors): set to the product of a tangent and the sum of some matrices, the rows of each times
a factor; their panels follow each other, matrix by matrix. (ZEROS, to, length): nothing but zeros. (TERM, to, length,
from, width, column, factor, first): set to, or added to, columns of a tangent or of a product, times the factor that
begins there; -1: times one.
"""
MOST = 4
"""Terms of a MIXED: so their factors stay in registers."""
AT, DONE, FIRST = range(3)
"""Counts: the job that `carry` is at, counted from 1; whether it is done; where those of the first job begin."""
WHICH, BEGUN, BACK, MADE, OF_JOB = range(5)
"""Counts of a job: which operation of which step; panels begun; those begun from the back; those made; how many."""
FEW, MORE = (5, 10) if COUNT == 32 else (2, 4)
"""Rows of tiles that mix, and keep nothing: MORE is as many as the registers allow."""


def by_terms(rows: int, keep: bool = False) -> Any:
    """A function that makes a tile of so many rows from one to four mixed panels."""
    one, two, three, four = (mixing_tile(rows, terms, keep) for terms in range(1, MOST + 1))

    @inner
    def rows_by_mixed(
        terms: int, a: Any, start: int, length: int, panels: Any, place: int, gap: int, out: Any, to: int, apart: int,
        vectors: Any, mixed: Any,
    ) -> None:  # fmt: skip
        if terms == 1:
            one(a, start, length, 1, length, panels, place, gap, out, to, apart, vectors, mixed)
        elif terms == 2:
            two(a, start, length, 1, length, panels, place, gap, out, to, apart, vectors, mixed)
        elif terms == 3:
            three(a, start, length, 1, length, panels, place, gap, out, to, apart, vectors, mixed)
        else:
            four(a, start, length, 1, length, panels, place, gap, out, to, apart, vectors, mixed)

    return rows_by_mixed


mix_few, mix_more, mix_and_keep = by_terms(FEW), by_terms(MORE), by_terms(ROWS, keep=True)


@compiled
def carry(
    first: int, last: int, start: int, steps: int, program: Any, moved: Any, panels: Any, given: Any, room: Any,
    counts: Any, jobs: int, rows: Any,
) -> None:  # fmt: skip
    """The rows from first to last, so many steps further, in place.

    program: the operations. moved: (place, column in a row, place of the new one, length) of each state. given:
    the factors, (steps, batch, all of them). counts: as `help_carry` takes it, empty where nobody helps; jobs: how many
    were done before. rows: (rows, s), as many directions for each of the batch.
    """
    count, (_, batch, gap), factors = len(rows), given.shape, given.reshape(-1)
    each = count // batch
    flat, (some, vectors, mixed) = panels.reshape(-1), new_buffers(program)
    for state in range(len(moved)):
        place, column, _, length = moved[state]
        for r in range(first, last):
            for j in range(length):
                room[uintp(place * count + r * length + j)] = rows[r, uintp(column + j)]
    for t in range(start, start + steps):
        for k in range(len(program)):
            o = program[k]
            if o[0] == PRODUCT:
                length, columns, at, to = o[2], o[6], o[1] * count, o[5] * count
                product(
                    room[at : at + count * length].reshape(count, length),
                    panels[o[3] : o[3] + o[4] * length].reshape(o[4], length, WIDE),
                    room[to : to + count * columns].reshape(count, columns), first, last, t % 2 == 1,
                )  # fmt: skip
                continue
            if o[0] == MIXED:
                for b in range(first // each, (last - 1) // each + 1):
                    begin, end, at = max(first, b * each), min(last, (b + 1) * each), (t * batch + b) * gap
                    number = panels_in(o)
                    if len(counts) == 0:
                        for p in range(number):
                            set_mixed(o, p, count, begin, end, factors, at, flat, room, some, vectors, mixed)
                    else:
                        job = jobs + (t - start) * len(program) + k
                        counts[FIRST + OF_JOB * job + WHICH] = t * len(program) + k
                        show(counts, AT, job + 1)
                        share(o, job, counts, False, count, begin, end, factors, at, flat, room, some, vectors, mixed)
                        while seen(counts, FIRST + OF_JOB * job + MADE) < number:
                            pass
                continue
            of, next_one = first // each, (first // each + 1) * each  # which of the batch; no division for each row
            for r in range(first, last):
                if r == next_one:
                    of, next_one = of + 1, next_one + each
                to, at = o[1] * count + r * o[2], o[3] * count + r * o[4] + o[5]
                if o[0] == ZEROS:
                    for j in range(o[2]):
                        room[uintp(to + j)] = 0
                else:
                    add_term(room, to, at, o[2], factors, (t * batch + of) * gap + o[6], o[6] < 0, o[7] == 1)
        for state in range(len(moved)):
            place, _, new, length = moved[state]
            to, at = place * count + first * length, new * count + first * length
            for j in range((last - first) * length):
                room[uintp(to + j)] = room[uintp(at + j)]
    for state in range(len(moved)):
        place, column, _, length = moved[state]
        for r in range(first, last):
            for j in range(length):
                rows[r, uintp(column + j)] = room[uintp(place * count + r * length + j)]


@compiled
def help_carry(counts: Any, program: Any, panels: Any, given: Any, room: Any, count: int) -> None:
    """Make panels of what `carry` is at, for one example with `count` rows, until it is done.

    counts: see AT and WHICH. Panels are begun from the first on there and from the last on here, so that both find
    theirs in their caches at the next step.
    """
    factors, flat, last = given.reshape(-1), panels.reshape(-1), 0
    some, vectors, mixed = new_buffers(program)
    while seen(counts, DONE) == 0:
        job = seen(counts, AT) - 1
        if job >= last:
            last = job + 1
            step, k = divmod(counts[FIRST + OF_JOB * job + WHICH], len(program))
            at = step * given.shape[1] * given.shape[2]
            share(program[k], job, counts, True, count, 0, count, factors, at, flat, room, some, vectors, mixed)


@inner
def share(
    o: Any, job: int, counts: Any, back: bool, count: int, begin: int, end: int, factors: Any, start: int, flat: Any,
    room: Any, some: Any, vectors: Any, mixed: Any,
) -> None:  # fmt: skip
    """Panels of a MIXED, as many as the other thread leaves."""
    number, made = panels_in(o), 0
    while count_on(counts, FIRST + OF_JOB * job + BEGUN, 1) < number:
        p = number - 1 - count_on(counts, FIRST + OF_JOB * job + BACK, 1) if back else made
        set_mixed(o, p, count, begin, end, factors, start, flat, room, some, vectors, mixed)
        made += 1
    if made:
        count_on(counts, FIRST + OF_JOB * job + MADE, made)


@inner
def panels_in(o: Any) -> int:
    """How many panels each matrix of a MIXED has."""
    return -(-o[6] // WIDE)


@inner
def new_buffers(program: Any) -> Any:
    """For a tile, for the vectors of a panel, and for panels summed up."""
    longest = 0
    for o in program:
        longest = max(longest, o[2])
    return np.empty(max(MORE, ROWS) * WIDE), np.zeros(MOST * WIDE), np.empty((1, longest, WIDE))


@inner
def set_mixed(
    o: Any, p: int, count: int, begin: int, end: int, factors: Any, start: int, flat: Any, room: Any, some: Any,
    vectors: Any, mixed: Any,
) -> None:  # fmt: skip
    """As MIXED says, one panel of the rows from begin to end, whose factors begin at `start`. flat: the panels.

    some, vectors, mixed: see `new_buffers`.
    """
    length, terms, columns = o[2], o[4], o[6]
    rows, gap = end - begin, panels_in(o) * length * WIDE
    here = min(WIDE, columns - p * WIDE)
    for k in range(terms):
        of_term = start + o[7 + k] + p * WIDE
        if here == WIDE:  # a number that is known when this is compiled: copied by vectors
            for j in range(WIDE):
                vectors[uintp(k * WIDE + j)] = factors[uintp(of_term + j)]
        else:
            for j in range(here):
                vectors[uintp(k * WIDE + j)] = factors[uintp(of_term + j)]
    at, to = o[1] * count + begin * length, o[5] * count + begin * columns + p * WIDE
    place = (o[3] + p * length) * WIDE
    whole = here == WIDE and rows in (FEW, MORE)  # the tile makes nothing that is not there
    out, entry, apart = some, 0, WIDE
    if whole:
        out, entry, apart = room, to, columns
    done = min(rows, MORE)
    if rows <= FEW:
        mix_few(terms, room, at, length, flat, place, gap, out, entry, apart, vectors, mixed)
    elif rows <= MORE:
        mix_more(terms, room, at, length, flat, place, gap, out, entry, apart, vectors, mixed)
    else:
        done = ROWS
        mix_and_keep(terms, room, at, length, flat, place, gap, out, entry, apart, vectors, mixed)
    if not whole:
        set_columns(room, to, columns, some, done, here)
    while done < rows:
        more = min(ROWS, rows - done)
        set_rows(room, at + done * length, length, 1, more, length, mixed, 0, some, 0, WIDE)
        set_columns(room, to + done * columns, columns, some, more, here)
        done += more


@inner
def set_columns(out: Any, to: int, apart: int, some: Any, rows: int, here: int) -> None:
    """The first columns of some rows, written from out[to] on, apart from each other."""
    for r in range(rows):
        for j in range(here):
            out[uintp(to + r * apart + j)] = some[uintp(r * WIDE + j)]


@inner
def add_term(room: Any, to: int, at: int, length: int, factors: Any, factor: int, alone: bool, first: bool) -> None:
    """room[to + j] += room[at + j] factors[factor + j] (alone: += room[at + j]; first: = instead of +=)."""
    if alone and first:
        for j in range(length):
            room[uintp(to + j)] = room[uintp(at + j)]
    elif alone:
        for j in range(length):
            room[uintp(to + j)] += room[uintp(at + j)]
    elif first:
        for j in range(length):
            room[uintp(to + j)] = room[uintp(at + j)] * factors[uintp(factor + j)]
    else:
        for j in range(length):
            room[uintp(to + j)] += room[uintp(at + j)] * factors[uintp(factor + j)]
