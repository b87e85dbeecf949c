"""Writes the pages that come from a report: ``python docs/generate.py REPORT.json docs/generated``.

Every status, number and figure on these pages is read from the report of `orbitgap verify`, from the
schemas or from the code; none is typed here.
"""

from __future__ import annotations

import ast
import csv
import html
import inspect
import io
import itertools
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]

import sims.warmup
import verify
from theory import bounds, quadratic
from theory.complexity import Bound
from theory.evidence import Trust
from theory.groups import GROUPS
from theory.store import write_atomically
from verify import coupling, optimizers, verdicts

Record = Mapping[str, Any]
Pages = dict[str, str | bytes]

SCHEMAS = Path(verify.__file__).parent / "schemas"
MARKER = ".made-by-generate"
SHOWN = 1500
"""Characters of a certificate that a page shows; the JSON beside it has all of it."""
SIGNS = {"CERTIFIED": "✓", "REFUTED": "✗"}
TOPICS = {"table-1": "optimizers", "ex-4.1-exact": "warmup"}
"""Claims whose measurements have a page of their own."""
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)


class BadReportError(Exception):
    """The report, or what it names, cannot be used; shown as one line."""


def main(arguments: Sequence[str]) -> int:
    """Write all pages; 2 if the report is missing or damaged."""
    if len(arguments) != 2:
        print("usage: python docs/generate.py REPORT.json FOLDER", file=sys.stderr)
        return 2
    source, target = map(Path, arguments)
    try:
        report = read(source)
        write(target, {**pages(report, figures(report, source)), **schemas()})
    except BadReportError as error:
        print(f"generate: {error}", file=sys.stderr)
        return 2
    return 0


# The report


def read(path: Path) -> dict[str, Any]:
    """The report, if it is one that `orbitgap verify` wrote."""
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.validate(report, json.loads((SCHEMAS / "report.schema.json").read_text(encoding="utf-8")))
    except OSError as error:
        raise BadReportError(f"{path}: {error.strerror}; `orbitgap verify` writes a report") from error
    except (ValueError, jsonschema.ValidationError) as error:
        where = f"{error.json_path}: " if isinstance(error, jsonschema.ValidationError) else ""
        problem = (where + str(error).splitlines()[0])[:160]
        raise BadReportError(f"{path} is damaged ({problem}): run `orbitgap verify` again") from error
    if report["ok"] == bool(unexpected(report)):
        raise BadReportError(f"{path} is damaged (`ok` contradicts its verdicts): run `orbitgap verify` again")
    return report


def figures(report: Record, source: Path) -> dict[str, bytes]:
    """The figures that the report names, by file name; looked for beside the report first."""
    found = {}
    for name in map(Path, report["figures"]):
        places = [source.parent / "figures" / name.name, source.parent / name, name]
        place = next((p for p in places if p.is_file()), None)
        if place is None:
            raise BadReportError(f"{source} names the figure {name}, which is not there: run `orbitgap verify` again")
        found[name.name] = place.read_bytes()
    return found


def unexpected(report: Record) -> list[str]:
    """What did not get the verdict that was expected, as links."""
    claims = [f"[{c['id']}](#claim-{slug(c['id'])})" for c in report["claims"] if c["status"] != c["expected"]]
    rows = report["measurements"]
    return claims + [link(f"{m['claim']}: {m['name']}", label(m)) for m in rows if m["verdict"] != m["expected"]]


def write(target: Path, made: Mapping[str, str | bytes]) -> None:
    """Write each file whole, leave unchanged ones alone and remove what is no longer made."""
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / MARKER).exists())):
        raise BadReportError(f"{target}: holds files that were not generated; name a new or an empty folder")
    try:
        for name, content in {MARKER: "", **made}.items():
            new = content.encode() if isinstance(content, str) else content
            if not (target / name).is_file() or (target / name).read_bytes() != new:
                write_atomically(target / name, new)
        for path in sorted(target.rglob("*"), reverse=True):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
            elif path.is_file() and path.relative_to(target).as_posix() not in {MARKER, *made}:
                path.unlink()
    except OSError as error:
        raise BadReportError(f"{error.filename or target}: cannot be written ({error.strerror})") from error


