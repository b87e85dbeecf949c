"""`orbitgap simulate`: what it writes and shows, and what it says to bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sims import warmup
from verify import cli

SCHEMA = json.loads((Path(cli.__file__).parent / "schemas" / "simulate.schema.json").read_text())


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One dimension and few replicas, in two chunks a cell; the results of the run go to a folder of its own."""
    monkeypatch.setattr(warmup, "DIMENSIONS", {"quick": (4,), "full": (4, 8)})
    monkeypatch.setattr(warmup, "REPLICAS", {"quick": 400, "full": 400})
    monkeypatch.setattr(warmup, "CHUNK", 200)
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")


def simulate(*arguments: str | Path) -> int:
    return cli.main(["simulate", *map(str, arguments)])


def data(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    jsonschema.validate(found, SCHEMA)
    return found


def test_a_run_and_its_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "found.json"
    code = simulate("warmup", "--jobs", "1", "--out", tmp_path / "out", "--json", report)
    found, shown = data(report), capsys.readouterr().out
    wrong = [v["question"] for v in found["verdicts"] if v["verdict"] != v["expected"]]
    assert code == (1 if wrong else 0)
    assert found["ok"] is (not wrong)
    assert all(v["question"][:12] in shown and f"{v['margin']:+.3g}" in shown for v in found["verdicts"])
    assert [Path(path).suffix for path in found["figures"]] == [".svg", ".png", ".csv"]
    assert all(Path(path).is_file() for path in found["figures"])
    assert found["chunks"] == {"computed": 2 * len(found["points"]), "found": 0, "missing": 0}


def test_it_resumes_and_a_damaged_chunk_is_computed_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate("warmup", "--jobs", "1", "--out", tmp_path / "out", "--json", tmp_path / "first.json")
    chunk = sorted((tmp_path / "out" / "warmup").glob("*.parquet"))[3]
    chunk.write_bytes(chunk.read_bytes()[:-20])
    capsys.readouterr()
    simulate("warmup", "--jobs", "1", "--out", tmp_path / "out", "--json", tmp_path / "second.json")
    first, second = data(tmp_path / "first.json"), data(tmp_path / "second.json")
    assert second["points"] == first["points"]
    assert second["chunks"]["computed"] == 1
    assert len(second["recomputed"]) == 1
    assert chunk.name in capsys.readouterr().err


def test_shards_join(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate("warmup", "--jobs", "1", "--out", tmp_path / "whole", "--json", tmp_path / "whole.json")
    for i in (1, 2):
        shared = ("--jobs", "1", "--out", tmp_path / "shared", "--json", tmp_path / f"{i}.json")
        code = simulate("warmup", "--shard", f"{i}/2", *shared)
        assert i == 2 or code == 0
    first, second = data(tmp_path / "1.json"), data(tmp_path / "2.json")
    assert not first["complete"]
    assert first["ok"] is None
    assert first["chunks"]["missing"] > 0
    assert second["complete"]
    assert second["points"] == data(tmp_path / "whole.json")["points"]


def test_another_seed_is_another_measurement(tmp_path: Path) -> None:
    for seed in (0, 1):
        simulate("warmup", "--jobs", "1", "--seed", seed, "--out", tmp_path, "--json", tmp_path / f"{seed}.json")
    assert data(tmp_path / "0.json")["points"] != data(tmp_path / "1.json")["points"]
    assert data(tmp_path / "1.json")["chunks"]["found"] == 0


def test_a_violated_bound_is_an_alarm(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from types import MappingProxyType

    cheat = MappingProxyType({**warmup.LEARNERS, "fc": lambda x, y, test, seeds: test.sum(dim=1)})
    monkeypatch.setattr(warmup, "LEARNERS", cheat)
    assert simulate("warmup", "--jobs", "1", "--out", tmp_path, "--json", tmp_path / "found.json") == 1
    assert data(tmp_path / "found.json")["ok"] is False
    assert "REFUTED, wanted CERTIFIED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "NAME: got 'nothing', want one of warmup"),
        (["warmup", "--jobs", "0"], "--jobs: got 0"),
        (["warmup", "--shard", "3/2"], "--shard: got '3/2'"),
        (["warmup", "--shard", "0/2"], "--shard: got '0/2'"),
        (["warmup", "--shard", "half"], "--shard: got 'half'"),
        (["warmup", "--seed", "-1"], "--seed: got -1"),
        (["warmup", "--device", "nonsense"], "device"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(*arguments) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


def test_a_place_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("kept")
    for option, place in (("--out", tmp_path / "file"), ("--json", tmp_path), ("--json", tmp_path / "file" / "x")):
        assert simulate("warmup", option, place) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "kept"


def test_a_scheduler_that_does_not_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert simulate("warmup", "--dask", "tcp://127.0.0.1:9", "--out", tmp_path) == 2
    shown = capsys.readouterr().err
    assert "tcp://127.0.0.1:9" in shown
    assert shown.count("\n") == 1
