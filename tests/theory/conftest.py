"""What several test files of this room need: the checked ledger, and toy ledgers to break on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