def pages(report: Record, drawn: Mapping[str, bytes]) -> Pages:
    """All files by their path in the folder."""
    measured = {id: [m for m in report["measurements"] if m["claim"] == id] for id in TOPICS}
    made: Pages = {
        "claims/index.md": claims_page(report),
        "table-1.md": table1_page(report),
        "optimizers.md": optimizers_page(measured["table-1"]),
        "optimizers.json": as_json(measured["table-1"]),
        "warmup.md": warmup_page(report, measured["ex-4.1-exact"], drawn),
        "warmup.json": as_json(measured["ex-4.1-exact"]),
        "constants.md": constants_page(),
        "run.md": run_page(report),
        "verdict.inc": verdict(report),
        "trust.inc": trust_levels(),
        "errors.inc": error_rates(report),
        "missed.inc": missed(report["measurements"]),
    }
    made |= {f"figures/{name}": content for name, content in drawn.items()}
    for claim in report["claims"]:
        held = [m for m in report["measurements"] if m["claim"] == claim["id"]]
        made[f"claims/{claim['id']}.md"] = claim_page(claim, held)
        made[f"claims/{claim['id']}.json"] = as_json(claim)
    return made


# Pieces of Markdown


def text(raw: str) -> str:
    """Plain words as Markdown: on one line, nothing in them is markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~^&])", r"\\\1", " ".join(raw.split()))


def slug(raw: str) -> str:
    """Letters, digits and hyphens only."""
    return re.sub(r"[^a-z0-9]+", "-", raw.lower()).strip("-")


def link(words: str, anchor: str) -> str:
    """A link to a label anywhere in these pages."""
    return f"[{text(words)}](#{anchor})"


def label(step: Record, claim: str = "") -> str:
    """Where a step of a claim's proof, or a measurement, is shown."""
    return (
        f"step-{slug(claim)}-{slug(step['name'])}" if claim else f"measured-{slug(step['claim'] + ' ' + step['name'])}"
    )


def to_claims(ids: Iterable[str], none: str = "nothing") -> str:
    """Links to claims."""
    return ", ".join(f"[{id}](#claim-{slug(id)})" for id in ids) or none


def word(verdict: str, expected: str) -> str:
    """A verdict that reads without colour, and loudly if it is not the expected one."""
    sign = f"{SIGNS.get(verdict, '?')} {verdict}"
    return sign if verdict == expected else f"**{sign}, wanted {expected}**"


def seconds(number: float | None) -> str:
    """A time with three digits."""
    return "not run" if number is None else f"{number:.3g} s"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def details(title: str, content: str, language: str = "text") -> str:
    """A block that opens on a click."""
    return f"<details><summary>{html.escape(title)}</summary>\n\n```{language}\n{content}\n```\n\n</details>\n"


def danger(words: str) -> str:
    """An admonition that cannot be overlooked."""
    return f":::{{admonition}} Not as expected\n:class: danger\n\n{words}\n:::\n"


def page(title: str, *parts: str) -> str:
    """A page from its parts."""
    return "\n\n".join([f"# {title}", *(part.strip() for part in parts if part.strip())]) + "\n"


def display(tex: str) -> str:
    r"""A statement as display math, one line for each part that ``\quad`` sets off."""
    parts, depth = [""], 0
    for piece in re.split(
        r"(\\q?quad(?![a-zA-Z])|\\(?:begin|left)(?![a-zA-Z])|\\(?:end|right)(?![a-zA-Z])|\\.|[{}])", tex
    ):
        depth += piece in ("{", "\\begin", "\\left")
        depth -= piece in ("}", "\\end", "\\right")
        if piece in ("\\quad", "\\qquad") and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    lines = " \\\\\n".join(f"& {part.strip()}" for part in parts if part.strip())
    return f"```{{math}}\n\\begin{{aligned}}\n{lines}\n\\end{{aligned}}\n```"


