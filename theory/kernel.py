"""Proofs that Coq's kernel checks: compiles ``theory/coq``, reads what each theorem assumes, tries false variants.

``theory/coq/theorems.toml`` says which theorem of which file belongs to which claim. All files are compiled once,
together with the *mutants* (the same proof scripts under slightly false statements, which must not compile); what Coq
answered is kept in ``$ORBITGAP_HOME/coq.json`` and counts as long as the sources and the mutants are byte for byte the
same. ``python -m theory.kernel`` prints it. The ledger does not use it yet: no status rests on it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from theory import store
from theory.coq_files import REALS, SOURCES, has_theorem, sources_digest

__all__ = ["INSTALL", "Theorem", "UnavailableError", "main", "results", "theorems"]

INSTALL = "Coq is not installed (Debian: apt-get install coq libcoq-mathcomp-algebra libcoq-interval)"
COMPILE = ("coqc", "-w", "-notation-overridden,-ambiguous-paths")
QUERY = (
    "From Coq Require Import Reals.\nFrom mathcomp Require Import all_ssreflect all_algebra.\nSet Printing Width 100.\n"
)
CLOSED = "Closed under the global context"
LIMIT = 600
"""Seconds that one call of Coq may take."""


class UnavailableError(Exception):
    """Coq cannot be asked on this machine; the message says what is missing and how to install it."""


@dataclass(frozen=True)
class Theorem:
    """A theorem that Coq checks for a claim.

    Attributes:
        claim: the claim's id.
        says: what the theorem shows, in a few words.
        theorem: file and name, such as ``warmup.warmup_attained``.
        model: how the statement in Coq differs from the claim, in words.
        whole: whether it covers the claim, up to `model`.
        mutant: what the false variant claims, in words.
        old: a piece of the file that occurs once.
        new: what makes the statement false in its place.
    """

    claim: str
    says: str
    theorem: str
    model: str
    whole: bool
    mutant: str
    old: str
    new: str

    def __post_init__(self) -> None:
        if not has_theorem(self.theorem):
            raise ValueError(f"theorem: got {self.theorem!r}, want FILE.NAME of a theorem in {SOURCES}")
        if not self.model.strip():
            raise ValueError(f"model of {self.theorem}: got an empty text, want how it differs from the claim")
        path = SOURCES / f"{self.theorem.partition('.')[0]}.v"
        count = path.read_text(encoding="utf-8").count(self.old)
        if count != 1 or self.old == self.new:
            raise ValueError(f"old: {self.old!r} occurs {count} times in {path.name}, want once and another `new`")

    @property
    def key(self) -> str:
        """A short name of its false variant."""
        return hashlib.sha256(json.dumps([self.theorem, self.old, self.new]).encode()).hexdigest()[:16]


def theorems() -> list[Theorem]:
    """All theorems, as the file lists them.

    Raises:
        ValueError: an entry names no theorem, says nothing of its model or changes nothing.

    Example:
        >>> "lem-d.2" in {found.claim for found in theorems()}
        True
    """
    listed = tomllib.loads((SOURCES / "theorems.toml").read_text(encoding="utf-8"))
    return [Theorem(**entry) for entry in listed["theorem"]]


def results() -> Mapping[str, Any]:
    """What Coq says of all theorems and mutants: kept if it is fresh, else compiled now.

    Raises:
        UnavailableError: nothing fresh is kept and Coq is not installed.
    """
    changes = theorems()
    asked = {"sources": sources_digest(), "asked": sorted(change.key for change in changes)}
    path = store.home() / "coq.json"
    kept = _kept(path)
    if {key: kept.get(key) for key in asked} == asked:
        return kept
    if shutil.which(COMPILE[0]) is None:
        raise UnavailableError(INSTALL)
    found = {**asked, **compiled(changes)}
    store.write_atomically(path, json.dumps({**found, "seal": _seal(found)}, indent=1))
    return found


def _kept(path: Path) -> dict[str, Any]:
    """What an earlier run kept; nothing if it is missing, damaged or edited: it is then made again."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content if content.pop("seal") == _seal(content) else {}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return {}


