"""Everything that is referred to has an entry, every entry is referred to, and the BibTeX is well formed."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from theory import bibliography, claims
from theory.bibliography import CITED_BY, ENTRIES, MODULES, RELATED, REQUIRED, Entry, bibtex, family
from theory.claims import Claim

ROOT = Path(__file__).parents[2]
YEAR = re.compile(r"(?<!-)\b(1[89]\d\d|20[0-2]\d)\b")
FIELD = re.compile(r"  ([a-z]+) = \{(.+)\},")
CLAIMS = {c.id: c for c in claims.load()}


def wanted_years(source: str) -> set[str]:
    return set(YEAR.findall(re.sub(r"arXiv \d+\.\d+", "", source)))


def objection(claim: Claim, cited: dict[str, str] | None = None) -> str:
    """What is wrong with the entries of a claim, "" if nothing is."""
    held = CITED_BY.get(claim.id, {}) if cited is None else cited
    years = wanted_years(claim.source)
    named = {e.key for e in ENTRIES.values() if all(re.search(rf"\b{family(a)}\b", claim.source) for a in e.authors)}
    if missing := years - {str(ENTRIES[key].year) for key in held}:
        return f"{claim.id}: its source names {sorted(missing)}, no entry has this year"
    if not held and (claim.kind == "cited" or not claim.source.startswith(("ours", "folklore"))):
        return f"{claim.id}: no entry"
    if any(where not in claim.source for where in held.values()):
        return f"{claim.id}: a statement that its source does not name"
    if any(not where and family(ENTRIES[key].authors[0]) not in claim.source for key, where in held.items()):
        return f"{claim.id}: an entry whose first author its source does not name"
    left_out = sorted(key for key in named - set(held) if not years or str(ENTRIES[key].year) in claim.source)
    return f"{claim.id}: not among its entries: {left_out}" if left_out else ""


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_the_source_of_a_claim_has_its_entries(claim: Claim) -> None:
    assert objection(claim) == ""


def test_a_forgotten_a_wrong_and_a_surplus_entry_are_seen() -> None:
    assert "no entry" in objection(CLAIMS["blumer-1989"], {})
    assert "its source names" in objection(CLAIMS["thm-b.1"], {"li-zhang-arora-2021": "Theorem B.1"})
    assert "does not name" in objection(CLAIMS["lem-d.2"], {"li-zhang-arora-2021": "Lemma D.3"})
    assert "first author" in objection(CLAIMS["lem-d.2"], {"li-zhang-arora-2021": "", "sauer-1972": ""})
    assert "not among" in objection(CLAIMS["upper-5.2"], {"blumer-1989": ""})


def test_only_claims_of_the_ledger_are_mapped_and_to_entries() -> None:
    assert set(CITED_BY) <= set(CLAIMS)
    keys = {key for held in CITED_BY.values() for key in held} | {key for held in MODULES.values() for key in held}
    assert keys <= set(ENTRIES)
    assert not keys & set(RELATED)
    assert keys | set(RELATED) == set(ENTRIES)  # none is unused, none is missing


def words(path: Path) -> str:
    """The docstrings and comments of a module."""
    source = path.read_text(encoding="utf-8")
    nodes = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef)]
    comments = [t.string for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type == tokenize.COMMENT]
    return "\n".join([*(ast.get_docstring(n) or "" for n in nodes), *comments])


@pytest.mark.parametrize("room", ["theory", "sims", "verify"])
def test_every_year_in_a_docstring_belongs_to_an_entry_of_its_module(room: str) -> None:
    for path in sorted((ROOT / room).glob("*.py")):
        cited = {str(ENTRIES[key].year) for key in MODULES.get(f"{room}.{path.stem}", ())}
        assert set(YEAR.findall(words(path))) <= cited, path.name


@pytest.mark.parametrize("module", MODULES)
def test_a_module_names_what_it_is_said_to_refer_to(module: str) -> None:
    text = words(ROOT / f"{module.replace('.', '/')}.py")
    for key in MODULES[module]:
        assert {family(ENTRIES[key].authors[0]), str(ENTRIES[key].year)} <= set(re.findall(r"[\w-]+", text)), key


def test_keys_are_sorted_and_say_the_year() -> None:
    assert list(ENTRIES) == sorted(ENTRIES)
    for key, entry in ENTRIES.items():
        assert key.endswith(f"-{entry.year}")
        assert re.fullmatch(r"[a-z0-9-]+", key)
        assert re.fullmatch(r"(\d+(-\d+)?)?", entry.pages)
        assert entry.checked.endswith(".")


def parsed(text: str) -> dict[str, tuple[str, dict[str, str]]]:
    """A reader of BibTeX as `bibtex` writes it, strict on purpose."""
    found = {}
    for block in text.split("\n\n"):
        head, *fields, last = block.strip().splitlines()
        kind, key = re.fullmatch(r"@([a-z]+)\{([a-z0-9-]+),", head).groups()  # type: ignore[union-attr]
        assert last == "}"
        assert key not in found
        read = dict(FIELD.fullmatch(line).groups() for line in fields)  # type: ignore[union-attr]
        for value in read.values():
            depths = [value[: i + 1].count("{") - value[: i + 1].count("}") for i in range(len(value))]
            assert min(depths) >= 0
            assert depths[-1] == 0
        assert len(read) == len(fields)
        found[key] = (kind, read)
    return found


def test_bibtex_is_well_formed_and_whole() -> None:
    text = bibtex(ENTRIES.values())
    assert text.isascii()
    found = parsed(text)
    assert list(found) == list(ENTRIES)
    for key, (kind, fields) in found.items():
        assert kind == ENTRIES[key].kind
        assert set(REQUIRED[kind]) <= set(fields)
        assert fields["author"].count(" and ") == len(ENTRIES[key].authors) - 1
        assert fields["year"] == str(ENTRIES[key].year)
    assert found["haussler-1994"][1]["title"] == r"{Predicting \{0,1\}-functions on randomly drawn points}"
    assert found["warmuth-2021"][1]["author"] == r"Manfred K. Warmuth and Wojciech Kot{\l}owski and Ehsan Amid"
    assert found["long-1995"][1]["pages"] == "1556--1559"


def test_a_letter_without_an_escape_is_refused() -> None:
    with pytest.raises(ValueError, match="entry a-1: got the character 'ø'"):
        bibtex([Entry("a-1", "book", ("A. Bø",), "C", 1, "D")])


def test_the_statement_about_the_appendix_stands_in_the_entry_of_the_paper() -> None:
    assert "appendix was not at hand" in ENTRIES[bibliography.PAPER].checked
