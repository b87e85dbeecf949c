"""The atlas: rows, what is left out, and that it does not depend on how it is run."""

import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from rich.console import Console

import verify
from verify import adapters, atlas, atlas_page, cli, display_instrument

SCHEMA = json.loads((Path(verify.__file__).parent / "schemas" / "atlas.schema.json").read_text())
NAMES = ("torch.optim:SGD", "torch.optim:Adam", "torch.optim:Muon")


class Raising(torch.optim.SGD):
    """Fails, but not in its first step."""

    def step(self, closure: Any = None) -> Any:
        (group,) = self.param_groups
        group["count"] = group.get("count", 0) + 1
        if group["count"] > 3:
            raise RuntimeError("enough")
        return super().step(closure)


@pytest.fixture(scope="module")
def small() -> dict[str, Any]:
    return atlas.atlas(0, 1, names=NAMES)


def timeless(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "optimizers": [{**o, "seconds": 0} for o in found["optimizers"]]}


def test_it_fits_its_schema_and_keeps_the_order(small: dict[str, Any]) -> None:
    jsonschema.validate(small, SCHEMA)
    assert [o["name"] for o in small["optimizers"]] == list(NAMES)
    json.dumps(small, allow_nan=False)


def test_the_verdicts_are_those_of_the_literature(small: dict[str, Any]) -> None:
    sgd, adam, muon = (o["groups"] for o in small["optimizers"])
    assert {f["verdict"] for f in sgd.values()} == {"certified"}
    assert adam["sign_flip"]["level"] == "bitwise"
    assert adam["signed_permutation"]["verdict"] == "certified"
    assert adam["orthogonal"]["verdict"] == muon["orthogonal"]["verdict"] == "refuted"
    assert "bfloat16" in muon["orthogonal"]["reason"]


def test_what_is_derived_and_what_is_measured_are_both_shown(small: dict[str, Any]) -> None:
    sgd, adam, muon = small["optimizers"]
    assert (sgd["derived"]["largest"], adam["derived"]["largest"]) == ("orthogonal", "signed_permutation")
    assert sgd["differs"] == adam["differs"] == []
    assert muon["derived"]["largest"] == "orthogonal"
    assert muon["differs"] == ["orthogonal"]


def test_the_bounds_that_follow_are_those_of_the_certified_groups(small: dict[str, Any]) -> None:
    sgd, adam, _ = small["optimizers"]
    assert {"thm-5.2-explicit", "thm-5.5-sharp", "ex-4.1-exact"} <= set(sgd["bounds"])
    assert "thm-5.5" in adam["bounds"]
    assert "thm-5.2" not in adam["bounds"]


def test_processes_change_nothing(small: dict[str, Any]) -> None:
    assert timeless(atlas.atlas(0, 2, names=NAMES[:1]))["optimizers"] == timeless(small)["optimizers"][:1]


def test_another_seed_gives_other_numbers(small: dict[str, Any]) -> None:
    (other,) = atlas.atlas(1, 1, names=NAMES[1:2])["optimizers"]
    before = small["optimizers"][1]["groups"]["orthogonal"]["residual"]
    assert other["groups"]["orthogonal"]["residual"] != before


def test_one_that_raises_is_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters, "zoo", lambda: {"mine:Raising": Raising})
    monkeypatch.setattr(adapters, "warmed", lambda optimizer: {"lr": 0.1})
    found = atlas.atlas(0, 1, names=["mine:Raising"])
    assert found["optimizers"] == []
    assert found["left_out"] == [{"name": "mine:Raising", "reason": "RuntimeError: enough"}]


FINDING = {"verdict": "certified", "level": "rounding", "reason": "x"}
OPEN = {**FINDING, "verdict": "inconclusive", "level": None}
BROKEN = {**OPEN, "verdict": "refuted"}


@pytest.mark.parametrize(
    ("default", "warmed", "verdict", "settings"),
    [
        (FINDING, FINDING, "certified", "warmed"),
        (OPEN, FINDING, "certified", "warmed"),
        (FINDING, OPEN, "inconclusive", "warmed"),
        (BROKEN, FINDING, "refuted", "default"),
        (FINDING, BROKEN, "refuted", "warmed"),
    ],
)
def test_a_refutation_counts_wherever_it_was_found(default: Any, warmed: Any, verdict: str, settings: str) -> None:
    found = atlas.merged(default, warmed)
    assert (found["verdict"], found["settings"]) == (verdict, settings)


class Rows(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.rows = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.rows += tag == "tr"
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_has_a_row_for_each_and_asks_for_nothing_else(small: dict[str, Any]) -> None:
    page = atlas_page.page({**small, "left_out": [{"name": "a<b", "reason": "c&d"}]})
    seen = Rows()
    seen.feed(page)
    assert seen.rows == 1 + 2 * len(NAMES)  # each has a row of details
    assert not [link for link in seen.links if not link.startswith("#")]
    assert "a&lt;b" in page
    assert "c&amp;d" in page
    assert "@FRAGMENT@" not in page


@pytest.mark.parametrize("width", [60, 100])
def test_the_table_reads_without_colours(small: dict[str, Any], width: int) -> None:
    console = Console(width=width, no_color=True, record=True, file=io.StringIO())
    console.print(display_instrument.atlas_table(small))
    text = console.export_text()
    assert "Muon" in text
    assert "bitwise" in text
    assert "✕" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json", "--html"], "--html: got it with --json, want one of them"),
        (["--jobs", "0"], "--jobs: got 0, want a number >= 1"),
        (["--seed", "-1"], "--seed: got -1"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["atlas", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_command_prints_data_and_keeps_it(
    small: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path))
    monkeypatch.setattr(atlas, "atlas", lambda seed, jobs, tick: small)
    for option in ("--json", "--html"):
        assert cli.main(["atlas", option]) == 0
        out = capsys.readouterr().out
        assert json.loads(out) == small if option == "--json" else out.startswith("<!doctype html>")
    assert json.loads((tmp_path / "atlas.json").read_text()) == small


def test_a_missing_package_is_said_in_one_line(
    small: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path))
    monkeypatch.setattr(atlas, "atlas", lambda seed, jobs, tick: small)
    monkeypatch.setattr(adapters, "_third_party", lambda: None)
    assert cli.main(["atlas", "--json"]) == 0
    said = capsys.readouterr()
    assert "pip install 'orbitgap[atlas]'" in said.err
    json.loads(said.out)