def as_json(data: Any) -> str:
    """Data as people copy it."""
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def certificate(step: Record, whole: str) -> str:
    """A certificate as JSON; the first part of it, with a link to all, if it is long."""
    data = step["certificate"]
    if not data:
        return ""
    entries = [f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in data.items()]
    content = "{\n" + ",\n".join(entries) + "\n}"
    title = f"Certificate: {data.get('kind', 'of no kind')}"
    if len(content) <= SHOWN:
        return details(title, content, "json")
    title += f", the first {SHOWN} of {len(content)} characters"
    return details(title, content[:SHOWN] + " ...") + f"\nThe whole certificate is in [{whole}]({whole}).\n"


def step_part(step: Record, anchor: str, expected: str, whole: str, level: str = "###") -> str:
    """One step or one measurement, whole."""
    mutant = step["mutant"]["verdict"] or "not run"
    lines = [
        f"- Verdict: {word(step['verdict'], expected)}, trust {step['trust'] or 'none'} (declared {step['by']}), "
        f"{seconds(step['seconds'])}",
        f"- Found: {text(step['summary']) or 'nothing yet'}",
        f"- Mutant: {text(step['mutant']['says'])}. Its verdict: {mutant}",
    ]
    if step["uses"]:
        lines.insert(2, f"- Rests on: {to_claims(step['uses'])}")
    head = f"({anchor})=\n{level} {text(step['name'])}\n\n"
    return head + "\n".join(lines) + "\n\n" + certificate(step, whole)


# Claims


def claims_page(report: Record) -> str:
    """The list of all claims."""
    claims = report["claims"]
    rows = (
        (
            to_claims([c["id"]]),
            text(c["title"]),
            c["kind"],
            word(c["status"], c["expected"]),
            c["trust"] or "none",
            to_claims(c["rests_on"], "nothing cited"),
        )
        for c in claims
    )
    return page(
        "Claims",
        "" if report["ok"] else verdict(report),
        table(("claim", "title", "kind", "status", "trust", "rests on"), rows),
        "The status is computed from the steps of the proof and from all that they rest on; the trust is the weakest "
        "link. What the words mean is said in [](../../reliability.md).",
        "```{toctree}\n:hidden:\n\n" + "\n".join(c["id"] for c in claims) + "\n```",
    )


def claim_page(claim: Record, held: Sequence[Record]) -> str:
    """One claim whole."""
    id = claim["id"]
    steps = [step_part(s, label(s, id), step_wants(claim, s), f"{id}.json") for s in claim["steps"]]
    wrong = claim["status"] != claim["expected"]
    return f"(claim-{slug(id)})=\n" + page(
        f"{id}: {text(claim['title'])}",
        danger(f"The status is {claim['status']}; the ledger expects {claim['expected']}.") if wrong else "",
        f"{claim['kind'].capitalize()}. Status: {word(claim['status'], claim['expected'])}, trust "
        f"{claim['trust'] or 'none'}, rests on {to_claims(claim['rests_on'], 'nothing cited')}.",
        f"Reason: {text(claim['reason'])}" if claim["reason"] else "",
        "## Statement",
        display(claim["statement"]),
        "Hypotheses:\n\n" + "\n".join(f"- {{math}}`{h}`" for h in claim["hypotheses"]) if claim["hypotheses"] else "",
        f"Source: {text(claim['source'])}.",
        f"- Stated with: {to_claims(claim['uses'])}\n- Proved from: {to_claims(claim['proof_uses'])}\n"
        f"- Used by: {to_claims(claim['used_by'])}",
        "## Proof",
        f"Steps: {len(steps)}, in {seconds(claim['seconds'])}." if steps else "It has no steps here.",
        *steps,
        held_against(held),
        f"## Data\n\nThis page as JSON: [{id}.json]({id}.json); its keys are described in [](../json.md).",
    )


def step_wants(claim: Record, step: Record) -> str:
    """What is wanted of a step: a refuted step is right only where the claim is expected to be refuted."""
    refuting = claim["expected"] == "REFUTED" and step["verdict"] == "REFUTED"
    return "REFUTED" if refuting else "CERTIFIED"


