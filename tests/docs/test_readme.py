"""The README's picture and table are those of the last run, and `docs/readme.py` writes them."""

import csv
import importlib
import io
import json
import math
import os
import re
from collections.abc import Callable, Container
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sims.experiment import load
from tests.docs.test_gap import CURVES, HEAD

ROOT = Path(__file__).parents[2]
AGAIN = "the README is stale: run `orbitgap verify`, then `python docs/readme.py REPORT.json`"
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
    return cells_of(line)


def cells_of(line: str) -> list[str]:
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


def stale_curves(kept: str, fresh: str) -> list[str]:
    """What of the kept numbers a fresh run contradicts: other rows, other certified errors, means out of intervals.

    On another processor a replica may end otherwise, which moves a mean and its interval a little.
    """
    old, new = (list(csv.DictReader(io.StringIO(data))) for data in (kept, fresh))
    names = [[tuple(row[key] for key in ("experiment", "d", "curve", "n")) for row in rows] for rows in (old, new)]
    if names[0] != names[1]:
        return ["other rows"]
    return [f"{a} against {b}" for a, b in zip(old, new, strict=True) if not same_error(a, b)]


def same_error(kept: dict[str, str], fresh: dict[str, str]) -> bool:
    """The same certified number, or two means, each in the interval of the other."""
    if not (kept["low"] and fresh["low"]):
        return kept == fresh
    pairs = ((kept, fresh), (fresh, kept))
    return all(float(a["low"]) <= float(b["error"]) <= float(a["high"]) for a, b in pairs)


def stale_words(block: str, fresh: str) -> list[str]:
    """The lines that a fresh run contradicts; the words for pictures are held against the kept numbers elsewhere."""
    old, new = (re.sub(r' alt="[^"]*"', "", text).splitlines() for text in (block, fresh))
    if len(old) != len(new):
        return ["more or fewer lines"]
    head = next((cells_of(line) for line in new if line.startswith("| task |")), [])
    measured = {i for i, name in enumerate(head) if name.endswith("measured")}
    return [f"{a} against {b}" for a, b in zip(old, new, strict=True) if a != b and not same_row(a, b, measured)]


def same_row(kept: str, fresh: str, measured: Container[int]) -> bool:
    """A row of the table with the same cells, but for those measured, where brackets have to overlap."""
    old, new = cells_of(kept), cells_of(fresh)
    cells = enumerate(zip(old, new, strict=False))
    return len(old) == len(new) and all(a == b or (i in measured and overlap(a, b)) for i, (a, b) in cells)


FORMS = {
    r"(\d+) to (\d+)": lambda low, high: (low, high),
    r"(\d+)": lambda n: (n, n),
    r"at most (\d+)": lambda high: (0, high),
    r"more than (\d+)": lambda above: (above + 1, math.inf),
    r"not reached up to (\d+)": lambda above: (above + 1, math.inf),
}
"""How brackets are worded, and which numbers of samples they leave."""


def overlap(one: str, other: str) -> bool:
    """Do two brackets have a number of samples in common?"""
    ends = [
        leaves(*map(int, found.groups()))
        for says in (one, other)
        for form, leaves in FORMS.items()
        if (found := re.fullmatch(form, says.replace(",", "")))
    ]
    return len(ends) == 2 and max(low for low, _ in ends) <= min(high for _, high in ends)


def test_certified_numbers_are_those_of_theory(readme: ModuleType, block: str, kept: str) -> None:
    assert stale_bounds(readme, block) == [], AGAIN
    assert len([r for r in csv.DictReader(io.StringIO(kept)) if not r["low"]]) > 50
    assert stale_region(readme, kept) == [], AGAIN


def test_a_mean_in_the_region_has_a_bar_that_reaches_out(readme: ModuleType, kept: str) -> None:
    rows = list(csv.DictReader(io.StringIO(kept)))
    least = {(r["experiment"], r["curve"], r["n"]): float(r["error"]) for r in rows if not r["low"]}
    for panel in readme.gap.PANELS:
        nets = [r for r in rows if r["experiment"] == panel.experiment and r["curve"] == panel.fc]
        bars = [(float(r["high"]), least[panel.experiment, panel.claim, r["n"]]) for r in nets]
        assert bars
        assert all(high >= bound for high, bound in bars)


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


