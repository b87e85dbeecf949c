r"""Multi-colour allreduce: p ranks hold buffers of n elements, and in the end each holds the sum of all.

The buffer is cut into k *colours*. Each colour has a spanning tree of its own, in which a rank has up to k children,
with a root of its own. It is cut further into *segments*: a segment goes up its tree, where a rank adds what its
children send and sends on to its parent, and then the total goes down; the next segment follows one round behind. So
all ranks add and send at the same time, and the links of every rank are busy in both directions.

A schedule is plain data, one list of sends that all ranks follow (`theory.allreduce_schedule`). The proofs read it,
`theory.allreduce_cost` counts its time, and `sims.allreduce` runs it on real processes. This module proves that it is
well formed; that the sum is right and how it is rounded stands in `theory.allreduce_sums`, what it means for training
in `theory.allreduce_training`, what failures can leave behind in `theory.allreduce_faults`.

The idea of colours is that of Kumar et al. (2017), as we recall it. Which rank stands where in which tree, and the
order of the sends, are ours: tree c is a heap with k children a place, turned by floor(c p / k) ranks.
"""

from __future__ import annotations

from collections.abc import Sequence

from theory import decide
from theory.allreduce_schedule import Schedule, colours, cut, depths, first_rank, heap, multicolour
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of

__all__ = ["KUMAR"]

KUMAR = "S. Kumar, D. Sreedhar, V. Saxena, Y. Sabharwal, A. Verma 2017 (arXiv 1711.00705)"
"""The work that the colours come from, as sources name it."""

claim(
    "allreduce",
    kind="algorithm",
    title="Multi-colour allreduce",
    statement=r"\text{Colour } c < k \text{ is elements } \lfloor cn/k \rfloor \text{ to } "
    r"\lfloor (c+1)n/k \rfloor - 1, \text{ cut into } s \text{ segments. In its tree place } i "
    r"\text{ is rank } (i + \lfloor cp/k \rfloor) \bmod p, \text{ and the parent of place } i > 0 "
    r"\text{ is place } \lfloor (i-1)/k \rfloor. \text{ Segment } j \text{ goes up from a rank of depth } \delta "
    r"\text{ in round } j + D - \delta \text{ (} D \text{ the depth of the tree) and down to it in round } "
    r"j + D + \delta - 1. \text{ Then every tree spans all ranks, roots are distinct, no rank has children in more "
    r"than two trees, nor in more than one if } p \bmod k \le 1; \text{ the pieces partition the buffer; "
    r"every send comes after those it relies on; for } p \le 12,\ k \le 4,\ s \le 3 "
    r"\text{ ranks that block at every send and receive finish}",
    source=f"after {KUMAR}, recalled, not checked against the paper",
    hypotheses=(r"1 \le k \le p \text{ colours},\ s \ge 1 \text{ segments},\ n \ge 0 \text{ elements}",),
    differs="That there are colours with trees of their own is recalled from the paper; the places of the ranks, the "
    "rounds and the order within a round are chosen here.",
)
claim(
    "allreduce-resnet",
    kind="cited",
    title="ResNet-50 in 48 minutes (Kumar, Sreedhar, Saxena, Sabharwal, Verma)",
    statement=r"\text{Data-parallel SGD with a multi-colour allreduce trained ResNet-50 on ImageNet for 90 epochs "
    r"on 256 GPUs in 48 minutes (before: 65), as its authors report}",
    source=f"{KUMAR}, abstract; a measurement of theirs that nothing here rests on (recalled, not checked against the "
    "paper)",
)


@proves(
    "allreduce",
    "every tree spans all ranks, for every p and k",
    by=Trust.EXACT,
    mutant=Mutant("the parent of place i is floor(i / k)", shift=0),
)
def trees_span(shift: int = 1) -> Evidence:
    """With q = floor((i - shift) / k), so that k q <= i - shift: i - q is positive, and place 0 is the only root.

    Ranks are places turned by a fixed amount, a bijection.
    """
    return all_of(
        decide.same_polynomial("i - q", f"(i - {shift} - k*q) + (k - 1)*q + 1"),
        decide.same_polynomial("(i + first) - first", "i"),
        decide.every(
            "following parents leads to the root within p steps: p, k, first rank, p <= 14",
            [(p, k, first) for p in range(1, 15) for k in range(1, p + 1) for first in range(0, p, 3)],
            lambda c: _is_tree(heap(c[0], c[1], c[2], shift)),
        ),
        summary="parents stand on smaller places: (i - 1 - k q) and (k - 1) q are not negative, so i - q >= 1",
    )


@proves(
    "allreduce",
    "the roots are distinct, for every k <= p",
    by=Trust.EXACT,
    mutant=Mutant("there is one colour more than ranks", extra=1),
)
def roots_distinct(extra: int = 0) -> Evidence:
    """From (c+1) p = (c p + k) + (p - k) follows floor((c+1) p/k) >= floor(c p/k) + 1; and (k-1) p/k < p."""
    return all_of(
        decide.same_polynomial("(c + 1)*p", "(c*p + k) + (p - k)"),
        decide.every(
            "roots are distinct ranks: p, k <= 40",
            [(p, k) for p in range(1, 41) for k in range(1, p + 1 + extra)],
            lambda c: len({first_rank(*c, colour) for colour in range(c[1])} & set(range(c[0]))) == c[1],
        ),
        summary="the first rank of each colour is at least one more than that of the colour before, and below p",
    )


