"""What several test files of this room need: the checked ledger, and toy ledgers to break on purpose."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from theory.claims import Ledger, Mutant, load, proves
from theory.claims import claim as declare
from theory.evidence import Evidence, Trust, Verdict
from theory.status import StepResult, check

SOUND = {"kind": "rational", "left": "0", "relation": "<", "right": "1"}
SHOWN = {Verdict.REFUTED: {**SOUND, "relation": ">"}}
OTHER = {
    Verdict.CERTIFIED: Verdict.REFUTED,
    Verdict.REFUTED: Verdict.CERTIFIED,
    Verdict.INCONCLUSIVE: Verdict.CERTIFIED,
}


class Book(Ledger):
    """A ledger of toy claims whose steps answer what they are told to."""

    def enter(
        self, id: str, *answers: Verdict, trust: Trust = Trust.EXACT, rests: Sequence[str] = (), **fields
    ) -> None:
        """A claim with one step for each answer; `rests` are the claims that its proof uses."""
        texts = {"kind": "lemma", "title": id, "statement": f"statement of {id}", "source": "ours"}
        declare(id, **(texts | fields), ledger=self)
        for k, answer in enumerate(answers):

            def answering(answer: Verdict = answer) -> Evidence:
                return Evidence(answer, trust, f"answered {answer}", SHOWN.get(answer, SOUND))

            mutant = Mutant("the other answer", answer=OTHER[answer])
            proves(id, f"step {k}", by=Trust.SIMULATED, mutant=mutant, uses=rests, ledger=self)(answering)


@pytest.fixture
def book() -> Book:
    """An empty toy ledger."""
    return Book()


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    """The real ledger, fully loaded."""
    return load()


@pytest.fixture(scope="session")
def results(ledger: Ledger) -> Mapping[str, Sequence[StepResult]]:
    """One run of every step of the real ledger."""
    return check(ledger)


class EveryOutcomeOnce(np.random.Generator):
    """Stands in for a generator: hands out each pair of draws exactly once."""

    def __init__(self, d: int) -> None:
        super().__init__(np.random.PCG64(0))
        self.pairs = list(itertools.product(range(d), (-1.0, 1.0)))

    def integers(self, high: int, size: tuple[int, ...]) -> np.ndarray:
        """Each coordinate as often as there are labels."""
        assert {i for i, _ in self.pairs} == set(range(high))
        assert size == (len(self.pairs),)
        return np.array([i for i, _ in self.pairs])

    def choice(self, values: list[float], size: tuple[int, ...]) -> np.ndarray:
        """Each label as often as there are coordinates."""
        assert sorted(values) == [-1.0, 1.0]
        return np.array([s for _, s in self.pairs])


@pytest.fixture
def every_outcome_once() -> type[EveryOutcomeOnce]:
    """A generator, for each number of places, that makes a sampler show its whole law."""
    return EveryOutcomeOnce
