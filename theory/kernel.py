"""Proofs that Coq's kernel checks, and how they join the ledger.

``theory/coq/theorems.toml`` says which theorem of which file belongs to which claim. All files are compiled once,
together with the *mutants* (the same proof scripts under slightly false statements, which must not compile); what Coq
answered is kept in ``$ORBITGAP_HOME/coq.json`` and counts as long as the sources and the mutants are byte for byte the
same, and so is what asks; what fails is asked again in the next process. Each theorem is a step of its claim's proof.
Without Coq these steps are skipped, and what is known of a claim is what its other steps show. ``python -m
theory.kernel`` prints the answers.
"""

from __future__ import annotations

import functools
import hashlib
import json
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from theory import store
from theory.claims import LEDGER, Kernel, Mutant, Step
from theory.coq_compiler import COMPILES, Theorem, compiled, interruptible
from theory.coq_files import REALS, SOURCES, sources_digest
from theory.evidence import Evidence, Trust, UnavailableError, Verdict

__all__ = ["compiling", "register", "results", "theorems"]

_failed: dict[str, Mapping[str, Any]] = {}
"""What went wrong in this process, by what was asked."""


@functools.cache
def theorems() -> tuple[Theorem, ...]:
    """All theorems, as the file lists them.

    Raises:
        ValueError: an entry names no theorem, says nothing of its model or changes nothing.

    Example:
        >>> "lem-d.2" in {found.claim for found in theorems()}
        True
    """
    listed = tomllib.loads((SOURCES / "theorems.toml").read_text(encoding="utf-8"))
    return tuple(Theorem(**entry) for entry in listed["theorem"])


@functools.cache
def register() -> None:
    """Enter every theorem as a step of its claim's proof into the ledger, once.

    Raises:
        UnknownClaimError: a theorem belongs to a claim that is not in the ledger.

    Example:
        >>> from theory.claims import load
        >>> [step.kernel.theorem for step in load().steps["lem-d.2"] if step.kernel]
        ['quadratic.lem_d_2']
    """
    for theorem in theorems():
        LEDGER.add_step(step(theorem))


def step(theorem: Theorem) -> Step:
    """The step in which Coq's kernel checks a theorem; its mutant is the false variant, which must not compile."""
    mutant = Mutant(theorem.mutant, old=theorem.old, new=theorem.new)
    kernel = Kernel(theorem.theorem, theorem.model, theorem.whole)
    return Step(theorem.claim, f"in Coq: {theorem.says}", _check(theorem), Trust.KERNEL, mutant, (), kernel)


def _check(theorem: Theorem) -> Callable[..., Evidence]:
    def check(old: str = "", new: str = "") -> Evidence:
        found = results()
        answer, mutant = found["theorems"].get(theorem.theorem), found["mutants"][theorem.key]
        certificate = {"kind": "kernel", "theorem": theorem.theorem, "coq": found["coq"], "sources": found["sources"]}
        if (old, new) == (theorem.old, theorem.new):
            if not mutant["caught"] and mutant["message"] != COMPILES:
                raise ValueError(f"the false variant shows nothing, it fails {mutant['message']}")
            verdict = Verdict.INCONCLUSIVE if mutant["caught"] else Verdict.CERTIFIED
            says = f"with {new!r} in place of {old!r}: {mutant['message']}"
            return Evidence(verdict, Trust.KERNEL, says, {**certificate, "statement": "", "axioms": []})
        if answer is None:
            why = f"not proved: {found['failures'][theorem.theorem]}"
            return Evidence(Verdict.INCONCLUSIVE, Trust.KERNEL, why, {**certificate, "statement": "", "axioms": []})
        assumed = "axioms of Coq's real numbers" if answer["axioms"] else "no axioms"
        says = f"{found['coq']} checked {theorem.theorem}, on {assumed}"
        return Evidence(Verdict.CERTIFIED, Trust.KERNEL, says, {**certificate, **answer})

    return check


@contextmanager
def compiling() -> Iterator[None]:
    """Meanwhile a thread compiles what is not kept; whoever needs the `results` waits for it.

    It ends with the body, whether done or not.

    Example:
        >>> with compiling():
        ...     pass
    """
    with interruptible() as interrupt, ThreadPoolExecutor(1) as pool:
        pool.submit(results)
        try:
            yield
        finally:
            interrupt()


def results() -> Mapping[str, Any]:
    """What Coq says of all theorems and mutants: kept if it is fresh, else compiled now.

    Returns:
        What `theory.coq_compiler.compiled` returns, with the digest of the ``sources``.

    Raises:
        UnavailableError: nothing fresh is kept and Coq is not installed.
    """
    path = store.home() / "coq.json"
    if _fresh(kept := _kept(path)):
        return kept
    with _alone(path.with_suffix(".lock")):
        if _fresh(kept := _kept(path)):
            return kept
        asked = json.dumps(_asked())
        if asked in _failed:
            return _failed[asked]
        found = {**_asked(), **compiled(theorems())}
        if _whole(found):
            store.write_atomically(path, json.dumps({**found, "seal": _seal(found)}, indent=1))
        else:  # it may go right the next time, but not for the next step
            _failed[asked] = found
    return found


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time compiles, the others wait for its answers."""
    import fcntl  # not on every system, and only needed here

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _whole(found: Mapping[str, Any]) -> bool:
    """Whether every theorem is proved and every false variant caught."""
    return not found["failures"] and all(mutant["caught"] for mutant in found["mutants"].values())


def _asked() -> dict[str, Any]:
    return {"sources": sources_digest(), "asked": sorted(theorem.key for theorem in theorems())}


def _fresh(kept: Mapping[str, Any]) -> bool:
    return all(kept.get(key) == value for key, value in _asked().items())


def _kept(path: Path) -> dict[str, Any]:
    """What an earlier run kept; nothing if it is missing, damaged or edited: it is then made again."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content if content.pop("seal") == _seal(content) else {}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return {}


def _seal(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def main() -> int:
    """Compile, and say what is proved; 1 if a theorem is not, assumes more than it may, or a false variant compiles."""
    try:
        found = results()
    except UnavailableError as missing:
        print(missing, file=sys.stderr)
        return 2
    bad = 0
    for theorem in theorems():
        answer, mutant = found["theorems"].get(theorem.theorem), found["mutants"][theorem.key]
        right = answer is not None and set(answer["axioms"]) <= REALS and mutant["caught"]
        assumed = (
            ", ".join(answer["axioms"]) or "no axioms"
            if answer
            else f"NOT PROVED: {found['failures'][theorem.theorem]}"
        )
        variant = "caught" if mutant["caught"] else f"NOT caught: {mutant['message']}"
        print(f"{theorem.claim}: {theorem.theorem}, {assumed}; false variant {variant}")
        bad += not right
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
