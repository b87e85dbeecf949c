"""The atlas: every optimizer under every group, from `orbitgap atlas`."""

from __future__ import annotations

from generator.markdown import Pages, Record, as_json, page
from verify import atlas_page

TITLE = "Optimizer atlas"
WIDE = "---\nhide-toc: true\n---\n\n"
"""The page has few headings, and the table needs the room."""

ABOUT = """Every optimizer of torch and of pytorch-optimizer, run against each group. [How a verdict is
made](#how-judged) and [what a pass can miss](#what-a-pass-can-miss) is said with torch's own; yours is examined as
[](../check-an-optimizer.md) says. What follows for a whole training, with its first weights and its penalty, is
computed [beside Table 1](#put-together). The lower bounds are listed [there too](#what-then-binds), with numbers in
[](constants.md). The same as data: [atlas.json](atlas.json), described in [](json.md)."""


def pages(atlas: Record | None) -> Pages:
    """The page and its data; a page that says how to make them if there is no atlas."""
    if atlas is None:
        return {"atlas.md": page(TITLE, "There is no atlas yet: `orbitgap atlas`, then `make docs`, makes it.")}
    return {"atlas.md": atlas_markdown(atlas), "atlas.json": as_json(atlas)}


def atlas_markdown(atlas: Record) -> str:
    """The table that sorts and filters, as in `orbitgap atlas --html`."""
    return WIDE + page(
        TITLE,
        ABOUT,
        "```{raw} html\n" + atlas_page.fragment(atlas, lambda claim: f"claims/{claim}.html") + "\n```",
    )
