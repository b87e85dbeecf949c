"""The instrument: does a training keep a group, and how would we know?

A training is run, coupled, in several regimes (`verify.stations`). What decides in one regime is described in
`verify.verdicts`; here the regimes are put together, and a refutation is made to repeat itself before it is believed.
Training that draws random numbers is judged in law (`verify.in_law`) where its draws cannot be moved along.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from theory.evidence import Verdict
from theory.groups import GROUPS, is_subgroup
from verify.findings import Finding
from verify.in_law import RUNS, Ensemble
from verify.progress import Tick, silent
from verify.regimes import REGIMES, Maker, Regime
from verify.stations import WITNESSES, Station, survey
from verify.verdicts import DRIFT, EXPLAINED, Judgement

__all__ = ["EXAMINED", "Examination", "examine"]

EXAMINED = ("sign_flip", "permutation", "signed_permutation", "orthogonal")
"""The groups that an examination asks about, by name, from small to large."""
ORDER = ("sign_flip", "cyclic_shift", "permutation", "signed_permutation", "orthogonal", "general_linear")


def examine(
    maker: Maker,
    seed: int,
    groups: Iterable[str] = EXAMINED,
    regimes: Sequence[Regime] = REGIMES,
    progress: Tick = silent,
    runs: int = RUNS,
) -> dict[str, Finding]:
    """Examine a training under each group; what breaks a group breaks every larger one.

    Args:
        maker: builds the training for a regime.
        seed: of all data, first weights, group elements and draws.
        groups: names of groups, keys of `theory.groups.GROUPS`.
        regimes: the problems' shapes.
        progress: told which group comes next, with work 1 for each.
        runs: how many training runs make a law, where laws are compared.

    Raises:
        ValueError: an unknown group.
        Exception: whatever the examined code raises.

    Example:
        >>> import torch
        >>> from verify.subjects import of_optimizer
        >>> found = examine(of_optimizer(torch.optim.SGD, {"lr": 0.1}), seed=0, groups=["sign_flip"])
        >>> found["sign_flip"].verdict.value, found["sign_flip"].level
        ('CERTIFIED', 'bitwise')
    """
    names = list(groups)
    if unknown := [name for name in names if name not in GROUPS]:
        raise ValueError(f"groups: got {unknown[0]!r}, want names among {', '.join(GROUPS)}")
    examination = Examination(maker, seed, regimes, runs)
    found: dict[str, Finding] = {}
    for name in sorted(names, key=ORDER.index):
        progress(f"coupled runs: {GROUPS[name].title}", 1)
        found[name] = _broken_inside(name, found) or examination.finding(name)
    return found


class Examination:
    """One training with its runs, which are made once and asked about group by group.

    Args:
        maker: builds the training for a regime.
        seed: of all data, first weights, group elements and draws.
        regimes: the problems' shapes.
        runs: how many training runs make a law.
    """

    def __init__(self, maker: Maker, seed: int, regimes: Sequence[Regime] = REGIMES, runs: int = RUNS) -> None:
        self.survey = survey(maker, seed, regimes[0])
        if self.survey.random:
            # Draws are told by their shape: where a hidden width is d, they cannot be told apart.
            regimes = [regime for regime in regimes if regime.d not in regime.hidden] or regimes
        numbered = [] if self.survey.unstable else list(enumerate(regimes))
        self.stations = [Station(maker, seed, number, regime, self.survey) for number, regime in numbered]
        self.ensemble = Ensemble(maker, regimes[0], seed, self.survey.narrow, runs) if self.survey.random else None

    def finding(self, group: str, drift: float = 0.0) -> Finding:
        """Put the regimes together: one repeated refutation refutes; three quarters must certify.

        The others are excused only where nothing could be seen (no movement, divergence, chaos). Of randomised
        training, runs whose draws move along may certify, but only the law can refute.

        Args:
            group: its name.
            drift: a fault to plant, as in `sims.training.Training.run`.
        """
        if self.survey.unstable:
            reason = "non-deterministic: two runs from the same seed differ"
            return Finding(group, Verdict.INCONCLUSIVE, "", reason)
        judgements = [station.judgement(group, drift) for station in self.stations]
        certified = [j for j in judgements if j.verdict is Verdict.CERTIFIED]
        if self.ensemble is not None and len(certified) < len(judgements):
            return self.ensemble.judge(group)
        # Where the step rounds to half precision, a number near a tie may fall either way in a single run.
        tied = [j for j in judgements if self.survey.half and j.ratio <= EXPLAINED]
        adverse = [j for j in judgements if j.verdict is Verdict.INCONCLUSIVE and not j.excused and j not in tied]
        refuting = [i for i, j in enumerate(judgements) if j.verdict is Verdict.REFUTED]
        if refuting:
            worst = max(refuting, key=lambda i: judgements[i].size)
            return self._refuted(self.stations[worst], judgements[worst], len(refuting), group, drift)
        if adverse or 4 * len(certified) < 3 * len(judgements):
            return _finding(group, next(j for j in adverse or judgements if j.verdict is not Verdict.CERTIFIED))
        return self._certified(group, judgements)

    def _certified(self, group: str, judgements: Sequence[Judgement]) -> Finding:
        pairs = list(zip(self.stations, judgements, strict=True))
        certified = [j for j in judgements if j.verdict is Verdict.CERTIFIED]
        worst = max(certified, key=lambda j: j.ratio)
        bitwise = all(j.level == "bitwise" for j in certified)
        steps = max(s.regime.steps for s, j in pairs if j.verdict is Verdict.CERTIFIED)
        reason = f"{worst.reason} in {len(certified)} of {len(self.stations)} regimes, up to {steps} steps"
        reason += f"; a planted drift of {DRIFT:g} was seen"
        reason += "".join(f"; undecided in {s.regime.name!r}: {j.reason}" for s, j in pairs if j not in certified)
        reason += "; its draws move along" if self.survey.random else ""
        reason += "; computes in float32 inside, lifted to double for the double runs" if self.survey.single else ""
        return replace(_finding(group, worst), level="bitwise" if bitwise else "rounding", reason=reason)

    def _refuted(self, station: Station, judgement: Judgement, refuting: int, group: str, drift: float) -> Finding:
        again = station.witnessed(group, drift)
        if again.verdict is not Verdict.REFUTED:
            reason = f"seen once, but not with {WITNESSES} controls: {again.reason}"
            return replace(_finding(group, again), verdict=Verdict.INCONCLUSIVE, level="", reason=reason)
        steps = (
            "before any step" if judgement.step == 0 else f"after {judgement.step} step{'s' * (judgement.step != 1)}"
        )
        regimes = f"in {refuting} of {len(self.stations)} regimes"
        reason = f"violation of {judgement.size:.1e} of the way moved, first clear {steps}, {regimes}"
        half = self.survey.half
        if half and station.lifted(group) <= EXPLAINED:
            reason += f"; low-precision internals: the step computes in {half}; in double what is left is rounding"
        elif half:
            reason += f"; the step computes in {half}, but the violation stays when that is lifted to double"
        return replace(
            _finding(group, judgement), reason=reason, counterexample=station.counterexample(group, judgement)
        )


def _finding(group: str, judgement: Judgement) -> Finding:
    return Finding(
        group,
        judgement.verdict,
        judgement.level,
        judgement.reason,
        judgement.residual,
        judgement.control,
        judgement.size,
    )


def _broken_inside(name: str, found: Mapping[str, Finding]) -> Finding | None:
    """What breaks a group breaks every larger one."""
    for small, finding in found.items():
        if finding.verdict is Verdict.REFUTED and is_subgroup(GROUPS[small], GROUPS[name]):
            reason = f"contains {GROUPS[small].title}, for which: {finding.reason}"
            return replace(finding, group=name, reason=reason)
    return None
