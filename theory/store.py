"""Keeps evidence between runs, bound to the statements and the code that produced it.

One JSON file, each entry sealed by a checksum, so that a record edited by hand is refused. It is written
whole to a temporary name and renamed, so a run that is killed leaves the old file. Evidence counts only while
the code of theory/ is byte for byte what produced it and the claim's digest is unchanged; otherwise the
claim is unchecked again.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from theory.claims import Ledger
from theory.evidence import Trust, Verdict
from theory.status import StepResult, digest

__all__ = ["code_digest", "home", "load", "save", "write_atomically"]


def home() -> Path:
    """Where results are kept: $ORBITGAP_HOME, else ``.orbitgap`` in the current directory."""
    return Path(os.environ.get("ORBITGAP_HOME") or ".orbitgap")


@functools.cache
def code_digest() -> str:
    """A hash of the source of every module of theory/ and of every proof for Coq."""
    content, room = hashlib.sha256(), Path(__file__).parent
    for path in sorted(
        [*room.glob("*.py"), *room.glob("coq/*.v"), *room.glob("coq/*.toml"), *room.glob("coq/Makefile")]
    ):
        content.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return content.hexdigest()


def save(path: Path, ledger: Ledger, results: Mapping[str, Sequence[StepResult]]) -> None:
    """Write the evidence of the given claims, keeping what is still valid for the others.

    Raises:
        OSError: the file cannot be written; what was there stays.
    """
    kept = load(path, ledger) | {id: list(r) for id, r in results.items()}
    content = {
        "code": code_digest(),
        "claims": {id: _sealed(digest(ledger, id), [_encode(r) for r in kept[id]]) for id in sorted(kept)},
    }
    write_atomically(path, json.dumps(content, indent=1))


def load(path: Path, ledger: Ledger) -> dict[str, list[StepResult]]:
    """The evidence that still counts; empty if there is no file.

    Raises:
        ValueError: the file is not one that `save` wrote; it is left as it is.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["code"] != code_digest():
            return {}
        for id, entry in content["claims"].items():
            if entry != _sealed(entry["digest"], entry["steps"]):
                raise ValueError(f"the entry of {id} is not as it was written")
        return {
            id: [_decode(r) for r in entry["steps"]]
            for id, entry in content["claims"].items()
            if id in ledger.claims and entry["digest"] == digest(ledger, id)
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise ValueError(f"{path} is damaged ({problem}): remove it and run `orbitgap verify` again") from error


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; text as UTF-8. Missing directories are made.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sealed(claim_digest: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    content = json.dumps([claim_digest, steps], sort_keys=True)
    return {"digest": claim_digest, "steps": steps, "seal": hashlib.sha256(content.encode()).hexdigest()}


def _encode(result: StepResult) -> dict[str, Any]:
    return asdict(result) | {"trust": result.trust.name if result.trust else None}


def _decode(data: Mapping[str, Any]) -> StepResult:
    known = dict(data)
    known["verdict"] = Verdict(known["verdict"])
    known["mutant"] = Verdict(known["mutant"]) if known["mutant"] else None
    known["trust"] = Trust[known["trust"]] if known["trust"] else None
    return StepResult(**known)