def held_against(held: Sequence[Record]) -> str:
    """The measurements of a claim: a list if they have a page of their own, else whole."""
    if not held:
        return ""
    id = held[0]["claim"]
    if id not in TOPICS:
        parts = [step_part(m, label(m), m["expected"], f"{id}.json") for m in held]
        return "\n\n".join(["## Measurements", *parts])
    rows = ((link(m["name"], label(m)), word(m["verdict"], m["expected"]), text(m["summary"])) for m in held)
    return f"## Measurements\n\nAll on [](../{TOPICS[id]}.md).\n\n" + table(("measured", "verdict", "found"), rows)


def table1_page(report: Record) -> str:
    """Table 1 as a grid of rows and groups."""
    claim = next((c for c in report["claims"] if "table" in c), None)
    if claim is None:
        return page("Table 1", "This report has no claim table-1.")
    names = list(dict.fromkeys(name for row in claim["table"] for name in row["cells"]))
    steps = {s["name"]: s for s in claim["steps"]}
    rows = (
        (f"{text(r['title'])} ({r['part']})", *(cell(claim, r["cells"].get(n), steps) for n in names))
        for r in claim["table"]
    )
    wrong = claim["status"] != claim["expected"]
    return page(
        "Table 1",
        danger(f"The status of table-1 is {claim['status']}; the ledger expects {claim['expected']}.") if wrong else "",
        f"Under which groups is the training of a fully-connected net equivariant? Each cell of "
        f"{to_claims([claim['id']])} links to the step that shows it: a row and a group are proved or refuted there, "
        "or follow from a step for a larger or smaller group.",
        table(("", *(group_title(n) for n in names)), rows),
        "✓ holds: proved. ✗ fails: refuted by a counterexample. ?: the step that should show it did not.",
        "What real optimizers do is measured in [](optimizers.md).",
    )


def cell(claim: Record, found: Record | None, steps: Mapping[str, Record]) -> str:
    """One cell of Table 1; it says holds or fails only if its step is certified."""
    if found is None:
        return "? undecided"
    step = steps.get(found["step"])
    if step is None or step["verdict"] != "CERTIFIED":
        says = f"? {step['verdict'] if step else 'no step'}"
    else:
        says = "✓ holds" if found["holds"] else "✗ fails"
    return f"[{says}](#{label(step, claim['id'])})" if step else says


def group_title(name: str) -> str:
    """A group as a column head: its words and its letter."""
    group = GROUPS.get(name)
    return f"{text(group.title)} {text(group.letter)}" if group else text(name)


# Measurements


def split_name(name: str) -> tuple[str, str]:
    """The optimizer and the group that a measurement's name speaks of; no group if it names none."""
    for group in sorted(GROUPS.values(), key=lambda g: -len(g.title)):
        short = name.removesuffix(group.letter).rstrip()
        if short.endswith(group.title):
            return short.removesuffix(group.title).rstrip(" ,:"), group.name
    return name, ""


def level(measurement: Record) -> str:
    """How closely it agrees or how far it is off, from the summary."""
    return str(measurement["summary"]).partition("; ")[2].partition(" (")[0]


def optimizers_page(held: Sequence[Record]) -> str:
    """Real optimizers against groups."""
    grid: dict[str, dict[str, Record]] = {}
    for m in held:
        optimizer, group = split_name(m["name"])
        if group:
            grid.setdefault(optimizer, {})[group] = m
    names = [name for name in GROUPS if any(name in row for row in grid.values())]
    rows = ((text(o), *(measured_cell(row.get(n)) for n in names)) for o, row in grid.items())
    return page(
        "Optimizers, measured",
        wrong_rows(held),
        "torch's own optimizers train real nets in coupled pairs. The verdict of each cell is held against "
        "[](table-1.md); details stand below the grid.",
        table(("", *(group_title(n) for n in names)), rows) if grid else "This report has no measured optimizers.",
        "## How a verdict is made",
        how_judged(),
        "## What these cases can exclude",
        missed(held),
        "## Details",
        *(step_part(m, label(m), m["expected"], "optimizers.json") for m in held),
    )


def measured_cell(measurement: Record | None) -> str:
    """Verdict and level."""
    if measurement is None:
        return "not measured"
    says = word(measurement["verdict"], measurement["expected"])
    return f"[{says}](#{label(measurement)}) {text(level(measurement))}".strip()


