"""What a proof kernel checked: each file of proofs for Coq, what it proves and supposes, and which claims it serves."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from generator.markdown import (
    Pages,
    Record,
    danger,
    label,
    link,
    mutant_verdict,
    page,
    slug,
    table,
    text,
    to_claims,
    word,
)
from theory.coq_files import SOURCES

CODE = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]")
"""How a comment in Coq sets off code."""
ABOUT = """The strongest evidence here is a proof that a small kernel has checked: Coq with the libraries mathcomp and
coq-interval. Below is every theorem that it checked, the claim that it serves, and what it assumes, as `Print
Assumptions` lists it. *No axioms* means that nothing is assumed but the rules of the kernel. Some constants rest on
Coq's real numbers, and so on the four axioms of that library.

The *model* says how the statement in Coq differs from the claim; most are finite where the claim is not. So a theorem
in Coq is one more step of a claim's proof, and raises the trust of a claim to KERNEL only where it proves all of it.
The *false variant* of each is the same proof script under a slightly false statement. It must fail, and in the proof.

`make coq` prints these answers; it compiles everything anew if a file has changed, or if `coq.json` among the results
is removed. Without Coq, `orbitgap verify` leaves these steps out and says so."""


def pages(report: Record) -> Pages:
    """The page, and the files themselves."""
    made: Pages = {"kernel.md": kernel_page(report)}
    return made | {f"coq/{path.name}": path.read_bytes() for path in sources()}


def sources() -> list[Path]:
    """The files of proofs, by name."""
    return sorted(SOURCES.glob("*.v"))


def checked(report: Record) -> list[tuple[Record, Record]]:
    """Each claim with each of its steps that a kernel checks."""
    return [(claim, step) for claim in report["claims"] for step in claim["steps"] if step["kernel"]]


def kernel_page(report: Record) -> str:
    """Everything that Coq checked."""
    held = checked(report)
    missed = [(claim, step) for claim, step in held if step["verdict"] != "CERTIFIED"]
    links = "; ".join(link(step["name"], label(step, claim["id"])) for claim, step in missed)
    return page(
        "Checked by Coq",
        danger(f"{len(missed)} of {len(held)} theorems were not checked in this run: {links}") if missed else "",
        ABOUT,
        summary(held),
        theorems(held),
        *(file_part(path, held) for path in sources()),
    )


def summary(held: Sequence[tuple[Record, Record]]) -> str:
    """How many theorems, by which version, on which axioms."""
    steps = [step for _, step in held if step["verdict"] == "CERTIFIED"]
    closed = sum(not step["certificate"]["axioms"] for step in steps if "axioms" in step["certificate"])
    versions = sorted({step["certificate"]["coq"] for step in steps if "coq" in step["certificate"]})
    caught = sum(step["mutant"]["verdict"] == "INCONCLUSIVE" for _, step in held)
    axioms = sorted({axiom for step in steps for axiom in step["certificate"].get("axioms", ())})
    named = ", ".join(f"`{axiom}`" for axiom in axioms)
    return (
        f"In [the last run](run.md) {', '.join(versions) or 'Coq'} checked {len(steps)} of {len(held)} theorems, "
        f"{closed} of them on no axioms, and refused {caught} of {len(held)} false variants. "
        + (f"The others rest on axioms among {named}." if named else "")
    )


def theorems(held: Sequence[tuple[Record, Record]]) -> str:
    """A row for each theorem."""
    rows = (
        (
            link(step["name"].removeprefix("in Coq: "), label(step, claim["id"]))
            + (", the whole claim" if step["kernel"]["whole"] else ""),
            to_claims([claim["id"]]),
            word(step["verdict"], "CERTIFIED"),
            how_many(step["certificate"]),
            f"{text(step['mutant']['says'])}: {refused(step)}",
        )
        for claim, step in held
    )
    return table(("what is shown", "claim", "verdict", "assumes", "false variant"), rows)


def how_many(certificate: Record) -> str:
    """How many axioms a proof rests on; which ones stands on the page of its step."""
    found = certificate.get("axioms")
    return "not known" if found is None else f"{len(found)} axioms" if found else "no axioms"


def refused(step: Record) -> str:
    """Whether the false variant failed; loud if it did not."""
    return "refused" if step["mutant"]["verdict"] == "INCONCLUSIVE" else mutant_verdict(step)


def file_part(path: Path, held: Sequence[tuple[Record, Record]]) -> str:
    """What a file says of itself, and the file."""
    named = [(c["id"], s["kernel"]["theorem"]) for c, s in held]
    own = [f"`{theorem}` for {to_claims([id])}" for id, theorem in named if theorem.partition(".")[0] == path.stem]
    return "\n\n".join(
        [
            f"(coq-{slug(path.stem)})=\n## {path.name}",
            *paragraphs(path.read_text(encoding="utf-8")),
            f"Here are {'; '.join(own) or 'lemmas for the other files'}.",
            f"The file: {{download}}`{path.name} <coq/{path.name}>`.",
        ]
    )


def paragraphs(source: str) -> Iterator[str]:
    """The comment at the head of a file as Markdown."""
    head = source.partition("(**")[2].partition("*)")[0]
    for paragraph in textwrap.dedent(f"    {head}").strip().split("\n\n"):
        pieces = CODE.split(paragraph)
        code = (f"`{' '.join(piece.split())}`" for piece in pieces[1::2])
        words = (joined(piece) for piece in pieces[::2])
        yield "".join(piece for pair in zip(words, [*code, ""], strict=True) for piece in pair).strip()


def joined(piece: str) -> str:
    """Words of a comment as Markdown on one line, with the spaces at both ends."""
    ends = (" " * piece[:1].isspace(), " " * piece[-1:].isspace()) if piece.strip() else (" " * bool(piece), "")
    return ends[0] + text(piece) + ends[1]
