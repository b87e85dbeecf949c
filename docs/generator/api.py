"""The API reference: which modules are for users, page by page; Sphinx fills in their docstrings.

Every other module is listed in one line, so that a reader can guess which file holds a thing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from generator.markdown import Pages, link, page, slug, table, text

ROOMS = ("theory", "sims", "verify")


@dataclass(frozen=True)
class Part:
    """A page of the reference.

    Attributes:
        name: of its file.
        title: its heading.
        about: what a reader finds there.
        modules: those it documents, in this order.
    """

    name: str
    title: str
    about: str
    modules: tuple[str, ...]


PARTS = (
    Part(
        "bounds",
        "Bounds",
        "How many samples a task needs: the best bound by task and learner, and the formulas of each theorem. All of "
        "them are exact; a bound names the claim that proves it.",
        (
            "theory.bounds",
            "theory.complexity",
            "theory.warmup",
            "theory.quadratic",
            "theory.regression",
            "theory.texture",
            "theory.vc_bound",
        ),
    ),
    Part(
        "groups",
        "Groups and Table 1",
        "The groups of linear maps, their elements and how they act, and which training keeps which group.",
        ("theory.groups", "theory.table1"),
    ),
    Part(
        "ledger",
        "The ledger",
        "Claims, the evidence for them and the status that follows. [](../../add-a-theorem.md) shows how to use them.",
        ("theory.claims", "theory.evidence", "theory.status", "theory.store"),
    ),
    Part(
        "proofs",
        "Tools for proofs",
        "What a step of a proof decides with, and how its certificate is confirmed by other means.",
        (
            "theory.decide",
            "theory.expressions",
            "theory.terms",
            "theory.rewriting",
            "theory.thresholds",
            "theory.recheck",
            "theory.kernel",
            "theory.coq_compiler",
            "theory.validate",
        ),
    ),
    Part(
        "learners",
        "Learners and training",
        "Real nets and optimizers: one run with everything around it, or many small nets trained at once.",
        ("sims.learners", "sims.networks", "sims.training", "sims.features", "sims.replicas"),
    ),
    Part(
        "experiments",
        "Experiments and statistics",
        "What an experiment is, how it is measured in pieces and held against the claims, and the intervals behind it. "
        "[](../../simulate.md) shows the command for it.",
        (
            "sims.experiment",
            "sims.sweep",
            "sims.judgement",
            "sims.curves",
            "sims.statistics",
            "sims.sequences",
            "sims.laws",
            "sims.packings",
        ),
    ),
    Part(
        "examine",
        "Examine an optimizer or a learner",
        "Which groups does a training keep? In Python, in pytest, with Hypothesis, or as the commands do it. "
        "[](../../check-an-optimizer.md) is the guide.",
        (
            "verify",
            "verify.assertions",
            "verify.plugin",
            "verify.strategies",
            "verify.subjects",
            "verify.specs",
            "verify.check",
            "verify.replay",
            "verify.atlas",
            "verify.simulate",
            "verify.suite",
        ),
    ),
    Part(
        "instrument",
        "The instrument",
        "How a verdict comes about: coupled runs, their controls and factors, the laws of first weights, and two other "
        "ways to the same question.",
        (
            "verify.instrument",
            "verify.findings",
            "verify.coupling",
            "verify.verdicts",
            "verify.regimes",
            "verify.inits",
            "verify.derive",
            "verify.rational",
            "verify.adapters",
        ),
    ),
    Part(
        "neighbours",
        "Neighbouring systems",
        "Definitions, bounds and nets of [the five neighbouring systems](../neighbours/index.md).",
        (
            "theory.kpattern",
            "sims.kpattern_nets",
            "theory.introspective",
            "sims.introspective_loop",
            "theory.allreduce",
            "theory.simplicial_complexes",
            "theory.simplicial_operators",
            "sims.simplicial_complexes",
            "sims.simplicial_layers",
        ),
    ),
)


def pages() -> Pages:
    """The list of all modules and a page for each part."""
    return {"api/index.md": index()} | {f"api/{part.name}.md": part_page(part) for part in PARTS}


def index() -> str:
    """What is where: the pages, then every module of each room."""
    public = {module for part in PARTS for module in part.modules}
    rooms = []
    for room in ROOMS:
        rows = ((link(name, anchor(name)) if name in public else text(name), summary(name)) for name in modules(room))
        rooms.append(f"## `{room}`\n\n{targets(room, public)}\n\n{summary(room)}\n\n{table(('module', 'what'), rows)}")
    parts = ((f"[{part.title}]({part.name}.md)", part.about) for part in PARTS)
    return page(
        "Python reference",
        "Made from the docstrings. All examples in them are run by the tests.",
        table(("page", "what"), parts),
        "Below is every module by room; imports go down only, from `verify` to `sims` to `theory`. Those with a link "
        "are documented here. The others are internal and may change; their source is the place to read about them.",
        *rooms,
        "{ref}`genindex` lists every name in order.",
        toctree(part.name for part in PARTS),
    )


def targets(room: str, public: set[str]) -> str:
    """Where links from docstrings to internal modules lead: here."""
    names = (name for name in modules(room) if name not in public)
    return "\n".join(["```{eval-rst}", *(f".. py:module:: {name}" for name in names), "```"])


def part_page(part: Part) -> str:
    """The documentation of some modules, for Sphinx to fill in."""
    blocks = (f"({anchor(name)})=\n## `{name}`\n\n{directive(name)}" for name in part.modules)
    return page(part.title, part.about, *blocks)


def directive(name: str) -> str:
    """What asks Sphinx for the text of a module and of all that it offers."""
    module = importlib.import_module(name)
    there = ", ".join(public for public in module.__all__ if public in vars(module))
    late = [public for public in module.__all__ if public not in vars(module)]  # imported when first asked for
    lines = [f".. automodule:: {name}", f"   :members: {there}" * bool(there)]
    for public in late:
        kind = "autoclass" if isinstance(getattr(module, public), type) else "autofunction"
        lines += ["", f".. {kind}:: {name}.{public}", "   :members:" * (kind == "autoclass")]
    return "\n".join(["```{eval-rst}", *lines, "```"])


def modules(room: str) -> Iterator[str]:
    """The names of all modules of a room, and of the room itself if it offers anything."""
    package = importlib.import_module(room)
    if hasattr(package, "__all__"):
        yield room
    for found in pkgutil.iter_modules(package.__path__):
        if found.name != "__main__":  # importing it runs the command
            yield f"{room}.{found.name}"


def summary(name: str) -> str:
    """The first line of a module's docstring."""
    first, *_ = (importlib.import_module(name).__doc__ or "").strip().splitlines() or [""]
    return text(first.replace("`", "")) or "**no docstring**"


def anchor(name: str) -> str:
    """Where a module is documented."""
    return f"api-{slug(name)}"


def toctree(names: Iterable[str]) -> str:
    """The pages below this one, for the side bar."""
    return "```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```"
