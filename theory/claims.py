"""The ledger: what is claimed, the steps that prove it, and the status that follows.

A theorem's module declares its claims and registers its steps; nothing else has to be touched::

    claim("thm-9.9", kind="theorem", title="...", statement=r"...", source="...")

    @proves("thm-9.9", "the one step", by=Trust.EXACT, mutant=Mutant("a constant moved", bound=3))
    def one_step(bound: int = 2) -> Evidence: ...

A *mutant* is the same check on a slightly false statement, given by other arguments. A step counts
only if its mutant gets another answer, because a check that cannot fail shows nothing.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from theory.evidence import Evidence, Trust, Verdict

__all__ = ["LEDGER", "Claim", "Kernel", "Ledger", "Mutant", "Step", "UnknownClaimError", "claim", "load", "proves"]

KINDS = ("definition", "algorithm", "lemma", "theorem", "example", "table", "cited")


class UnknownClaimError(LookupError):
    """No claim has this id; the message names the nearest ones."""


@dataclass(frozen=True)
class Claim:
    """One statement of the paper, or ours, under a permanent id.

    Args:
        id: permanent, for example ``thm-5.2``; doubles as a URL.
        kind: one of definition, algorithm, lemma, theorem, example, table, cited.
        title: a few words.
        statement: TeX with all ranges.
        source: paper and number, or ``ours``; for a cited theorem author, year and number.
        hypotheses: TeX, one entry for each.
        uses: ids of the claims needed to *state* this one.
        expected: the verdict that the ledger expects (REFUTED for a statement known to be wrong).
        printed: TeX of the statement in the form the paper prints; empty where it has none.
        differs: in words, what the statement here changes or adds; empty where it is the printed one.
    """

    id: str
    kind: str
    title: str
    statement: str
    source: str
    hypotheses: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    expected: Verdict = Verdict.CERTIFIED
    printed: str = ""
    differs: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind of {self.id}: got {self.kind!r}, want one of {', '.join(KINDS)}")
        for name in ("id", "title", "statement", "source"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} of claim {self.id!r}: got an empty text, want one that says it")
        if not all(c.isascii() and (c.isalnum() or c in "-.") for c in self.id) or self.id != self.id.lower():
            raise ValueError(f"id: got {self.id!r}, want lower-case letters, digits, '-' and '.'")
        if self.expected is Verdict.INCONCLUSIVE:
            raise ValueError(f"expected of {self.id}: INCONCLUSIVE is not an answer to aim for")


class Mutant:
    """What is made false, in words, and the arguments of the step that make it so."""

    def __init__(self, says: str, **changes: object) -> None:
        if not changes:
            raise ValueError(f"mutant {says!r}: got no changed argument, want at least one")
        self.says = says
        self.changes = changes


@dataclass(frozen=True)
class Kernel:
    """The theorem that a proof assistant's kernel checks for a step.

    Attributes:
        theorem: file and name, such as ``warmup.warmup_attained``.
        model: how its statement differs from the claim, in words.
        whole: whether it proves the claim by itself, up to `model`.
    """

    theorem: str
    model: str
    whole: bool


@dataclass(frozen=True)
class Step:
    """One registered check of one claim; `kernel` if a proof assistant's kernel does the checking."""

    claim: str
    name: str
    check: Callable[..., Evidence]
    by: Trust
    mutant: Mutant
    uses: tuple[str, ...]
    kernel: Kernel | None = None


