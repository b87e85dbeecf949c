"""The best certified bounds on the number of samples a task needs, by task and kind of learner.

A lower bound for the learners equivariant under a group holds for every larger group (fewer learners); an upper
bound, attained by one learner equivariant under a group, holds for every smaller group (that learner is among them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

from theory import quadratic, regression, texture, warmup
from theory.complexity import Bound
from theory.groups import GROUPS, is_subgroup
from theory.validate import integer, probability

__all__ = ["LEARNERS", "TASKS", "Best", "best", "binding"]

Number = float | Fraction | str
LEARNERS = {"orthogonal": "orthogonal", "permutation": "permutation", "sign-flip": "sign_flip", "conv": None}
"""Kinds of learners and the group each is equivariant under; conv nets are equivariant under none here."""


LARGEST = 10**100
"""The largest d that is answered at all; the quadratic task has a smaller limit of its own."""
Rule = Callable[[int, Fraction, Fraction | None], Bound | None]

LOWER_BOUNDS = {
    "ex-4.1-exact": "sign_flip",
    "ex-4.1": "orthogonal",
    "thm-5.5": "permutation",
    "thm-5.5-sharp": "permutation",
    "thm-4.1": "orthogonal",
    "eq-7": "orthogonal",
    "thm-5.2": "orthogonal",
    "thm-5.2-explicit": "orthogonal",
    "thm-5.2-rate": "orthogonal",
    "thm-5.3": "orthogonal",
    "thm-5.4-corrected": "orthogonal",
}
"""Claims that bound the samples of every learner equivariant under a group, and the smallest group that they need."""


@dataclass(frozen=True)
class Task:
    """A task, the learner its theorem speaks of, the least d, and its bounds.

    Attributes:
        learner: the default.
        least: the smallest d.
        lower: lower bounds, each with the group that learners must be equivariant under.
        upper: upper bounds, each with the group its learner is equivariant under; None for a conv net.
    """

    learner: str
    least: int
    lower: tuple[tuple[str, Rule], ...]
    upper: tuple[tuple[str | None, Rule], ...]


TASKS = {
    "warmup": Task("orthogonal", 1, (("sign_flip", warmup.lower_bound),), (("orthogonal", warmup.upper_bound),)),
    "quadratic": Task(
        "orthogonal",
        1,
        (("orthogonal", quadratic.explicit_lower_bound), ("orthogonal", quadratic.rate_lower_bound)),
        (("orthogonal", quadratic.upper_bound), (None, quadratic.conv_upper_bound)),
    ),
    "regression": Task(
        "orthogonal",
        1,
        (("orthogonal", regression.lower_bound),),
        (("orthogonal", regression.sharp_upper_bound), (None, regression.conv_upper_bound)),
    ),
    "texture": Task(
        "permutation",
        5,
        (("permutation", texture.lower_bound),),
        (("general_linear", texture.upper_bound), (None, lambda d, eps, delta: texture.conv_upper_bound(eps, delta))),
    ),
}
"""The tasks and what bounds them, by name."""


@dataclass(frozen=True)
class Best:
    """The best bounds for one question; None where nothing is certified.

    Attributes:
        task: a key of `TASKS`.
        d: the dimension that was asked for.
        eps: the error, exactly.
        delta: the failure probability, or None for bounds on N*(eps).
        learner: a key of `LEARNERS`.
        lower: no learner of this kind does with fewer samples.
        upper: some learner of this kind does with so many.
        beaten_lower: the weaker lower bounds that were considered.
        beaten_upper: the weaker upper bounds.
    """

    task: str
    d: int
    eps: Fraction
    delta: Fraction | None
    learner: str
    lower: Bound | None
    upper: Bound | None
    beaten_lower: tuple[Bound, ...] = ()
    beaten_upper: tuple[Bound, ...] = ()


def best(task: str, d: int, eps: Number, delta: Number | None = None, learner: str | None = None) -> Best:
    """The best certified lower and upper bound on the number of samples.

    Args:
        task: warmup, quadratic, regression or texture.
        d: what d means in the task's theorem (quadratic: inputs in R^{2d}; texture: d >= 5 pixels).
        eps: error in (0, 1), relative loss for regression; read exactly.
        delta: with it the bounds are on N(eps, delta), without on N*(eps), the expected error.
        learner: orthogonal, permutation, sign-flip or conv; by default that of the task's theorem.

    Raises:
        ValueError: an unknown task or learner, or a number out of range.

    Example:
        >>> found = best("quadratic", 8, 0.01)
        >>> found.lower.n, found.lower.claim, found.upper.n
        (162, 'thm-5.2-explicit', 13499)
    """
    if not isinstance(task, str) or task not in TASKS:
        raise ValueError(f"task: got {task!r}, want one of {', '.join(TASKS)}")
    chosen = TASKS[task]
    kind = chosen.learner if learner is None else learner
    if not isinstance(kind, str) or kind not in LEARNERS:
        raise ValueError(f"learner: got {kind!r}, want one of {', '.join(LEARNERS)}")
    if isinstance(d, int) and d > LARGEST:
        raise ValueError("d: got a number above 10^100, want one that is not absurd")
    d = integer("d", d, chosen.least)
    exact, confidence = probability("eps", eps), None if delta is None else probability("delta", delta)
    group = LEARNERS[kind]
    lower = [rule for g, rule in chosen.lower if group and is_subgroup(GROUPS[g], GROUPS[group])]
    upper = [rule for g, rule in chosen.upper if _serves(group, g)]
    found = [[b for rule in rules if (b := rule(d, exact, confidence))] for rules in (lower, upper)]
    low = max(found[0], key=lambda bound: bound.n, default=None)
    high = min(found[1], key=lambda bound: bound.n, default=None)
    beaten = [tuple(b for b in bounds if b is not won) for bounds, won in zip(found, (low, high), strict=True)]
    return Best(task, d, exact, confidence, kind, low, high, *beaten)


def binding(kept: Iterable[str]) -> list[str]:
    """The claims whose lower bounds bind a learner that is equivariant under the given groups.

    Args:
        kept: names of groups, keys of `theory.groups.GROUPS`.

    Raises:
        ValueError: an unknown group.

    Example:
        >>> binding(["sign_flip", "permutation"])
        ['ex-4.1-exact', 'thm-5.5', 'thm-5.5-sharp']
    """
    groups = list(kept)
    for name in groups:
        if name not in GROUPS:
            raise ValueError(f"kept: got {name!r}, want names among {', '.join(GROUPS)}")
    return [id for id, needs in LOWER_BOUNDS.items() if any(_serves(needs, name) for name in groups)]


def _serves(wanted: str | None, attained: str | None) -> bool:
    """Does a bound for the second kind speak of the first? Equivariance under a group implies it under subgroups."""
    if wanted is None or attained is None:
        return wanted is attained
    return is_subgroup(GROUPS[wanted], GROUPS[attained])
