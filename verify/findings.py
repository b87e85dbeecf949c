"""What an examination says about one group."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from theory.evidence import Verdict

__all__ = ["Finding", "finding_record", "plain"]


@dataclass(frozen=True)
class Finding:
    """What is known about one group.

    Attributes:
        group: its name.
        verdict: CERTIFIED, REFUTED or INCONCLUSIVE.
        level: ``bitwise``, ``exact-rational`` or ``rounding`` if certified (``in law`` for laws of first weights and
            for Definition 3.2 as a whole), else empty.
        reason: why, in a few words.
        residual: the worst violation, in units of the outputs (in law: a Kolmogorov distance); None if there is none.
        control: what rounding explains there (in law: the critical distance).
        size: the residual over the distance that training moved by then; None in law.
        counterexample: what a refutation needs to be run again.
    """

    group: str
    verdict: Verdict
    level: str
    reason: str
    residual: float | None = None
    control: float | None = None
    size: float | None = None
    counterexample: Mapping[str, Any] | None = None


def finding_record(finding: Finding, counterexample: str | None) -> dict[str, Any]:
    """A finding as JSON-able data; a counterexample is named by the file that holds it."""
    return {
        "verdict": finding.verdict.value.lower(),
        "level": finding.level or None,
        "residual": _number(finding.residual),
        "control": _number(finding.control),
        "size": _number(finding.size),
        "reason": finding.reason,
        "counterexample": counterexample,
    }


def plain(value: Any) -> Any:
    """A setting as JSON-able data: sequences as lists, classes and the like as text."""
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _number(value: float | None) -> float | None:
    """A number, or None where there is none: JSON knows neither NaN nor infinity."""
    return value if value is not None and math.isfinite(value) else None
