"""torch's own optimizers on real nets, held against the cells of Table 1.

For each optimizer and group Hypothesis draws nets of depth 2 and 3, data, hyper-parameters and group
elements; each case is run coupled and judged. What is expected is read from Table 1, not typed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis
import numpy as np
import torch
from hypothesis import HealthCheck, Phase

from theory import table1
from theory.claims import Mutant, Step
from theory.evidence import Evidence, Trust, Verdict
from theory.groups import GROUPS, Group
from verify.coupling import Case, couple
from verify.strategies import Options, cases, decay_options, momentum_options, plain_options
from verify.verdicts import CLEAR, Judgement, judge

__all__ = ["OPTIMIZERS", "Subject", "cell", "drifting", "measurements"]

CASES = 25
DRIFT = 1e-6


@dataclass(frozen=True)
class Subject:
    """A torch optimizer, the hyper-parameters to draw, and the row of Table 1 that speaks of it."""

    title: str
    optimizer: type[torch.optim.Optimizer]
    options: Options
    row: str


OPTIMIZERS = (
    Subject("SGD", torch.optim.SGD, plain_options(), "sgd"),
    Subject("SGD with momentum", torch.optim.SGD, momentum_options(), "sgd"),
    Subject("Adam", torch.optim.Adam, decay_options(), "adam"),
    Subject("Adagrad", torch.optim.Adagrad, decay_options(), "adagrad"),
)


def drifting(optimizer: type[torch.optim.Optimizer], size: float = DRIFT) -> type[torch.optim.Optimizer]:
    """The planted fault: after each step every weight also drifts by `size` times its column's number.

    A drift that is odd in no coordinate and differs between coordinates breaks every group here.
    """

    class Drifting(optimizer):  # type: ignore[misc, valid-type]
        def step(self, closure: Any = None) -> Any:
            result = super().step(closure)
            with torch.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        p += size * torch.arange(1, p.shape[-1] + 1, dtype=p.dtype)
            return result

    Drifting.__name__ = f"Drifting{optimizer.__name__}"
    return Drifting


def judged(
    subject: Subject, group: Group, seed: int, drift: float = 0.0, count: int = CASES
) -> list[tuple[Case, Judgement]]:
    """Draw cases, run them coupled in both precisions and judge each."""
    found: list[tuple[Case, Judgement]] = []
    optimizer = drifting(subject.optimizer, drift) if drift else subject.optimizer

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(cases(optimizer, group, subject.options))
    def run(case: Case) -> None:
        found.append((case, judge(couple(case, torch.float64), couple(case, torch.float32))))

    run()
    return found


def cell(subject: Subject, group: Group, seed: int, drift: float = 0.0, count: int = CASES) -> Evidence:
    """One optimizer under one group: REFUTED by a single clear case, CERTIFIED only if most cases could tell.

    At least three quarters of the cases must be certified, so that undecided cases cannot carry a pass.
    """
    found = judged(subject, group, seed, drift, count)
    counts = Counter(judgement.verdict for _, judgement in found)
    refuted = [(case, j) for case, j in found if j.verdict is Verdict.REFUTED]
    certified = [j for _, j in found if j.verdict is Verdict.CERTIFIED]
    certificate: dict[str, Any] = {"kind": "trials", "count": len(found), "counterexample": None, "seed": seed}
    tally = f"{len(found)} cases: " + ", ".join(f"{counts[v]} {v.value.lower()}" for v in Verdict if counts[v])
    if refuted:
        case, judgement = max(refuted, key=lambda r: r[1].ratio)
        certificate["counterexample"] = describe(case) | {"size": judgement.size, "reason": judgement.reason}
        return Evidence(
            Verdict.REFUTED, Trust.SAMPLED, f"{tally}; violation {judgement.size:.1e} of the way moved", certificate
        )
    if 4 * len(certified) < 3 * len(found) or not found:
        return Evidence(Verdict.INCONCLUSIVE, Trust.SAMPLED, tally, certificate)
    worst = max(j.ratio for j in certified)
    bitwise = all(j.level == "bitwise" for j in certified)
    level = "bitwise" if bitwise else f"rounding, at most {worst:.2g} controls (a violation is {CLEAR:.0e})"
    distinct = len({np.asarray(case.element).tobytes() for case, _ in found})
    text = f"{tally}; {level}; {distinct} different elements"
    return Evidence(Verdict.CERTIFIED, Trust.SAMPLED, text, certificate | {"worst_ratio": worst})


def describe(case: Case) -> dict[str, Any]:
    """A case as JSON-able data, enough to run it again."""
    model = case.learner.model
    return {
        "optimizer": case.learner.optimizer.__name__,
        "options": dict(case.learner.options),
        "widths": list(getattr(model, "widths", ())),
        "activation": model.activation,
        "bias": model.bias,
        "loss": case.learner.loss,
        "steps": case.learner.steps,
        "seed": case.seed,
        **{name: _rows(getattr(case, name)) for name in ("points", "labels", "tests", "element")},
    }


def _rows(array: Any) -> Any:
    return array.tolist() if hasattr(array, "tolist") else array


def measurements(seed: int) -> Iterator[tuple[Step, Verdict]]:
    """Every optimizer under every group as a step to run, with the verdict that Table 1 predicts.

    The mutant of a kept cell is the planted drift, which must be refuted. The mutant of a broken cell
    draws its elements from the group that Table 1 says is kept: the same code must not refute that.
    """
    rows = {row.name: row for row in table1.ROWS}
    for number, subject in enumerate(OPTIMIZERS):
        for column, group in enumerate(GROUPS.values()):
            predicted = table1.cell(rows[subject.row], group.name)
            if predicted is None:
                raise ValueError(f"table-1: {subject.row} under {group.name} is undecided, want a decided cell")
            own = seed * 1000 + number * 10 + column
            yield _measurement(subject, group, own, predicted.holds, GROUPS[rows[subject.row].keeps])


def _measurement(subject: Subject, group: Group, seed: int, holds: bool, kept: Group) -> tuple[Step, Verdict]:
    def check(drawn_from: Group = group, drift: float = 0.0) -> Evidence:
        return cell(subject, drawn_from, seed, drift)

    mutant = (
        Mutant(f"a drift of {DRIFT:g} per step and column is planted", drift=DRIFT)
        if holds
        else Mutant(f"elements are drawn from {kept.letter}", drawn_from=kept)
    )
    name = f"{subject.title}: {group.title}"
    expected = Verdict.CERTIFIED if holds else Verdict.REFUTED
    return Step("table-1", name, check, Trust.SAMPLED, mutant, ()), expected
