"""The erratum to Theorem 5.4, to be checked in ten minutes."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from generator.markdown import Pages, Record, display, label, link, page, table, text, to_claims, word
from generator.simulated import interval, points
from generator.ten_minutes import alarm, claim_of, program, shown_by, standing
from theory.regression import WORST, dimension, lower_bound, printed_lower_bound, sharp_upper_bound
from theory.regression_upper import corners, determinant

PRINTED, CORRECTED = "thm-5.4", "thm-5.4-corrected"
WANTED = {PRINTED: "REFUTED", CORRECTED: "CERTIFIED"}
DIMENSIONS = range(2, 9)
SMALLEST = next(d for d in range(1, 9) if printed_lower_bound(d, Fraction(1, 10**9)) > dimension(d))
ONE_D, SHOWN = 6, ("3/4", "1/2", "1/4", "1/10", "1/100")
GRID = [Fraction(k, 100) for k in range(1, 100)]
COUNTED = ("false", "true", "not decided", "false in between")

PROGRAM = """
from fractions import Fraction
from random import randint, seed

def products(x):
    return [x[i] * x[j] for i in range(len(x)) for j in range(i, len(x))]

def value(form, x):
    return sum(b * t for b, t in zip(form, products(x)))

def learn(points, y):  # the quadratic form that fits; an error if there is not exactly one
    m = [[Fraction(v) for v in (*products(x), t)] for x, t in zip(points, y)]
    for c in range(len(m[0]) - 1):  # Gauss-Jordan elimination, exact
        p = next(r for r in range(c, len(m)) if m[r][c] != 0)
        m[c], m[p] = m[p], m[c]
        m[c] = [v / m[c][c] for v in m[c]]
        for r in set(range(len(m))) - {c}:
            m[r] = [v - m[r][c] * w for v, w in zip(m[r], m[c])]
    return [row[-1] for row in m]

def turn(x):  # a rotation with rational entries
    return [Fraction(3 * x[0] - 4 * x[1], 5), Fraction(4 * x[0] + 3 * x[1], 5), *x[2:]]

seed(0)
for d in range(2, 7):
    D = d * (d + 1) // 2
    a, new, *points = [[randint(-9, 9) for _ in range(d)] for _ in range(D + 2)]
    y = [sum(a_i * t * t for a_i, t in zip(a, x)) for x in points]  # the target: a
    form, turned = learn(points, y), learn(map(turn, points), y)
    assert form == [a[i] * (i == j) for i in range(d) for j in range(i, d)]  # no loss
    assert value(turned, turn(new)) == value(form, new)  # the learner turns with the data
    eps = Fraction(d - 1, d * (d + 3))
    printed = Fraction(d * (d + 3), 2) * (1 - eps) - 1
    assert printed > D, "no contradiction"
    print(f"d = {d}: {D} samples leave no loss; at eps = {eps} it asks for {printed}")
