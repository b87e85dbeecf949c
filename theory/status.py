"""Runs the steps of proofs and computes what follows: nobody types a status.

The status of a claim is the weakest link among its own steps and everything its proof rests on, unless a proof
assistant's kernel checks one step that shows all of it.
"""

from __future__ import annotations

import hashlib
import json
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from theory.claims import Ledger, Step
from theory.evidence import Evidence, Trust, UnavailableError, Verdict
from theory.recheck import ceiling, confirms, refutes

__all__ = ["Status", "StepResult", "check", "digest", "run_step", "statuses"]


@dataclass(frozen=True)
class StepResult:
    """What one run of one step gave.

    Attributes:
        name: the step's name.
        verdict: the answer, INCONCLUSIVE if anything went wrong.
        trust: how it is known; None when the check raised.
        seconds: wall time of the check and its mutant.
        summary: one sentence for people.
        mutant: the verdict on the mutant; None when there was none to run.
        certificate: what `theory.recheck` confirmed.
        failure: a traceback or the reason why the step does not count, else empty.
        skipped: the check cannot be run on this machine; the summary says what is missing.
    """

    name: str
    verdict: Verdict
    trust: Trust | None
    seconds: float
    summary: str
    mutant: Verdict | None
    certificate: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class Status:
    """What is known of a claim now.

    Attributes:
        verdict: None while unchecked (which is not a pass).
        trust: that of the weakest link, or KERNEL if one step with it shows all; None unless there is evidence.
        rests_on: the cited theorems under it, sorted.
        reason: why the verdict is not CERTIFIED, else empty.
        seconds: time its own steps took.
    """

    verdict: Verdict | None
    trust: Trust | None
    rests_on: tuple[str, ...] = ()
    reason: str = ""
    seconds: float = 0.0


def run_step(step: Step) -> StepResult:
    """Run a check, then its mutant, then confirm the certificate. Never raises.

    The step counts only if its evidence is as strong as declared, its certificate is confirmed and
    its mutant got another verdict (for a refutation: any verdict but REFUTED). A check that cannot
    be run here is skipped.
    """
    start = time.perf_counter()
    try:
        evidence = step.check()
        changed = step.check(**step.mutant.changes)
        other = changed.verdict
        failure = _objection(step, evidence, changed)
    except UnavailableError as missing:
        return StepResult(step.name, Verdict.INCONCLUSIVE, None, 0.0, str(missing), None, skipped=True)
    except Exception:  # a check that raises is a failed check, not a crash of the suite
        seconds = time.perf_counter() - start
        text = traceback.format_exc()
        return StepResult(step.name, Verdict.INCONCLUSIVE, None, seconds, text.splitlines()[-1], None, failure=text)
    return StepResult(
        step.name,
        Verdict.INCONCLUSIVE if failure else evidence.verdict,
        evidence.trust,
        time.perf_counter() - start,
        failure or evidence.summary,
        other,
        evidence.certificate,
        failure,
    )


def _objection(step: Step, evidence: Evidence, mutant: Evidence) -> str:
    if evidence.trust < step.by:
        return f"declared {step.by.name}, but the evidence is only {evidence.trust.name}"
    if evidence.certificate.get("kind") == "kernel" and evidence.certificate["theorem"] != _theorem(step):
        return "the certificate is that of another theorem"
    shown = ceiling(evidence.certificate)
    if evidence.trust > shown:
        return f"called {evidence.trust.name}, but the certificate shows only {shown.name}"
    if evidence.verdict is Verdict.CERTIFIED and not confirms(evidence.certificate):
        return "the certificate was not confirmed"
    if evidence.verdict is Verdict.REFUTED and not refutes(evidence.certificate):
        return "the certificate shows no refutation"
    if evidence.verdict is not Verdict.INCONCLUSIVE and mutant.verdict is evidence.verdict:
        return f"the mutant survived: {step.mutant.says}"
    if mutant.certificate.get("count") == 0:
        return f"the mutant left nothing to check: {step.mutant.says}"
    return ""


def _theorem(step: Step) -> str:
    return step.kernel.theorem if step.kernel else ""


def check(
    ledger: Ledger,
    ids: Iterable[str] | None = None,
    progress: Callable[[str, Step], None] = lambda id, step: None,
) -> dict[str, list[StepResult]]:
    """Run all steps of the given claims and of all they rest on, in the ledger's fixed order.

    Args:
        ledger: the claims.
        ids: which claims; all if None.
        progress: called with the claim's id and the step before each step.

    Example:
        >>> from theory.claims import load
        >>> [result.verdict.value for result in check(load(), ["lem-bernoulli"])["lem-bernoulli"]]
        ['CERTIFIED']
    """
    results: dict[str, list[StepResult]] = {}
    for id in ledger.ordered(ids):
        results[id] = []
        for step in ledger.steps[id]:
            progress(id, step)
            results[id].append(run_step(step))
    return results


