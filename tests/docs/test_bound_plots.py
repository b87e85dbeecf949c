"""The drawn bounds are what theory/ and the ledger say, for every claim that bounds a number of samples."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections.abc import Mapping
from fractions import Fraction
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from theory import bounds, regression, vc_bound
from theory.claims import load

PANEL = re.compile(r"<svg xmlns.*?</svg>", re.DOTALL)
SVG = "{http://www.w3.org/2000/svg}"
Claims = Mapping[str, dict[str, Any]]


@pytest.fixture(scope="session")
def families(generate: ModuleType) -> ModuleType:
    from generator import bound_families

    return bound_families


@pytest.fixture(scope="session")
def plots(generate: ModuleType) -> ModuleType:
    from generator import bound_plots

    return bound_plots


@pytest.fixture
def claims(report: dict[str, Any]) -> Claims:
    return {claim["id"]: claim for claim in report["claims"]}


def tree(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314  our own text


def of(plots: ModuleType, family: Any, claim: str, lower: bool, eps: str) -> dict[int, int]:
    """The values of one curve."""
    (curve,) = (c for c in family.curves if (c.claim, c.lower) == (claim, lower))
    return dict(plots.values(curve, family, eps))


def test_every_claim_that_answers_for_samples_is_drawn(families: ModuleType) -> None:
    drawn = {curve.claim for family in families.FAMILIES for curve in family.curves}
    asked = [bounds.best(task, 64, "0.0001", learner=k) for task in bounds.TASKS for k in bounds.LEARNERS]
    found = {b.claim for best in asked for b in (best.lower, best.upper, *best.beaten_lower, *best.beaten_upper) if b}
    assert len(found) > 8
    assert found <= drawn
    assert set(bounds.LOWER_BOUNDS) <= drawn
    assert drawn <= set(load().claims)
    assert all(families.family_of(claim) for claim in drawn)
    assert families.family_of("def-3.1") is None


def test_certified_lower_bounds_stay_below_upper_bounds_of_the_same_learners(
    families: ModuleType, plots: ModuleType
) -> None:
    compared = 0
    for family in families.FAMILIES:
        uppers = [c for c in family.curves if not c.lower and not c.says.startswith("the conv net")]
        lowers = [c for c in family.curves if c.lower and c.claim != "thm-5.4"]
        for eps in family.eps:
            for low, high in itertools.product(lowers, uppers):
                above = dict(plots.values(high, family, eps))
                for x, n in plots.values(low, family, eps):
                    assert n <= above[x], (low.claim, high.claim, eps, x)
                    compared += 1
    assert compared > 250


def test_rules_that_repeat_a_statement_follow_from_sharper_claims(families: ModuleType, plots: ModuleType) -> None:
    for weak, sharp in (("ex-4.1", "ex-4.1-exact"), ("thm-5.2", "thm-5.2-explicit"), ("thm-5.5", "thm-5.5-sharp")):
        family = families.family_of(weak)
        for eps in family.eps:
            above = of(plots, family, sharp, True, eps)
            below = of(plots, family, weak, True, eps)
            assert below.keys() == set(family.points)
            assert all(n <= above[x] for x, n in below.items())
    family = families.FAMILIES[-1]
    for eps in family.eps:
        for v, n in of(plots, family, "thm-b.1", True, eps).items():
            assert n - 1 <= vc_bound.vc_lower_bound(v, eps, "1e-12") <= n


def test_values_are_certified_whole_numbers_at_their_eps(families: ModuleType, plots: ModuleType) -> None:
    quadratic = families.family_of("thm-5.2-explicit")
    assert of(plots, quadratic, "thm-5.2-explicit", True, "0.01")[64] == bounds.best("quadratic", 64, "0.01").lower.n
    assert of(plots, quadratic, "thm-5.2-rate", True, "0.01") == {}  # it says nothing there, so nothing is drawn
    assert min(of(plots, quadratic, "thm-5.2-rate", True, "0.0001").values()) > 0
    half = families.family_of("thm-5.4")
    printed = of(plots, half, "thm-5.4", True, "0.5")
    assert printed[16] == math.ceil(regression.printed_lower_bound(16, Fraction(1, 2)))


@pytest.mark.parametrize("id", ["thm-5.2-explicit", "thm-5.4", "ehrenfeucht-1989", "conv-upper-5.5"])
def test_the_picture_shows_each_curve_and_says_it_in_words(
    id: str, families: ModuleType, plots: ModuleType, claims: Claims
) -> None:
    section, _ = plots.drawn_bounds(id, claims)
    family = families.family_of(id)
    panels = PANEL.findall(section)
    assert len(panels) == len(family.eps)
    for eps, panel in zip(family.eps, panels, strict=True):
        root = tree(panel)
        words = root.attrib["aria-label"]
        letters = {t.text for t in root.iter(f"{SVG}text")}
        for letter, curve in zip("abcdef", family.curves, strict=False):
            values = plots.values(curve, family, eps)
            ends = f"from {values[0][1]:,} at {values[0][0]} to {values[-1][1]:,} at {values[-1][0]}" if values else ""
            assert f"bound of {curve.claim}, {ends or 'says nothing here'}" in words
            assert not values or letter in letters or any(str(t).startswith(letter) for t in letters)
        for mark in root.iter(f"{SVG}circle"):
            assert 0 <= float(mark.attrib["cx"]) <= 240
            assert 0 <= float(mark.attrib["cy"]) <= 230
    assert "#" not in "".join(panels)  # colours are the theme's, so that they are legible in both
    bold = [line for line in section.splitlines() if line.startswith("- ") and "(bold" in line]
    assert len(bold) == sum(curve.claim == id for curve in family.curves)
    assert all("this claim" in line for line in bold)


def shaded(section: str) -> int:
    return section.count("fill-opacity")


def test_only_certified_lower_bounds_exclude_anything(plots: ModuleType, claims: Claims) -> None:
    section, _ = plots.drawn_bounds("thm-5.4", claims)
    assert shaded(section) == 3  # the corrected bound, in each panel
    (line,) = (line for line in section.splitlines() if "**c**" in line)
    assert "dotted" in line
    assert "REFUTED (expected)" in line
    claims["thm-5.4-corrected"]["status"] = "UNCHECKED"
    section, _ = plots.drawn_bounds("thm-5.4-corrected", claims)
    assert shaded(section) == 0
    assert section.count("**? UNCHECKED, wanted CERTIFIED**") == 2


def test_the_csv_has_every_drawn_number(families: ModuleType, plots: ModuleType, claims: Claims) -> None:
    for family in families.FAMILIES:
        id = family.curves[0].claim
        if families.family_of(id) is not family:
            continue
        section, numbers = plots.drawn_bounds(id, claims)
        rows = list(csv.DictReader(io.StringIO(numbers)))
        wanted = sum(len(plots.values(c, family, eps)) for c in family.curves for eps in family.eps)
        assert len(rows) == wanted
        assert section.count("<circle") == wanted
        assert f"({id}-bounds.csv)" in section
        assert all(int(row["n"]) > 0 and int(row[family.axis[0]]) in family.points for row in rows)
        assert {row["delta"] for row in rows} == ({"0.01"} if family.quantity.startswith("N(") else {""})


def test_the_table_says_exactly_where_both_sides_meet(plots: ModuleType, claims: Claims) -> None:
    section, _ = plots.drawn_bounds("ex-4.1-exact", claims)
    assert "| d = 256 | exactly 235 | exactly 589 | exactly 1,000 |" in section
    section, _ = plots.drawn_bounds("thm-5.2-rate", claims)
    assert re.search(r"\| d = 4 \| nothing \| at least [\d,]+ \|", section)


def test_letters_at_the_ends_of_lines_do_not_cover_each_other(generate: ModuleType) -> None:
    from generator.log_panels import APART, BOTTOM, TOP, Line, panels

    met = [Line(letter, "lower", letter == "a", ((1, 1), (100, 1000))) for letter in "abcdef"]
    low = [Line(letter, "upper", False, ((1, 1), (100, 1))) for letter in "ghijk"]
    alone = Line("z", "upper", False, ((1, 1), (100, 10**6)))
    root = tree(panels([("eps = 0.1", [*met, *low, alone], "words")], (1, 10, 100), "d"))
    ends = {t.text: float(t.attrib["y"]) for t in root.iter(f"{SVG}text") if t.text in set("abcdefghijkz")}
    heights = sorted(ends.values())
    assert len(ends) == 12
    assert all(b - a >= APART - 0.1 for a, b in itertools.pairwise(heights))
    assert TOP <= heights[0] <= TOP + 5
    assert heights[-1] <= BOTTOM
