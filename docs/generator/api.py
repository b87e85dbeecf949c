"""The API reference, from the docstrings."""

from __future__ import annotations

from generator.markdown import Pages, page


def pages() -> Pages:
    """The page."""
    return {"api/index.md": page("API", "Not written yet.")}