def wrong_rows(held: Sequence[Record]) -> str:
    """A warning that lists what is not as expected."""
    wrong = [link(m["name"], label(m)) for m in held if m["verdict"] != m["expected"]]
    return danger(f"{len(wrong)} of {len(held)} verdicts are NOT as expected: {'; '.join(wrong)}") if wrong else ""


def how_judged() -> str:
    """From coupled runs to a verdict, with the factors of `verify.verdicts`."""
    return f"""A *case* is a drawn net, data set, choice of hyper-parameters and group element g. One learner trains on
D from W, its twin on g D from W g⁻¹; the *residual* is the greatest difference between their outputs at test points x
and g x. Both are run in double and in single precision. What rounding alone does is measured: {coupling.CONTROLS}
*controls* repeat the training after a random rotation and back, which changes nothing but last bits. The unit is the
greater of the largest control and the resolution of the outputs.

- A case is CERTIFIED if the outputs agree to the last bit (*bitwise*), or the residual is at most
  {verdicts.EXPLAINED:,.0f} units in both precisions (*rounding*).
- It is REFUTED if the residual is at least {verdicts.CLEAR:,.0f} units in double precision.
- It is INCONCLUSIVE in between, if training diverged, or if it moved the outputs by too little to show a violation.

{inspect.getdoc(optimizers.cell)}

Every measurement has a mutant. Where the group should be kept, a small drift of the weights is planted and must be
refuted; where it should be broken, elements of the group that is kept are drawn instead and must not be refuted."""


def missed(held: Sequence[Record]) -> str:
    """The chance that a violation stays unseen, for each number of cases that a pass rests on."""
    certified = [m for m in held if m["verdict"] == "CERTIFIED" and m["certificate"].get("kind") == "trials"]
    counts = Counter(m["certificate"]["count"] for m in certified)
    if not counts:
        return "No pass in this report rests on drawn cases."
    rows = [
        (f"{n} cases ({k} passes)", *(f"{(1 - p) ** n:.2g}" for p in SHARES), f"{1 - 0.05 ** (1 / n):.1%}")
        for n, k in sorted(counts.items())
    ]
    head = ("", *(f"p = {p:.0%}" for p in SHARES), "p missed with probability 5%")
    return (
        "A violation that would be visible in a share p of the drawn cases is missed by all n independent cases with "
        "probability (1-p)ⁿ:\n\n" + table(head, rows) + "\nSo a pass excludes a violation that is visible often; it "
        "does not exclude one that needs rare data, rare hyper-parameters, other architectures or more steps than were "
        "drawn. The draws come from Hypothesis, which also favours small and special values, so that independence is "
        "an approximation. A refutation stands by itself: its case is in the certificate."
    )


def warmup_page(report: Record, held: Sequence[Record], drawn: Mapping[str, bytes]) -> str:
    """The warm-up experiment against the exact error."""
    claim = next((c for c in report["claims"] if c["id"] == "ex-4.1-exact"), None)
    rows = ((link(m["name"], label(m)), word(m["verdict"], m["expected"]), text(m["summary"])) for m in held)
    return page(
        "The warm-up, run",
        wrong_rows(held),
        figure(drawn),
        table(("question", "verdict", "found"), rows) if held else "This report has no simulations of the warm-up.",
        "## What it is held against",
        f"The exact statement, {to_claims(['ex-4.1-exact'])}:\n\n{display(claim['statement'])}" if claim else "",
        "## What is simulated",
        inspect.getdoc(sims.warmup) or "",
        family_wise(held),
        "## Details",
        *(step_part(m, label(m), m["expected"], "warmup.json") for m in held),
    )


def figure(drawn: Mapping[str, bytes]) -> str:
    """The warm-up figure with its data, described in words for those who do not see it."""
    if not {"warmup.svg", "warmup.csv"} <= drawn.keys():
        return "This report has no figure of the warm-up."
    data = list(csv.DictReader(io.StringIO(drawn["warmup.csv"].decode())))
    learners, sizes = (", ".join(dict.fromkeys(row[key] for row in data)) for key in ("learner", "d"))
    alt = f"Expected error against the number of training samples at d = {sizes} for {learners}, with the exact bound"
    return (
        f"```{{figure}} figures/warmup.svg\n:alt: {alt}\n\nExpected error against the number of samples; bars are "
        f"simultaneous intervals.\n```\n\nThe drawn numbers: [warmup.csv](figures/warmup.csv)."
    )