@proves(
    "allreduce",
    "no rank has children in more than two trees, nor in more than one if p mod k <= 1",
    by=Trust.EXACT,
    mutant=Mutant("never in more than one", most=1),
)
def few_interiors(most: int = 2) -> Evidence:
    """Places 0 to I - 1 have children, I = ceil((p - 1)/k); with p = q k + r first ranks lie q or more apart.

    k q = (p - 1) + (1 - r) says that I <= q where r <= 1, so that no two runs of I ranks meet; k (q + 1) = (p - 1) +
    (k - r + 1) that always I <= q + 1. A rank in three runs needs two gaps within I - 1 <= q, but they take 2 q > q.
    """

    def shared(case: tuple[int, int]) -> bool:
        p, k = case
        parents = colours(p, k)
        trees = [sum(rank in tree for tree in parents) for rank in range(p)]
        return max(trees) <= (1 if p % k <= 1 else most)

    return all_of(
        decide.same_polynomial("k*q", "(q*k + r - 1) + (1 - r)"),
        decide.same_polynomial("k*(q + 1)", "(q*k + r - 1) + (k - r + 1)"),
        decide.same_polynomial("2*q - q", "q"),
        decide.every("counted: p, k, p <= 24", [(p, k) for p in range(1, 25) for k in range(1, p + 1)], shared),
        summary="the places with children form runs of at most q + 1 ranks that start q or more apart",
    )


@proves(
    "allreduce",
    "the pieces partition the buffer",
    by=Trust.EXACT,
    mutant=Mutant("the last piece is lost", lost=1),
)
def pieces_partition(lost: int = 0) -> Evidence:
    """Each piece starts where the one before stops (both are the same floor), the first at 0; and floor(k n/k) = n."""

    def partitions(case: tuple[int, int, int]) -> bool:
        found = cut(*case)
        covered = [at for piece in found[: len(found) - lost] for at in range(piece.start, piece.stop)]
        return covered == list(range(case[0]))

    cases = [(n, k, s) for n in range(26) for k in range(1, 6) for s in range(1, 6)]
    return all_of(
        decide.same_polynomial("c*n + n", "(c + 1)*n"),
        decide.every("every element is in one piece: n <= 25, k <= 5, s <= 5", cases, partitions),
        summary="pieces follow each other from element 0 to element n - 1",
    )


@proves(
    "allreduce",
    "every send comes after those it relies on",
    by=Trust.EXACT,
    mutant=Mutant("the total goes down two rounds earlier", early=2),
)
def order_is_causal(early: int = 0) -> Evidence:
    """A child at depth d + 1 sends segment j up one round before its parent; the root's sends down follow all of that.

    Up to the root in round j + D - 1 at the latest, down from it in round j + D, then one round for each level.
    """
    return all_of(
        decide.same_polynomial(f"(j + D + 1 - 1 - {early}) - (j + D - 1)", "1"),
        decide.same_polynomial("(j + D - d) - (j + D - (d + 1))", "1"),
        decide.same_polynomial("(j + D + (d + 1) - 1) - (j + D + d - 1)", "1"),
        decide.every(
            "what is sent up has all of the subtree, what is sent down has all: p <= 9, k <= 4, s <= 3",
            [(p, k, s) for p in range(1, 10) for k in range(1, min(p, 4) + 1) for s in range(1, 4)],
            lambda c: _is_causal(multicolour(c[0], c[1], c[1] * c[2], c[2])),
        ),
        summary="rounds grow by one with each level, upwards and downwards",
    )


@proves(
    "allreduce",
    "ranks that block at every send and receive finish, p <= 12, k <= 4, s <= 3",
    by=Trust.EXACT,
    mutant=Mutant("rank 0 takes its messages in the opposite order", backwards=(0,)),
)
def no_deadlock(backwards: tuple[int, ...] = ()) -> Evidence:
    """All follow one list, so the first send of it that is not done is next for both of its ranks."""
    return decide.every(
        "rendezvous by rendezvous to the end: p, k, s",
        [(p, k, s) for p in range(2, 13) for k in range(1, min(p, 4) + 1) for s in range(1, 4)],
        lambda c: _finishes(multicolour(c[0], c[1], c[1] * c[2], c[2]), backwards),
    )


def _is_tree(parents: Sequence[int]) -> bool:
    try:
        return len(depths(parents)) == len(parents)
    except ValueError:
        return False


def _is_causal(plan: Schedule) -> bool:
    """Whether each rank sends each piece up once, after its children, and takes the total once, from one who has it."""
    everyone = set(range(plan.ranks))
    for number in range(len(plan.pieces)):
        held = {rank: {rank} for rank in everyone}
        sent, finished = set(), set()
        for source, target, piece, adds in plan.sends:
            if piece != number:
                continue
            if adds:
                if source in sent or target in sent or held[source] & held[target]:
                    return False
                sent.add(source)
                held[target] |= held[source]
            else:
                if held[source] != everyone or target in finished or (source in sent and source not in finished):
                    return False
                finished.add(target)
                held[target] = set(everyone)
        if not len(sent) == len(finished) == plan.ranks - 1:
            return False
    return True


def _finishes(plan: Schedule, backwards: Sequence[int]) -> bool:
    """Whether ranks finish that take their messages in order and wait for the other end of each."""
    waiting: list[list[int]] = [[] for _ in range(plan.ranks)]
    ends = plan.table[:, :2].tolist()
    for number, pair in enumerate(ends):
        for rank in pair:
            waiting[rank].append(number)
    queues = [queue if rank in backwards else queue[::-1] for rank, queue in enumerate(waiting)]
    moved = True
    while moved:
        moved = False
        for queue in queues:
            while queue and all(queues[rank][-1] == queue[-1] for rank in ends[queue[-1]]):
                for rank in ends[queue[-1]]:
                    if queues[rank] is not queue:
                        queues[rank].pop()
                queue.pop()
                moved = True
    return not any(queues)
