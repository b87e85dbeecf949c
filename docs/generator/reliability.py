"""What verdicts rest on: how they are made, what they can miss, how often chance would mislead."""

from __future__ import annotations

import ast
import inspect
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction

from generator import measurement_kinds
from generator.markdown import SIGNS, Pages, Record, table, text, word
from generator.simulations import simulations
from theory.evidence import Trust
from verify import coupling, in_law, regimes, stations, verdicts
from verify.feature_table import FEATURES

CONFIRMED: Mapping[str, tuple[str, str]] = {
    "rewriting": ("an identity of matrices of any size, as words", "replayed rule by rule"),
    "polynomial": ("an identity of polynomials", "evaluated on a grid with more points than its degree allows zeros"),
    "sturm": ("no root in an interval", "counted again with fractions"),
    "rational": ("an inequality of rational numbers", "evaluated again"),
    "opposite-signs": ("two predictions that differ", "both computed again"),
    "ball": ("an inequality of real numbers", "enclosed again at twice the precision, by the same library"),
    "enumeration": ("finitely many cases", "**not repeated**: it holds their number and a counterexample, if any"),
    "trials": ("random cases", "**not repeated**: it holds their number and a counterexample, if any"),
    "kernel": (
        "a theorem that Coq's kernel checked",
        "the files are the ones that were checked, without a gap, on axioms of Coq's real numbers at most; Coq is "
        "not asked again",
    ),
    "simulation": ("means of replicas", "means held against Hoeffding's inequality, which is weaker"),
}
"""For each kind of certificate what it shows and how `theory.recheck` confirms it."""
ENDS = ("REFUTED", "INCONCLUSIVE", "CERTIFIED")
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def pages(report: Record) -> Pages:
    """What the page on reliability includes."""
    return {
        "trust.inc": trust_levels(),
        "levels.inc": levels(report),
        "certificates.inc": certificates(report),
        "mutants.inc": mutants(report),
        "errors.inc": error_rates(report),
        "missed.inc": missed(),
    }


def how_judged() -> str:
    """From coupled runs to a verdict, with the numbers of the code."""
    return f"""A training runs on data D from first weights W. Its *twin* runs on g D from W g⁻¹, with all else equal.
If the training keeps g, the twin's outputs at g x are the first run's outputs at x. The *residual* is the greatest
difference between the two, at test points and at each of several steps on the way, in units of the outputs.

What rounding alone does is measured. {coupling.CONTROLS} *controls* train on data that a random rotation moved and
moved back, which changes only last bits; what they differ by is the *control*. Where they are equal, it is the
resolution of the outputs.

Both are taken in double and in single precision, in {len(regimes.REGIMES)} fixed *regimes*:

{regimes_table()}
Data, first weights and group elements come from the seed. Coordinates of the data have different scales and means.
Elements leave no coordinate out; sign flips come as a pair s, -s.

In one regime a verdict is

- REFUTED if the residual is at least {verdicts.CLEAR:,.0f} controls in double precision;
- CERTIFIED, *bitwise*, if all outputs agree to the last bit in both precisions;
- CERTIFIED, *rounding*, if the residual is at most {verdicts.EXPLAINED:,.0f} controls in both precisions, and a
  planted drift of {power_of_ten(verdicts.DRIFT)} of each step would have been at least {verdicts.CLEAR:,.0f}
  controls;
- INCONCLUSIVE otherwise: training diverged, moved too little for that drift to show, is so chaotic that rounding
  hides it, or the residual lies between the two factors.

Over all regimes: one refuting regime refutes, if it does so again with {stations.WITNESSES} controls and further
elements. If none refutes, three quarters of them must certify, and the others are excused only where nothing could be
seen. What breaks a group breaks every larger one.

Training that draws random numbers need not agree run by run. First, what it draws along the inputs' axis is moved by
g too, where that keeps the law of the draws and nobody resets the generator between them: if the runs then agree, the
group is kept in law. If not, the laws of
{in_law.RUNS} runs of each, up to {in_law.STEPS} steps long, are compared at one element (Kolmogorov distances of
outputs and first weights). Only this can refute, and it certifies nothing: a rule may be broken behind its noise by
less than so coarse a test sees. The reason then names the distance that would have been seen.

Code that computes in single precision inside is lifted to double for the double runs, which then tell what the rule
is; as it is, it may be off by what single precision explains. Code that computes in half precision inside is judged
as it is, and its refutation says whether it stays when that
is lifted.

Every measurement has a mutant. Where the group should be kept, a drift is planted and must be refuted; where it
should be broken, elements of the group that is kept are drawn and must not be refuted; for a row over several groups
one group is predicted wrongly."""


