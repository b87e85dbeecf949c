"""The picture and the table of the gap: from the report and from theory, and drawn from their CSV alone."""

import csv
import dataclasses
import importlib
import io
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest

from sims.texture import EXPERIMENT as TEXTURE
from theory import bounds
from theory.warmup import least_error

Report = dict[str, Any]
HEAD = "learner,d,n,replicas,mean,low,high\n"
CURVES = {
    "warmup": "fc,8,0,9,0.5,0.4,0.6\nfc,8,4,9,0.31234,0.3,0.4\nfc,8,16,9,0.1,0.05,0.2\n"
    "conv,8,0,9,0.5,0.4,0.6\nconv,8,1,9,0.01,0,0.02\nconv,9,1,9,0.9,0.9,0.9\nfc,4,0,9,0.7,0.7,0.7\n",
    "texture": "fc_adam,12,0,9,0.5,0.4,0.6\nfc_adam,12,6,9,0.45,0.4,0.5\nconv_net,12,0,9,0.5,0.4,0.6\n"
    "conv_net,12,4,9,0.1,0,0.2\nconv,12,1,9,0.5,0.4,0.6\nconv,12,3,9,0.1,0.1,0.2\n",
    "regression": "fc,6,10,9,0.7,0.6,0.8\nfc,6,21,9,0.1,0.05,0.2\nconv,6,5,9,0.7,0.6,0.8\nconv,6,6,9,0,0,0.01\n",
    "figure1": '"fc, gaussian",1024,64,9,0.5,0.4,0.6\n"conv, gaussian",1024,1024,9,0.003,0.001,0.009\n',
}


@pytest.fixture
def drawn() -> dict[str, bytes]:
    return {f"{name}.csv": (HEAD + rows).encode() for name, rows in CURVES.items()}


@pytest.fixture(scope="module")
def gap(generate: ModuleType) -> ModuleType:
    return importlib.import_module("generator.gap")


def claim_of(report: Report, id: str) -> Report:
    return next(c for c in report["claims"] if c["id"] == id)


def rows_of(pages: Mapping[str, Any], curve: str) -> list[dict[str, str]]:
    return [row for row in csv.DictReader(io.StringIO(pages["gap.csv"])) if row["curve"] == curve]


def row_of(pages: Mapping[str, Any], start: str) -> list[str]:
    (line,) = (line for line in pages["gap.inc"].splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_measured_numbers_are_those_of_the_report(gap: ModuleType, report: Report, drawn: dict[str, bytes]) -> None:
    pages = gap.pages(report, drawn)
    fc = rows_of(pages, "fc")
    assert [(r["d"], r["n"], r["error"], r["low"], r["high"]) for r in fc][1] == (
        "8",
        "4",
        "0.3123",
        "0.3000",
        "0.4000",
    )
    assert {r["d"] for r in fc + rows_of(pages, "conv")} == {"8"}  # the greatest at which both are measured
    assert "0.31 at n = 4" in pages["gap.inc"]
    other = gap.pages(report, drawn | {"warmup.csv": drawn["warmup.csv"].replace(b"0.31234", b"0.36")})
    assert "0.36 at n = 4" in other["gap.inc"]
    assert other["gap-warmup.svg"] != pages["gap-warmup.svg"]
    assert other["gap-texture.svg"] == pages["gap-texture.svg"]


def test_the_region_is_what_theory_certifies(gap: ModuleType, report: Report, drawn: dict[str, bytes]) -> None:
    pages = gap.pages(report, drawn)
    found = rows_of(pages, "ex-4.1-exact")
    assert [int(r["n"]) for r in found] == list(range(17))
    assert all(0 <= least_error(8, int(r["n"])) - float(r["error"]) < 1e-4 for r in found)
    line = next(line for line in TEXTURE.lines if line.says == "the sharper lower bound")
    assert all(0 <= line.value(12, int(r["n"])) - float(r["error"]) < 1e-4 for r in rows_of(pages, "thm-5.5-sharp"))


def test_what_is_not_certified_excludes_nothing_and_is_loud(
    gap: ModuleType, report: Report, drawn: dict[str, bytes]
) -> None:
    before = gap.pages(report, drawn)
    assert ":class: danger" not in before["gap.inc"]
    claim_of(report, "ex-4.1-exact")["status"] = "INCONCLUSIVE"
    claim_of(report, "conv-upper-5.5")["status"] = "REFUTED"
    pages = gap.pages(report, drawn)
    assert ":class: danger" in pages["gap.inc"]
    assert rows_of(pages, "ex-4.1-exact") == []
    assert "certified least error of rotation" not in pages["gap.inc"]
    assert pages["gap-warmup.svg"] != before["gap-warmup.svg"]
    assert row_of(pages, "warm-up")[3] == "**? INCONCLUSIVE** ([ex-4.1-exact](#claim-ex-4-1-exact))"
    assert row_of(pages, "texture")[5].startswith("**? REFUTED**")


def test_the_table_has_the_bounds_and_the_brackets(gap: ModuleType, report: Report, drawn: dict[str, bytes]) -> None:
    pages = gap.pages(report, drawn)
    least = bounds.best("warmup", 8, "1/4").lower
    trust = claim_of(report, least.claim)["trust"].lower()
    assert row_of(pages, "warm-up")[1:] == [
        "8", "1/4", f"{least.n} ([{least.claim}](#claim-ex-4-1-exact), {trust})", "5 to 16", "–", "1",
    ]  # fmt: skip
    assert row_of(pages, "texture")[4] == "not reached up to 6"
    assert row_of(pages, "texture")[6] == "2 to 3"
    assert row_of(pages, "regression")[2:3] + row_of(pages, "regression")[4:] == [
        "1/2", "11 to 21", row_of(pages, "regression")[5], "6",
    ]  # fmt: skip
    quadratic = row_of(pages, "quadratic")
    assert quadratic[1] == "1,024"
    assert quadratic[3].startswith(f"{bounds.best('quadratic', 1024, '1/100').lower.n:,} (")
    assert quadratic[5].startswith(f"{bounds.best('quadratic', 1024, '1/100', learner='conv').upper.n:,} (")
    assert (quadratic[4], quadratic[6]) == ("not reached up to 64", "at most 1,024")


def test_a_vacuous_bound_is_not_shown(gap: ModuleType) -> None:
    row = gap.ROWS[-1]
    assert gap.bound(row, 1024, "orthogonal").n > 10**6
    assert bounds.best(row.task, 4, "1/4").lower.vacuous
    assert gap.bound(dataclasses.replace(row, eps="1/4"), 4, "orthogonal") is None


def test_the_picture_is_drawn_from_its_csv_alone(gap: ModuleType, report: Report, drawn: dict[str, bytes]) -> None:
    pages = gap.pages(report, drawn)
    assert gap.render(pages["gap.csv"]) == {name: content for name, content in pages.items() if name != "gap.inc"}
    pictures = sorted(name for name in pages if name.endswith(".svg"))
    assert pictures == [f"gap-{name}{dark}.svg" for name in ("texture", "warmup") for dark in ("-dark", "")]
    for name in pictures:
        drawing = pages[name].decode()
        assert set(re.findall(r"https?://[\w./]+", drawing)) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }
        assert f"generated/{name}" in pages["gap.inc"]
        assert "<date>" not in drawing.lower()
    assert pages["gap-warmup.svg"] != pages["gap-warmup-dark.svg"]


