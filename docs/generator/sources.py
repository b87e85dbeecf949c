"""Every paper and book that is referred to, with BibTeX; the software and the data that the checks rest on."""

from __future__ import annotations

from collections.abc import Iterable

from generator.completeness import claim_line
from generator.markdown import Pages, Record, details, page, table, text, to_claims
from theory.bibliography import CITED_BY, ENTRIES, MODULES, PAPER, RELATED, Entry, bibtex, family

SOFTWARE = {
    "python": "runs everything; its integers and fractions decide inequalities of rational numbers",
    "sympy": "exact polynomials, counts of real roots, rational matrices",
    "python-flint": "balls that enclose real numbers (Arb)",
    "numpy": "arrays and random numbers",
    "scipy": "quantiles for exact intervals, linear programs",
    "torch": "the optimizers and nets that are examined",
    "hypothesis": "strategies for tests, none of which is part of a verdict",
}
"""What of the software in a report's environment does what."""
KINDS = (
    ("The paper", "All claims about the paper refer to this one text."),
    (
        "Cited, not proved here",
        "Published theorems that are taken as they are. A proof that rests on one of them has trust CITED at best.",
    ),
    ("Named by claims that are proved here", "Where a statement comes from. No proof rests on trust in these works."),
    (
        "Methods of the measurements",
        "Statistics, random numbers and optimizers that the code follows. No proof rests on these works.",
    ),
    ("Related results", "No claim and no code rests on these works."),
)


def pages(report: Record) -> Pages:
    """The page, and all entries as one BibTeX file."""
    return {"sources.md": sources_page(report), "sources.bib": bibtex(ENTRIES.values())}


def sources_page(report: Record) -> str:
    """What is rested on first, then every entry by what it is for, software and data."""
    cited = [c for c in report["claims"] if c["kind"] == "cited"]
    parts = []
    for kind, about in KINDS:
        entries = [e for e in ENTRIES.values() if kind_of(e, cited) == kind]
        parts += [f"## {kind}", about, *(entry_part(e, report) for e in entries)]
    return "(sources)=\n" + page(
        "Sources",
        f"{len(ENTRIES)} papers and books, all in [sources.bib](sources.bib). Volumes and pages are recalled; where a "
        "text was at hand, the entry says what of it was compared. A mistake in an entry is ours, not its authors'.",
        "## What proofs rest on",
        "These published theorems are used and not proved here. If one of them were false, or were not what is stated "
        "here, the claims beside it would lose their proof, and no others.",
        table(("cited theorem", "what was compared", "claims that rest on it"), (leaf(c, report) for c in cited)),
        *parts,
        "## Software",
        "With the versions of [the last run](run.md). What has to be trusted of them is said in [](../reliability.md).",
        software(report),
        "## Data",
        "The patches of photographs in [the simulation of Figure 1](simulations/figure1.md) are cut from `china.jpg` "
        "and `flower.jpg`, which ship with scikit-learn under CC BY 2.0. Its notes name danielbuechele as author of "
        "both, and link flower.jpg to the pages of vultilion. All other data are random numbers from a seed.",
    )


def kind_of(entry: Entry, cited: Iterable[Record]) -> str:
    """The section of an entry, one of `KINDS`."""
    used_by = {id for id, held in CITED_BY.items() if entry.key in held}
    titles = [title for title, _ in KINDS]
    if entry.key == PAPER:
        return titles[0]
    if used_by & {c["id"] for c in cited}:
        return titles[1]
    if used_by:
        return titles[2]
    return titles[4] if entry.key in RELATED else titles[3]


def leaf(claim: Record, report: Record) -> tuple[str, str, str]:
    """One cited theorem: what of its sources was compared, and every claim whose proof goes down to it."""
    compared = dict.fromkeys(text(ENTRIES[key].checked) for key in CITED_BY.get(claim["id"], {}))
    resting = [c["id"] for c in report["claims"] if claim["id"] in c["rests_on"] and c["id"] != claim["id"]]
    said = f"{to_claims([claim['id']])}: {text(claim['title'])}"
    return said, " ".join(compared) or "**no entry**", to_claims(resting, "none; it is there for comparison")


def entry_part(entry: Entry, report: Record) -> str:
    """One entry: the work, who cites which statement of it, what was compared, and its BibTeX."""
    lines = [f"- Compared: {text(entry.checked)}", *citing(entry, report)]
    if entry.key in RELATED:
        lines.insert(0, f"- {text(RELATED[entry.key])}")
    head = f"(source-{entry.key})=\n### {text(short(entry))}\n\n{reference(entry)}\n\n"
    return head + "\n".join(lines) + "\n\n" + details("BibTeX", bibtex([entry]).strip(), "bibtex")


def citing(entry: Entry, report: Record) -> list[str]:
    """Who names an entry: claims with their status, by the statement that they name, and modules."""
    known = {c["id"]: c for c in report["claims"]}
    by: dict[str, list[str]] = {}
    for id, held in CITED_BY.items():
        if entry.key in held:
            by.setdefault(held[entry.key], []).append(claim_line(id, known))
    by_code = [f"`{module}`" for module, keys in MODULES.items() if entry.key in keys]
    lines = [f"{text(where)}: {', '.join(found)}" if where else ", ".join(found) for where, found in by.items()]
    lines += [", ".join(by_code)] * bool(by_code)
    if len(lines) <= 1:
        return [f"- Cited by: {line}" for line in lines]
    return ["- Cited by:", *(f"  - {line}" for line in lines)]


def short(entry: Entry) -> str:
    """Family names and the year.

    Example:
        >>> short(ENTRIES["long-1995"])
        'Long 1995'
    """
    names = [family(author) for author in entry.authors]
    return f"{', '.join(names) if len(names) <= 4 else names[0] + ' et al.'} {entry.year}"


def reference(entry: Entry) -> str:
    """Authors, title and where it was published, as one sentence each."""
    where = published(entry.venue, entry.volume, entry.number)
    pages = f", {'pages' if '-' in entry.pages else 'page'} {entry.pages}" if entry.pages else ""
    preprint = f" arXiv {entry.arxiv}." if entry.arxiv else ""
    title = text(entry.title) + ("" if entry.title.endswith("?") else ".")
    return f"{text(', '.join(entry.authors))}. *{title}* {text(where)}{pages}, {entry.year}.{preprint}"


def published(venue: str, volume: str, number: str) -> str:
    """A venue with its volume and issue."""
    return " ".join(filter(None, (venue, volume))) + (f" ({number})" if number else "")


def software(report: Record) -> str:
    """Every version in the report's environment."""
    rows = [("orbitgap", text(report["version"]), "these checks")]
    rows += [(text(n), text(v), SOFTWARE.get(n, "not said here")) for n, v in report["environment"].items()]
    return table(("software", "version", "what for"), rows)
