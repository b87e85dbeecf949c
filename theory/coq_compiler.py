"""Asks Coq: compiles the proofs of ``theory/coq``, reads what each theorem assumes, tries the false variants."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theory.coq_files import SOURCES, has_theorem
from theory.evidence import UnavailableError

__all__ = ["COMPILES", "INSTALL", "Theorem", "compiled", "interruptible"]

INSTALL = "install it with its libraries (Debian: apt-get install coq libcoq-mathcomp-algebra libcoq-interval make)"
"""What to do where Coq is missing."""
COMPILE = ("coqc", "-w", "-notation-overridden,-ambiguous-paths")
QUERY = (
    "From Coq Require Import Reals.\nFrom mathcomp Require Import all_ssreflect all_algebra.\nSet Printing Width 100.\n"
)
LIBRARIES = f"{QUERY}From mathcomp Require Import fingroup.\nFrom Interval Require Import Tactic.\n"
CLOSED = "Closed under the global context"
LIMIT = 600
"""Seconds that one call of Coq may take."""
COMPILES = "it compiles"
"""What is said of a false variant that Coq accepts."""
LATE = 124
"""The exit status of a call that took longer."""
_running: set[subprocess.Popen[str]] = set()
_interrupted = threading.Event()


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
        for name in ("says", "model", "mutant"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} of {self.theorem}: got an empty text, want one that says it")
        if self.model.startswith("As "):
            raise ValueError(f"model of {self.theorem}: got {self.model!r}, want one that is read by itself")
        path = SOURCES / f"{self.theorem.partition('.')[0]}.v"
        count = path.read_text(encoding="utf-8").count(self.old)
        if count != 1 or self.old == self.new:
            raise ValueError(f"old: {self.old!r} occurs {count} times in {path.name}, want once and another `new`")

    @property
    def key(self) -> str:
        """A short name of its false variant."""
        return hashlib.sha256(json.dumps([self.theorem, self.old, self.new]).encode()).hexdigest()[:16]


def compiled(theorems: Sequence[Theorem]) -> dict[str, Any]:
    """Compile everything in a folder of its own, ask what is assumed, then try each false variant.

    Args:
        theorems: those that are asked for, with their false variants.

    Returns:
        Data for JSON, with ``coq``, its version; ``theorems``, for each that is proved its ``statement`` and
        ``axioms``; ``failures``, for the others why not; ``mutants``, for each key whether the false variant is
        ``caught``, inside its proof, and the ``message``.

    Raises:
        UnavailableError: Coq, a library that the proofs need, or make is not installed.
    """
    if missing := [command for command in (COMPILE[0], "make") if shutil.which(command) is None]:
        raise UnavailableError(f"{missing[0]} is not installed: {INSTALL}")
    if error := _without_libraries():
        raise UnavailableError(f"Coq does not find what the proofs need ({error}): {INSTALL}")
    with tempfile.TemporaryDirectory(prefix="orbitgap-coq-") as name:
        folder = Path(name)
        for path in [*SOURCES.glob("*.v"), SOURCES / "Makefile"]:
            shutil.copy(path, folder)
        make = _run(["make", "-k", f"-j{os.cpu_count() or 1}"], folder)
        files: dict[str, list[str]] = {}
        for asked in sorted({theorem.theorem for theorem in theorems}):
            files.setdefault(asked.partition(".")[0], []).append(asked)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = pool.map(lambda file: _answers(file, files[file], folder), files)
            answers = {theorem: answer for answered in found for theorem, answer in answered.items()}
            mutants = list(pool.map(lambda theorem: _mutated(theorem, folder), theorems))
    version = _run([COMPILE[0], "--print-version"], SOURCES).stdout.partition(" ")[0]
    return {
        "coq": f"Coq {version}",
        "theorems": answers,
        "failures": {
            asked: _error(make.stderr, f"{file}.v") or "it does not compile, or says no axioms that we can read"
            for file, named in files.items()
            for asked in named
            if asked not in answers
        },
        "mutants": {theorem.key: message for theorem, message in zip(theorems, mutants, strict=True)},
    }


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Yields a function that ends all calls of Coq, from another thread; no other begins before the body has ended.

    Example:
        >>> with interruptible() as interrupt:
        ...     interrupt()
    """
    try:
        yield _interrupt
    finally:
        _interrupted.clear()


def _interrupt() -> None:
    _interrupted.set()
    for process in list(_running):
        _kill(process)


def _unless_interrupted() -> None:
    if _interrupted.is_set():
        raise InterruptedError("compiling was interrupted: what was ended says nothing of the proofs")


