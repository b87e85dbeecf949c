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

from verify import in_law, inits, optimizers, stations, verdicts
from verify.feature_table import FEATURES
from verify.regimes import REGIMES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
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


def test_every_claim_has_a_page_its_data_and_a_row(
    build: Callable[[Report], Path], report: Report, generate: ModuleType
) -> None:
    folder = build(report)
    ids = [claim["id"] for claim in report["claims"]]
    index = plain(folder / "claims" / "index.md")
    for claim in report["claims"]:
        page = plain(folder / "claims" / f"{claim['id']}.md")
        assert json.loads(plain(folder / "claims" / f"{claim['id']}.json")) == claim
        assert all(generate.claims.with_links(generate.claims.prose(h), ids) in page for h in claim["hypotheses"])
        assert page.count("\n### ") >= len(claim["steps"])
        assert f"[{claim['id']}](#claim-" in index


def test_links_lead_somewhere_and_labels_are_unique(build: Callable[[Report], Path], report: Report) -> None:
    folder = build(report)
    pages = {path: MATH.sub("", plain(path)) for path in folder.rglob("*.md")}
    labels = [label for content in pages.values() for label in LABEL.findall(content)]
    assert len(set(labels)) == len(labels)
    links = [(path, target) for path, content in pages.items() for target in LINK.findall(content)]
    assert len(links) > 100

    def leads_somewhere(path: Path, target: str) -> bool:
        file, _, label = target.partition("#")
        beside = (DOCS / "generated" / path.relative_to(folder).parent / file).resolve()  # a page written by hand
        return label in labels if not file else (path.parent / file).is_file() or beside.is_file()

    broken = [(path.name, target) for path, target in links if not leads_somewhere(path, target)]
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
    shown = 1 + sum(c["step"] == step for c in cells)  # and once in the table as the paper prints it
    assert plain(folder / "table-1.md").count("[? INCONCLUSIVE](#step-table-1-") == shown


def section(page: Path, title: str) -> str:
    """One part of a page, up to the next of its level."""
    return plain(page).partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def lines(content: str, start: str) -> list[str]:
    return [line for line in content.splitlines() if line.startswith(start)]


def test_the_grid_has_every_optimizer_under_every_group(build: Callable[[Report], Path], report: Report) -> None:
    page = build(report) / "optimizers.md"
    grid = section(page, "Optimizers of torch")
    for subject in optimizers.OPTIMIZERS:
        (row,) = lines(grid, f"| {subject.title} |")
        assert row.count("(#measured-table-1-") == len(optimizers.GROUPS)
        assert row.count("rounding, 1.5") == row.count("✓ CERTIFIED")
        assert row.count("25%") == row.count("✗ REFUTED") > 0
    assert "not measured" not in grid
    last = report["measurements"][0]
    last["verdict"], report["ok"] = "REFUTED", False
    build(report)
    assert "✗ REFUTED, wanted CERTIFIED" in section(page, "Optimizers of torch")


def test_every_feature_shows_what_is_predicted_and_measured(build: Callable[[Report], Path], report: Report) -> None:
    page = build(report) / "optimizers.md"
    found = section(page, "Features of training")
    assert len(lines(found, "| [")) == len(FEATURES)
    assert found.count("bitwise") == sum(len(row.keeps) for row in FEATURES)
    (adam,) = lines(found, "| [Adam](")
    assert "| signed permutations |" in adam
    assert "✗\u00a0broken" in adam
    row = next(m for m in report["measurements"] if m["certificate"].get("subject") == "Adam")
    row["certificate"]["groups"]["orthogonal"] = {"verdict": "CERTIFIED", "level": "rounding"}
    build(report)
    assert "**✓ CERTIFIED, wanted REFUTED**" in section(page, "Features of training")


def test_the_names_of_measurements_are_not_read(build: Callable[[Report], Path], report: Report) -> None:
    for number, m in enumerate(report["measurements"]):
        m["name"] = f"entry {number}"
    page = build(report) / "optimizers.md"
    assert len(lines(section(page, "First weights"), "| [nn.")) == len(inits.INITIALISATIONS)
    assert "(#measured-table-1-entry-0)" in lines(section(page, "Optimizers of torch"), "| SGD |")[0]


def test_an_undecided_law_is_not_shown_as_predicted(build: Callable[[Report], Path], report: Report) -> None:
    row = next(m for m in report["measurements"] if m["certificate"].get("subject") == "nn.Linear")
    row["verdict"], report["ok"] = "INCONCLUSIVE", False
    found = section(build(report) / "optimizers.md", "First weights")
    assert lines(found, "| [nn.Linear](")[0].count("? INCONCLUSIVE, wanted") == 4


