"""The command-line reference, from the program itself."""

from __future__ import annotations

from generator.markdown import Pages, page


def pages() -> Pages:
    """The page."""
    return {"cli.md": page("Command line", "Not written yet.")}
