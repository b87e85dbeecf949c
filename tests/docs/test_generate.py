"""The pages say what the report says, and nothing else."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from verify import optimizers, verdicts

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")
MATH = re.compile(r"```{math}.*?```|{math}`[^`]*`", re.DOTALL)
LABEL = re.compile(r"^\(([^)]+)\)=$", re.MULTILINE)

Report = dict[str, Any]


@pytest.fixture
def build(generate: ModuleType, save: Callable[[Report], Path], tmp_path: Path) -> Callable[[Report], Path]:
    def made(report: Report) -> Path:
        assert generate.main([str(save(report)), str(tmp_path / "generated")]) == 0
        return tmp_path / "generated"

    return made


def claim_of(report: Report, id: str) -> Report:
    return next(c for c in report["claims"] if c["id"] == id)


def plain(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_every_claim_has_a_page_its_data_and_a_row(build: Callable[[Report], Path], report: Report) -> None:
    folder = build(report)
    index = plain(folder / "claims" / "index.md")
    for claim in report["claims"]:
        page = plain(folder / "claims" / f"{claim['id']}.md")
        assert json.loads(plain(folder / "claims" / f"{claim['id']}.json")) == claim
        assert all(f"{{math}}`{h}`" in page for h in claim["hypotheses"])
        assert page.count("\n### ") >= len(claim["steps"])
        assert f"[{claim['id']}](#claim-" in index


def test_links_lead_somewhere_and_labels_are_unique(build: Callable[[Report], Path], report: Report) -> None:
    folder = build(report)
    pages = {path: MATH.sub("", plain(path)) for path in folder.rglob("*.md")}
    labels = [label for content in pages.values() for label in LABEL.findall(content)]
    assert len(set(labels)) == len(labels)
    links = [(path, target) for path, content in pages.items() for target in LINK.findall(content)]
    assert len(links) > 100
    outside = {"../../reliability.md"}
    broken = [
        (path.name, target)
        for path, target in links
        if target not in outside
        and not (target[1:] in labels if target.startswith("#") else (path.parent / target).is_file())
    ]
    assert broken == []


def test_a_changed_verdict_changes_its_pages_and_is_loud(build: Callable[[Report], Path], report: Report) -> None:
    folder = build(report)
    before = {name: plain(folder / name) for name in ("claims/def-3.1.md", "claims/index.md", "run.md", "verdict.inc")}
    assert not any(":class: danger" in content for content in before.values())
    claim_of(report, "def-3.1").update(status="INCONCLUSIVE", trust=None, reason="a reason to read")
    report["ok"] = False
    build(report)
    for name, old in before.items():
        assert plain(folder / name) != old
        assert ":class: danger" in plain(folder / name)
    page = plain(folder / "claims/def-3.1.md")
    assert "? INCONCLUSIVE, wanted CERTIFIED" in page
    assert "a reason to read" in page


def test_table_1_says_only_what_its_steps_show(build: Callable[[Report], Path], report: Report) -> None:
    folder = build(report)
    cells = [c for row in claim_of(report, "table-1")["table"] for c in row["cells"].values()]
    page = plain(folder / "table-1.md")
    assert page.count("[✓ holds](#step-table-1-") == sum(c["holds"] for c in cells)
    assert page.count("[✗ fails](#step-table-1-") == sum(not c["holds"] for c in cells)
    step = claim_of(report, "table-1")["table"][0]["cells"]["orthogonal"]["step"]
    next(s for s in claim_of(report, "table-1")["steps"] if s["name"] == step)["verdict"] = "INCONCLUSIVE"
    build(report)
    assert plain(folder / "table-1.md").count("[? INCONCLUSIVE](#step-table-1-") == sum(
        c["step"] == step for c in cells
    )


def test_the_grid_has_every_optimizer_under_every_group(build: Callable[[Report], Path], report: Report) -> None:
    folder = build(report)
    grid = plain(folder / "optimizers.md").partition("## How")[0]
    for subject in optimizers.OPTIMIZERS:
        (row,) = [line for line in grid.splitlines() if line.startswith(f"| {subject.title} |")]
        assert row.count(" level") == len(optimizers.GROUPS)
    assert "not measured" not in grid
    last = report["measurements"][0]
    last["verdict"], report["ok"] = "REFUTED", False
    build(report)
    assert "✗ REFUTED, wanted CERTIFIED" in plain(folder / "optimizers.md").partition("## How")[0]


def test_factors_and_rates_come_from_the_code_and_the_data(
    build: Callable[[Report], Path], report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "EXPLAINED", 123.0)
    monkeypatch.setattr(verdicts, "CLEAR", 45678.0)
    folder = build(report)
    page = plain(folder / "optimizers.md")
    assert "123 units" in page
    assert "45,678 units" in page
    assert f"| {0.5**7:.2g} |" in page  # seven cases, each showing the violation with probability 1/2
    assert "3 intervals" in plain(folder / "warmup.md")
    assert "0.125" in plain(folder / "warmup.md")
    assert "271828" in plain(folder / "run.md")


def test_long_certificates_are_cut_on_the_page_only(build: Callable[[Report], Path], report: Report) -> None:
    folder = build(report)
    page = plain(folder / "warmup.md")
    assert "[899]" not in page
    assert "[warmup.json](warmup.json)" in page
    assert json.loads(plain(folder / "warmup.json"))[0]["certificate"]["points"][-1] == [899]


def test_words_are_not_read_as_markup(generate: ModuleType) -> None:
    assert generate.text("a | b_c\n*d* <e> $f$ \\") == r"a \| b\_c \*d\* \<e\> \$f\$ \\"


def test_a_statement_is_broken_at_outer_quads_only(generate: ModuleType) -> None:
    tex = r"a,\quad \text{b \quad c}\qquad \left( d \quad e \right) \{ \quad f \}"
    lines = generate.display(tex).splitlines()[2:-2]
    assert lines == [r"& a, \\", r"& \text{b \quad c} \\", r"& \left( d \quad e \right) \{ \\", r"& f \}"]


def test_what_is_no_longer_made_goes_and_other_files_are_safe(
    build: Callable[[Report], Path], report: Report, generate: ModuleType, tmp_path: Path
) -> None:
    folder = build(report)
    (folder / "old").mkdir()
    (folder / "old" / "lem-gone.md").write_text("# gone\n")
    unchanged = (folder / "run.md").stat().st_mtime_ns
    build(report)
    assert not (folder / "old").exists()
    assert (folder / "run.md").stat().st_mtime_ns == unchanged
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.md").write_text("years of work")
    assert generate.main([str(tmp_path / "home" / "report.json"), str(mine)]) == 2
    assert [path.name for path in mine.iterdir()] == ["thesis.md"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )


def test_the_command_reports_a_missing_file_in_one_line(tmp_path: Path) -> None:
    done = run(str(tmp_path / "none.json"), str(tmp_path / "out"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "orbitgap verify" in done.stderr
    assert not (tmp_path / "out").exists()


DAMAGE: dict[str, Callable[[Report], Report]] = {
    "not an object": lambda r: [],  # type: ignore[arg-type,return-value]
    "no claims": lambda r: {k: v for k, v in r.items() if k != "claims"},
    "a verdict of its own": lambda r: r | {"claims": [r["claims"][0] | {"status": "PERHAPS"}]},
    "ok against its verdicts": lambda r: r | {"ok": False},
    "a figure that is not there": lambda r: r | {"figures": ["elsewhere/other.svg"]},
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_report_is_refused_in_one_line(
    damage: str,
    generate: ModuleType,
    save: Callable[[Report], Path],
    report: Report,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert generate.main([str(save(DAMAGE[damage](report))), str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("generate: ")
    assert not (tmp_path / "out").exists()


def test_half_a_file_is_refused(
    generate: ModuleType, save: Callable[[Report], Path], report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(report)
    path.write_bytes(path.read_bytes()[:1000])
    assert generate.main([str(path), str(path.parent / "out")]) == 2
    assert "damaged" in capsys.readouterr().err