"""


def pages(report: Record, drawn: Mapping[str, bytes]) -> Pages:
    """The page."""
    printed, corrected = claim_of(report, PRINTED), claim_of(report, CORRECTED)
    return {
        "erratum.md": "(erratum)=\n"
        + page(
            "Erratum: Theorem 5.4 asks for too much",
            alarm(report, WANTED),
            lead(),
            standing(report, WANTED),
            "## What is printed",
            f"Source: {text(printed['source'])}.",
            display(printed["printed"] or printed["statement"]),
            "\n".join(f"- {{math}}`{h}`" for h in printed["hypotheses"]),
            "## Why it cannot be right",
            argument(report),
            f"(A step of {to_claims([PRINTED])} that reads REFUTED has found the printed bound wrong.)",
            small(),
            moderate(report),
            "## Run it",
            "Standard library only, exact arithmetic: the learner, its exactness, a rotation, and the contradiction.",
            program(PROGRAM, "erratum.md"),
            "## What is true instead",
            display(corrected["statement"]),
            sketch(report),
            tightness(),
            "## Where the printed bound does hold",
            holds(report),
            "## Measured",
            figure(drawn),
            measured(report),
            "## What is not claimed",
            NOT_CLAIMED,
        )
    }


def lead() -> str:
    """The contradiction at the smallest d, in one sentence."""
    d = SMALLEST
    eps = _half_of_threshold(d)
    return (
        f"At d = {d} and ε = {eps} the printed theorem asks for at least {printed_lower_bound(d, eps)} samples. "
        f"{dimension(d)} are enough for a learner that the theorem speaks of. The order $d^2$ "
        "and its coefficient $(1-\\varepsilon)/2$ are right; the term linear in $d$ is not. "
        "$(1-\\varepsilon)\\, d(d+1)/2$ is right up to 2 samples, and the printed bound exceeds it by "
        "$(1-\\varepsilon) d - 1$."
    )


def argument(report: Record) -> str:
    """The counterexample, in steps."""
    steps = (
        (
            "**The learner.** Among the quadratic forms $x \\mapsto x^\\top B x$ that fit the data take that of least "
            "$2\\|B\\|_F^2 + (\\operatorname{tr} B)^2 = \\mathbb{E} (x^\\top B x)^2$. Rotate the data by $g$: then "
            "$g B g^\\top$ fits instead of $B$ and has the same norm. So the learner is $O(d)$-equivariant.",
            ((CORRECTED, "the interpolators are O(d)-equivariant"), (CORRECTED, "the loss norm is 2 |B|^2 + (tr B)^2")),
        ),
        (
            "**It is exact from $D = d(d+1)/2$ samples on.** $B$ has $D$ entries, and $D$ samples are $D$ linear "
            "equations for them. Their determinant is a polynomial in the points. It is not zero at the points $e_i$ "
            "and $e_i + e_j$, so it is not zero almost surely: one form fits, the target. Hence "
            "$\\mathcal{N}^* \\le D$ for *every* $\\varepsilon$.",
            ((CORRECTED, "D generic samples determine the form"),),
        ),
        (
            "**The printed bound exceeds $D$.** It is $D + (d - 1) - \\varepsilon\\, d(d+3)/2$, greater than $D$ for "
            "$d \\ge 2$ and $\\varepsilon < 2(d-1)/(d(d+3))$.",
            (
                (PRINTED, "exactly where it exceeds D: d >= 2 and eps < 2(d-1)/(d(d+3))"),
                (PRINTED, "small eps, d = 2..8: it asks for more than D, with which an equivariant learner is exact"),
            ),
        ),
    )
    return _numbered(report, steps)


def small() -> str:
    """The contradiction in rational numbers, d by d."""
    rows = []
    for d in DIMENSIONS:
        eps = _half_of_threshold(d)
        asks = printed_lower_bound(d, eps)
        rows.append((str(d), str(dimension(d)), str(determinant(corners(d, 1))), str(eps), str(asks)))
    heads = ("d", "D samples do", "determinant at $e_i$, $e_i + e_j$", "ε", "printed: at least")
    return "In exact numbers, at half of that threshold:\n\n" + table(heads, rows)


def moderate(report: Record) -> str:
    """It is not a matter of tiny eps."""
    rows = []
    for d in DIMENSIONS[1:]:
        n = d + 1
        eps = WORST[Fraction(1, 2)](dimension(d), n)
        rows.append((str(d), str(n), f"{eps} = {float(eps):.3f}", str(printed_lower_bound(d, eps))))
    steps = [
        (PRINTED, "every d >= 3: it asks for more than n = d + 1 at eps = 1 - d/(D-1)"),
        (PRINTED, "every eps: it fails once d + 1 >= 3/p + 1/p^2, p = 1 - eps"),
    ]
    return (
        "It is not a matter of tiny ε. With another weight on the trace an interpolator needs few samples for a "
        "moderate loss, and the printed bound asks for more:\n\n"
        + table(("d", "n samples do", "for ε", "printed: at least"), rows)
        + "\nFor every fixed ε the printed bound is false for all large d. *Shown by* "
        + shown_by(report, steps)
        + "."
    )


def sketch(report: Record) -> str:
    """The proof of the corrected bound, in steps."""
    steps = (
        (
            "An equivariant learner has one and the same risk on all $f_B$ that rotations make of one $f_a$; so it "
            "must do well on every symmetric $B$, a space of dimension $D$.",
            ((CORRECTED, "an equivariant learner has one risk on a whole orbit"),),
        ),
        (
            "Draw $B$ Gaussian, isotropic in the loss norm. The labels of $n$ points are $n$ linear measurements of "
            "$B$, so $D - n$ of $D$ dimensions stay unseen, and the learner loses at least $1 - n/D$ on average. If it "
            "loses at most $\\varepsilon$ on every form, then $n \\ge (1 - \\varepsilon) D$.",
            (
                (CORRECTED, "n linear measurements leave D - n dimensions"),
                (CORRECTED, "so the relative loss is at least 1 - n/D for some form"),
            ),
        ),
        (
            "From above: interpolators that weight the trace by 1/2 or by 0 lose little more than that, so "
            "$\\lceil (1-\\varepsilon) D \\rceil + 2$ samples do.",
            (
                (CORRECTED, "trace penalty 1/2: the loss is at most (D-n)/(D-1) or f((D-1)/n)"),
                (CORRECTED, "so at most 2 samples above the lower bound, at every eps"),
            ),
        ),
    )
    return _numbered(report, steps)


def tightness() -> str:
    """Lower and upper bound side by side, and the printed one."""
    rows = []
    for e in SHOWN:
        eps = Fraction(e)
        low, high, asks = lower_bound(ONE_D, eps).n, sharp_upper_bound(ONE_D, eps).n, printed_lower_bound(ONE_D, eps)
        verdict = {True: "false", False: "holds", None: "not decided"}[_false(ONE_D, eps)]
        rows.append((str(eps), str(low), str(high), f"{float(asks):g}", verdict))
    heads = ("ε", "samples needed", "samples that do", "printed: at least", "the printed bound")
    return f"How tight it is, at d = {ONE_D}, where D = {dimension(ONE_D)}:\n\n" + table(heads, rows)


def holds(report: Record) -> str:
    """For which eps the printed bound is false, true or not decided, counted on a grid."""
    rows = []
    for d in DIMENSIONS:
        found = {eps: _false(d, eps) for eps in GRID}
        counts = [sum(value is wanted for value in found.values()) for wanted in (True, False, None)]
        last = max((eps for eps, false in found.items() if false), default=None)
        below, above = 2 * _half_of_threshold(d), 1 - Fraction(1, d)
        between = [false is True for eps, false in found.items() if below <= eps < above]
        limits = (str(below), "none" if last is None else f"{float(last):g}", str(above))
        rows.append((str(d), *limits, *map(str, counts), f"{sum(between)} of {len(between)}"))
    step = [(PRINTED, "exactly where it exceeds D: d >= 2 and eps < 2(d-1)/(d(d+3))")]
    return (
        "From ε = 1 - 1/d on it is no more than the corrected bound, hence true. Below 2(d-1)/(d(d+3)) it is false. In "
        f"between it is false wherever it exceeds what some interpolator needs. Of the {len(GRID)} values ε = 0.01, "
        "0.02, ... the table counts those where it is false for that reason; where it is true, as it does not exceed "
        "the corrected bound, rounded up; where it is not decided here; and how many of those in between are false.\n\n"
        + table(("d", "false below", "last false ε", "true from", *COUNTED), rows)
        + "\n*Shown by* "
        + shown_by(report, step)
        + "."
    )


def figure(drawn: Mapping[str, bytes]) -> str:
    """The picture of the experiment, if there is one."""
    if not {"regression.svg", "regression.csv"} <= drawn.keys():
        return "This report has no figure of the experiment."
    return (
        "```{figure} figures/regression.svg\n:alt: Relative loss against n/D for least-norm interpolation and other "
        "learners, with the corrected bound 1 - n/D and the printed bound\n\nLoss against the number of samples, with "
        "simultaneous intervals. If the printed bound were right, no loss on the worst target could lie below its "
        "line.\n```\n\n"
        "The drawn numbers: [regression.csv](figures/regression.csv)."
    )


def measured(report: Record) -> str:
    """What simulations say of the printed bound."""
    parts = []
    for m in (m for m in report["measurements"] if m["claim"] == PRINTED and m["by"] == "SIMULATED"):
        said = [p for p in points(m) if p["n"]]
        rows = (
            (
                str(p["d"]),
                str(p["n"]),
                interval(p),
                f"{p['claimed']:.3g}",
                "below it" if p["high"] < p["claimed"] else "not below it",
            )
            for p in said
        )
        heads = ("d", "n", "loss on the worst target", "printed: at least", "the whole interval is")
        shown = table(heads, rows) if said else "The report holds no numbers of it."
        parts.append(f"{link(m['name'], label(m))}: {word(m['verdict'], 'REFUTED')}.\n\n{shown}")
    more = f"More on [](simulations/regression.md), where {to_claims([CORRECTED])} is held against the same learners."
    return "\n\n".join([*(parts or ["Not measured in this report."]), more])


NOT_CLAIMED = (
    "- Nothing is said of the later arXiv version, which was not at hand.\n"
    "- The theorem's point stands: equivariant learners need of order $d^2$ samples, and the conv net $d$ "
    "([conv-upper-5.4](#claim-conv-upper-5-4)).\n"
    "- Where the table above says *not decided*, the printed bound may be true."
)


def _false(d: int, eps: Fraction) -> bool | None:
    """Whether the printed bound is false; None if the certified bounds leave it open."""
    asks = printed_lower_bound(d, eps)
    return True if asks > sharp_upper_bound(d, eps).n else False if asks <= lower_bound(d, eps).n else None


def _half_of_threshold(d: int) -> Fraction:
    return Fraction(d - 1, d * (d + 3))


def _numbered(report: Record, steps: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]) -> str:
    return "\n".join(f"{i}. {words} *Shown by* {shown_by(report, by)}." for i, (words, by) in enumerate(steps, 1))