def test_factors_and_rates_come_from_the_code_and_the_data(
    build: Callable[[Report], Path], report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, value in (
        (verdicts, "EXPLAINED", 123.0),
        (verdicts, "CLEAR", 45678.0),
        (verdicts, "DRIFT", 1e-3),
        (stations, "WITNESSES", 77),
        (in_law, "ALPHA", 1e-4),
    ):
        monkeypatch.setattr(module, name, value)
    folder = build(report)
    page = plain(folder / "optimizers.md")
    assert all(text in page for text in ("123 controls", "45,678 controls", "10⁻³ of each step", "77 controls"))
    assert all(len(lines(page, f"| {r.name} | {r.d} |")) == 1 for r in REGIMES)
    assert f"up to {max(r.steps for r in REGIMES)} steps" in plain(folder / "missed.inc")
    rates = plain(folder / "errors.inc")
    weights, drawn = 4 * len(inits.INITIALISATIONS), 4 * sum(row.in_law for row in FEATURES)
    assert f"{weights} comparisons" in rates
    assert f"at most {weights * 1e-8:.2g}." in rates
    assert f"at most {drawn} comparisons at 0.0001 each, so at most {drawn * 1e-4:.2g}." in rates
    assert "no probability is attached" in rates
    assert "3 intervals" in plain(folder / "simulations" / "warmup.md")
    assert "0.125" in plain(folder / "simulations" / "warmup.md")
    assert "271828" in plain(folder / "run.md")


def test_the_atlas_is_made_of_what_lies_beside_the_report(
    build: Callable[[Report], Path], report: Report, atlas: Report, tmp_path: Path
) -> None:
    folder = build(report)
    assert "`orbitgap atlas`" in plain(folder / "atlas.md")
    assert not (folder / "atlas.json").exists()
    (tmp_path / "home" / "atlas.json").write_text(json.dumps(atlas), encoding="utf-8")
    build(report)
    assert json.loads(plain(folder / "atlas.json")) == atlas
    page = plain(folder / "atlas.md")
    assert page.count("<tbody>") == 1
    assert "0.2 *" in page  # the size, and that it differs from what is derived
    assert "<code>some.package:Other</code>: needs a network" in page


DAMAGED_ATLAS: dict[str, Callable[[Report], object]] = {
    "a seed of words": lambda a: a.update(seed="none"),
    "a row without a group": lambda a: a["optimizers"][0]["groups"].pop("orthogonal"),
    "certified at no level": lambda a: a["optimizers"][0]["groups"]["sign_flip"].update(level=None),
    "a reason for an unknown group": lambda a: a["optimizers"][0]["derived"]["reasons"].update(gone="why"),
}


@pytest.mark.parametrize("damage", DAMAGED_ATLAS)
def test_a_damaged_atlas_is_refused_in_one_line(
    damage: str,
    generate: ModuleType,
    save: Callable[[Report], Path],
    report: Report,
    atlas: Report,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = save(report)
    damaged = json.loads(json.dumps(atlas))
    DAMAGED_ATLAS[damage](damaged)
    (source.parent / "atlas.json").write_text(json.dumps(damaged), encoding="utf-8")
    assert generate.main([str(source), str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "run `orbitgap atlas` again" in said


def test_keys_of_all_schemas_are_described(build: Callable[[Report], Path], report: Report) -> None:
    folder = build(report)
    page = plain(folder / "json.md")
    for path in (folder / "schemas").iterdir():
        assert f"[{path.name}](schemas/{path.name})" in page
    (row,) = lines(page, "| `optimizers[].groups.*.residual` |")  # once for all groups
    assert "number or null" in row


def test_long_certificates_are_cut_on_the_page_only(build: Callable[[Report], Path], report: Report) -> None:
    folder = build(report)
    page = plain(folder / "simulations" / "warmup.md")
    assert "[899]" not in page
    assert "[warmup.json](warmup.json)" in page
    assert json.loads(plain(folder / "simulations" / "warmup.json"))[0]["certificate"]["points"][-1] == [899]


def test_words_are_not_read_as_markup(generate: ModuleType) -> None:
    assert generate.run.text("a | b_c\n*d* <e> $f$ \\") == r"a \| b\_c \*d\* \<e\> \$f\$ \\"


def test_a_statement_is_broken_at_outer_quads_only(generate: ModuleType) -> None:
    tex = r"a,\quad \text{b \quad c}\qquad \left( d \quad e \right) \{ \quad f \}"
    shown = generate.claims.display(tex).splitlines()[2:-2]
    assert shown == [r"& a, \\", r"& \text{b \quad c} \\", r"& \left( d \quad e \right) \{ \\", r"& f \}"]


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
    "used by a claim that is not there": lambda r: first_with(r, used_by=["gone"]),
    "rests on a claim that is not there": lambda r: first_with(r, rests_on=["gone"]),
    "uses a claim that is not there": lambda r: first_with(r, uses=["gone"]),
    "rests on what its proof does not": lambda r: first_with(r, rests_on=[r["claims"][-1]["id"]], proof_uses=[]),
    "a step uses a claim that is not there": lambda r: first_with(r, steps=[step_of(r, uses=["gone"])]),
    "a measurement of a claim that is not there": lambda r: measured_with(r, "trials", claim="gone"),
    "a measurement uses a claim that is not there": lambda r: measured_with(r, "trials", uses=["gone"]),
    "a measurement without a name": lambda r: measured_with(r, "trials", name=" "),
    "no table": lambda r: with_table(r, None),
    "an empty table": lambda r: with_table(r, []),
    "an empty title": lambda r: first_with(r, title=" "),
    "a claim twice": lambda r: r | {"claims": [*r["claims"], r["claims"][0]]},
    "a simulation of nothing": lambda r: measured_with(
        r, "simulation", certificate={"kind": "simulation", "alpha": 0.1, "comparisons": 3}
    ),
    "a simulation without an error rate": lambda r: measured_with(
        r, "simulation", certificate={"kind": "simulation", "experiment": "warmup", "comparisons": 3}
    ),
}
CSV = "learner,d,n,replicas,mean,low,high\nfc,5,0,9,0.5,0.4,0.6\n"
DAMAGED_CURVES = {
    "a word for a number": CSV.replace("9,0.5", "nine,0.5").encode(),
    "a short row": CSV.replace(",0.4,0.6", "").encode(),
    "not UTF-8": CSV.encode() + b"\xff\xfe",
    "not a number": CSV.replace("0.5", "nan").encode(),
}


def first_with(report: Report, **changes: Any) -> Report:
    return report | {"claims": [report["claims"][0] | changes, *report["claims"][1:]]}


def step_of(report: Report, **changes: Any) -> Report:
    return next(step for claim in report["claims"] for step in claim["steps"]) | changes


def measured_with(report: Report, kind: str, **changes: Any) -> Report:
    rows = report["measurements"]
    k = next(k for k, m in enumerate(rows) if m["certificate"].get("kind") == kind)
    return report | {"measurements": [*rows[:k], rows[k] | changes, *rows[k + 1 :]]}


def with_table(report: Report, rows: list[Report] | None) -> Report:
    claim = claim_of(report, "table-1")
    del claim["table"]
    claim.update({} if rows is None else {"table": rows})
    return report


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


@pytest.mark.parametrize("damage", DAMAGED_CURVES)
def test_damaged_curves_are_refused_in_one_line(
    damage: str,
    generate: ModuleType,
    save: Callable[[Report], Path],
    report: Report,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = save(report)
    (source.parent / "figures" / "warmup.csv").write_bytes(DAMAGED_CURVES[damage])
    assert generate.main([str(source), str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("generate: warmup.csv is damaged (")
    (source.parent / "figures" / "warmup.csv").write_text(CSV)
    assert generate.main([str(source), str(tmp_path / "out")]) == 0


KINDS: dict[str, Callable[[Report], bool]] = {
    "an optimizer": lambda m: "optimizer" in m["certificate"],
    "a feature": lambda m: m["certificate"].get("subject") == FEATURES[0].title,
    "first weights": lambda m: m["certificate"].get("subject") == next(iter(inits.INITIALISATIONS)),
    "an exact replay": lambda m: m["by"] == "EXACT",
    "a simulation": lambda m: m["by"] == "SIMULATED",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_that_raised_is_shown_loudly(kind: str, build: Callable[[Report], Path], report: Report) -> None:
    row = next(m for m in report["measurements"] if KINDS[kind](m))
    raised = {"verdict": "INCONCLUSIVE", "trust": None, "certificate": {}, "failure": "Traceback ...\nBoom: planted"}
    row.update(raised, summary="Boom: planted", mutant={**row["mutant"], "verdict": None})
    report["ok"] = False
    folder = build(report)
    name = f"simulations/{row['name'].partition(': ')[0]}.md" if kind == "a simulation" else "optimizers.md"
    page = plain(folder / name)
    assert ":class: danger" in page
    assert f"**? INCONCLUSIVE, wanted {row['expected']}**" in page
    assert "Boom: planted" in page
    anchors = {label for path in folder.rglob("*.md") for label in LABEL.findall(plain(path))}
    assert set(re.findall(r"\]\(#(measured-[^)]*)\)", plain(folder / "run.md"))) <= anchors


def test_half_a_file_is_refused(
    generate: ModuleType, save: Callable[[Report], Path], report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(report)
    path.write_bytes(path.read_bytes()[:1000])
    assert generate.main([str(path), str(path.parent / "out")]) == 2
    assert "damaged" in capsys.readouterr().err
