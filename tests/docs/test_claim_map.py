"""The map shows every claim and all that it rests on, and says loudly what is not as expected."""

import importlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import networkx as nx
import pytest

from theory.evidence import Trust, Verdict

Report = dict[str, Any]


@pytest.fixture(scope="session")
def claim_map(generate: ModuleType) -> ModuleType:
    return generate.claim_map


@pytest.fixture(scope="session")
def drawing(generate: ModuleType) -> ModuleType:
    return importlib.import_module("generator.claim_drawing")


class Drawn(HTMLParser):
    """What the page draws: nodes with their looks and words, lines, looks in the legend, rows of the table."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.nodes: dict[str, dict[str, str]] = {}
        self.edges: set[tuple[str, str, str]] = set()
        self.legend: set[str] = set()
        self.rows: dict[str, str] = {}
        self.opened: list[str] = []
        self.node = self.row = ""
        self.feed(page)
        assert self.opened == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        kind = found.get("class", "")
        if tag not in ("input", "link"):
            self.opened.append(tag)
        if tag == "a" and kind == "node":
            self.node = found["data-id"]
            self.nodes[self.node] = {**found, "look": "", "words": ""}
        elif tag == "g" and kind.startswith("edge "):
            self.edges.add((found.get("data-from", ""), found.get("data-to", ""), kind.removeprefix("edge ")))
        elif tag == "g" and kind and self.node:
            self.nodes[self.node]["look"] = kind
        elif tag == "g" and kind:
            self.legend |= set(kind.split())
        elif tag == "tr":
            self.row = found.get("data-id", "")
            self.rows[self.row] = ""

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag
        if tag == "a":
            self.node = ""

    def handle_data(self, data: str) -> None:
        if self.node:
            self.nodes[self.node]["words"] += data + " "
        if self.row:
            self.rows[self.row] += data + " "


def drawn(claim_map: ModuleType, report: Report) -> Drawn:
    page = claim_map.pages(report)["map.md"]
    return Drawn("".join(re.findall(r"```{raw} html\n(.*?)```", page, re.DOTALL)))


def claim_of(report: Report, id: str) -> Report:
    return next(c for c in report["claims"] if c["id"] == id)


def test_every_claim_is_a_node_that_opens_it_and_a_row(claim_map: ModuleType, report: Report) -> None:
    found = drawn(claim_map, report)
    assert found.nodes.keys() == found.rows.keys() - {""} == {c["id"] for c in report["claims"]}
    for claim in report["claims"]:
        node = found.nodes[claim["id"]]
        assert node["href"] == f"claims/{claim['id']}.html"
        assert node["data-uses"].split() == claim["uses"]
        assert node["data-proof-uses"].split() == claim["proof_uses"]
        assert claim["title"] in node["words"]
        cells = found.rows[claim["id"]]
        assert all(word in cells for word in (claim["title"], claim["kind"], claim["status"], claim["trust"]))
        assert all(id in cells for id in (*claim["uses"], *claim["proof_uses"], *claim["used_by"]))


def test_the_data_has_every_use_as_an_edge_of_its_kind(claim_map: ModuleType, report: Report) -> None:
    data = json.loads(claim_map.pages(report)["map.json"])
    edges = {(line["from"], line["to"]): line["kind"] for line in data["lines"]}
    assert len(edges) == len(data["lines"])
    for claim in report["claims"]:
        stated, proved = set(claim["uses"]), set(claim["proof_uses"])
        kinds = {
            used: "both" if used in stated & proved else "proof" if used in proved else "statement"
            for used in stated | proved
        }
        assert kinds == {a: kind for (a, b), kind in edges.items() if b == claim["id"]}
    shown = {(a, b) for a, b, _ in drawn(claim_map, report).edges} - {("", "")}
    assert shown == {(line["from"], line["to"]) for line in data["lines"] if line["drawn"]}


def test_drawn_lines_imply_all_and_solid_ones_all_of_the_proofs(claim_map: ModuleType, report: Report) -> None:
    shown = {line for line in drawn(claim_map, report).edges if line[0]}
    uses = {(used, c["id"]) for c in report["claims"] for used in (*c["uses"], *c["proof_uses"])}
    proofs = {(used, c["id"]) for c in report["claims"] for used in c["proof_uses"]}

    def reached(lines: set[tuple[str, str]]) -> set[tuple[str, str]]:
        return set(nx.transitive_closure(nx.DiGraph(lines)).edges)

    solid = {(a, b) for a, b, kind in shown if kind == "proof"}
    assert solid <= proofs
    assert reached(solid) == reached(proofs)
    every = {(a, b) for a, b, _ in shown}
    assert every <= uses
    assert reached(every) == reached(uses)
    assert len(every) < len(uses)
    assert all(reached(solid - {line}) < reached(proofs) for line in solid)
    assert all(reached(every - {line}) < reached(uses) for line in every - solid)


def test_a_proof_is_not_cut_short_by_a_statement(claim_map: ModuleType) -> None:
    def claim(id: str, uses: list[str], proof_uses: list[str]) -> Report:
        return {"id": id, "uses": uses, "proof_uses": proof_uses}

    made = [claim("a", [], []), claim("b", ["a"], []), claim("c", ["a"], ["b"]), claim("d", [], ["a", "c"])]
    graph = claim_map.graph_of(made)
    assert set(claim_map.reduced(graph).edges) == {("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")}


def test_each_status_looks_different_and_the_unexpected_is_loud(claim_map: ModuleType, report: Report) -> None:
    page = claim_map.pages(report)["map.md"]
    assert ":class: danger" not in page
    before = drawn(claim_map, report)
    assert before.nodes["thm-5.4"]["look"] == "refuted exact"
    assert before.nodes["thm-5.5"]["look"] == "certified exact"
    assert "✗ thm-5.4 " in " ".join(before.nodes["thm-5.4"]["words"].split())
    assert not any("!" in node["words"] or "wanted" in node["words"] for node in before.nodes.values())
    claim_of(report, "thm-5.4").update(status="CERTIFIED")
    claim_of(report, "thm-5.5").update(status="REFUTED")
    claim_of(report, "thm-c.1").update(status="UNCHECKED", trust=None)
    report["ok"] = False
    assert ":class: danger" in claim_map.pages(report)["map.md"]
    after = drawn(claim_map, report)
    for id, look, words in (
        ("thm-5.4", "unexpected exact", "! ✓ thm-5.4 "),
        ("thm-5.5", "unexpected exact", "! ✗ thm-5.5 "),
        ("thm-c.1", "unexpected none", "! ? thm-c.1 "),
    ):
        assert after.nodes[id]["look"] == look
        assert words in " ".join(after.nodes[id]["words"].split())
        assert after.nodes[id]["words"].count("wanted") == 2  # in what is seen and in what is read out
        assert "NOT as expected" in after.rows[id]
    assert sum("NOT as expected" in cells for cells in after.rows.values()) == 3


def test_the_legend_has_every_look_and_counts_it(claim_map: ModuleType, report: Report) -> None:
    claims = report["claims"]
    levels = [level.name for level in Trust] + [None]
    verdicts = [verdict.value for verdict in Verdict] + ["UNCHECKED"]
    for number, claim in enumerate(claims):
        claim.update(trust=levels[number % len(levels)], status=verdicts[number // 10 % len(verdicts)])
    found = drawn(claim_map, report)
    assert {look for node in found.nodes.values() for look in node["look"].split()} <= found.legend
    legend = "".join(claim_map.legend(claims))
    counts = [int(n) for n in re.findall(r'class="count">(\d+)<', legend)]
    assert counts[: len(levels)] == [
        sum(c["trust"] == level for c in claims) for level in [*reversed(levels[:-1]), None]
    ]
    assert sum(counts[len(levels) :]) == len(claims)


def test_each_trust_has_an_outline_that_lines_can_end_on(drawing: ModuleType) -> None:
    paths = {name: outline(70, 30) for name, outline in drawing.OUTLINES.items()}
    assert paths.keys() == {level.name for level in Trust} | {"none"}
    assert len({path for name, path in paths.items() if name != "none"}) == len(Trust)
    for path in paths.values():
        assert any(at_height_0(-70, side) for side in sides(path))
        assert any(at_height_0(70, side) for side in sides(path))


def sides(path: str) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """The straight sides of a path of M, L, H, V, A and Z."""
    found, x, y = [], 0.0, 0.0
    first = (x, y)
    for letter, numbers in re.findall(r"([MLHVAZ])([^MLHVAZ]*)", path):
        values = [float(n) for n in numbers.split()]
        match letter:
            case "H":
                end = (values[0], y)
            case "V":
                end = (x, values[0])
            case "Z":
                end = first
            case _:
                end = (values[-2], values[-1])
        if letter in "LHVZ":
            found.append(((x, y), end))
        x, y = end
        first = end if letter == "M" else first
    return found


def at_height_0(x: float, side: tuple[tuple[float, float], tuple[float, float]]) -> bool:
    """Does a side have the point (x, 0), as its end or on its vertical way?"""
    (a, b), (c, d) = side
    return (x, 0) in side or (a == c == x and min(b, d) <= 0 <= max(b, d))


def test_words_fit_and_are_not_markup(claim_map: ModuleType, drawing: ModuleType, report: Report) -> None:
    room = importlib.import_module("generator.graph_layout").Room()
    claim_of(report, "thm-4.2")["title"] = '<b>x</b> & "y" ' + "a very long title " * 9
    for claim in report["claims"]:
        ids, rest = drawing.words(claim, room)
        assert "".join(ids) == claim["id"]
        assert len(ids) + len(rest) <= 3
        assert rest[-1].endswith("…") or " ".join(rest) == claim["title"]
        assert all(drawing.width(line, drawing.TITLE) <= room.width - 2 * drawing.PAD for line in rest)
    assert "<b>x" not in claim_map.pages(report)["map.md"]
    found = drawn(claim_map, report)
    assert '<b>x</b> & "y" a very long' in found.nodes["thm-4.2"]["words"]
    assert '<b>x</b> & "y" a very long' in found.rows["thm-4.2"]


def test_the_map_and_the_atlas_sort_alike() -> None:
    root = Path(__file__).parents[2]
    scripts = [(root / path).read_text(encoding="utf-8") for path in ("docs/_static/map.js", "verify/atlas.js")]
    for part in (r"const order = (.*);", r"heads\.forEach\((\(head, column\) =>.*(?:\n    .*){3})"):
        ((one,), (other,)) = (re.findall(part, script) for script in scripts)
        assert one == other
    assert all('localeCompare(b, "en"' in script for script in scripts)


def test_whose_a_claim_is_comes_from_its_source(claim_map: ModuleType, report: Report) -> None:
    found = {c["id"]: claim_map.origin(c) for c in report["claims"]}
    of = {"thm-5.2": "paper", "thm-5.4-corrected": "ours", "sauer-shelah": "literature", "stirling": "cited"}
    assert {id: found[id] for id in of} == of
    assert set(found.values()) == set(claim_map.ORIGINS)
    for claim in report["claims"]:
        assert (found[claim["id"]] == "cited") == (claim["kind"] == "cited")


DAMAGE: dict[str, tuple[str, str, str]] = {
    "a circle": ("def-3.1", "thm-5.1", "claims rest on each other in a circle: "),
    "a claim that is not there": ("def-3.1", "thm-0.0", "def-3.1 rests on thm-0.0, which is not in it"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_graph_that_cannot_be_is_refused_in_one_line(
    damage: str, generate: ModuleType, claim_map: ModuleType, report: Report
) -> None:
    id, used, says = DAMAGE[damage]
    claim_of(report, id)["uses"].append(used)
    with pytest.raises(generate.report.BadReportError, match=re.escape(says)) as caught:
        claim_map.pages(report)
    assert "\n" not in str(caught.value)
    if damage == "a circle":
        circle = str(caught.value).rpartition(": ")[2].split(" -> ")
        assert circle[0] == circle[-1]
        assert {"def-3.1", "thm-5.1"} <= set(circle)