def _kill(process: subprocess.Popen[str]) -> None:
    """End a call with all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command; one that takes too long is ended, with all that it started, and has failed."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen(command, cwd=folder, **pipes) as process:  # type: ignore[call-overload]  # noqa: S603
        _running.add(process)
        try:
            # Whoever interrupts sets the event first and then looks for what runs, so one of the two is seen.
            _unless_interrupted()
            out, error = process.communicate(timeout=LIMIT)
            _unless_interrupted()
        except subprocess.TimeoutExpired:
            _kill(process)
            return subprocess.CompletedProcess(command, LATE, "", f"Error: {command[0]} gave no answer in {LIMIT} s")
        except BaseException:
            _kill(process)
            raise
        finally:
            _running.discard(process)
    return subprocess.CompletedProcess(command, process.returncode, out, error)


@functools.cache
def _without_libraries() -> str:
    """Why Coq cannot read the libraries that the proofs need; empty if it can."""
    with tempfile.TemporaryDirectory(prefix="orbitgap-coq-") as name:
        (Path(name) / "libraries.v").write_text(LIBRARIES, encoding="utf-8")
        done = _run([*COMPILE, "libraries.v"], Path(name))
    return _error(done.stderr) if done.returncode not in (0, LATE) else ""


def _answers(file: str, theorems: Sequence[str], folder: Path) -> dict[str, dict[str, Any]]:
    """The closed statements of theorems of one file and the axioms they rest on; nothing if it was not compiled."""
    names = [theorem.partition(".")[2] for theorem in theorems]
    asked = "".join(
        # Only what is a proposition can be proved; a definition of another type would compile as well.
        f"Definition proposition_{name} : Prop := ltac:(let T := type of (@{name}) in exact T).\n"
        f'Redirect "{file}.{name}.says" Check {name}.\nRedirect "{file}.{name}.assumes" Print Assumptions {name}.\n'
        for name in names
    )
    (folder / f"ask_{file}.v").write_text(f"{QUERY}Require Import {file}.\n{asked}", encoding="utf-8")
    if not (folder / f"{file}.vo").is_file() or _run([*COMPILE, f"ask_{file}.v"], folder).returncode:
        return {}
    return {theorem: answer for theorem in theorems if (answer := _answer(theorem, folder))}


def _answer(theorem: str, folder: Path) -> dict[str, Any] | None:
    """The statement and its axioms; None if what Coq printed is neither a list of axioms nor that there are none.

    An axiom is a name and a type at the margin; whatever else stands there, such as what is assumed to be guarded, is
    no axiom that we know.
    """
    says, assumes = ((folder / f"{theorem}.{what}.out").read_text(encoding="utf-8") for what in ("says", "assumes"))
    if assumes.strip() == CLOSED:
        return {"statement": says.strip(), "axioms": []}
    head, *lines = assumes.strip().splitlines() or [""]
    margin = [line for line in lines if line.strip() and not line[0].isspace()]
    if head != "Axioms:" or not margin or not all(re.fullmatch(r"[\w.']+(\s*:.*)?", line) for line in margin):
        return None
    return {"statement": says.strip(), "axioms": [re.split(r"[\s:]", line)[0] for line in margin]}


def _mutated(theorem: Theorem, folder: Path) -> dict[str, Any]:
    """Whether a false variant fails inside of its proof: elsewhere it shows nothing about the statement."""
    file = theorem.theorem.partition(".")[0]
    with tempfile.TemporaryDirectory(dir=folder) as name:
        changed = Path(name) / f"{file}.v"
        text = (folder / f"{file}.v").read_text(encoding="utf-8").replace(theorem.old, theorem.new)
        changed.write_text(text, encoding="utf-8")
        done = _run([*COMPILE, "-Q", "..", "", changed.name], changed.parent)
    if not done.returncode:
        return {"caught": False, "message": COMPILES}
    place = re.search(r"line (\d+), characters (\d+)-\d+:\nError", done.stderr)
    inside = place is not None and _inside_proof(text.splitlines(), int(place[1]), int(place[2]))
    return {"caught": inside, "message": ("" if inside else "outside of a proof: ") + _error(done.stderr)}


def _inside_proof(lines: Sequence[str], number: int, start: int) -> bool:
    """Whether a place, with lines counted from 1 and characters from 0, stands between ``Proof.`` and ``Qed.``."""
    before = "\n".join([*lines[: number - 1], lines[number - 1][:start]])
    return before.rfind("Proof.") > before.rfind("Qed.")


def _error(output: str, file: str = "") -> str:
    """Coq's message in one line: the first, or the first about a file."""
    about = output.partition(f'File "./{file}"')[2] if file else output
    return " ".join(about.partition("Error:")[2].split())[:160]