@dataclass
class Ledger:
    """All claims with the steps of their proofs."""

    claims: dict[str, Claim] = field(default_factory=dict)
    steps: dict[str, list[Step]] = field(default_factory=dict)

    def add(self, new: Claim) -> Claim:
        """Enter a claim.

        Raises:
            ValueError: the id is taken.
        """
        if new.id in self.claims:
            raise ValueError(f"id: {new.id!r} is taken by {self.claims[new.id].title!r}, want a new one")
        self.claims[new.id] = new
        self.steps[new.id] = []
        return new

    def add_step(self, step: Step) -> None:
        """Register a step of a proof.

        Raises:
            ValueError: the claim is not in the ledger or is a cited one, the step's name is taken, the mutant changes
                an argument that the check does not have, or trust in a kernel comes without a theorem for it.
        """
        owner = self.get(step.claim)
        if owner.kind == "cited":
            raise ValueError(f"claim: {owner.id!r} is cited, and a cited theorem has no proof here")
        if (step.by is Trust.KERNEL) != (step.kernel is not None):
            raise ValueError(f"by of {step.claim}, {step.name!r}: got {step.by.name}, want KERNEL with its theorem")
        if step.name in {s.name for s in self.steps[step.claim]}:
            raise ValueError(f"step: {step.claim} has a step {step.name!r} already, want a new name")
        parameters = inspect.signature(step.check).parameters
        unknown = set(step.mutant.changes) - set(parameters)
        if unknown:
            raise ValueError(f"mutant of {step.claim}, {step.name!r}: the check takes no {', '.join(sorted(unknown))}")
        if all(_same(value, parameters[name].default) for name, value in step.mutant.changes.items()):
            raise ValueError(f"mutant of {step.claim}, {step.name!r}: changes nothing, want other arguments")
        self.steps[step.claim].append(step)

    def get(self, id: str) -> Claim:
        """The claim with this id.

        Raises:
            UnknownClaimError: there is none; the message names the nearest ids.
        """
        if id in self.claims:
            return self.claims[id]
        near = difflib.get_close_matches(id.lower(), self.claims, n=3, cutoff=0.4)
        far = difflib.get_close_matches(id.lower(), self.claims, n=3, cutoff=0.0)
        hint = f"did you mean {' or '.join(near)}?" if near else f"the nearest are: {', '.join(far) or 'none'}"
        raise UnknownClaimError(f"no claim {id!r}: {hint}")

    def proof_uses(self, id: str) -> tuple[str, ...]:
        """The claims that the proof rests on directly, sorted."""
        return tuple(sorted({used for step in self.steps[id] for used in step.uses}))

    def parents(self, id: str) -> tuple[str, ...]:
        """The claims that this one is stated with or proved from, sorted."""
        return tuple(sorted({*self.get(id).uses, *self.proof_uses(id)}))

    def used_by(self, id: str) -> tuple[str, ...]:
        """The claims that are stated with or proved from this one, sorted."""
        return tuple(sorted(other for other in self.claims if id in self.parents(other)))

    def ordered(self, ids: Iterable[str] | None = None) -> list[str]:
        """All given claims (all, if none are given) with what they rest on: parents first, then by id.

        Raises:
            UnknownClaimError: an id, or something it uses, is not in the ledger.
            ValueError: claims rest on each other in a circle.
        """
        order: dict[str, None] = {}

        def visit(id: str, path: tuple[str, ...]) -> None:
            if id in path:
                raise ValueError(f"claims rest on each other in a circle: {' -> '.join((*path, id))}")
            if id in order:
                return
            for parent in self.parents(id):
                visit(parent, (*path, id))
            order[id] = None

        for id in sorted(self.claims if ids is None else ids):
            visit(id, ())
        return list(order)

    def __iter__(self) -> Iterator[Claim]:
        return iter(self.claims.values())


def _same(value: object, default: object) -> bool:
    return type(value) is type(default) and isinstance(value, bool | int | str | tuple) and value == default


LEDGER = Ledger()
"""The one that all modules of `theory` write to; complete after `load`."""


def claim(
    id: str,
    *,
    kind: str,
    title: str,
    statement: str,
    source: str,
    hypotheses: Iterable[str] = (),
    uses: Iterable[str] = (),
    expected: Verdict = Verdict.CERTIFIED,
    printed: str = "",
    differs: str = "",
    ledger: Ledger | None = None,
) -> Claim:
    """Declare a claim in the ledger (see `Claim` for the arguments).

    Example:
        >>> book = Ledger()
        >>> claim("lem-1", kind="lemma", title="one", statement="1=1", source="ours", ledger=book).id
        'lem-1'
    """
    for name, texts in (("hypotheses", hypotheses), ("uses", uses)):
        if isinstance(texts, str):
            raise ValueError(f"{name} of {id}: got the text {texts!r}, want a sequence of texts")
    new = Claim(id, kind, title, statement, source, tuple(hypotheses), tuple(uses), expected, printed, differs)
    return (LEDGER if ledger is None else ledger).add(new)


def proves(
    id: str,
    step: str,
    *,
    by: Trust,
    mutant: Mutant,
    uses: Iterable[str] = (),
    ledger: Ledger | None = None,
) -> Callable[[Callable[..., Evidence]], Callable[..., Evidence]]:
    """Register the decorated function as a step of a claim's proof.

    Args:
        id: the claim.
        step: what the step shows, in a few words.
        by: the trust its evidence has; weaker evidence makes the step fail.
        mutant: how to make the statement slightly false; must get another verdict.
        uses: ids of the claims whose truth this step rests on.

    Example:
        >>> from theory import decide
        >>> book = Ledger()
        >>> _ = claim("lem-1", kind="lemma", title="one", statement="x=x", source="ours", ledger=book)
        >>> moved = Mutant("one side is moved", right="x + 1")
        >>> @proves("lem-1", "the one step", by=Trust.EXACT, mutant=moved, ledger=book)
        ... def one_step(right: str = "x") -> Evidence:
        ...     return decide.same_polynomial("x", right)
        >>> [step.name for step in book.steps["lem-1"]]
        ['the one step']
    """

    def register(check: Callable[..., Evidence]) -> Callable[..., Evidence]:
        target = LEDGER if ledger is None else ledger
        target.add_step(Step(id, step, check, by, mutant, tuple(uses)))
        return check

    return register


def load() -> Ledger:
    """The ledger with every module of theory/ read, so that all its claims are in it.

    Raises:
        UnknownClaimError: a used id does not exist.
        ValueError: claims rest on each other in a circle.

    Example:
        >>> load().get("thm-5.2").title
        'One function, one distribution'
    """
    import theory

    for module in sorted(m.name for m in pkgutil.iter_modules(theory.__path__)):
        importlib.import_module(f"theory.{module}")
    importlib.import_module("theory.kernel").register()  # last: it adds steps to claims of all modules
    LEDGER.ordered()
    return LEDGER
