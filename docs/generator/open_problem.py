"""The open problem after Equation (7), to be checked in ten minutes."""

from __future__ import annotations

from generator.markdown import Pages, Record, page


def pages(report: Record) -> Pages:
    """The page."""
    return {"open-problem.md": page("Open problem", "Not written yet.")}
