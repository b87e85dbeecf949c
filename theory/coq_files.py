"""The files of proofs for Coq: where they stand, what they contain, and which axioms they may rest on."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

__all__ = ["REALS", "SOURCES", "gaps", "has_theorem", "sources_digest"]

SOURCES = Path(__file__).parent / "coq"
REALS = frozenset(
    {
        "ClassicalDedekindReals.sig_forall_dec",
        "ClassicalDedekindReals.sig_not_dec",
        "Classical_Prop.classic",
        "FunctionalExtensionality.functional_extensionality_dep",
    }
)
"""The axioms behind the real numbers of Coq's own library, on which enclosures of real numbers rest."""
COMMENT = re.compile(r"\(\*.*?\*\)", re.DOTALL)
GAP = re.compile(r"\b(Admitted|admit|give_up|Axioms?|Parameters?|Conjecture|Unset Guard Checking|bypass_check)\b")


def sources_digest() -> str:
    """A hash of every file of proofs."""
    content = hashlib.sha256()
    for path in sorted(SOURCES.glob("*.v")):
        content.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return content.hexdigest()


def has_theorem(theorem: str) -> bool:
    """Whether a file states what is named, such as ``warmup.warmup_attained``.

    Example:
        >>> has_theorem("warmup.warmup_attained"), has_theorem("warmup.no_such_theorem")
        (True, False)
    """
    file, _, name = theorem.partition(".")
    path = SOURCES / f"{file}.v"
    found = rf"^(Theorem|Lemma|Corollary|Definition) {re.escape(name)}\b"
    return path.is_file() and bool(re.search(found, path.read_text(encoding="utf-8"), re.MULTILINE))


def gaps(text: str) -> list[str]:
    """Words by which a file would take something for granted, outside of comments.

    Example:
        >>> gaps("Lemma x : 1 = 2. Admitted. (* an Axiom *)")
        ['Admitted']
    """
    return GAP.findall(COMMENT.sub(" ", text))