def regimes_table() -> str:
    """The regimes of `verify.regimes`."""
    return table(
        ("regime", "inputs", "hidden widths", "activation", "biases", "samples", "batch", "steps", "loss", "rate"),
        (
            (
                r.name,
                str(r.d),
                ", ".join(map(str, r.hidden)),
                r.activation,
                "yes" if r.bias else "no",
                str(r.samples),
                "all" if r.batch is None else str(r.batch),
                str(r.steps),
                r.loss,
                f"x {r.rate:g}",
            )
            for r in regimes.REGIMES
        ),
    )


def missed() -> str:
    """What a pass speaks of, and what it does not."""
    longest = max(r.steps for r in regimes.REGIMES)
    widest = max(r.d for r in regimes.REGIMES)
    return f"""A pass speaks of the code and the settings that ran, on these {len(regimes.REGIMES)} nets with data
from one seed, for up to {longest} steps (fewer where each step evaluates many gradients). No probability is attached
to it: the regimes are chosen, not drawn. Unless the runs agree to the last bit, a planted drift of
{power_of_ten(verdicts.DRIFT)} of each step was far above rounding there, so a violation of that size that grows in
the same way would have been seen. A pass does not exclude

- a violation that begins after {longest} steps, needs other settings, rare data, more than {widest} inputs or other
  nets;
- one that is smaller than what was planted, or that stays below {verdicts.EXPLAINED:,.0f} controls;
- one on another device or in another version of a library, whose kernels differ.

A refutation of an optimizer stands by itself: its certificate holds the data, the element and two predictions that
should agree. That it is a violation, and not rounding, rests on the controls: a rule that amplifies a rounding event so
rare that no control meets it would be refuted wrongly. That was seen on one processor, for a planted rule with chaotic
steps. Rows over several groups hold numbers only.
"""


def levels(report: Record) -> str:
    """How many claims have which status and trust."""
    counts = Counter(
        (c["status"], c["expected"], c["trust"] or "none") for c in report["claims"] if c["kind"] != "cited"
    )
    lines = ((word(status, wanted), trust, str(n)) for (status, wanted, trust), n in counts.most_common())
    cited = sum(c["kind"] == "cited" for c in report["claims"])
    return table(("status", "trust", "claims"), lines) + f"\nBeside these stand {cited} cited theorems.\n"


def certificates(report: Record) -> str:
    """The kinds of certificates that steps of proofs left, how many steps hold each, and how each is confirmed."""
    found = [kinds(s["certificate"]) for c in report["claims"] for s in c["steps"]]
    counts = Counter(kind for held in found for kind in held)
    unknown = ("**not described here**", "**not known**")
    lines = (
        (k, str(counts[k]), *CONFIRMED.get(k, unknown))
        for k in [*CONFIRMED, *sorted(counts.keys() - CONFIRMED)]
        if counts[k]
    )
    cases = {"enumeration", "trials"}
    return table(("kind", "steps", "what it shows", "how it is confirmed"), lines) + (
        f"\nA step may leave several. Of {len(found)} steps {sum(held <= cases for held in found)} leave nothing but "
        f"cases, {sum(bool(held & cases) and not held <= cases for held in found)} leave cases beside something else.\n"
    )


def kinds(certificate: Record) -> set[str]:
    """The kinds of the parts of a certificate."""
    if certificate.get("kind") == "all":
        return set().union(*map(kinds, certificate["parts"]))
    return {certificate.get("kind", "none")}