def family_wise(held: Sequence[Record]) -> str:
    """The error rate of the experiment, as its certificates state it."""
    found = {(c["alpha"], c["comparisons"]) for c in simulations(held)}
    return "\n".join(
        f"The probability that any of the {comparisons} intervals misses its expected error is at most {alpha:g} "
        "(Clopper-Pearson intervals, Bonferroni correction)."
        for alpha, comparisons in sorted(found)
    )


def simulations(held: Iterable[Record]) -> Iterator[Record]:
    """The certificates of simulations."""
    return (m["certificate"] for m in held if m["certificate"].get("kind") == "simulation")


# The run


def verdict(report: Record) -> str:
    """Whether all is as expected, in one line or in one loud box."""
    number = len(report["claims"]) + len(report["measurements"])
    wrong = unexpected(report)
    if not wrong:
        return f"All {number} verdicts of {link('the last run', 'run')} are as expected.\n"
    return danger(
        f"{len(wrong)} of {number} verdicts of {link('the last run', 'run')} are NOT as expected: " + "; ".join(wrong)
    )


def constants_page() -> str:
    """What the theorems ask for in numbers, evaluated now: Theorem 5.2 three ways, then every task."""
    eps, delta = "0.01", "0.5"
    rows = [quadratic.comparison(d, eps, delta) for d in (2, 4, 8, 16, 64, 256)]
    three = table(
        ("d", "paper's form", "bilinear family (lem-d.4)", "whole orbit (thm-5.2-explicit)", "rate (thm-5.2-rate)"),
        ((str(r.d), text(r.paper), str(r.bilinear), str(r.orbit), str(r.rate)) for r in rows),
    )
    asked = [("warmup", 32), ("quadratic", 8), ("regression", 8), ("texture", 64)]
    found = [bounds.best(task, d, e, learner=k) for task, d in asked for e in ("0.1", "0.001") for k in bounds.LEARNERS]
    shown = table(
        ("task", "d", "eps", "learner", "at least", "claim", "at most", "claim"),
        (
            (b.task, str(b.d), f"{float(b.eps):g}", b.learner, *bound_cells(b.lower), *bound_cells(b.upper))
            for b in found
        ),
    )
    return "(constants)=\n" + page(
        "Constants",
        "Lower and upper bounds on the number of samples, evaluated by `theory.bounds.best` when this page was made.",
        f"## Theorem 5.2 three ways\n\nLower bounds on N(eps, delta) at eps = {eps}, delta = {delta}, inputs in R^2d. "
        "A negative number says nothing: the rate wins for small eps only.",
        three,
        "## Every task\n\nBounds on N*(eps), the expected error (relative loss for regression), where certified.",
        shown,
    )


def bound_cells(bound: Bound | None) -> tuple[str, str]:
    """The number and a link to the claim."""
    if bound is None:
        return "\u2013", "\u2013"
    return ("vacuous" if bound.vacuous and bound.n < 0 else str(bound.n)), to_claims([bound.claim])


def run_page(report: Record) -> str:
    """Version, environment, seed, time and outcome."""
    steps = [s for c in report["claims"] for s in c["steps"]]
    survived = sum(s["mutant"]["verdict"] in (None, s["verdict"]) for s in [*steps, *report["measurements"]])
    counts = [("claims", Counter(c["status"] for c in report["claims"]))]
    counts += [("steps of proofs", Counter(s["verdict"] for s in steps))]
    counts += [("measurements", Counter(m["verdict"] for m in report["measurements"]))]
    kinds = list(dict.fromkeys(v for _, counter in counts for v in counter))
    facts = [("orbitgap", report["version"]), *report["environment"].items()]
    facts += [("seed", str(report["seed"])), ("wall time", f"{report['seconds']:.0f} s")]
    return "(run)=\n" + page(
        "The last run",
        verdict(report),
        table(("", *kinds), ((name, *(str(counter[v]) for v in kinds)) for name, counter in counts)),
        f"Mutants that were not run or got the verdict of the check itself: {survived}.",
        "## Environment",
        table(("", "version or value"), ((text(a), text(b)) for a, b in facts)),
        "## Error rates",
        error_rates(report),
        missed(report["measurements"]),
    )