def test_a_report_without_curves_says_so(gap: ModuleType, report: Report, drawn: dict[str, bytes]) -> None:
    pages = gap.pages(report, {"warmup.csv": b"learner,d,n,error\nfc,5,0,0.5\nconv,5,0,0.25\n"})
    assert set(pages) == {"gap.inc"}
    assert "no curves of warmup, texture, regression, figure1" in pages["gap.inc"]
    assert row_of(pages, "warm-up")[1] == "not measured"
    del drawn["texture.csv"]
    some = gap.pages(report, drawn)
    assert "no curves of texture" in some["gap.inc"]
    assert "gap-warmup.svg" in some


def test_the_legend_has_the_probability_of_the_report(gap: ModuleType, report: Report) -> None:
    rows = [m for m in report["measurements"] if m["certificate"].get("experiment") == "warmup"]
    warmup = gap.PANELS[:1]
    assert f"except with probability {rows[0]['certificate']['alpha']:g} at most" in gap.legend(report, warmup)
    assert "except with probability 0.25 at most" in gap.legend(report, gap.PANELS)
    for m in rows:
        m["certificate"] = {**m["certificate"], "alpha": 1e-5}
    assert "except with probability 10⁻⁵ at most" in gap.legend(report, warmup)


def test_an_error_rate_that_is_not_stated_is_not_zero(gap: ModuleType, report: Report, drawn: dict[str, bytes]) -> None:
    report["measurements"] = []
    page = gap.pages(report, drawn)["gap.inc"]
    assert "this report does not state the error rate of warmup, texture" in page
    assert "except with probability" not in page


def test_what_is_set_for_other_figures_does_not_change_the_picture(
    gap: ModuleType, report: Report, drawn: dict[str, bytes]
) -> None:
    mpl = pytest.importorskip("matplotlib")
    before = gap.pages(report, drawn)
    with mpl.rc_context({"lines.linewidth": 9, "axes.facecolor": "red", "svg.fonttype": "none", "font.weight": "bold"}):
        assert gap.pages(report, drawn) == before
        assert mpl.rcParams["lines.linewidth"] == 9


def test_an_alternative_text_holds_no_markup(gap: ModuleType, report: Report, drawn: dict[str, bytes]) -> None:
    alts = re.findall(r"^:alt: (.*)$", gap.pages(report, drawn)["gap.inc"], re.MULTILINE)
    assert len(alts) == 4
    assert not any("\\" in alt for alt in alts)
