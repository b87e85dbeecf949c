"""The pages of the experiments: what was found, and the command that finds it again."""

import importlib
import re
from fractions import Fraction
from types import ModuleType
from typing import Any

import pytest

from sims.experiment import NAMES, load
from verify import cli

Report = dict[str, Any]
CSV = (
    b"learner,d,n,replicas,mean,low,high,claimed\n"
    b"fc,2,4,9,0.4,0.3,0.5,\nfc,2,16,9,0.2,0.1,0.25,\nfc,4,16,9,0.4,0.3,0.5,\nfc,4,64,9,0.2,0.15,0.25,\n"
    b"conv,2,0,9,0.5,0.4,0.6,\nconv,2,1,9,0.01,0,0.02,0.5\nkernel,4,16,9,0.75,0.6,0.9,\n"
)


@pytest.fixture(scope="module")
def simulations(generate: ModuleType) -> ModuleType:
    return importlib.import_module("generator.simulations")


@pytest.fixture
def drawn() -> dict[str, bytes]:
    return {f"{name}{ending}": CSV for name in ("quadratic", "constants") for ending in (".csv", ".svg")}


def rows(page: str, start: str) -> list[list[str]]:
    lines = (line for line in page.splitlines() if line.startswith(f"| {start}"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_each_experiment_has_its_page_and_a_row(simulations: ModuleType, report: Report) -> None:
    made = simulations.pages(report, {})
    assert set(made) == {f"simulations/{name}{end}" for name in NAMES for end in (".md", ".json")} | {
        "simulations/index.md"
    }
    for name in NAMES:
        assert f"]({name}.md)" in made["simulations/index.md"]
        assert f"This report has no figure of {name}." in made[f"simulations/{name}.md"]


def test_the_command_is_one_with_the_seed_of_the_report(simulations: ModuleType, report: Report) -> None:
    made = simulations.pages(report | {"seed": 1618}, {})
    for name in NAMES:
        (command,) = re.findall(r"^\$ orbitgap (simulate .*)$", made[f"simulations/{name}.md"], re.MULTILINE)
        asked = cli.parser().parse_args(command.split())
        assert (asked.name, asked.size, asked.seed, str(asked.out)) == (name, "quick", 1618, "DIR")


def test_what_the_full_form_adds_comes_from_the_code(simulations: ModuleType) -> None:
    for size in ("quick", "full"):
        cells = load("warmup").cells(size)
        said = f"{len(cells)} points, {sum(c.replicas for c in cells):,} replicas, d in {{8, 16, 32"
        assert said in simulations.again("warmup", 0)
    assert "d in {8, 16, 32, 64, 128}" in simulations.again("warmup", 0).partition("`--full`")[2]


def test_brackets_and_exponents_are_read_off_the_curves(simulations: ModuleType, drawn: dict[str, bytes]) -> None:
    shown = simulations.sample_complexity("quadratic", simulations.curves("quadratic", drawn))
    assert "## Samples for error 0.25" in shown
    # n* lies in (4, 16] at d = 2 and in (16, 64] at d = 4: slopes from log2(17/16) to log2(64/5)
    assert rows(shown, "fully-connected net, squares") == [
        ["fully-connected net, squares, SGD", "5 to 16", "17 to 64", "0.09 to 3.68"]
    ]
    assert rows(shown, "conv net, ERM") == [["conv net, ERM", "1", "–", "–"]]
    assert rows(shown, "kernel regression") == [["kernel regression", "–", "more than 16", "–"]]
    assert simulations.sample_complexity("constants", simulations.curves("constants", drawn)) == ""
    assert simulations.sample_complexity("quadratic", []) == ""


def test_the_table_of_the_start_page_asks_for_the_same_errors(simulations: ModuleType, generate: ModuleType) -> None:
    asked = {row.experiment: float(Fraction(row.eps)) for row in generate.gap.ROWS}
    targets = {name: simulations.target_of(name) for name in NAMES}
    assert {name: eps for name, eps in asked.items() if targets[name] not in (None, eps)} == {}
    assert {"warmup", "texture", "regression"} <= {name for name in asked if targets[name]}


def test_an_open_bracket_is_not_a_number(simulations: ModuleType) -> None:
    assert simulations.between(None) == "not measured"
    assert simulations.between((None, None)) == "?"
    assert simulations.between((None, 1024)) == "at most 1,024"
    assert simulations.between((0, 1)) == "1"


def test_curves_without_intervals_are_not_read(simulations: ModuleType, drawn: dict[str, bytes]) -> None:
    assert len(simulations.curves("quadratic", drawn)) == 7
    assert simulations.curves("quadratic", {"quadratic.csv": b"learner,d,n,error\nfc,5,0,0.5\n"}) == []
    assert simulations.curves("quadratic", {}) == []


def test_the_figure_is_told_in_numbers(simulations: ModuleType, drawn: dict[str, bytes]) -> None:
    shown = simulations.figure("quadratic", drawn)
    assert "kernel regression 0.75 at d = 4, n = 16" in shown
    assert "conv net, ERM 0.01 at d = 2, n = 1" in shown
    assert "../figures/quadratic.csv" in shown


def test_an_alternative_text_holds_no_markup(simulations: ModuleType, drawn: dict[str, bytes]) -> None:
    files = {"quadratic.svg": b"", "quadratic.csv": drawn["quadratic.csv"] + b"a_new|net,4,16,9,0.5,0.4,0.6\n"}
    (alt,) = re.findall(r"^:alt: (.*)$", simulations.figure("quadratic", files), re.MULTILINE)
    assert "a_new|net 0.5 at d = 4" in alt
    assert "\\" not in alt


def test_margin_and_sharpness_stand_beside_the_verdict(simulations: ModuleType, report: Report) -> None:
    row = next(m for m in report["measurements"] if m["name"].startswith("texture: "))
    row["certificate"] = {**row["certificate"], "margin": -0.125, "sharpness": 7.25}
    page = simulations.pages(report, {})["simulations/texture.md"]
    assert [cells[2:] for cells in rows(page, "[") if "-0.125" in cells][:1] == [["-0.125", "7.25"]]
    row["verdict"] = {"CERTIFIED": "REFUTED", "REFUTED": "CERTIFIED"}[row["expected"]]
    made = simulations.pages(report, {})
    assert ":class: danger" in made["simulations/texture.md"]
    assert ":class: danger" in made["simulations/index.md"]
    assert len(re.findall("1 NOT as expected", made["simulations/index.md"])) == 1
