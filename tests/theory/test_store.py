"""Evidence survives between runs exactly as long as it should."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from theory import store
from theory.claims import Ledger
from theory.evidence import Trust, Verdict
from theory.status import StepResult, check, statuses

C, R, Q = Verdict.CERTIFIED, Verdict.REFUTED, Verdict.INCONCLUSIVE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the evidence goes; its folder does not exist yet."""
    return tmp_path / "home" / "evidence.json"


@pytest.fixture
def family(book: Any) -> Any:
    """A claim, one stated with it, one proved from that, and a stranger."""
    book.enter("a", C, R)
    book.enter("b", C, uses=["a"])
    book.enter("c", Q, rests=["b"])
    book.enter("e", C, trust=Trust.SAMPLED)
    return book


def test_what_is_saved_is_loaded(path: Path, family: Ledger) -> None:
    results = check(family)
    store.save(path, family, results)
    assert store.load(path, family) == results


def test_a_step_without_trust_or_mutant_comes_back_too(path: Path, family: Ledger) -> None:
    broken = StepResult("step 0", Q, None, 0.25, "ö: failed", None, failure="Traceback\n  ö")
    store.save(path, family, {"c": [broken]})
    assert store.load(path, family) == {"c": [broken]}


def test_the_real_ledger_comes_back(path: Path, ledger: Ledger, results: Mapping[str, Sequence[StepResult]]) -> None:
    store.save(path, ledger, results)
    assert statuses(ledger, store.load(path, ledger)) == statuses(ledger, results)


def test_no_file_is_no_evidence(path: Path, family: Ledger) -> None:
    assert store.load(path, family) == {}
    assert not path.parent.exists()


def test_saving_some_keeps_the_others_and_replaces_the_old(path: Path, family: Ledger) -> None:
    results = check(family)
    store.save(path, family, {"a": results["a"], "e": results["e"]})
    newer = [replace(r, seconds=99.0) for r in results["e"]]
    store.save(path, family, {"e": newer})
    assert store.load(path, family) == {"a": results["a"], "e": newer}


EDITED = {"a": {"e"}, "b": {"a", "e"}, "c": {"a", "b", "e"}, "e": {"a", "b", "c"}}


@pytest.mark.parametrize(("edited", "kept"), EDITED.items())
def test_an_edited_statement_loses_its_evidence_and_that_of_its_descendants(
    path: Path, family: Any, edited: str, kept: set[str]
) -> None:
    store.save(path, family, check(family))
    family.claims[edited] = replace(family.claims[edited], statement="edited")
    loaded = store.load(path, family)
    assert set(loaded) == kept
    assert statuses(family, loaded)[edited].verdict is None


def test_saving_after_an_edit_does_not_revive_stale_evidence(path: Path, family: Any) -> None:
    results = check(family)
    store.save(path, family, results)
    original = family.claims["a"]
    family.claims["a"] = replace(original, statement="edited")
    store.save(path, family, {"e": results["e"]})
    assert set(json.loads(path.read_text())["claims"]) == {"e"}
    family.claims["a"] = original
    assert set(store.load(path, family)) == {"e"}


def test_a_claim_that_left_the_ledger_is_forgotten(path: Path, family: Any) -> None:
    store.save(path, family, check(family))
    del family.claims["e"], family.steps["e"]
    assert set(store.load(path, family)) == {"a", "b", "c"}