def _seal(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def compiled(changes: Sequence[Theorem]) -> dict[str, Any]:
    """Compile everything in a folder of its own, ask what is assumed, then try each false variant."""
    with tempfile.TemporaryDirectory(prefix="orbitgap-coq-") as name:
        folder = Path(name)
        for path in [*SOURCES.glob("*.v"), SOURCES / "Makefile"]:
            shutil.copy(path, folder)
        make = _run(["make", "-k", f"-j{os.cpu_count() or 1}"], folder)
        asked = sorted({change.theorem for change in changes})
        files = {file: list(named) for file, named in groupby(asked, lambda t: t.partition(".")[0])}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = pool.map(lambda file: _answers(file, files[file], folder), files)
            answers = {theorem: answer for answered in found for theorem, answer in answered.items()}
            mutants = list(pool.map(lambda c: _mutated(c, folder), changes))
    version = _run([COMPILE[0], "--print-version"], SOURCES).stdout.split()[0]
    return {
        "coq": f"Coq {version}",
        "theorems": answers,
        "failures": {t: _error(make.stderr) or "its file does not compile" for t in asked if t not in answers},
        "mutants": {change.key: message for change, message in zip(changes, mutants, strict=True)},
    }


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)  # noqa: S603


def _answers(file: str, theorems: Sequence[str], folder: Path) -> dict[str, dict[str, Any]]:
    """The closed statements of theorems of one file and the axioms they rest on; nothing if it was not compiled."""
    names = [theorem.partition(".")[2] for theorem in theorems]
    asked = "".join(
        f'Redirect "{file}.{name}.says" Check {name}.\nRedirect "{file}.{name}.assumes" Print Assumptions {name}.\n'
        for name in names
    )
    (folder / f"ask_{file}.v").write_text(f"{QUERY}Require Import {file}.\n{asked}", encoding="utf-8")
    if not (folder / f"{file}.vo").is_file() or _run([*COMPILE, f"ask_{file}.v"], folder).returncode:
        return {}
    return {theorem: _answer(theorem, folder) for theorem in theorems}


def _answer(theorem: str, folder: Path) -> dict[str, Any]:
    says, assumes = ((folder / f"{theorem}.{what}.out").read_text(encoding="utf-8") for what in ("says", "assumes"))
    if CLOSED not in assumes and "Axioms:" not in assumes:
        raise ValueError(f"{theorem}: got {assumes!r} from Print Assumptions, want axioms or that there are none")
    return {
        "statement": says.strip(),
        "axioms": re.findall(r"^([\w.']+)\s*:", assumes.partition("Axioms:")[2], re.MULTILINE),
    }


def _mutated(change: Theorem, folder: Path) -> str:
    """Why a false variant does not compile; empty if it does.

    Raises:
        ValueError: it fails outside of a proof, so that it shows nothing about the statement.
    """
    file = change.theorem.partition(".")[0]
    with tempfile.TemporaryDirectory(dir=folder) as name:
        changed = Path(name) / f"{file}.v"
        text = (folder / f"{file}.v").read_text(encoding="utf-8").replace(change.old, change.new)
        changed.write_text(text, encoding="utf-8")
        done = _run([*COMPILE, "-Q", "..", "", changed.name], changed.parent)
    if not done.returncode:
        return ""
    place = re.search(r"line (\d+), characters [\d-]+:\nError", done.stderr)
    if place is None or not _inside_proof(text.splitlines(), int(place[1])):
        raise ValueError(
            f"mutant of {change.theorem}, {change.new!r}: fails outside of a proof ({_error(done.stderr)}), want a "
            "false statement"
        )
    return _error(done.stderr)


def _inside_proof(lines: Sequence[str], number: int) -> bool:
    """Whether a line, counted from 1, stands between ``Proof.`` and ``Qed.``, or holds both."""
    before = "\n".join([*lines[: number - 1], ""])
    return "Proof." in lines[number - 1] or before.rfind("Proof.") > before.rfind("Qed.")


def _error(output: str) -> str:
    """Coq's message in one line."""
    return " ".join(output.partition("Error:")[2].split())[:160]


def main() -> int:
    """Compile, and say what is proved; 1 if a theorem is not, assumes more than it may, or a false variant compiles."""
    try:
        found = results()
    except UnavailableError as missing:
        print(missing, file=sys.stderr)
        return 2
    bad = 0
    for change in theorems():
        answer, message = found["theorems"].get(change.theorem), found["mutants"][change.key]
        right = answer is not None and set(answer["axioms"]) <= REALS and bool(message)
        assumed = "NOT PROVED" if answer is None else ", ".join(answer["axioms"]) or "no axioms"
        print(f"{change.claim}: {change.theorem}, {assumed}; false variant {'caught' if message else 'COMPILES'}")
        bad += not right
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
