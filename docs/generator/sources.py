"""Every paper that is cited, with BibTeX."""

from __future__ import annotations

from generator.markdown import Pages, Record, page


def pages(report: Record) -> Pages:
    """The page."""
    return {"sources.md": page("Sources", "Not written yet.")}
