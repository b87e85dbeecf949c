r"""Sample complexity: Definition 3.3 and the general bounds that hold for any task.

The shape of every bound in this package is `Bound`.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Bound"]


@dataclass(frozen=True)
class Bound:
    """A certified bound on a number of samples.

    Attributes:
        n: the bound. Lower: no learner of the class does with fewer than n samples. Upper: the named
            learner does with n. A lower bound of 0 or less is vacuous.
        claim: id of the claim that certifies it.
        enclosure: the real number that was rounded to n, exactly or as a ball, as text.
        why: how the bound comes about, in a few words; for an upper bound the learner that attains it.
    """

    n: int
    claim: str
    enclosure: str
    why: str

    @property
    def vacuous(self) -> bool:
        """True if a lower bound says nothing."""
        return self.n <= 0