def test_other_code_loses_all_evidence(path: Path, family: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(path, family, check(family))
    assert store.load(path, family)
    monkeypatch.setattr(store, "code_digest", lambda: "other code")
    assert store.load(path, family) == {}
    store.save(path, family, {"e": check(family)["e"]})
    assert set(store.load(path, family)) == {"e"}


def test_the_code_digest_sees_one_byte_in_any_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.py", "b.py", "store.py"):
        (tmp_path / name).write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setattr(store, "__file__", str(tmp_path / "store.py"))
    before = store.code_digest.__wrapped__()
    assert store.code_digest.__wrapped__() == before
    (tmp_path / "notes.txt").write_text("not code", encoding="utf-8")
    assert store.code_digest.__wrapped__() == before
    for name in ("a.py", "b.py", "store.py"):
        (tmp_path / name).write_text("x = 2\n", encoding="utf-8")
        assert store.code_digest.__wrapped__() != before
        (tmp_path / name).write_text("x = 1\n", encoding="utf-8")
    assert store.code_digest.__wrapped__() == before


def steps_of_a(content: dict[str, Any]) -> dict[str, Any]:
    """The first stored step of the claim a."""
    return content["claims"]["a"]["steps"][0]


DAMAGE: dict[str, Callable[[dict[str, Any]], object]] = {
    "no code": lambda c: c.pop("code"),
    "no claims": lambda c: c.pop("claims"),
    "claims are a list": lambda c: c.update(claims=[1]),
    "an entry is a number": lambda c: c["claims"].update(a=1),
    "an entry has no digest": lambda c: c["claims"]["a"].pop("digest"),
    "an entry has no steps": lambda c: c["claims"]["a"].pop("steps"),
    "steps are a number": lambda c: c["claims"]["a"].update(steps=1),
    "a step has no verdict": lambda c: steps_of_a(c).pop("verdict"),
    "a step has an unknown field": lambda c: steps_of_a(c).update(extra=1),
    "an unknown verdict": lambda c: steps_of_a(c).update(verdict="MAYBE"),
    "an unknown mutant verdict": lambda c: steps_of_a(c).update(mutant="MAYBE"),
    "an unknown trust": lambda c: steps_of_a(c).update(trust="HOPE"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_named_and_left_in_place(
    path: Path, family: Ledger, damage: Callable[[dict[str, Any]], object]
) -> None:
    results = check(family)
    store.save(path, family, results)
    content = json.loads(path.read_text(encoding="utf-8"))
    damage(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    is_refused_and_left(path, family, results)


@pytest.mark.parametrize("data", [b"", b"{", b"[1, 2]", b"null", b"\xff\xfe", b'"text"', b'{"code": 1'], ids=repr)
def test_what_is_no_evidence_file_is_named_and_left_in_place(path: Path, family: Ledger, data: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(data)
    is_refused_and_left(path, family, check(family))


def is_refused_and_left(path: Path, ledger: Ledger, results: Mapping[str, Sequence[StepResult]]) -> None:
    """Neither loading nor saving touches the damaged file, and both name it."""
    before = path.read_bytes()
    with pytest.raises(ValueError, match="damaged") as caught:
        store.load(path, ledger)
    assert str(path) in str(caught.value)
    with pytest.raises(ValueError, match="damaged"):
        store.save(path, ledger, results)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


class DiskFullError(OSError):
    """Stands for any failure while writing."""


def full(*args: object, **kwargs: object) -> None:
    """Fails as a full disk does."""
    raise DiskFullError


class FailingStream:
    """Writes a little and then fails."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> FailingStream:
        return self

    def __exit__(self, *error: object) -> None:
        self.stream.close()

    def write(self, text: str) -> None:
        """The first half only."""
        self.stream.write(text[: len(text) // 2])
        raise DiskFullError


def fail_while_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    original = os.fdopen
    monkeypatch.setattr(os, "fdopen", lambda *args, **kwargs: FailingStream(original(*args, **kwargs)))


def fail_while_renaming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "replace", full)


@pytest.mark.parametrize("break_it", [fail_while_writing, fail_while_renaming])
@pytest.mark.parametrize("old", ["old content", None])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, break_it: Callable[[pytest.MonkeyPatch], None], old: str | None
) -> None:
    target = tmp_path / "file.json"
    if old is not None:
        target.write_text(old, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        break_it(patch)
        with pytest.raises(DiskFullError):
            store.write_atomically(target, "new content")
    assert [p.name for p in tmp_path.iterdir()] == ([] if old is None else ["file.json"])
    assert old is None or target.read_text(encoding="utf-8") == old


def test_a_write_replaces_the_whole_file_and_makes_its_folder(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "down" / "file.txt"
    for text in ("a long first content", "ö"):
        store.write_atomically(target, text)
        assert target.read_text(encoding="utf-8") == text
    assert [p.name for p in target.parent.iterdir()] == ["file.txt"]


HOMES = {"/somewhere/else": "/somewhere/else", "": ".orbitgap", None: ".orbitgap", "relative": "relative"}


@pytest.mark.parametrize(("variable", "expected"), HOMES.items(), ids=repr)
def test_home_honours_the_environment(monkeypatch: pytest.MonkeyPatch, variable: str | None, expected: str) -> None:
    if variable is None:
        monkeypatch.delenv("ORBITGAP_HOME", raising=False)
    else:
        monkeypatch.setenv("ORBITGAP_HOME", variable)
    assert store.home() == Path(expected)