def last_report() -> tuple[Path, bool]:
    """Where the last run left its report, and whether it has to be there."""
    usual, named = ROOT / ".orbitgap", os.environ.get("ORBITGAP_HOME")
    home = ROOT / named if named else usual  # make test names the usual place, run or not
    return home / "report.json", bool(os.environ.get("CI")) or home.resolve() != usual.resolve()


def test_the_block_is_what_the_last_report_gives(readme: ModuleType, block: str, kept: str) -> None:
    source, needed = last_report()
    if not source.is_file():
        says = f"README NOT COMPARED WITH A RUN: no {source}: run `orbitgap verify`"
        (pytest.fail if needed else pytest.skip)(says)
    if json.loads(source.read_text(encoding="utf-8"))["seed"] != 0:
        pytest.skip("README NOT COMPARED WITH A RUN: the report has another seed than what the README shows")
    fresh, files = readme.made(source)
    assert stale_words(block, fresh) == [], AGAIN
    assert stale_curves(kept, files["gap.csv"]) == [], AGAIN


@pytest.mark.parametrize(
    ("ci", "home", "needed"),
    [("", "", False), ("1", "", True), ("", ".orbitgap", False), ("", str(ROOT / ".orbitgap"), False), ("", "x", True)],
)
def test_a_run_that_was_named_has_to_be_there(
    ci: str, home: str, needed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("ORBITGAP_HOME", home)
    assert last_report() == (ROOT / (home or ".orbitgap") / "report.json", needed)


ROW = "| warm-up | 32 | 1/4 | 22 (`ex-4.1-exact`, exact) | {} | – | 1 |\n"
TASKS = "| task | d | error | equivariant: needs | FC net, measured | conv net: suffices | conv net, measured |\n"


def test_a_stale_measured_number_is_seen(block: str, kept: str) -> None:
    assert stale_words(block, block) == stale_curves(kept, kept) == []
    for now, same in (
        ("5 to 16", True),
        ("10", True),
        ("at most 9", True),
        ("more than 31", True),
        ("8", False),
        ("33 to 64", False),
        ("more than 32", False),
        ("not reached up to 1,024", False),
        ("not measured", False),
        ("at most 8", False),
    ):
        assert (stale_words(TASKS + ROW.format("9 to 32"), TASKS + ROW.format(now)) == []) == same, now
    bracket = re.search(r"\d+ to \d+", block)
    assert bracket
    assert stale_words(block, block.replace(bracket[0], "1,001 to 1,002")) != []
    certified = re.search(r"\| (\d+) \(`", block)
    assert certified
    assert stale_words(block, block.replace(certified[0], certified[0].replace(certified[1], "23"))) != []
    assert stale_words(block, block.replace("warm-up (", "warm-down (")) != []
    assert stale_words(block, f"{block}\n") == ["more or fewer lines"]


def test_a_curve_that_moved_too_far_is_seen(kept: str) -> None:
    line = "warmup,32,fc,8,0.4110,0.3288,0.4968"
    assert line in kept
    for now, same in (
        ("warmup,32,fc,8,0.4100,0.3279,0.4958", True),  # one replica ended otherwise
        ("warmup,32,fc,8,0.5000,0.3288,0.6000", False),  # out of the kept interval
        ("warmup,32,fc,8,0.4500,0.4200,0.4800", False),  # the kept mean out of the fresh interval
        ("warmup,32,fc,9,0.4110,0.3288,0.4968", False),
        ("warmup,32,conv,8,0.4110,0.3288,0.4968", False),
        ("warmup,32,fc,8,0.4110,,", False),
    ):
        assert (stale_curves(kept, kept.replace(line, now)) == []) == same, now
    least = re.search(r"^warmup,32,ex-4.1-exact,8,0.3878,,$", kept, re.MULTILINE)
    assert least
    assert stale_curves(kept, kept.replace(least[0], least[0].replace("0.3878", "0.3879"))) != []


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
    "no error rates": {"measurements": []},
    "a word for a number": {},
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
    source = whole(DAMAGE[damage])
    if damage == "a word for a number":
        (source.parent / "figures" / "texture.csv").write_text(f"{HEAD}fc_adam,12,few,9,0.5,0.4,0.6\n")
    before = (checkout / "README.md").read_text(encoding="utf-8")
    assert readme.main([str(source)], checkout) == 2
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