def error_rates(report: Record) -> str:
    """How often chance alone would mislead, over the whole suite."""
    steps = [s for c in report["claims"] for s in c["steps"]]
    chance = [s for s in steps if s["by"] in (Trust.SAMPLED.name, Trust.SIMULATED.name)]
    rates = {m["claim"]: m["certificate"]["alpha"] for m in report["measurements"] if list(simulations([m]))}
    drawn = sum(m["certificate"].get("kind") == "trials" for m in report["measurements"])
    lines = [
        f"- Proofs: {len(chance)} of {len(steps)} steps rest on chance.",
        f"- Simulated experiments: {len(rates)}. The probability that chance alone refutes a true statement is at most "
        f"{sum(rates.values()):g} over all of them.",
        f"- Optimizers: {drawn} measurements on drawn cases. Their threshold is a factor over measured rounding, "
        f"{verdicts.CLEAR:,.0f}; no probability is attached to it. What a pass can miss is computed from the number of "
        "cases.",
    ]
    return "\n".join(lines) + "\n"


def trust_levels() -> str:
    """The levels of trust, strongest first, in the words of `theory.evidence`."""
    (body,) = (node.body for node in ast.parse(inspect.getsource(Trust)).body if isinstance(node, ast.ClassDef))
    rows = []
    for entry, note in itertools.pairwise(body):
        match entry, note:
            case ast.Assign(targets=[ast.Name(name)]), ast.Expr(ast.Constant(str(meaning))):
                rows.append((name, text(meaning)))
    return table(("trust", "meaning"), reversed(rows))


# The schemas


def schemas() -> Pages:
    """The page on JSON and the schemas themselves."""
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(SCHEMAS.glob("*.schema.json"))}
    read_files = {name: json.loads(content) for name, content in files.items()}
    made: Pages = {f"schemas/{name}": content for name, content in files.items()}
    return made | {"json.md": json_page(read_files)}


def json_page(read_files: Mapping[str, Record]) -> str:
    """Every key of the JSON output."""
    parts: list[str] = []
    defined: dict[str, Record] = {}
    for name, schema in read_files.items():
        about = schema.get("description", "")
        parts.append(f"## `{schema['title']}`\n\n{text(about)}\n\nSchema: [{name}](schemas/{name}).")
        if "properties" in schema:
            parts.append(keys_table(schema))
        defined |= schema.get("$defs", {})
    for name, schema in defined.items():
        about = text(schema.get("description", "")).capitalize()
        parts.append(f"## {name.capitalize()}\n\n{about}\n\n{keys_table(schema)}")
    return page(
        "The JSON output", "Text is UTF-8. Verdicts and levels of trust are words; TeX is without dollars.", *parts
    )


def keys_table(schema: Record) -> str:
    """A table of keys."""
    rows = ((f"`{key}`", text(kind), text(meaning)) for key, kind, meaning in keys(schema))
    return table(("key", "type", "meaning"), rows)


def keys(schema: Record, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Key, type and meaning of everything in an object, nested objects too."""
    for name, inner in schema.get("properties", {}).items():
        yield path + name, type_of(inner), inner.get("description", "")
        yield from keys(inner, f"{path}{name}.")
        if isinstance(inner.get("additionalProperties"), dict):
            yield from keys(inner["additionalProperties"], f"{path}{name}.*.")


def type_of(schema: Record) -> str:
    """The type of a value in words."""
    if "enum" in schema:
        return ", ".join("null" if value is None else str(value) for value in schema["enum"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(type_of, schema["anyOf"]))
    if schema["type"] == "array":
        return f"list of {type_of(schema['items'])}"
    return str(schema["type"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