def mutants(report: Record) -> str:
    """How the mutants of steps and of measurements ended."""
    steps = [s for c in report["claims"] for s in c["steps"]]
    lines = [counted("steps of proofs", steps), counted("measurements", report["measurements"])]
    head = ("", "mutants", *(f"{SIGNS.get(v, '?')} {v}" for v in ENDS), "not run", "survived")
    return table(head, lines)


def counted(title: str, held: Iterable[Record]) -> tuple[str, ...]:
    """How many mutants ended how; a survivor got the verdict of the check itself."""
    found = [(s["verdict"], s["mutant"]["verdict"]) for s in held]
    counts = Counter(mutant for _, mutant in found)
    survived = sum(verdict == mutant for verdict, mutant in found)
    loud = (f"**{n}**" if n else "0" for n in (counts[None], survived))
    return title, str(len(found)), *(str(counts[v]) for v in ENDS), *loud


def error_rates(report: Record) -> str:
    """How often chance alone would mislead, over the whole suite."""
    held = report["measurements"]
    steps = [s for c in report["claims"] for s in c["steps"]]
    chance = [s for s in steps if s["by"] in (Trust.SAMPLED.name, Trust.SIMULATED.name)]
    rates = {c["experiment"]: c["alpha"] for c in simulations(held)}
    weights = [
        found["alpha"] for m in measurement_kinds.first_weights(held) for found in m["certificate"]["groups"].values()
    ]
    compared = comparisons(held)
    drawn = compared * in_law.ALPHA
    simulated = 1.1 * sum(rates.values())
    total = simulated + sum(weights) + drawn
    coupled = len(measurement_kinds.optimizers(held)) + len(measurement_kinds.features(held))
    lines = [
        f"- Proofs: {len(chance)} of {len(steps)} steps rest on chance.",
        f"- Simulated experiments: {len(rates)}. The probability that chance alone refutes a true statement is at most "
        f"{simulated:.2g} over all of them, with a tenth on top of the intervals' own for confirming certificates.",
        f"- Laws of first weights: {len(weights)} comparisons. The probability that any law that is kept is refuted is "
        f"at most {sum(weights):.2g}.",
        f"- Training judged in law: at most {compared} comparisons at {in_law.ALPHA:g} each, so at most {drawn:.2g}. "
        f"With the first weights that is at most {sum(weights) + drawn:.3g} for all comparisons of laws.",
        f"- All of these together: at most {total:.2g}.",
        f"- Coupled runs: {coupled} measurements. Their thresholds are factors over measured rounding, "
        f"{verdicts.EXPLAINED:,.0f} and {verdicts.CLEAR:,.0f}; no probability is attached to their verdicts.",
    ]
    return "\n".join(lines) + "\n"


def comparisons(held: list[Record]) -> int:
    """How many comparisons of laws the features may have needed: those that draw random numbers, under each group."""
    steady = {row.title for row in FEATURES if not row.in_law}
    certificates = [m["certificate"] for m in measurement_kinds.features(held)]
    return sum(len(c["groups"]) for c in certificates if c["subject"] not in steady)


def power_of_ten(number: float) -> str:
    """A number such as 10⁻⁶, or as it is if it is no power of ten."""
    exact = Fraction(f"{number:g}")
    exponent = next((k for k in range(-30, 31) if Fraction(10) ** k == exact), None)
    return f"{number:g}" if exponent is None else "10" + str(exponent).translate(SUPERSCRIPTS)


def trust_levels() -> str:
    """The levels of trust, strongest first, in the words of `theory.evidence`."""
    (body,) = (node.body for node in ast.parse(inspect.getsource(Trust)).body if isinstance(node, ast.ClassDef))
    found = []
    for entry, note in itertools.pairwise(body):
        match entry, note:
            case ast.Assign(targets=[ast.Name(name)]), ast.Expr(ast.Constant(str(meaning))):
                found.append((name, text(meaning)))
    return table(("trust", "meaning"), reversed(found))
