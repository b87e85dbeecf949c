"""The erratum to Theorem 5.4, to be checked in ten minutes."""

from __future__ import annotations

from collections.abc import Mapping

from generator.markdown import Pages, Record, page


def pages(report: Record, drawn: Mapping[str, bytes]) -> Pages:
    """The page."""
    return {"erratum.md": page("Erratum", "Not written yet.")}
