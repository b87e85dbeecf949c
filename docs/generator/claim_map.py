"""The map: all claims as a graph."""

from __future__ import annotations

from generator.markdown import Pages, Record, page


def pages(report: Record) -> Pages:
    """The page."""
    return {"map.md": page("Map of the claims", "Not written yet.")}
