"""The last run: outcome, environment, error rates."""

from __future__ import annotations

from collections import Counter

from generator.markdown import Record, danger, label, link, page, slug, table, text
from generator.reliability import error_rates, missed


def unexpected(report: Record) -> list[str]:
    """What did not get the verdict that was expected, as links."""
    claims = [f"[{c['id']}](#claim-{slug(c['id'])})" for c in report["claims"] if c["status"] != c["expected"]]
    rows = report["measurements"]
    return claims + [link(f"{m['claim']}: {m['name']}", label(m)) for m in rows if m["verdict"] != m["expected"]]


def verdict(report: Record) -> str:
    """Whether all is as expected, in one line or in one loud box."""
    number = len(report["claims"]) + len(report["measurements"])
    wrong = unexpected(report)
    if not wrong:
        return f"All {number} verdicts of {link('the last run', 'the-last-run')} are as expected.\n"
    return danger(
        f"{len(wrong)} of {number} verdicts of {link('the last run', 'the-last-run')} are NOT as expected: "
        + "; ".join(wrong)
    )


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
    return "(the-last-run)=\n" + page(
        "The last run",
        verdict(report),
        table(("", *kinds), ((name, *(str(counter[v]) for v in kinds)) for name, counter in counts)),
        f"Mutants that were not run or got the verdict of the check itself: {survived}.",
        "## Environment",
        table(("", "version or value"), ((text(a), text(b)) for a, b in facts)),
        "## Error rates",
        error_rates(report),
        missed(),
    )
