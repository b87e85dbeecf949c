"""The page of Table 1: what its cells say, where they lead, and what parts keep together."""

import html
import itertools
import json
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest

from theory import bounds, table1
from theory.groups import GROUPS, is_subgroup
from verify.optimizers import OPTIMIZERS

Report = dict[str, Any]
LABEL = re.compile(r"^\(([^)]+)\)=$", re.MULTILINE)
DATA = re.compile(r'<script type="application/json" id="combine-data">(.*?)</script>', re.DOTALL)
TITLES = {row.name: row.title for row in table1.ROWS}
SAID = ("algorithm", "initialisation", "regularisation")


def page_of(generate: ModuleType, report: Report, atlas: Mapping[str, Any] | None = None) -> str:
    return generate.table1.pages(report, atlas)["table-1.md"]


def together(generate: ModuleType, report: Report, *names: str) -> dict[str, Any]:
    """What is said of a combination of rows of Table 1."""
    wanted = [TITLES[name] for name in names]
    found = json.loads(generate.table1.pages(report, None)["table-1.json"])
    (one,) = [c for c in found if [c.get(kind) for kind in SAID[: len(names)]] == wanted and len(c) == len(names) + 3]
    return one


def picker(page: str) -> dict[str, Any]:
    (data,) = DATA.findall(page)
    return json.loads(data)


def claim_of(report: Report, id: str) -> Report:
    return next(c for c in report["claims"] if c["id"] == id)


def step_of(report: Report, name: str) -> Report:
    return next(s for s in claim_of(report, "table-1")["steps"] if s["name"] == name)


def measured(report: Report, subject: str) -> list[Report]:
    keys = ("optimizer", "subject")
    return [m for m in report["measurements"] if subject in [m["certificate"].get(key) for key in keys]]


def test_all_is_as_expected(generate: ModuleType, report: Report) -> None:
    page = page_of(generate, report)
    assert ":class: danger" not in page
    assert "**✓ holds" not in page
    assert "**[" not in page


def test_what_is_printed_is_what_the_claim_says_is_printed(generate: ModuleType, report: Report) -> None:
    said = claim_of(report, "table-1")["printed"].replace(r"\text", "").replace("{", "").replace("}", "")
    entries = generate.table1.table1_printed.PRINTED
    rows = {row.name: row for row in table1.ROWS}
    for group, part in itertools.product(("sign_flip", "permutation", "orthogonal", "general_linear"), entries):
        for words, *names in entries[part][group]:
            line = next(line for line in said.split(r"\quad") if line.strip().startswith(GROUPS[group].title))
            assert (words if words != "none" else "no regularisation") in re.sub(r"\s+", " ", line)
            assert names
            assert all(part.startswith(rows[name].part) for name in names)
    page = page_of(generate, report)
    assert "14 of the 14 printed entries are certified under the conditions listed with the claim" in page
    assert "Conditions are added: Hessian invertible" in page
    step_of(report, "gaussian keeps orthogonal")["verdict"] = "INCONCLUSIVE"
    page = page_of(generate, report)
    assert "13 of the 14 printed entries are certified" in page
    assert "i.i.d. Gaussian **[? INCONCLUSIVE](#step-table-1-gaussian-keeps-orthogonal)**" in page


def test_a_step_that_is_not_certified_shows_nothing_and_is_loud(generate: ModuleType, report: Report) -> None:
    for verdict in ("INCONCLUSIVE", "REFUTED", "UNCHECKED"):
        step_of(report, "adam keeps signed_permutation")["verdict"] = verdict
        page = page_of(generate, report)
        loud, _, rest = page.partition("## As printed")
        assert ":class: danger" in loud
        assert f"sign flips](#step-table-1-adam-keeps-signed-permutation): ? {verdict}" in loud
        assert f"**[? {verdict}](#step-table-1-adam-keeps-signed-permutation)**" in rest
        assert "[✓ holds](#step-table-1-adam-keeps-signed-permutation)" not in page
        assert together(generate, report, "adam", "gaussian", "l2")["certified under"] == []
        assert together(generate, report, "sgd", "gaussian", "l2")["certified under"] == ["orthogonal"]


