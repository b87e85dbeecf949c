"""Five neighbouring systems: what their real code is held against, besides the means of their experiments.

Each family has the same name in every room: claims in ``theory``, the working system in ``sims``, the comparison here.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from theory.claims import Step
from theory.evidence import Verdict

__all__ = ["FAMILIES", "family_of", "measurements"]

FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "kpattern": "k-patterns",
        "introspective": "Introspective nets",
        "allreduce": "Multi-colour allreduce",
        "odenet": "ODE nets in a basis",
        "simplicial": "Simplicial 2-complex nets",
    }
)
"""The families by their modules' name, with what they are called in words."""


def family_of(claim: str) -> str:
    """The family that a claim belongs to, by its id; empty if it is about the paper.

    Example:
        >>> family_of("kpattern-gradient"), family_of("thm-5.2")
        ('kpattern', '')
    """
    family = claim.partition("-")[0]
    return family if family in FAMILIES else ""


def measurements(seed: int) -> Iterator[tuple[Step, Verdict, float]]:
    """Each comparison as a step to run, with its expected verdict and about how many seconds it takes."""
    for name in FAMILIES:
        yield from importlib.import_module(f"verify.{name}").measurements(seed)
