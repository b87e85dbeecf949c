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
GAP = re.compile(
    r"\b(Admitted|admit|Admit\s+Obligations|give_up|Axioms?|Parameters?|Conjecture|Primitive|Declare|Load|Fail|Abort"
    r"|Unset\s+(?:Guard|Positivity|Universe)\s+Checking|bypass_check|type.in.type)\b"
)
WORDS = re.compile(r"(?:^|(?<=[.\s]))(Section|End|Variables?|Hypothes[ie]s|Context)\b\s*(\w*)")
"""Where sections begin and end, and what would be an axiom outside of one."""


def sources_digest() -> str:
    """A hash of every file of proofs, and of how they are compiled and what Coq says of them is read."""
    content, room = hashlib.sha256(), SOURCES.parent
    for path in [*sorted(SOURCES.glob("*.v")), SOURCES / "Makefile", *sorted(room.glob("coq_*.py"))]:
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
        >>> gaps("Section S. Variable n : nat. End S. Hypothesis h : n = 0.")
        ['Hypothesis']
    """
    bare = _without_comments(text)
    return [*GAP.findall(bare), *_outside_of_sections(bare)]


def _without_comments(text: str) -> str:
    """A file without its comments, which may be nested; what stands in quotes opens none."""
    kept, depth = [], 0
    for piece in re.split(r'(\(\*|\*\)|"[^"]*")', text):
        depth += (piece == "(*") - (piece == "*)" and depth > 0)
        kept.append(" " if depth or piece == "*)" else piece)
    return "".join(kept)


def _outside_of_sections(bare: str) -> list[str]:
    """Words that suppose something, where no section is open that would make it a hypothesis of its theorems."""
    found: list[str] = []
    sections: list[str] = []
    for word, name in WORDS.findall(bare):
        if word == "Section":
            sections.append(name)
        elif word != "End":
            found += [] if sections else [word]
        elif sections and sections[-1] == name:
            sections.pop()
    return found