def test_a_measured_optimizer_against_the_table_is_loud(generate: ModuleType, report: Report) -> None:
    row = next(m for m in measured(report, "Adam") if m["certificate"]["group"] == "orthogonal")
    row["verdict"] = row["expected"] = "CERTIFIED"  # the table decides, not what the row expects of itself
    loud, _, rest = page_of(generate, report).partition("## As printed")
    assert "1 entries are not as expected" in loud
    assert "[torch's Adam, orthogonal](#measured-table-1-adam-orthogonal): ✓ holds measured, but theory says ✗" in loud
    assert "**[✓ holds](#measured-table-1-adam-orthogonal) measured, but theory says ✗ fails**" in rest


def test_a_feature_and_an_initialiser_against_theory_are_loud(generate: ModuleType, report: Report) -> None:
    (feature,), (start,) = measured(report, "batch norm after the first layer"), measured(report, "nn.Linear")
    feature["certificate"]["groups"]["orthogonal"] = {"verdict": "REFUTED", "level": ""}
    start["certificate"]["groups"]["permutation"]["verdict"] = "INCONCLUSIVE"
    loud = page_of(generate, report).partition("## As printed")[0]
    assert "2 entries are not as expected" in loud
    assert re.search(r"batch norm .*?\): ✗ fails measured, but theory says ✓ holds", loud)
    assert re.search(r"nn.Linear, permutations\]\(#.*?\): \? INCONCLUSIVE in law, but theory says ✓ holds", loud)


def test_an_exact_replay_that_fails_is_loud(generate: ModuleType, report: Report) -> None:
    row = next(m for m in report["measurements"] if m["by"] == "EXACT")
    row["verdict"] = "INCONCLUSIVE"
    assert "1 entries are not as expected" in page_of(generate, report)


def test_measurements_stand_below_the_row_they_speak_of(generate: ModuleType, report: Report) -> None:
    section = page_of(generate, report).partition("### Algorithms")[2].partition("\n### ")[0]
    titles = [re.sub(r"\[(.*?)\]\(.*", r"\1", line[4:]) for line in section.splitlines() if line.startswith("* - ")]
    at = titles.index(TITLES["sgd"])
    own = [f"torch's {s.title}" for s in OPTIMIZERS if s.row == "sgd"]
    assert titles[at + 1 : at + 2 + len(own)] == [*own, TITLES["adam"]]


@pytest.mark.parametrize("algorithm", [row for row in table1.ROWS if row.part == "algorithm"], ids=lambda r: r.name)
def test_a_training_keeps_what_its_parts_keep(generate: ModuleType, report: Report, algorithm: table1.Row) -> None:
    others = [[row for row in table1.ROWS if row.part == part] for part in SAID[1:]]
    alone = algorithm.name == "kernel"
    for rows in [(algorithm,)] if alone else itertools.product([algorithm], *others):
        kept = [
            g for g, group in GROUPS.items() if all(is_subgroup(group, GROUPS[r.keeps]) for r in rows) and g in COLUMNS
        ]
        found = together(generate, report, *(row.name for row in rows))
        if algorithm.name == "newton" and rows[-1].name != "no-penalty":
            assert (found["certified under"], found["bounds"]) == ([], [])
            continue
        (top,) = found["certified under"]
        assert {g for g in COLUMNS if is_subgroup(GROUPS[g], GROUPS[top])} == set(kept)
        assert found["bounds"] == ([] if algorithm.name == "newton" else bounds.binding(kept))
        assert bool(found["note"]) == (algorithm.name == "newton")


COLUMNS = [group.name for group in table1.COLUMNS]


def test_a_refuted_part_is_named_with_its_counterexample(generate: ModuleType, report: Report) -> None:
    page = page_of(generate, report)
    table = page.partition("Certified with regularisation: none")[2].partition(":::")[0]
    row = table.partition(f"* - {TITLES['adam']}")[2].partition("* -")[0].splitlines()
    assert row[4] == r"  - **✓ B\_d**<br>O(d): [✗ algorithm](#step-table-1-adam-breaks-orthogonal)"
    assert together(generate, report, "adam", "gaussian", "no-penalty")["certified under"] == ["signed_permutation"]
    assert "thm-5.2" not in together(generate, report, "adam", "gaussian", "no-penalty")["bounds"]


