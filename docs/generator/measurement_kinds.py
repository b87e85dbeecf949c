"""The kinds of measurements, told apart by what their certificates hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from generator.markdown import Record


def optimizers(held: Iterable[Record]) -> list[Record]:
    """One optimizer under one group each."""
    return [m for m in held if "optimizer" in m["certificate"]]


def features(held: Iterable[Record]) -> list[Record]:
    """One feature of training under several groups each."""
    return [m for m in held if "groups" in m["certificate"] and not _in_law(m)]


def first_weights(held: Iterable[Record]) -> list[Record]:
    """The law of one initialiser under several groups each."""
    return [m for m in held if "groups" in m["certificate"] and _in_law(m)]


def exact(held: Iterable[Record]) -> list[Record]:
    """Replays in exact arithmetic."""
    return [m for m in held if m["by"] == "EXACT"]


def others(held: Iterable[Record]) -> list[Record]:
    """Those that hold nothing to tell them by, as when a check raised."""
    return [m for m in held if m["by"] != "EXACT" and not {"optimizer", "groups"} & m["certificate"].keys()]


def verdict(measurement: Record, group: str) -> str:
    """What was found under one group of several."""
    certificate = measurement["certificate"]
    found: Any = certificate["groups"][group].get("verdict")
    if found is None and measurement["verdict"] == "CERTIFIED":
        return wanted(measurement, group)  # a row is certified if all its groups are as predicted
    return str(found or "INCONCLUSIVE")


def wanted(measurement: Record, group: str) -> str:
    """What is predicted under one group of several."""
    return "CERTIFIED" if group in measurement["certificate"]["predicted"] else "REFUTED"


def _in_law(measurement: Record) -> bool:
    return any("detectable" in found for found in measurement["certificate"]["groups"].values())
