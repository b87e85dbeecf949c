"""Claims, measurements and whole runs as plain JSON-able data; the schemas stand in verify/schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from theory import table1
from theory.bounds import Best
from theory.claims import Ledger, Step
from theory.complexity import Bound
from theory.status import Status, StepResult

__all__ = ["bound_record", "claim_record", "step_record", "table_record", "wanted_of_step"]


def claim_record(ledger: Ledger, id: str, status: Status, results: Sequence[StepResult]) -> dict[str, Any]:
    """One claim whole: what it says, what is known, how, on what it rests and what rests on it."""
    claim = ledger.get(id)
    by_name = {r.name: r for r in results}
    record: dict[str, Any] = {
        "id": claim.id,
        "kind": claim.kind,
        "title": claim.title,
        "statement": claim.statement,
        "hypotheses": list(claim.hypotheses),
        "source": claim.source,
        "printed": claim.printed,
        "differs": claim.differs,
        "expected": claim.expected.value,
        "status": status.verdict.value if status.verdict else "UNCHECKED",
        "trust": status.trust.name if status.trust else None,
        "reason": status.reason,
        "rests_on": list(status.rests_on),
        "seconds": status.seconds,
        "uses": sorted(claim.uses),
        "proof_uses": list(ledger.proof_uses(id)),
        "used_by": list(ledger.used_by(id)),
        "steps": [step_record(step, by_name.get(step.name)) for step in ledger.steps[id]],
    }
    if claim.id == "table-1":
        record["table"] = table_record()
    return record


def step_record(step: Step, result: StepResult | None) -> dict[str, Any]:
    """One step of a proof with the outcome of its last run, if that still counts; UNCHECKED if it cannot run here."""
    ran = result if result and not result.skipped else None
    return {
        "name": step.name,
        "by": step.by.name,
        "uses": sorted(step.uses),
        "kernel": asdict(step.kernel) if step.kernel else None,
        "verdict": ran.verdict.value if ran else "UNCHECKED",
        "trust": result.trust.name if result and result.trust else None,
        "seconds": ran.seconds if ran else None,
        "summary": result.summary if result else "",
        "mutant": {"says": step.mutant.says, "verdict": result.mutant.value if result and result.mutant else None},
        "certificate": dict(result.certificate) if result else {},
        "failure": result.failure if result else "",
    }


def wanted_of_step(claim: Mapping[str, Any], step: Mapping[str, Any]) -> str:
    """What is wanted of a step: a refuted step is right only where the claim is expected to be refuted."""
    refuting = claim["expected"] == "REFUTED" and step["verdict"] == "REFUTED"
    return "REFUTED" if refuting else "CERTIFIED"


def bound_record(best: Best, found: Mapping[str, Status]) -> dict[str, Any]:
    """The answer to one question about samples; n is null where nothing is certified."""

    def side(bound: Bound | None, beaten: Sequence[Bound]) -> dict[str, Any]:
        weaker = [{"n": b.n, "claim": b.claim, "why": b.why} for b in beaten]
        if bound is None:
            nothing = {"n": None, "claim": None, "status": None, "enclosure": None}
            return {**nothing, "why": "nothing is certified here", "beaten": weaker}
        verdict = found[bound.claim].verdict
        return {
            "n": bound.n,
            "claim": bound.claim,
            "status": verdict.value if verdict else "UNCHECKED",
            "enclosure": bound.enclosure,
            "why": bound.why,
            "beaten": weaker,
        }

    return {
        "task": best.task,
        "d": best.d,
        "eps": float(best.eps),
        "delta": None if best.delta is None else float(best.delta),
        "learner": best.learner,
        "lower": {**side(best.lower, best.beaten_lower), "vacuous": best.lower is not None and best.lower.vacuous},
        "upper": side(best.upper, best.beaten_upper),
    }


def table_record() -> list[dict[str, Any]]:
    """Table 1: a record for each row, with what holds in each column and the step that shows it."""
    rows = []
    for row in table1.ROWS:
        cells = {c.group: c for c in table1.table() if c.row == row.name}
        rows.append(
            {
                "name": row.name,
                "part": row.part,
                "title": row.title,
                "cells": {
                    column.name: {"holds": cells[column.name].holds, "step": cells[column.name].step}
                    for column in table1.COLUMNS
                    if column.name in cells
                },
            }
        )
    return rows
