"""The assertion behind the pytest plugin, whose message shows the smallest example that was found."""

from __future__ import annotations

from typing import Any

import hypothesis
import numpy as np
import torch
from hypothesis import HealthCheck
from hypothesis.errors import NoSuchExample

from sims.learners import Learner
from sims.training import Training
from theory.evidence import Verdict
from theory.groups import GROUPS, Group
from verify.coupling import Bench
from verify.findings import Finding
from verify.hypotheses import certify
from verify.instrument import examine
from verify.regimes import Maker
from verify.strategies import Case, cases
from verify.subjects import of_optimizer
from verify.verdicts import CLEAR

__all__ = ["assert_equivariant"]

TRIES = 100


def assert_equivariant(
    subject: type[torch.optim.Optimizer] | Learner | Training, group: Group | str, *, seed: int = 0, **options: Any
) -> None:
    """Fail unless a group is certified to be kept.

    Args:
        subject: an optimizer's class, whose update rule is examined; or a learner, which is examined hypothesis by
            hypothesis (`verify.certify`).
        group: a group of `theory.groups`, or its name.
        seed: of everything random.
        options: keyword arguments of the optimizer's class.

    Raises:
        AssertionError: the verdict is REFUTED or INCONCLUSIVE; the message shows why, and a small example.
        ValueError: an unknown group, a class that does not run, or options beside a learner.

    Example:
        >>> assert_equivariant(torch.optim.SGD, "orthogonal", lr=0.1)
    """
    name = group.name if isinstance(group, Group) else group
    if name not in GROUPS:
        raise ValueError(f"group: got {group!r}, want one of {', '.join(GROUPS)}")
    if isinstance(subject, Learner | Training):
        if options:
            raise ValueError(f"options: got {', '.join(options)}, want none beside a learner, which has its own")
        certificate = certify(subject, name, seed=seed)
        if certificate.verdict is not Verdict.CERTIFIED:
            raise AssertionError(str(certificate))
        return
    maker = of_optimizer(subject, options)
    found = examine(maker, seed, [name])[name]
    if found.verdict is not Verdict.CERTIFIED:
        raise AssertionError(_message(subject.__name__, found, maker))


def _message(title: str, found: Finding, maker: Maker) -> str:
    group = GROUPS[found.group]
    lines = [f"{title} under {group.title}: {found.verdict.value}", f"  {found.reason}"]
    if found.verdict is not Verdict.REFUTED:
        return "\n".join(lines)
    lines.append("  violates hypothesis (2) of thm-c.1: the update rule does not move along with the first layer")
    try:
        smallest = hypothesis.find(
            cases(maker, group),
            lambda case: case.ratio >= CLEAR,
            settings=hypothesis.settings(
                max_examples=TRIES,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except NoSuchExample:
        return "\n".join([*lines, f"  no smaller example in {TRIES} tries"])
    return "\n".join([*lines, *_example(smallest)])


def _example(case: Case) -> list[str]:
    bench = Bench(case.problem, torch.float64)
    base, twin = (trace.outputs[-1] for trace in (bench.base, bench.trace(case.element)))
    worst = int((base - twin).abs().argmax())
    rows = {"g": case.element, "points": case.problem.points, "x": np.asarray(case.problem.tests)[worst]}
    shown = [
        f"    {name} = {np.array2string(np.asarray(a), precision=4, prefix='    ' + name)}" for name, a in rows.items()
    ]
    return [
        f"  smallest example found: d = {case.problem.dimension}, {len(np.asarray(case.problem.points))} points, "
        f"{case.problem.training.steps} steps",
        f"    {case.problem.training.network()}".replace("\n", "\n    "),
        *shown,
        f"    prediction at x after training on D:       {float(base[worst])!r}",
        f"    prediction at g x after training on g D:   {float(twin[worst])!r}",
        f"    rounding explains {case.judgement.control:.1g} of the difference, {case.judgement.residual:.3g}",
    ]