@pytest.mark.parametrize("what", ["thm-c.1", "alg-1", "the lattice of groups"])
def test_nothing_is_certified_if_what_all_rests_on_is_not(generate: ModuleType, report: Report, what: str) -> None:
    if what in {c["id"] for c in report["claims"]}:
        claim_of(report, what)["status"] = "INCONCLUSIVE"
    else:
        step_of(report, what)["verdict"] = "INCONCLUSIVE"
    page = page_of(generate, report)
    assert "No combination is certified" in page.partition("## As printed")[0]
    assert "Certified with regularisation" not in page
    assert picker(page)["blocked"] is True
    assert together(generate, report, "sgd", "gaussian", "no-penalty")["certified under"] == []
    assert together(generate, report, "sgd", "gaussian", "no-penalty")["bounds"] == []


@pytest.mark.parametrize(("verdict", "blocked"), [("UNCHECKED", False), ("INCONCLUSIVE", True)])
def test_combinations_do_without_coq_but_not_against_it(
    generate: ModuleType, report: Report, verdict: str, blocked: bool
) -> None:
    for step in claim_of(report, "table-1")["steps"]:
        if step["kernel"]:
            step["verdict"] = verdict
    assert picker(page_of(generate, report))["blocked"] is blocked


def test_no_bound_follows_for_newton_and_with_a_penalty_it_is_open(generate: ModuleType, report: Report) -> None:
    page = page_of(generate, report)
    title = TITLES["newton"]
    for penalty in ("none", "l_2 norm", "l_p norm, p >= 1 other than 2"):
        shown = penalty.replace("_", r"\_").replace(">", r"\>")
        table = page.partition(f"Certified with regularisation: {shown}\n")[2].partition(":::")[0]
        cells = table.partition(f"* - {title}")[2].partition("* -")[0].strip().splitlines()
        assert len(cells) == 5
        said = "only on data that span R" if penalty == "none" else "**? open**: the penalty need not be twice"
        assert all(said in cell for cell in cells)
        assert all("✓" in cell for cell in cells) == (penalty == "none")
    assert f"{title}, without regularisation: only on data that span" in page
    plain = together(generate, report, "newton", "zero", "no-penalty")
    assert plain["certified under"] == ["general_linear"]
    assert "no bound on samples follows" in plain["note"]
    assert "twice differentiable" in together(generate, report, "newton", "zero", "l2")["note"]


def test_what_was_measured_is_not_certified_with_a_penalty(
    generate: ModuleType, report: Report, atlas: Mapping[str, Any]
) -> None:
    found = picker(page_of(generate, report, atlas))["parts"]
    refused = {part["title"]: part["penalised"] for part in found["algorithm"]}
    proved = {row.title for row in table1.ROWS if row.part == "algorithm"}
    assert {title for title, why in refused.items() if why == "not measured with this penalty"} == {*refused} - proved
    assert [title for title in proved if refused[title]] == [TITLES["newton"]]
    assert [part["title"] for part in found["regularisation"] if part["none"]] == ["none"]


@pytest.mark.parametrize("gone", [True, False])
def test_penalties_rest_on_the_step_that_joins_them(generate: ModuleType, report: Report, gone: bool) -> None:
    where = f"#step-table-1-{table1.JOINING.replace(' ', '-')}"
    assert f"[see this step]({where}), ✓ CERTIFIED" in page_of(generate, report)
    step = step_of(report, table1.JOINING)
    step["verdict"] = "INCONCLUSIVE"
    if gone:
        claim_of(report, "table-1")["steps"].remove(step)
    page = page_of(generate, report)
    assert "No combination is certified" in page.partition("## As printed")[0]
    assert (where in page) is not gone
    assert together(generate, report, "sgd", "gaussian", "l2")["certified under"] == []


def test_only_certified_bounds_follow(generate: ModuleType, report: Report) -> None:
    assert picker(page_of(generate, report))["blocked"] is False
    claim_of(report, "thm-5.3")["status"] = "INCONCLUSIVE"
    page = page_of(generate, report)
    assert "thm-5.3" not in [b["id"] for b in picker(page)["bounds"]["orthogonal"]]
    assert "thm-5.2" in [b["id"] for b in picker(page)["bounds"]["orthogonal"]]
    assert "thm-5.3" not in together(generate, report, "sgd", "gaussian", "l2")["bounds"]
    assert "?\u00a0INCONCLUSIVE,\u00a0wanted\u00a0CERTIFIED**" in page


