"""What of the paper is covered, and what is not."""

from __future__ import annotations

from generator.markdown import Pages, Record, page


def pages(report: Record) -> Pages:
    """The page."""
    return {"completeness.md": page("Completeness", "Not written yet.")}
