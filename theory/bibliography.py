"""The papers and books that the claims and the code refer to, and which claim refers to which statement of them.

Titles, venues and pages are recalled unless `Entry.checked` says otherwise; what is not known for sure is left out.
The entries themselves stand in `theory.works`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from theory.works import ENTRIES, PAPER, Entry

__all__ = ["CITED_BY", "ENTRIES", "MODULES", "PAPER", "RELATED", "Entry", "bibtex", "family"]

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "article": ("author", "title", "journal", "year"),
    "book": ("author", "title", "publisher", "year"),
    "inproceedings": ("author", "title", "booktitle", "year"),
    "techreport": ("author", "title", "institution", "year"),
}
"""The fields that BibTeX wants of each kind; the third is the venue."""
ESCAPES = {
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "l_1^n": "$l_1^n$",
    "é": r"{\'e}",
    "É": r"{\'E}",
    "à": r"{\`a}",
    "ł": r"{\l}",
}
"""How BibTeX wants what is not plain text, applied in this order."""

CITED_BY: Mapping[str, Mapping[str, str]] = {
    "def-3.1": {PAPER: "Definition 3.1"},
    "def-3.2": {PAPER: "Definition 3.2"},
    "def-3.3": {PAPER: "Definition 3.3"},
    "alg-1": {PAPER: "Algorithm 1"},
    "thm-c.1": {PAPER: "Theorem C.1"},
    "table-1": {PAPER: "Table 1"},
    "ex-4.1": {PAPER: "Example 1, Section 4.1"},
    "ex-4.1-exact": {PAPER: "Example 1"},
    "thm-b.1": {PAPER: "Theorem B.1", "ehrenfeucht-1989": "Theorem 1"},
    "thm-4.1": {PAPER: "Theorem 4.1"},
    "conv-upper-4.1": {PAPER: "Theorem 4.1 (conv net)", "blumer-1989": "the constants"},
    "thm-4.2": {PAPER: "Theorem 4.2", "benedek-itai-1991": ""},
    "long-1995": {PAPER: "Section 4", "long-1995": ""},
    "sauer-shelah": {"sauer-1972": "", "shelah-1972": "", "pajor-1985": ""},
    "lem-vc-linear": {"dudley-1978": ""},
    "thm-5.1": {PAPER: "Theorem 5.1"},
    "lem-d.2": {PAPER: "Lemma D.2"},
    "lem-d.4": {PAPER: "Lemma D.4"},
    "lem-disagreement": {PAPER: "Lemma D.4"},
    "thm-5.2": {PAPER: "Theorem 5.2"},
    "thm-5.2-explicit": {PAPER: "Theorem 5.2"},
    "thm-5.2-rate": {PAPER: "the open problem after Eq. (7)"},
    "upper-5.2": {"haussler-1994": "", "blumer-1989": ""},
    "eq-7": {PAPER: "Equation (7)"},
    "thm-5.3": {PAPER: "Theorem 5.3"},
    "conv-upper-5.3": {PAPER: "Theorem 5.3 (conv net)", "blumer-1989": "the constants"},
    "thm-5.4": {PAPER: "Theorem 5.4"},
    "thm-5.4-corrected": {PAPER: "Theorem 5.4"},
    "conv-upper-5.4": {PAPER: "Theorem 5.4"},
    "thm-5.5": {PAPER: "Theorem 5.5"},
    "thm-5.5-sharp": {PAPER: "Theorem 5.5"},
    "upper-5.5": {PAPER: "Theorem 5.5"},
    "conv-upper-5.5": {PAPER: "Theorem 5.5"},
    "ehrenfeucht-1989": {"ehrenfeucht-1989": "Theorem 1"},
    "blumer-1989": {"blumer-1989": "Theorem 2.1 (ii)"},
    "haussler-littlestone-warmuth": {"haussler-1994": "Theorem 2.3"},
    "bishop-gromov": {"bishop-1963": "", "bishop-crittenden-1964": "Section 11.10", "gromov-1981": ""},
    "barone-basu-2012": {"barone-basu-2012": "the main theorem"},
    "kpattern": {"malach-shalev-shwartz-2020": ""},
    "kpattern-gradient-fc": {"malach-shalev-shwartz-2020": "the bound on the gradient"},
    "kpattern-conv": {"malach-shalev-shwartz-2020": "the theorem on convolutional networks"},
    "introspective": {"jin-lazarow-tu-2017": ""},
    "introspective-5.2": {PAPER: "Theorem 5.2"},
    "allreduce": {"kumar-2017": ""},
    "allreduce-resnet": {"kumar-2017": "abstract"},
    "allreduce-exact": {"kumar-2017": ""},
    "allreduce-cost": {"kumar-2017": ""},
    "allreduce-equivariant": {PAPER: "Theorem C.1"},
    "odenet": {"queiruga-2021": ""},
    "odenet-cifar10": {"queiruga-2021": ""},
    "simplicial": {"bunch-2020": "the layer and its operators"},
    "simplicial-grid": {"bunch-2020": "the numbers at m = 7"},
    "simplicial-mnist": {"bunch-2020": "its experiment"},
    "simplicial-scale": {"bunch-2020": "the printed operators"},
    "stirling": {"binet-1839": "", "whittaker-watson-1927": "Section 12.33", "robbins-1955": "for integers"},
}
"""For each claim the entries that its source names, with the statement in the words of the source, "" if it names none.
A claim that is not here (Bernoulli's inequality, the measure of a ball) is folklore or ours throughout."""

MODULES: Mapping[str, tuple[str, ...]] = {
    "theory.introspective": ("jin-lazarow-tu-2017",),
    "theory.allreduce": ("kumar-2017",),
    "sims.laws": ("wei-dudley-2012", "hoeffding-1963"),
    "sims.statistics": ("clopper-pearson-1934", "waudby-smith-ramdas-2024"),
    "sims.sequences": ("robbins-1970", "efron-1979", "holm-1979"),
    "sims.features": ("foret-2021", "kwon-2021"),
    "sims.stacks": ("steele-2014",),
}
"""What the docstrings of measuring code refer to."""

RELATED: Mapping[str, str] = {
    "ng-2004": "A lower bound for rotation-invariant learners, linear in the dimension; the paper's is quadratic.",
    "warmuth-2021": "A net with a fully-connected input layer that saw some rows of a Hadamard matrix keeps most "
    "of its loss; a two-layer linear net with a sparse first layer does not.",
    "wang-wu-2023": "Separates what local connections and shared weights save, with the same argument from symmetry.",
    "lahoti-2024": "Separations of convolutional, locally connected and fully-connected nets on noisy patches.",
    "abbe-boix-2022": "What the symmetry of training costs, measured by how a group aligns a target with its orbit.",
    "krizhevsky-2009": "Describes CIFAR-10, the images on the right of Figure 1. They are not shipped here.",
}
"""Works that no claim rests on and a reader may look for, each with what it has to do with these pages."""


def family(author: str) -> str:
    """The family name of an author.

    Example:
        >>> family("Ian Waudby-Smith")
        'Waudby-Smith'
    """
    return author.rsplit(" ", 1)[-1]


def bibtex(entries: Iterable[Entry]) -> str:
    r"""Entries as BibTeX in plain ASCII, sorted as they come.

    Example:
        >>> print(bibtex([Entry("b", "book", ("A. Bł",), "On {0, 1}", 7, "C")]), end="")
        @book{b,
          author = {A. B{\l}},
          title = {{On \{0, 1\}}},
          publisher = {C},
          year = {7},
        }
    """
    return "\n".join(map(_one, entries))


def _one(entry: Entry) -> str:
    author, title, venue, year = REQUIRED[entry.kind]
    fields = {
        author: " and ".join(_ascii(entry, name) for name in entry.authors),
        title: f"{{{_ascii(entry, entry.title)}}}",  # the braces keep its capitals
        venue: _ascii(entry, entry.venue),
        year: str(entry.year),
        "volume": entry.volume,
        "number": entry.number,
        "pages": entry.pages.replace("-", "--"),
        "eprint": entry.arxiv,
        "archiveprefix": "arXiv" if entry.arxiv else "",
    }
    lines = [f"  {name} = {{{value}}},\n" for name, value in fields.items() if value]
    return f"@{entry.kind}{{{entry.key},\n{''.join(lines)}}}\n"


def _ascii(entry: Entry, raw: str) -> str:
    for plain, escaped in ESCAPES.items():
        raw = raw.replace(plain, escaped)
    if strange := [letter for letter in raw if not letter.isascii()]:
        raise ValueError(f"entry {entry.key}: got the character {strange[0]!r}, want ASCII or one of ESCAPES")
    return raw
