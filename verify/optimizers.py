"""torch's own optimizers on real nets, held against the cells of Table 1.

Each is examined (`verify.instrument`) under each group. What is expected is read from Table 1, not typed here.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from theory import table1
from theory.claims import Mutant, Step
from theory.evidence import Evidence, Trust, Verdict
from theory.groups import GROUPS, Group
from verify.findings import Finding
from verify.instrument import Examination
from verify.subjects import of_optimizer
from verify.verdicts import CLEAR, DRIFT

__all__ = ["OPTIMIZERS", "Subject", "cell", "measurements"]


@dataclass(frozen=True)
class Subject:
    """A torch optimizer with settings, and the row of Table 1 that speaks of it."""

    title: str
    optimizer: type[torch.optim.Optimizer]
    options: tuple[tuple[str, Any], ...]
    row: str


OPTIMIZERS = (
    Subject("SGD", torch.optim.SGD, (("lr", 0.05),), "sgd"),
    Subject(
        "SGD with momentum",
        torch.optim.SGD,
        (("lr", 0.03), ("momentum", 0.9), ("nesterov", True), ("weight_decay", 0.01)),
        "sgd",
    ),
    Subject("Adam", torch.optim.Adam, (("lr", 0.02), ("weight_decay", 0.1)), "adam"),
    Subject("Adagrad", torch.optim.Adagrad, (("lr", 0.05), ("weight_decay", 0.01)), "adagrad"),
)


@functools.cache
def examination(subject: Subject, seed: int) -> Examination:
    """The subject's runs, shared by all groups."""
    return Examination(of_optimizer(subject.optimizer, dict(subject.options)), seed)


def cell(subject: Subject, group: Group, seed: int, drift: float = 0.0) -> Evidence:
    """One optimizer under one group.

    Args:
        subject: the optimizer.
        group: the group.
        seed: of everything random.
        drift: a fault to plant, see `sims.training.Training.run`.
    """
    runs = examination(subject, seed)
    found = runs.finding(group.name, drift)
    summary = f"{found.level}: {found.reason}" if found.level else found.reason
    return Evidence(found.verdict, Trust.SAMPLED, summary, certificate(subject, found, len(runs.stations), seed))


def certificate(subject: Subject, found: Finding, regimes: int, seed: int) -> dict[str, Any]:
    """A finding as a certificate of kind ``trials``."""
    trials = {"kind": "trials", "count": regimes, "counterexample": found.counterexample, "seed": seed}
    about = {"optimizer": subject.title, "settings": dict(subject.options), "group": found.group}
    numbers = {"level": found.level, "residual": found.residual, "control": found.control, "clear": CLEAR}
    return {**trials, **about, **numbers}


def measurements(seed: int) -> Iterator[tuple[Step, Verdict]]:
    """Every optimizer under every group as a step to run, with the verdict that Table 1 predicts.

    The mutant of a kept cell is a planted drift, which must be refuted. The mutant of a broken cell
    draws its elements from the group that Table 1 says is kept: the same code must not refute that.
    """
    rows = {row.name: row for row in table1.ROWS}
    for subject in OPTIMIZERS:
        for group in GROUPS.values():
            predicted = table1.cell(rows[subject.row], group.name)
            if predicted is None:
                raise ValueError(f"table-1: {subject.row} under {group.name} is undecided, want a decided cell")
            yield _measurement(subject, group, seed, predicted.holds, GROUPS[rows[subject.row].keeps])


def _measurement(subject: Subject, group: Group, seed: int, holds: bool, kept: Group) -> tuple[Step, Verdict]:
    def check(drawn_from: Group = group, drift: float = 0.0) -> Evidence:
        return cell(subject, drawn_from, seed, drift)

    mutant = (
        Mutant(f"a drift of {DRIFT:g} of each step is planted", drift=DRIFT)
        if holds
        else Mutant(f"elements are drawn from {kept.letter}", drawn_from=kept)
    )
    name = f"{subject.title}: {group.title}"
    expected = Verdict.CERTIFIED if holds else Verdict.REFUTED
    return Step("table-1", name, check, Trust.SAMPLED, mutant, ()), expected
