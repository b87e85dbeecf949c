"""`orbitgap check`: one optimizer class, examined under every group, and what follows for its learners."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sims.training import Hook
from theory import bounds, store
from theory.evidence import Verdict
from theory.groups import GROUPS
from verify import adapters, inits, rational
from verify.adapters import AdapterError
from verify.adapters_build import is_optimizer
from verify.findings import Finding, finding_record, plain
from verify.instrument import EXAMINED, examine
from verify.progress import Tick, silent
from verify.regimes import REGIMES, Maker, Regime, pose
from verify.specs import described, foreign, load, portable, written
from verify.subjects import derived_record, of_optimizer

__all__ = ["BESIDES", "CheckError", "check"]

INITIALISATIONS = ("nn.init.normal_", "nn.Linear")
"""The O(d)-invariant law that the theorems assume, and what torch does if nobody says otherwise."""
ALPHA = 1e-7
"""False-alarm rate of the verdict on an initialisation's law under one group."""
BESIDES = 2
"""Ticks of a check besides one for each group."""
LARGE, FEW = 1e6, 8
"""Weights beyond this diverge; where each step evaluates many gradients, so many steps are watched."""


class CheckError(ValueError):
    """An optimizer that cannot be examined, in one line."""


def check(
    spec: str,
    options: Mapping[str, Any],
    groups: Sequence[str] = EXAMINED,
    seed: int = 0,
    home: Path | None = None,
    progress: Tick = silent,
) -> dict[str, Any]:
    """Examine the class that a SPEC names.

    While its code runs, what that prints or warns of is dropped.

    Args:
        spec: as `verify.specs.load` takes it.
        options: keyword arguments of its constructor; the others keep their defaults.
        groups: names of the groups to ask about, among `verify.instrument.EXAMINED`.
        seed: of everything random.
        home: where counterexamples are written; `theory.store.home()` if None.
        progress: told what is done next, with work 1 for each group and `BESIDES` more.

    Returns:
        JSON-able data, described by ``verify/schemas/check.schema.json``.

    Raises:
        SpecError: the SPEC names nothing, or its code exits.
        AdapterError: settings do not fit, or the constructor or the first step raises.
        CheckError: what it names is no optimizer, raises later, or yields NaN.
        OSError: a counterexample cannot be written.
    """
    with foreign():
        optimizer = load(spec)
        if not is_optimizer(optimizer):
            kind = "class" if isinstance(optimizer, type) else type(optimizer).__name__
            raise CheckError(f"{spec}: is a {kind}, want an optimizer: a class with step, zero_grad and param_groups")
        settings, found = _settled(optimizer, options, seed, groups, progress)
        progress("exact arithmetic", 1)
        found = _exact(optimizer, settings, found, seed)
        progress("operations of its steps", 1)
        derived = derived_record(optimizer, settings)
    kept = [name for name, f in found.items() if f.verdict is Verdict.CERTIFIED]
    place = store.home() if home is None else home
    return {
        "spec": spec,
        "settings": {name: _plain(value) for name, value in settings.items()},
        "seed": seed,
        "groups": {name: finding_record(f, _save(f, spec, settings, place)) for name, f in found.items()},
        "derived": derived,
        "init": {name: _law(name, found, seed) for name in INITIALISATIONS},
        "bounds": bounds.binding(kept),
    }


def _settled(
    optimizer: Any, options: Mapping[str, Any], seed: int, groups: Sequence[str], progress: Tick
) -> tuple[dict[str, Any], dict[str, Finding]]:
    """The settings that were examined, and what was found: a learning rate of our own only if the default is idle."""
    settings = dict(options)
    found = _examined(optimizer, settings, seed, groups, progress)
    if "lr" not in options and all(f.reason == "did not move" for f in found.values()):
        try:
            warmed = dict(adapters.warmed(optimizer, options))
        except AdapterError:  # it moves with no learning rate
            return settings, found
        settings, found = warmed, _examined(optimizer, warmed, seed, groups, silent)
    if all(f.reason == "training diverged" for f in found.values()):
        raise CheckError(f"{optimizer.__name__}: its weights grow beyond all bounds; try --set lr=VALUE")
    return settings, found


