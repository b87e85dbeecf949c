"""The atlas: every optimizer under every group, from `orbitgap atlas`."""

from __future__ import annotations

from generator.markdown import Pages, Record, as_json, page
from verify import atlas_page

TITLE = "Optimizer atlas"


def pages(atlas: Record | None) -> Pages:
    """The page and its data; a page that says how to make them if there is no atlas."""
    if atlas is None:
        return {"atlas.md": page(TITLE, "There is no atlas yet: `orbitgap atlas`, then `make docs`, makes it.")}
    return {"atlas.md": atlas_markdown(atlas), "atlas.json": as_json(atlas)}


def atlas_markdown(atlas: Record) -> str:
    """The table that sorts and filters, as in `orbitgap atlas --html`."""
    return page(
        TITLE,
        "How verdicts are made, and what they can miss, is said in [](optimizers.md). The same as data: "
        "[atlas.json](atlas.json), described in [](json.md).",
        "```{raw} html\n" + atlas_page.fragment(atlas, lambda claim: f"claims/{claim}.html") + "\n```",
    )