def statuses(ledger: Ledger, results: Mapping[str, Sequence[StepResult]]) -> dict[str, Status]:
    """The status of every claim, computed parents first.

    Claims without results are unchecked, and so is whatever rests on them.

    Example:
        >>> from theory.claims import load
        >>> ledger = load()
        >>> status = statuses(ledger, check(ledger, ["lem-bernoulli"]))["lem-bernoulli"]
        >>> status.verdict.value, status.trust.name
        ('CERTIFIED', 'EXACT')
    """
    found: dict[str, Status] = {}
    for id in ledger.ordered():
        parents = {parent: found[parent] for parent in ledger.proof_uses(id)}
        found[id] = _status(ledger, id, results.get(id), parents)
    return found


def _status(ledger: Ledger, id: str, results: Sequence[StepResult] | None, parents: Mapping[str, Status]) -> Status:
    if ledger.get(id).kind == "cited":
        return Status(Verdict.CERTIFIED, Trust.CITED, (id,))
    unchecked = sorted(p for p, status in parents.items() if status.verdict is None)
    if results is None or unchecked:
        return Status(None, None, reason=f"{', '.join(unchecked) or 'it'} was not checked")
    seconds = sum(r.seconds for r in results)
    rests_on = tuple(sorted({leaf for status in parents.values() for leaf in status.rests_on}))
    if {r.name for r in results} != {s.name for s in ledger.steps[id]} or not results:
        reason = "it has no proof" if not ledger.steps[id] else "not all of its steps were run"
        return Status(Verdict.INCONCLUSIVE, None, rests_on, reason, seconds)
    # Theorems that a kernel checks stand beside the other steps, and are left out where it is missing.
    beside = {s.name for s in ledger.steps[id] if s.kernel}
    held = [r for r in results if not (r.skipped and r.name in beside)]
    weak = sorted(p for p, status in parents.items() if status.verdict is not Verdict.CERTIFIED)
    open_steps = [r for r in held if r.verdict is Verdict.INCONCLUSIVE]
    if weak or open_steps:
        reasons = [f"rests on {p}, which is {parents[p].verdict}" for p in weak]
        reasons += [f"{r.name}: {r.summary}" for r in open_steps]
        return Status(Verdict.INCONCLUSIVE, None, rests_on, "; ".join(reasons), seconds)
    refuted = [r for r in held if r.verdict is Verdict.REFUTED]
    verdict = Verdict.REFUTED if refuted else Verdict.CERTIFIED
    reason = "; ".join(f"{r.name}: {r.summary}" for r in refuted)
    cover = _cover(ledger.steps[id], held)
    if cover is None and beside >= {r.name for r in held}:
        return Status(Verdict.INCONCLUSIVE, None, rests_on, "no step that was run shows all of it", seconds)
    if cover and not refuted:
        held, parents = [cover[1]], {parent: parents[parent] for parent in cover[0].uses}
        rests_on = tuple(sorted({leaf for status in parents.values() for leaf in status.rests_on}))
    links = [r.trust for r in held if r.trust is not None]
    links += [status.trust for status in parents.values() if status.trust is not None]
    return Status(verdict, min(links), rests_on, reason, seconds)


def _cover(steps: Sequence[Step], results: Sequence[StepResult]) -> tuple[Step, StepResult] | None:
    """A step in which a kernel proves the whole claim: the claim then rests on nothing else."""
    by_name = {result.name: result for result in results}
    whole = [step for step in steps if step.kernel and step.kernel.whole and step.name in by_name]
    return next(((step, by_name[step.name]) for step in whole), None)


def digest(ledger: Ledger, id: str) -> str:
    """A hash of a claim's statement, its steps and, through them, of all it rests on.

    Evidence is kept under this hash, so that an edited statement loses its evidence, and so does
    whatever was stated with it or proved from it.
    """
    one = ledger.get(id)
    content = [
        [one.id, one.kind, one.title, one.statement, one.source, one.hypotheses, one.uses, one.expected],
        [[s.name, s.by, s.mutant.says, s.uses] for s in ledger.steps[id]],
        [digest(ledger, parent) for parent in ledger.parents(id)],
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