def test_the_pick_lists_name_the_parts_they_stand_for(
    generate: ModuleType, report: Report, atlas: Mapping[str, Any]
) -> None:
    page = page_of(generate, report, atlas)
    data = picker(page)
    for kind in SAID:
        content = page.partition(f'<select id="combine-{kind}">')[2].partition("</select>")[0]
        options = re.findall(r'<option value="(\d+)"( selected)?>(.*?)</option>', content)
        assert [int(number) for number, _, _ in options] == list(range(len(options)))
        assert [html.unescape(title) for *_, title in options] == [part["title"] for part in data["parts"][kind]]
        assert len([1 for _, selected, _ in options if selected]) == 1
        assert f'<label for="combine-{kind}">' in page
    titles = [part["title"] for part in data["parts"]["algorithm"]]
    assert {"torch's Adam", "SGD, batch norm after the first layer", "Adam, cosine learning rates"} <= set(titles)
    assert titles[-1] == "some.package:Rule"


def test_the_evidence_of_the_pick_lists_is_there(
    generate: ModuleType, report: Report, atlas: Mapping[str, Any]
) -> None:
    made = generate.pages(report, {}, atlas)
    places = {
        f"{name[:-3]}.html#{place}"
        for name, content in made.items()
        if name.endswith(".md")
        for place in [*LABEL.findall(content), *re.findall(r'<tr id="([^"]+)"', content)]
    }
    parts = [part for kind in SAID for part in picker(made["table-1.md"])["parts"][kind]]
    cells = [cell for part in parts for cell in part["cells"].values()]
    assert {where for *_, where in cells} - places == {""}
    assert all(holds is None and says == "? not measured" for holds, says, _, where in cells if not where)
    assert {where.partition("#")[0] for *_, where in cells} == {
        "", "claims/table-1.html", "optimizers.html", "atlas.html"
    }  # fmt: skip


def test_what_is_measured_is_not_called_proved(generate: ModuleType, report: Report, atlas: Mapping[str, Any]) -> None:
    data = picker(page_of(generate, report, atlas))["parts"]
    how = {part["title"]: {cell[2] for cell in part["cells"].values()} for kind in SAID for part in data[kind]}
    assert how[TITLES["adam"]] == {"proved", "counterexample"}
    assert how["torch's Adam"] == {"measured"}
    assert how["some.package:Rule"] == {"measured", ""}
    assert how["nn.Linear"] == {"in law", ""}
    assert how["SGD, isotropic Gaussian noise on weights"] == {"in law", ""}
    for step in claim_of(report, "table-1")["steps"]:
        step["trust"] = "SAMPLED"
    found = picker(page_of(generate, report))["parts"]["algorithm"][0]["cells"]
    assert {cell[2] for cell in found.values()} == {"sampled"}


def test_what_was_not_examined_is_open(generate: ModuleType, report: Report, atlas: Mapping[str, Any]) -> None:
    data = picker(page_of(generate, report, atlas))["parts"]
    rule = next(part for part in data["algorithm"] if part["title"] == "some.package:Rule")
    assert rule["cells"]["general_linear"] == [None, "? not measured", "", ""]
    assert rule["cells"]["orthogonal"][:2] == [False, "✗ fails"]


def test_the_atlas_is_counted(generate: ModuleType, report: Report, atlas: Mapping[str, Any]) -> None:
    assert "| signed permutations | 1 |" in page_of(generate, report, atlas)
    assert "Other optimizers" not in page_of(generate, report)


def test_the_columns_are_ordered_by_inclusion(generate: ModuleType) -> None:
    columns = generate.table1.COLUMNS
    assert set(columns) == set(COLUMNS)
    pairs = itertools.combinations(columns, 2)
    assert not [(a, b) for a, b in pairs if is_subgroup(GROUPS[b], GROUPS[a])]
    assert "sign flips do not lie in permutations" in generate.table1.order()


def test_a_title_cannot_end_the_script(generate: ModuleType, report: Report, atlas: Mapping[str, Any]) -> None:
    (row,) = atlas["optimizers"]
    page = page_of(generate, report, {**atlas, "optimizers": [{**row, "name": "a:</script><b>"}]})
    assert "</script><b>" not in page
    assert picker(page)["parts"]["algorithm"][-1]["title"] == "a:</script><b>"
