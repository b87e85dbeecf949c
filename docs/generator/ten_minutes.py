"""What the pages share that outsiders are to check in ten minutes: what the report says, and code to paste and run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping

from generator.markdown import Record, danger, label, link, text, to_claims, word
from generator.report import BadReportError
from verify.records import wanted_of_step

LAST_RUN = "[the last run](run.md)"
SECONDS = 60
"""The longest that a program may run."""


def claim_of(report: Record, id: str) -> Record:
    """One claim of the report."""
    found: Record | None = next((c for c in report["claims"] if c["id"] == id), None)
    if found is None:
        raise BadReportError(f"the report has no claim {id}: run `orbitgap verify` again")
    return found


def alarm(report: Record, wanted: Mapping[str, str]) -> str:
    """A box that cannot be overlooked, if claims do not have the statuses that a page builds on."""
    claims = [(claim_of(report, id), verdict) for id, verdict in wanted.items()]
    wrong = [
        f"{to_claims([c['id']])} is {c['status']} in {LAST_RUN}, not {verdict}: the page is not backed by it."
        for c, verdict in claims
        if c["status"] != verdict
    ]
    return danger(" ".join(wrong)) if wrong else ""


def standing(report: Record, wanted: Mapping[str, str]) -> str:
    """What the report says of some claims."""
    return f"In {LAST_RUN}:\n\n" + "\n".join(f"- {stands(claim_of(report, id), v)}" for id, v in wanted.items())


def stands(claim: Record, wanted: str) -> str:
    """One claim with its status, its trust and what it rests on."""
    rests = to_claims(claim["rests_on"], "nothing cited")
    return (
        f"{to_claims([claim['id']])}, {text(claim['title'])}: {word(claim['status'], wanted)}, "
        f"trust {claim['trust'] or 'none'}, rests on {rests}"
    )


def shown_by(report: Record, steps: Iterable[tuple[str, str]]) -> str:
    """Links to steps, each given by claim and name, or to whole claims (no name), with their verdicts and trust."""
    return "; ".join(_step(report, claim_of(report, id), name) if name else _whole(report, id) for id, name in steps)


def _whole(report: Record, id: str) -> str:
    claim = claim_of(report, id)
    return f"{to_claims([id])} ({word(claim['status'], claim['expected'])}, {claim['trust'] or 'no trust'})"


def _step(report: Record, claim: Record, name: str) -> str:
    """A step is as strong as the cited theorems that it uses, so they stand beside it."""
    step = next((s for s in claim["steps"] if s["name"] == name), None)
    if step is None:
        raise BadReportError(f"the report has no step {name!r} of {claim['id']}: run `orbitgap verify` again")
    cited = [id for id in step["uses"] if claim_of(report, id)["kind"] == "cited"]
    given = f", given {to_claims(cited)}" if cited else ""
    says = f"{word(step['verdict'], wanted_of_step(claim, step))}, {step['trust'] or 'no trust'}{given}"
    return link(f"{claim['id']}: {name}", label(step, claim["id"])) + f" ({says})"


def program(code: str, where: str) -> str:
    """A program that needs the standard library alone, and what it prints, found by running it.

    Args:
        code: the program.
        where: the page that it stands on.

    Raises:
        BadReportError: it fails, or does not end.
    """
    command = [sys.executable, "-I", "-c", code]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
    except subprocess.CalledProcessError as error:
        raise BadReportError(f"the program of {where} fails: {_last_line(error.stderr)}") from error
    except subprocess.TimeoutExpired as error:
        raise BadReportError(f"the program of {where} fails: it runs for more than {SECONDS} s") from error
    return f"```python\n{code.strip()}\n```\n\nIt prints\n\n```text\n{done.stdout.strip()}\n```"


def _last_line(said: str) -> str:
    return next(reversed(said.strip().splitlines()), "it says nothing")
