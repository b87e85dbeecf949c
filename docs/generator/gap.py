"""The gap on the start page: fully-connected against convolutional, measured, with the certified bound."""

from __future__ import annotations

from collections.abc import Mapping

from generator.markdown import Pages, Record


def pages(report: Record, drawn: Mapping[str, bytes]) -> Pages:
    """What the start page includes: the picture, its data and a short table."""
    return {"gap.inc": "Not written yet.\n"}