def _examined(
    optimizer: Any, options: Mapping[str, Any], seed: int, groups: Sequence[str], progress: Tick
) -> dict[str, Finding]:
    try:
        maker = of_optimizer(optimizer, options)
        for number, regime in enumerate(REGIMES):
            _watch(optimizer.__name__, maker, regime, 1000 * seed + number)
        return examine(maker, seed, groups, progress=progress)
    except (AdapterError, CheckError):
        raise
    except Exception as error:  # other people's code may raise anything
        raise CheckError(f"{optimizer.__name__}: running it raised {described(error)}") from error


def _watch(name: str, maker: Maker, regime: Regime, seed: int) -> None:
    """Train once and say in which step the code raises or yields NaN, unless the weights diverged before."""
    problem = pose(regime, maker(regime), seed)
    training = problem.training
    steps = min(training.steps, FEW) if training.rule.closure == "backward" else training.steps
    watcher = _Watcher()
    points, labels = (torch.from_numpy(np.asarray(a)) for a in (problem.points, problem.labels))
    try:
        replace(training, steps=steps, features=(watcher,)).run(problem.start()[1], points, labels, points, seed=seed)
    except _Diverged:
        return
    except _NotANumberError as error:
        raise CheckError(f"{name}: step {watcher.step} yields NaN or infinite weights, want finite ones") from error
    except Exception as error:
        raise CheckError(f"{name}: step {watcher.step + 1} raised {described(error)}") from error


class _NotANumberError(Exception):
    """A weight is no number any more."""


class _Diverged(Exception):  # noqa: N818  no error: the instrument will cut the learning rate
    """A weight is large."""


class _Watcher(Hook):
    """Looks at the weights after each step; as a feature it is its own hook."""

    step = 0

    def __call__(self, module: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor) -> Hook:
        return self

    def after_step(self, module: nn.Module) -> None:
        self.step += 1
        largest = max(float(p.detach().abs().max().nan_to_num(torch.inf, torch.inf)) for p in module.parameters())
        if largest == torch.inf:
            raise _NotANumberError
        if largest > LARGE:
            raise _Diverged


def _exact(
    optimizer: type[torch.optim.Optimizer], options: Mapping[str, Any], found: Mapping[str, Finding], seed: int
) -> dict[str, Finding]:
    """What rounding explains becomes ``exact-rational`` where the same class has residual 0 in exact arithmetic."""
    settled = dict(found)
    for name, finding in found.items():
        if finding.level != "rounding":
            continue
        try:
            exact = rational.replay(partial(_built, optimizer, options), GROUPS[name], seed=seed, cases=2, steps=2)
        except Exception:
            break
        if exact.residual == 0 and exact.moved and exact.planted:
            reason = f"{finding.reason}; residual exactly 0 in {exact.cases} rational cases of {exact.steps} steps"
            settled[name] = replace(finding, level="exact-rational", reason=reason)
    return settled


def _built(optimizer: type[torch.optim.Optimizer], options: Mapping[str, Any], params: Any) -> torch.optim.Optimizer:
    return optimizer(params, **options)


def _law(name: str, groups: Sequence[str] | Mapping[str, Any], seed: int) -> dict[str, str]:
    """The verdict on an initialisation's law under each group."""
    draw = inits.drawing(inits.INITIALISATIONS[name], inits.SHAPE)
    verdicts = {}
    for group in groups:
        judged = inits.judge_law(draw, GROUPS[group], d=inits.SHAPE[1], seed=seed, alpha=ALPHA, name=name)
        verdicts[group] = judged.verdict.value.lower()
    return verdicts


def _save(finding: Finding, spec: str, options: Mapping[str, Any], home: Path) -> str | None:
    """Write the counterexample, if there is one, and return its path; its name tells its content."""
    if finding.counterexample is None:
        return None
    content = {"spec": portable(spec), "settings": written(dict(options)), **finding.counterexample}
    text = json.dumps(content, indent=1, allow_nan=False)
    where, _, name = spec.rpartition(":")
    title = re.sub(r"[^A-Za-z0-9.]+", "-", f"{Path(where).stem if where.endswith('.py') else where}-{name}")[:80]
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    # A larger group is refuted by the counterexample of a smaller one, which is kept once.
    path = home.absolute() / "counterexamples" / f"{title}-{finding.counterexample['group']}-{digest}.json"
    store.write_atomically(path, text)
    return str(path)


def _plain(value: Any) -> Any:
    """A setting as JSON-able data; what JSON has no number for becomes text."""
    data = plain(value)
    try:
        json.dumps(data, allow_nan=False)
    except ValueError:
        return str(value)
    return data
