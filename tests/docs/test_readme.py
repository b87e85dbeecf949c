"""The README's picture and table are those of the last run, and `docs/readme.py` writes them."""

import csv
import importlib
import io
import json
import math
import os
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sims.experiment import load
from tests.docs.test_gap import CURVES, HEAD

ROOT = Path(__file__).parents[2]
AGAIN = "the README is stale: run `orbitgap verify`, then `python docs/readme.py REPORT.json`"
DECIMAL = re.compile(r"\d+\.\d+")
Report = dict[str, Any]


@pytest.fixture(scope="module")
def readme(generate: ModuleType) -> ModuleType:
    return importlib.import_module("readme")


@pytest.fixture(scope="module")
def block(readme: ModuleType) -> str:
    return str(readme.split((ROOT / "README.md").read_text(encoding="utf-8"))[1])


@pytest.fixture(scope="module")
def kept() -> str:
    return (ROOT / "docs" / "_static" / "gap.csv").read_text(encoding="utf-8")


def pinned(package: str) -> str:
    found = re.search(rf"^{package}==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert found, package
    return found[1]


def cells(block: str, start: str) -> list[str]:
    (line,) = (line for line in block.splitlines() if line.startswith(f"| {start} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def stale_bounds(readme: ModuleType, block: str) -> list[tuple[str, str]]:
    """The cells of certified numbers that theory does not give now, with what it gives."""
    wrong = []
    for row in readme.gap.ROWS:
        found = cells(block, row.says)
        d = int(found[1].replace(",", ""))
        for cell, learner in ((found[3], row.learner), (found[5], "conv")):
            bound = readme.gap.bound(row, d, learner)
            wanted = "–" if bound is None else f"{bound.n:,} (`{bound.claim}`, "
            if found[2] != row.eps or not cell.startswith(wanted):
                wrong.append((cell, wanted))
    return wrong


def stale_region(readme: ModuleType, kept: str) -> list[dict[str, str]]:
    """The rows of certified errors that are not the claim's number, rounded down."""
    wrong = []
    for row in csv.DictReader(io.StringIO(kept)):
        lines = load(row["experiment"]).lines
        for panel in (p for p in readme.gap.PANELS if (p.experiment, p.claim) == (row["experiment"], row["curve"])):
            value = next(s.value for s in lines if s.claim == panel.claim and panel.fc in s.learners)
            if float(row["error"]) != math.floor(value(int(row["d"]), int(row["n"])) * 10**4) / 10**4:
                wrong.append(row)
    return wrong


def agrees(shown: str, found: str) -> bool:
    """The same text; decimals may differ by one in their last place, as other machines round otherwise."""
    pairs = list(zip(DECIMAL.findall(shown), DECIMAL.findall(found), strict=False))
    near = all(abs(float(a) - float(b)) < 1.5 * 10.0 ** -len(a.partition(".")[2]) for a, b in pairs)
    return near and DECIMAL.sub("0.", shown) == DECIMAL.sub("0.", found)


def test_certified_numbers_are_those_of_theory(readme: ModuleType, block: str, kept: str) -> None:
    assert stale_bounds(readme, block) == [], AGAIN
    assert len([r for r in csv.DictReader(io.StringIO(kept)) if not r["low"]]) > 50
    assert stale_region(readme, kept) == [], AGAIN


def test_a_stale_certified_number_is_seen(readme: ModuleType, block: str, kept: str) -> None:
    old = cells(block, readme.gap.ROWS[0].says)[3]
    number = old.partition(" ")[0]
    assert stale_bounds(readme, block.replace(old, old.replace(number, f"{int(number) + 1}"))) != []
    row = next(line for line in kept.splitlines() if line.startswith("warmup,32,ex-4.1-exact,8,"))
    assert [r["n"] for r in stale_region(readme, kept.replace(row, row.replace("0.", "0.1")))] == ["8"]


def test_the_pictures_are_drawn_from_the_kept_numbers(readme: ModuleType, block: str, kept: str) -> None:
    for panel in readme.gap.PANELS:
        assert f'alt="{readme.gap.describe(panel, kept)}"' in block, AGAIN
    if version("matplotlib") != pinned("matplotlib"):
        pytest.skip("PICTURES NOT COMPARED: this matplotlib is not the one of constraints.txt")
    for name, content in readme.gap.render(kept).items():
        file = (ROOT / "docs" / "_static" / name).read_bytes()
        assert file == (content.encode() if isinstance(content, str) else content), f"{name}: {AGAIN}"


def test_the_block_is_what_the_last_report_gives(readme: ModuleType, block: str, kept: str) -> None:
    home = os.environ.get("ORBITGAP_HOME")
    source = Path(os.environ.get("ORBITGAP_REPORT") or (Path(home) / "report.json" if home else "none"))
    if not source.is_file():
        pytest.skip("README NOT COMPARED WITH A RUN: no report; ORBITGAP_HOME or ORBITGAP_REPORT names one")
    found = json.loads(source.read_text(encoding="utf-8"))
    if found["seed"] != 0 or found["environment"]["torch"].partition("+")[0] != pinned("torch"):
        pytest.skip("README NOT COMPARED WITH A RUN: the report has another seed or torch than what the README shows")
    fresh, files = readme.made(source)
    assert agrees(block, fresh), AGAIN
    assert agrees(kept, files["gap.csv"]), AGAIN


def test_a_stale_measured_number_is_seen(block: str, kept: str) -> None:
    assert agrees(block, block)
    assert agrees("0.41 at n = 8", "0.42 at n = 8")
    assert not agrees("0.41 at n = 8", "0.43 at n = 8")
    assert not agrees("9 to 32", "9 to 64")
    assert not agrees("0.41, 0.42", "0.41")
    bracket, mean = re.search(r"\d+ to \d+", block), re.search(r"0\.\d{4}", kept)
    assert bracket
    assert mean
    assert not agrees(block, block.replace(bracket[0], "1 to 999"))
    assert not agrees(kept, kept.replace(mean[0], "0.9999", 1))


@pytest.fixture
def whole(save: Callable[[Report], Path], report: Report) -> Callable[[Report], Path]:
    """Writes a report with the curves that the README needs."""

    def write(changes: Report) -> Path:
        source = save({**report, "figures": [f"elsewhere/{name}.csv" for name in CURVES], **changes})
        for name, rows in CURVES.items():
            (source.parent / "figures" / f"{name}.csv").write_text(HEAD + rows, encoding="utf-8")
        return source

    return write


@pytest.fixture
def checkout(tmp_path: Path, readme: ModuleType) -> Path:
    root = tmp_path / "checkout"
    (root / "docs" / "_static").mkdir(parents=True)
    (root / "README.md").write_text(f"# before\n{readme.BEGIN}old\n{readme.END}after\n", encoding="utf-8")
    return root


def test_only_what_is_between_the_markers_changes(
    readme: ModuleType, whole: Callable[[Report], Path], checkout: Path
) -> None:
    source = whole({})
    assert readme.main([str(source)], checkout) == 0
    before, block, after = readme.split((checkout / "README.md").read_text(encoding="utf-8"))
    assert (before, after) == ("# before\n", "after\n")
    fresh, files = readme.made(source)
    assert block == fresh
    assert "5 to 16" in block
    assert {path.name for path in (checkout / "docs" / "_static").iterdir()} == set(files)
    assert all(f"docs/_static/{name}" in block for name in files)


DAMAGE: dict[str, Report] = {
    "not as expected": {"ok": False},
    "no curves": {"figures": []},
    "a seed of words": {"seed": "none"},
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_bad_report_changes_nothing(
    damage: str,
    readme: ModuleType,
    whole: Callable[[Report], Path],
    report: Report,
    checkout: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if damage == "not as expected":
        report["claims"][0]["status"] = "REFUTED"
    before = (checkout / "README.md").read_text(encoding="utf-8")
    assert readme.main([str(whole(DAMAGE[damage]))], checkout) == 2
    said = capsys.readouterr().err
    assert said.startswith("readme: ")
    assert said.count("\n") == 1
    assert (checkout / "README.md").read_text(encoding="utf-8") == before
    assert list((checkout / "docs" / "_static").iterdir()) == []


def test_a_readme_without_markers_is_left_alone(
    readme: ModuleType, whole: Callable[[Report], Path], checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "README.md").write_text("# none\n", encoding="utf-8")
    assert readme.main([str(whole({}))], checkout) == 2
    assert "README.md: has no lines" in capsys.readouterr().err
    assert (checkout / "README.md").read_text(encoding="utf-8") == "# none\n"


def test_a_missing_report_and_no_arguments_end_with_2(readme: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert readme.main(["none.json"]) == 2
    assert readme.main([]) == 2
    assert capsys.readouterr().err.count("\n") == 2
