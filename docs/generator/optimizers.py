"""Training, measured: torch's optimizers, features, first weights, replays in exact arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from generator import measurement_kinds
from generator.markdown import (
    SIGNS,
    Record,
    group_title,
    label,
    link,
    page,
    step_part,
    table,
    text,
    word,
    wrong_rows,
)
from generator.reliability import how_judged, missed
from theory.groups import GROUPS
from verify import atlas_page
from verify.feature_table import FEATURES

MAP = "---\ntocdepth: 3\n---\n\n"
"""The page's contents beside it leave out the single measurements."""


def optimizers_page(held: Sequence[Record]) -> str:
    """Real training against groups."""
    kinds = {
        "Optimizers of torch": (measurement_kinds.optimizers(held), grid),
        "Features of training": (measurement_kinds.features(held), features_table),
        "First weights": (measurement_kinds.first_weights(held), first_weights_table),
        "In exact arithmetic": (measurement_kinds.exact(held), exact_table),
        "Without a result": (measurement_kinds.others(held), others_list),
    }
    shown = [part for title, (found, made) in kinds.items() if found for part in (f"## {title}", made(found))]
    details = [
        part
        for title, (found, _) in kinds.items()
        if found
        for part in (f"### {title}: details", *(_detail(m) for m in found))
    ]
    return MAP + page(
        "Optimizers, measured",
        wrong_rows(held),
        "Real code is run in coupled pairs, and what it keeps is held against [](table-1.md). Each entry links to its "
        "details, with a certificate. Optimizers of other packages are in [](atlas.md); your own is examined as "
        "[](../check-an-optimizer.md) says.",
        *(shown or ["This report has no measured optimizers."]),
        "(how-judged)=\n## How a verdict is made",
        how_judged(),
        "(what-a-pass-can-miss)=\n## What a pass can miss",
        missed(),
        "## Details",
        *details,
    )


def _detail(measurement: Record) -> str:
    return step_part(measurement, label(measurement), measurement["expected"], "optimizers.json", "####")


# The grid of torch's optimizers


def grid(held: Sequence[Record]) -> str:
    """A row for each optimizer, a cell for each group."""
    found: dict[str, dict[str, Record]] = {}
    for m in held:
        found.setdefault(m["certificate"]["optimizer"], {})[m["certificate"]["group"]] = m
    names = _in_order(name for row in found.values() for name in row)
    lines = ((text(optimizer), *(measured_cell(row.get(n)) for n in names)) for optimizer, row in found.items())
    used = "; ".join(f"{text(optimizer)}: {settings(next(iter(row.values())))}" for optimizer, row in found.items())
    return "\n".join(
        [
            table(("", *(group_title(n) for n in names)), lines),
            "The number is the worst residual: in units of what rounding explains where the group is kept, as a part "
            f"of the way that training moved where it is broken. Settings: {used}.",
        ]
    )


def settings(measurement: Record) -> str:
    """The settings of an optimizer."""
    return text(", ".join(f"{key}={value}" for key, value in measurement["certificate"]["settings"].items()))


def measured_cell(measurement: Record | None) -> str:
    """Verdict and level of one optimizer under one group."""
    if measurement is None:
        return "not measured"
    says = word(measurement["verdict"], measurement["expected"])
    return f"[{says}](#{label(measurement)}) {text(level(measurement['certificate']))}".strip()


def level(certificate: Record) -> str:
    """How closely the runs agree, or how far they are apart."""
    example = certificate["counterexample"]
    if example is not None:
        return f"{example['size']:.0%}" if "size" in example else "in law"
    residual, control = certificate["residual"], certificate["control"]
    if certificate["level"] == "rounding" and residual is not None and control:
        return f"rounding, {residual / control:.1f}"
    return str(certificate["level"])


# Rows over several groups


