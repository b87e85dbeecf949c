"""The atlas as a page: its columns, its keys for sorting, and that it reads without colours, script or network."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from theory.groups import GROUPS
from verify import adapters, atlas_page
from verify.instrument import EXAMINED

KEPT = {"verdict": "certified", "level": "rounding", "residual": 3e-16, "control": 2e-16, "size": 1e-9}
SAME = {**KEPT, "level": "bitwise", "residual": 0.0}
BROKEN = {"verdict": "refuted", "level": None, "residual": 0.5, "control": 2e-16, "size": 0.25}
OPEN = {"verdict": "inconclusive", "level": None, "residual": None, "control": None, "size": None}
HEADS = ["optimizer", "keeps", *(GROUPS[g].title for g in EXAMINED), "level", "residual", "derived", "lower bounds for"]


def row(name: str, *found: dict[str, Any], **others: Any) -> dict[str, Any]:
    groups = {
        g: {**f, "reason": "did not move: <why>", "counterexample": None, "settings": "warmed"}
        for g, f in zip(EXAMINED, found, strict=True)
    }
    derived = {"kept": dict.fromkeys(EXAMINED), "largest": "unknown", "reasons": {}, "low_precision": []}
    settings = {"settings": {}, "groups": groups}
    base = {"derived": derived, "differs": [], "bounds": [], "default": settings, "warmed": settings}
    return {"name": name, "groups": groups, **base, "seconds": 1.0, **others}


ROWS = [
    row("a:Zeta", SAME, KEPT, KEPT, KEPT, bounds=["thm-5.2"]),
    row("b:Alpha", SAME, KEPT, KEPT, BROKEN, differs=["orthogonal"]),
    row("b:Beta", KEPT, OPEN, OPEN, OPEN),
    row("b:Gamma", BROKEN, BROKEN, BROKEN, {**BROKEN, "size": None}),
]
ATLAS = {"seed": 7, "optimizers": ROWS, "left_out": []}


class Seen(HTMLParser):
    """The cells of each row of the table with their keys, and every element with its attributes."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.rows: list[list[tuple[str, str]]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append((tag, found))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append(("", found.get("data-key") or ""))

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            text, key = self.rows[-1][-1]
            self.rows[-1][-1] = (text + data, key)


def seen() -> Seen:
    return Seen(atlas_page.table(ATLAS))


def column(name: str) -> list[tuple[str, str]]:
    return [cells[HEADS.index(name)] for cells in seen().rows[1::2]]


def test_every_head_is_a_button_that_says_how_it_sorts() -> None:
    heads = re.findall(r'<th scope="col" aria-sort="none"><button type="button">(.*?)</button></th>', table())
    assert heads == HEADS
    assert all(len(cells) == len(HEADS) for cells in seen().rows[1::2])


def table() -> str:
    return atlas_page.table(ATLAS)


def test_names_sort_by_class_and_are_found_by_package_too() -> None:
    assert [key for _, key in column("optimizer")] == ["zeta a:zeta", "alpha b:alpha", "beta b:beta", "gamma b:gamma"]


def test_what_it_keeps_is_the_largest_that_is_certified() -> None:
    assert [text for text, _ in column("keeps")] == ["orthogonal", "signed permutations", "sign flips", "none"]
    keys = [float(key) for _, key in column("keeps")]
    assert keys == sorted(keys, reverse=True)


def test_level_and_residual_are_those_of_what_it_keeps() -> None:
    assert [text for text, _ in column("level")] == ["rounding", "rounding", "rounding", "none"]
    assert [text for text, _ in column("residual")] == ["3.0e-161.5 × rounding"] * 3 + ["none"]
    only = Seen(atlas_page.table({**ATLAS, "optimizers": [row("a:B", SAME, OPEN, OPEN, OPEN)]})).rows[1]
    assert [only[HEADS.index(name)][0] for name in ("level", "residual")] == ["bitwise", "0"]


def test_a_residual_that_is_not_known_is_not_zero() -> None:
    odd = {**KEPT, "residual": None}
    only = Seen(atlas_page.table({**ATLAS, "optimizers": [row("a:B", SAME, odd, odd, odd)]})).rows[1]
    text, key = only[HEADS.index("residual")]
    assert text == "unknown"
    assert float(key) > 1


def test_verdicts_read_without_colour_and_sort_by_verdict() -> None:
    found = column("orthogonal")
    assert [text for text, _ in found] == ["✓ holds", "✗ fails 0.2 *", "? did not move", "✗ fails in law"]
    certified, refuted, undecided, _ = (float(key) for _, key in found)
    assert certified < undecided < refuted


def test_what_follows_is_said_for_the_groups_that_are_kept() -> None:
    assert [text for text, _ in column("lower bounds for")] == ["all 4 tasks", "warmup, texture", "warmup", "none"]
    page = atlas_page.fragment(ATLAS, lambda claim: f"claims/{claim}.html")
    assert '<a href="claims/thm-5.2.html">thm-5.2</a>' in page


def test_the_fields_have_labels_and_the_count_is_announced() -> None:
    found = Seen(atlas_page.page(ATLAS)).elements
    ids = {attrs.get("id"): tag for tag, attrs in found}
    labels = [attrs["for"] for tag, attrs in found if tag == "label"]
    assert {ids[label] for label in labels if label} == {"input", "select"}
    assert (ids["atlas-table"], ids["atlas-filter"]) == ("table", "input")
    assert [attrs["id"] for tag, attrs in found if tag == "output" and attrs.get("aria-live")] == ["atlas-count"]
    (form,) = [attrs for tag, attrs in found if tag == "form"]
    assert "hidden" in form  # until the script runs, without which it does nothing
    options = [attrs["value"] for tag, attrs in found if tag == "option"]
    groups = {attrs["data-group"] for tag, attrs in found if tag == "td" and "data-group" in attrs}
    assert options == ["", *EXAMINED]
    assert groups == set(EXAMINED)


def test_each_optimizer_has_a_place_of_its_own() -> None:
    names = list(adapters.zoo())
    assert len({atlas_page.anchor(name) for name in names}) == len(names)
    assert f'<tr id="{atlas_page.anchor("a:Zeta")}">' in table()


@pytest.mark.parametrize(
    ("names", "tops"),
    [
        (["sign_flip", "permutation"], ["sign_flip", "permutation"]),
        (["sign_flip", "permutation", "signed_permutation"], ["signed_permutation"]),
        (["permutation", "orthogonal"], ["orthogonal"]),
        ([], []),
    ],
)
def test_the_largest_are_those_in_no_other(names: list[str], tops: list[str]) -> None:
    assert atlas_page.largest(names) == tops
