r"""What a failure can leave behind: a call reduces on a copy, then votes, then takes the copy over.

The votes are a second allreduce, of a one from each rank; a rank sends its vote when it is done with the first. A rank
takes its copy over when it has received the total of the votes. Ranks may stop at any move, for ever or until their
timeout: they died, were stopped, lost a message, or gave up because another one did.

More cannot be had: where the last message may be lost, no protocol lets all ranks know that all took it over (the two
generals). So ranks may differ in whether they applied the last call; by how much, and what they hold, is said here.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence

from theory import decide
from theory.allreduce_schedule import Schedule, multicolour, schedule, tree, without
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust

__all__: list[str] = []

claim(
    "allreduce-faults",
    kind="lemma",
    title="No partial update, whoever stops when",
    statement=r"\text{A call: allreduce on a copy, then an allreduce of votes along a binary tree, then the copy "
    r"replaces the buffer. If ranks stop anywhere, then (1) each buffer is as before or the whole sum; (2) if one "
    r"rank has replaced its buffer, every rank, stopped or not, has the whole sum in its copy; (3) the numbers of "
    r"calls that two ranks have applied differ by at most one. For } p \le 64 \text{ ranks and any schedule of the "
    r"data it follows from who has heard from whom; all ways to stop are enumerated for the colours of claim allreduce "
    r"with } k \le 2,\ s = 1\text{: (1) and (2) for } p = 2, 3, 4 \text{ in a call, (3) for } p = 2, 3 "
    r"\text{ in three calls}",
    source="ours",
    hypotheses=(
        r"\text{a rank does its sends and receives in the order of the schedule and stops at the first that fails}",
        r"\text{a message arrives whole or not at all; a rank that stopped makes no further call}",
    ),
    uses=("allreduce", "allreduce-exact"),
)

Move = tuple[int, int]
"""The number of a message, and 1 if it comes."""


@proves(
    "allreduce-faults",
    "who takes the sum over has heard from every rank since that rank had it, p <= 64",
    by=Trust.EXACT,
    mutant=Mutant("the last vote is lost", lost=1),
    uses=("allreduce", "allreduce-exact"),
)
def all_heard(lost: int = 0) -> Evidence:
    """A rank knows of itself that it did its moves on the data, whatever these are; a message tells all that is known.

    Ranks do their moves in the order of the list, so what a rank has heard of has happened, wherever others stop later.
    In the end each knows it of all: (1) and (2). What it knows of in call t + 1 comes after the end of call t: (3).
    """

    def told(p: int) -> bool:
        known = [1 << rank for rank in range(p)]
        for source, target, _, _ in without(schedule([tree(p, 2)], 1), lost).sends:
            known[target] |= known[source]
        return known == [(1 << p) - 1] * p

    return decide.every("each rank has heard from all when its votes are done: p", range(1, 65), told)


@proves(
    "allreduce-faults",
    "who takes the sum over knows that all hold it: all ways to stop, p = 2, 3, 4",
    by=Trust.EXACT,
    mutant=Mutant("there are no votes", votes=False),
    uses=("allreduce", "allreduce-exact"),
)
def all_hold(votes: bool = True) -> Evidence:
    """The total of the votes has each rank's in it, sent after its last move on the data (claim allreduce-exact).

    The buffer is touched by the last step alone, with a copy that is then whole: (1).
    """

    def sound(case: tuple[int, int, tuple[int, ...]]) -> bool:
        p, k, stops = case
        programs, data = _programs(p, k, 1, votes)
        done = _progress(programs, stops)
        applied = any(done[rank] == len(programs[rank]) for rank in range(p))
        return not applied or all(done[rank] >= data[rank] for rank in range(p))

    return decide.every("p, k and the number of moves after which each rank stops", _stops(1, votes), sound)


@proves(
    "allreduce-faults",
    "no two ranks differ by more than one call: all ways to stop in three calls, p = 2, 3",
    by=Trust.EXACT,
    mutant=Mutant("no two ranks differ at all", most=0),
    uses=("allreduce", "allreduce-exact"),
)
def counts_agree(most: int = 1) -> Evidence:
    """To finish call t + 1 a rank needs every rank's value in it, which a rank sends after it has finished call t."""

    def close(case: tuple[int, int, tuple[int, ...]]) -> bool:
        p, k, stops = case
        programs, _ = _programs(p, k, 3, True)
        calls = [3 * done // len(program) for done, program in zip(_progress(programs, stops), programs, strict=True)]
        return max(calls) - min(calls) <= most

    return decide.every("p, k and the number of moves after which each rank stops", _stops(3, True), close)


@functools.cache
def _programs(p: int, k: int, calls: int, votes: bool) -> tuple[list[list[Move]], list[int]]:
    """The moves of every rank in some calls, and how many of the first call's belong to the data."""
    parts: list[Schedule] = [multicolour(p, k, k)] + ([schedule([tree(p, 2)], 1)] if votes else [])
    programs: list[list[Move]] = [[] for _ in range(p)]
    data: list[int] = []
    number = 0
    for part in parts * calls:
        for source, target, _, _ in part.sends:
            programs[source].append((number, 0))
            programs[target].append((number, 1))
            number += 1
        data = data or [len(program) for program in programs]
    return programs, data


def _stops(calls: int, votes: bool) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Every way to stop: for each rank the number of its moves that it does at most."""
    for p, k in ((2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2)):
        if p <= 3 or calls == 1:
            programs, _ = _programs(p, k, calls, votes)
            yield from ((p, k, stops) for stops in itertools.product(*(range(len(moves) + 1) for moves in programs)))


def _progress(programs: Sequence[Sequence[Move]], stops: Sequence[int]) -> list[int]:
    """How many of its moves each rank does: it waits for what did not come, and stops where it is told to."""
    done, sent, moved = [0] * len(programs), set[int](), True
    while moved:
        moved = False
        for rank, moves in enumerate(programs):
            while done[rank] < stops[rank]:
                number, comes = moves[done[rank]]
                if comes and number not in sent:
                    break
                sent |= set() if comes else {number}
                done[rank] += 1
                moved = True
    return done
