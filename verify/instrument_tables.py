"""What the instrument finds beside what is predicted: features of training, first weights, and exact replays.

Each row is a step to run, with its expected verdict and a mutant. A row of features or first weights is CERTIFIED if in
every column the verdict is the predicted one, and the mutant predicts one column wrongly.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import torch

from theory.claims import Mutant, Step
from theory.evidence import Evidence, Trust, Verdict
from theory.groups import GENERAL_LINEAR, GROUPS, ORTHOGONAL
from verify import inits, rational
from verify.feature_table import FEATURES, FeatureRow
from verify.findings import Finding
from verify.instrument import EXAMINED, examine
from verify.regimes import Maker, Regime

__all__ = ["exact_replays", "features", "first_weights"]

SGD_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "SGD": {"lr": 0.1},
    "SGD with momentum": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
    "SGD with Nesterov momentum": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "SGD with dampening": {"lr": 0.1, "momentum": 0.5, "dampening": 0.3},
}


def features(seed: int) -> Iterator[tuple[Step, Verdict]]:
    """What people put around an optimizer, under every group."""
    for row in FEATURES:
        check = functools.partial(_feature, row, seed)
        mutant = Mutant("rotations are predicted the other way round", wrong="orthogonal")
        yield Step("table-1", f"feature: {row.title}", check, Trust.SAMPLED, mutant, ()), Verdict.CERTIFIED


def first_weights(seed: int) -> Iterator[tuple[Step, Verdict]]:
    """The laws of torch's initialisations, under every group."""
    for name in inits.INITIALISATIONS:
        check = functools.partial(_first_weights, name, seed)
        mutant = Mutant("permutations are predicted the other way round", wrong="permutation")
        yield Step("table-1", f"first weights: {name}", check, Trust.SAMPLED, mutant, ()), Verdict.CERTIFIED


def exact_replays(seed: int) -> Iterator[tuple[Step, Verdict]]:
    """SGD as torch has it under rotations and Newton's method under GL(d), in exact arithmetic."""
    mutant = Mutant("a drift of 2^-40 per step and column is planted", drift=rational.DRIFT)
    for title, options in SGD_OPTIONS.items():
        check = functools.partial(_sgd, title, options, seed)
        yield Step("table-1", f"exact: {title}, O(d)", check, Trust.EXACT, mutant, ()), Verdict.CERTIFIED
    newton = functools.partial(_newton, seed)
    yield Step("table-1", "exact: Newton from zero, GL(d)", newton, Trust.EXACT, mutant, ()), Verdict.CERTIFIED
    kept = Mutant("elements are drawn from O(d)", group="orthogonal")
    descent = functools.partial(_descent, seed)
    yield Step("table-1", "exact: SGD from zero, GL(d)", descent, Trust.EXACT, kept, ()), Verdict.REFUTED


@functools.cache
def _found(name: str, seed: int) -> Mapping[str, Finding]:
    (row,) = (row for row in FEATURES if row.name == name)
    return examine(_maker(row), seed)


def _maker(row: FeatureRow) -> Maker:
    def make(regime: Regime) -> Any:
        shape = {"d": regime.d, "hidden": regime.hidden, "activation": regime.activation, "bias": regime.bias}
        run = {"steps": regime.steps, "batch": regime.batch, "loss": regime.loss, "rate": regime.rate}
        return row.training(**shape, **run)

    return make


def _feature(row: FeatureRow, seed: int, wrong: str = "") -> Evidence:
    found = _found(row.name, seed)
    predicted = {name: (name in row.keeps) != (name == wrong) for name in EXAMINED}
    levels = {name: f.level or f.verdict.value for name, f in found.items()}
    numbers = {
        name: {"verdict": f.verdict.value, "level": f.level, "residual": f.residual, "control": f.control}
        for name, f in found.items()
    }
    return _compared(row.title, predicted, {n: f.verdict for n, f in found.items()}, levels, numbers, seed, row.why)


@functools.cache
def _laws(seed: int) -> Mapping[str, Mapping[str, inits.LawVerdict]]:
    laws: dict[str, dict[str, inits.LawVerdict]] = {}
    for law in inits.table(seed):
        laws.setdefault(law.initialisation, {})[law.group] = law
    return laws


def _first_weights(name: str, seed: int, wrong: str = "") -> Evidence:
    laws = _laws(seed)[name]
    predicted = {g: inits.predicted(name, GROUPS[g]) != (g == wrong) for g in laws}
    verdicts = {g: law.verdict for g, law in laws.items()}
    levels = {g: law.verdict.value for g, law in laws.items()}
    numbers = {
        g: {"verdict": law.verdict.value, "distance": law.distance, "detectable": law.detectable, "alpha": law.alpha}
        for g, law in laws.items()
    }
    return _compared(name, predicted, verdicts, levels, numbers, seed, "judged in law")


def _compared(
    title: str,
    predicted: Mapping[str, bool],
    verdicts: Mapping[str, Verdict],
    levels: Mapping[str, str],
    numbers: Mapping[str, Any],
    seed: int,
    why: str,
) -> Evidence:
    """All columns as predicted, one that contradicts, or some that are not decided."""
    wanted = {name: Verdict.CERTIFIED if kept else Verdict.REFUTED for name, kept in predicted.items()}
    against = [n for n, v in verdicts.items() if v is not wanted[n] and v is not Verdict.INCONCLUSIVE]
    undecided = [n for n, v in verdicts.items() if v is Verdict.INCONCLUSIVE]
    certificate = {
        "kind": "trials",
        "count": len(verdicts),
        "counterexample": {"groups": against} if against else None,
        "seed": seed,
        "subject": title,
        "predicted": [name for name, kept in predicted.items() if kept],
        "groups": dict(numbers),
    }
    text = "; ".join(f"{GROUPS[n].title}: {level.lower()}" for n, level in levels.items())
    verdict = Verdict.REFUTED if against else Verdict.INCONCLUSIVE if undecided else Verdict.CERTIFIED
    return Evidence(verdict, Trust.SAMPLED, f"{text}. {why}", certificate)


def _sgd(title: str, options: Mapping[str, Any], seed: int, drift: Fraction = Fraction(0)) -> Evidence:
    exact = rational.replay(lambda p: torch.optim.SGD(p, **options), ORTHOGONAL, seed=seed, drift=drift)
    return rational.evidence(exact, title)


def _newton(seed: int, drift: Fraction = Fraction(0)) -> Evidence:
    return rational.evidence(rational.newton(GENERAL_LINEAR, seed=seed, drift=drift), "Newton's method from zero")


def _descent(seed: int, group: str = "general_linear") -> Evidence:
    net = rational.PolynomialNet((3, 1))
    build = functools.partial(torch.optim.SGD, lr=0.1)
    exact = rational.replay(build, GROUPS[group], seed=seed, net=net, from_zero=True)
    return rational.evidence(exact, "gradient descent from zero")
