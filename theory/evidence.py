"""What a check hands back: a verdict, how it is known, and a certificate.

Evidence is plain data. It is made in `theory.decide`, collected by `theory.claims`
and shown by `verify.display`; nobody else invents a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

__all__ = ["Evidence", "Trust", "UnavailableError", "Verdict", "all_of"]


class UnavailableError(Exception):
    """A check cannot be run on this machine; the message says what is missing and how to install it."""


class Verdict(StrEnum):
    """The three answers a check can give. INCONCLUSIVE is never a pass."""

    CERTIFIED = "CERTIFIED"
    REFUTED = "REFUTED"
    INCONCLUSIVE = "INCONCLUSIVE"


class Trust(IntEnum):
    """How a thing is known, weakest first so that `min` finds the weakest link."""

    SIMULATED = 1
    """an interval from simulation"""
    SAMPLED = 2
    """random trials, with what they could have missed"""
    CITED = 3
    """a published theorem that is not proved here"""
    ENCLOSED = 4
    """ball arithmetic"""
    EXACT = 5
    """decided in exact arithmetic or by finite enumeration"""
    KERNEL = 6
    """checked by a proof assistant's kernel"""


@dataclass(frozen=True)
class Evidence:
    """One verdict and the reason for it.

    Attributes:
        verdict: the answer.
        trust: how the answer is known.
        summary: one sentence for people.
        certificate: JSON-able data from which `theory.recheck` can confirm the verdict.

    Example:
        >>> Evidence(Verdict.CERTIFIED, Trust.EXACT, "1 = 1").verdict.value
        'CERTIFIED'
    """

    verdict: Verdict
    trust: Trust
    summary: str
    certificate: Mapping[str, Any] = field(default_factory=dict)


def all_of(*parts: Evidence, summary: str = "") -> Evidence:
    """The conjunction of several pieces of evidence: the worst verdict, the weakest trust.

    A single REFUTED part refutes the whole; otherwise a single INCONCLUSIVE part leaves
    it open.

    Raises:
        ValueError: there are no parts (nothing checked is nothing known).

    Example:
        >>> yes = Evidence(Verdict.CERTIFIED, Trust.EXACT, "a")
        >>> unknown = Evidence(Verdict.INCONCLUSIVE, Trust.SAMPLED, "b")
        >>> both = all_of(yes, unknown)
        >>> both.verdict.value, both.trust.name
        ('INCONCLUSIVE', 'SAMPLED')
    """
    if not parts:
        raise ValueError("parts: got none, want at least one piece of evidence")
    verdicts = {part.verdict for part in parts}
    worst = next(v for v in (Verdict.REFUTED, Verdict.INCONCLUSIVE, Verdict.CERTIFIED) if v in verdicts)
    failing = [part for part in parts if part.verdict is worst]
    text = summary if worst is Verdict.CERTIFIED and summary else "; ".join(p.summary for p in failing)
    return Evidence(
        worst,
        min(part.trust for part in parts),
        text,
        {"kind": "all", "parts": [dict(part.certificate) for part in parts]},
    )