def features_table(held: Sequence[Record]) -> str:
    """What people put around an optimizer: predicted and measured."""
    known = {row.title: row for row in FEATURES}
    names = _groups(held)
    lines = (
        (
            link(_subject(m), label(m)),
            largest(m["certificate"]["predicted"]),
            *(group_cell(m, n, feature_level(m["certificate"]["groups"].get(n, {}))) for n in names),
            text(known[_subject(m)].why) if _subject(m) in known else "",
        )
        for m in held
    )
    return "\n\n".join(
        [
            "What people put around SGD, and around Adam. What is predicted is an intersection of rows of "
            "[](table-1.md) and of plain properties of definitions; what is not predicted to be kept is predicted to "
            "be broken. The cells show what was measured, loudly where that differs.",
            table(("feature", "predicted to keep", *(group_title(n) for n in names), "why"), lines),
        ]
    )


def first_weights_table(held: Sequence[Record]) -> str:
    """Torch's initialisers: is their law kept?"""
    names = _groups(held)
    lines = (
        (
            link(_subject(m), label(m)),
            largest(m["certificate"]["predicted"]),
            *(group_cell(m, n, f"{found[n]['distance']:.2f}" if n in found else "") for n in names),
            f"{max(f['detectable'] for f in found.values()):.2f}",
            f"{max(f['alpha'] for f in found.values()):.1e}",
        )
        for m in held
        for found in [m["certificate"]["groups"]]
    )
    return "\n\n".join(
        [
            "Hypothesis (3) of Theorem C.1: is the law of the first layer's weights that of W g⁻¹? Each cell shows the "
            "greatest Kolmogorov distance between the laws of several functionals of both, in the samples. *Seen*: a "
            "distance from which on a difference would have been refuted with high probability; smaller ones may be "
            "missed. *Alpha*: the probability that one law that is kept is refuted by chance.",
            table(("initialiser", "predicted to keep", *(group_title(n) for n in names), "seen", "alpha"), lines),
        ]
    )


def group_cell(measurement: Record, group: str, note: str) -> str:
    """One group of several: what was measured, loudly if it was not predicted."""
    if group not in measurement["certificate"]["groups"]:
        return "not measured"
    verdict, wanted = measurement_kinds.verdict(measurement, group), measurement_kinds.wanted(measurement, group)
    if verdict == wanted:
        return f"{SIGNS[verdict]}\u00a0{text(note)}".strip()
    return word(verdict, wanted)


def feature_level(found: Record) -> str:
    """The level, or that the group is broken."""
    return str(found.get("level") or ("broken" if found.get("verdict") == "REFUTED" else ""))


def largest(kept: Sequence[str]) -> str:
    """The largest groups among those that are kept."""
    return ", ".join(text(GROUPS[n].title) for n in atlas_page.largest(kept)) or "none"


def _subject(measurement: Record) -> str:
    return str(measurement["certificate"]["subject"])


def _groups(held: Sequence[Record]) -> list[str]:
    return _in_order(name for m in held for name in m["certificate"]["groups"])


def _in_order(names: Iterable[str]) -> list[str]:
    wanted = set(names)
    return [name for name in GROUPS if name in wanted]


def others_list(held: Sequence[Record]) -> str:
    """What left no certificate: a check that raised, or that was not run."""
    return "\n".join(f"- {link(m['name'], label(m))}: {word(m['verdict'], m['expected'])}" for m in held)


# Exact arithmetic


def exact_table(held: Sequence[Record]) -> str:
    """Replays in rational numbers."""
    lines = (
        (
            link(m["name"], label(m)),
            group_title(str(m["certificate"].get("group", ""))),
            str(m["certificate"].get("count", "")),
            str(m["certificate"].get("steps", "")),
            word(m["verdict"], m["expected"]),
        )
        for m in held
    )
    return "\n\n".join(
        [
            "torch's own `step` on rational numbers, polynomial nets and rational group elements: the residual is "
            "exactly 0 or it is not. Exact for the cases that ran; for all cases a pass is a sample.",
            table(("replay", "group", "cases", "steps", "verdict"), lines),
        ]
    )
