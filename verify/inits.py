r"""The third hypothesis of Theorem C.1: is the law of the first layer's initialisation kept by a group, W g^-1 ~ W?

An initialiser is judged by its draws alone, so any code that fills a matrix will do. One arm holds functionals of
independent draws W, the other the same functionals of W g^-1 for other draws, for several elements g; `sims.laws` says
whether their laws differ. REFUTED is wrong with probability at most alpha. CERTIFIED means that none of these
functionals under none of these elements has a distance of `detectable` or more, not that the laws are equal.

What is known of torch's own initialisers, `predicted`, follows from properties of their columns. The signs of QR's
factor R make `orthogonal_` Haar-distributed. By Maxwell's theorem a row of i.i.d. entries is rotation invariant only if
it is Gaussian, so neither uniform, nor truncated, nor sparse entries are kept by O(d).

Everything is drawn from torch's global generator, because `sparse_` takes its zeros from there whatever generator
it is given, and so does `nn.Linear`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sims.laws import Comparison, compare
from sims.threads import one_thread
from theory.evidence import Verdict
from theory.groups import (
    CYCLIC_SHIFT,
    GENERAL_LINEAR,
    ORTHOGONAL,
    PERMUTATION,
    SIGN_FLIP,
    SIGNED_PERMUTATION,
    Group,
    act_on_weights,
    is_subgroup,
)
from theory.validate import finite_array, integer, probability

__all__ = ["FUNCTIONALS", "INITIALISATIONS", "LawVerdict", "drawing", "judge_law", "predicted", "table"]

Array = NDArray[np.float64]
Draw = Callable[[torch.Generator], Tensor]
Initialiser = Callable[[Tensor], object]

COLUMNS = (SIGN_FLIP, PERMUTATION, SIGNED_PERMUTATION, ORTHOGONAL)
SHAPE = (8, 4)
DRAWS = 4000
ALPHA = 1e-6
POWER = 0.99
RANDOM_ELEMENTS = 2
ROUNDOFFS = 4  # of the greatest entry, for each row and column: allowed between numbers that are exactly equal


@dataclass(frozen=True)
class Known:
    """What is known of an initialiser's law, for d >= 2 columns.

    Attributes:
        initialise: fills a matrix (h, d) in place, from the global generator.
        exchangeable: permuting columns keeps the law.
        symmetric: flipping a column's sign keeps the law.
        isotropic: rotating the rows together keeps the law; implies the other two.
        zero: it is all zero; implies the other three.
    """

    initialise: Initialiser
    exchangeable: bool = False
    symmetric: bool = False
    isotropic: bool = False
    zero: bool = False

    def keeps(self, group: Group) -> bool:
        """Is the law kept by the group?"""
        known = (
            (self.zero, GENERAL_LINEAR),
            (self.isotropic, ORTHOGONAL),
            (self.exchangeable and self.symmetric, SIGNED_PERMUTATION),
            (self.exchangeable, PERMUTATION),
            (self.symmetric, SIGN_FLIP),
        )
        return any(holds and is_subgroup(group, kept) for holds, kept in known)


@torch.no_grad()
def _linear(weight: Tensor) -> None:
    """The weights of a new nn.Linear."""
    h, d = weight.shape
    weight.copy_(nn.Linear(d, h, bias=False, dtype=weight.dtype).weight)


_BALANCED = partial(Known, exchangeable=True, symmetric=True)
_ISOTROPIC = partial(_BALANCED, isotropic=True)
_KNOWN: Mapping[str, Known] = MappingProxyType(
    {
        "nn.init.normal_": _ISOTROPIC(nn.init.normal_),
        "nn.init.kaiming_normal_": _ISOTROPIC(nn.init.kaiming_normal_),
        "nn.init.xavier_normal_": _ISOTROPIC(nn.init.xavier_normal_),
        "nn.init.orthogonal_": _ISOTROPIC(nn.init.orthogonal_),
        "nn.init.zeros_": _ISOTROPIC(nn.init.zeros_, zero=True),
        "nn.init.uniform_(-1, 1)": _BALANCED(partial(nn.init.uniform_, a=-1.0, b=1.0)),
        "nn.init.kaiming_uniform_": _BALANCED(nn.init.kaiming_uniform_),
        "nn.init.xavier_uniform_": _BALANCED(nn.init.xavier_uniform_),
        "nn.init.trunc_normal_": _BALANCED(nn.init.trunc_normal_),
        "nn.init.sparse_(sparsity=0.5)": _BALANCED(partial(nn.init.sparse_, sparsity=0.5)),
        "nn.Linear": _BALANCED(_linear),
        "nn.init.uniform_": Known(nn.init.uniform_, exchangeable=True),  # on [0, 1]
        "nn.init.ones_": Known(nn.init.ones_, exchangeable=True),
        "nn.init.constant_(val=-0.5)": Known(partial(nn.init.constant_, val=-0.5), exchangeable=True),
        "nn.init.eye_": Known(nn.init.eye_),
    }
)

INITIALISATIONS: Mapping[str, Initialiser] = MappingProxyType({name: law.initialise for name, law in _KNOWN.items()})
"""torch's initialisers of matrices by name, with torch's default arguments unless the name shows others."""

FUNCTIONALS: Mapping[str, Callable[[Array], Array]] = MappingProxyType(
    {
        "first entry": lambda w: w[:, 0, 0],
        "greatest |entry|": lambda w: abs(w).max(axis=(1, 2)),
        "l_1 norm of the first row": lambda w: abs(w[:, 0]).sum(axis=1),
        "sum of 4th powers": lambda w: np.square(w * w).sum(axis=(1, 2)),
        "sum of entries": lambda w: w.sum(axis=(1, 2)),
        "product of the first row's first two entries": lambda w: w[:, 0, 0] * w[:, 0, 1],
        "sum of squares of the first column": lambda w: np.square(w[:, :, 0]).sum(axis=1),
        "inner product of the first row with (1, ..., d)": lambda w: w[:, 0] @ np.arange(1.0, w.shape[2] + 1),
    }
)
"""Real functionals of draws W of shape (N, h, d), by name; functions of W W' would be kept by every rotation."""


@dataclass(frozen=True)
class LawVerdict:
    """Does a group keep the law of an initialiser?

    Attributes:
        initialisation: its name.
        group: the group's name.
        verdict: REFUTED if the laws of W and W g^-1 differ for some element g; CERTIFIED if no functional differs by
            `detectable` or more; INCONCLUSIVE if there are too few draws to see any difference.
        reason: one sentence.
        distance: greatest Kolmogorov-Smirnov distance over elements and functionals.
        detectable: distance of the laws of some functional that is refuted with probability at least `power`.
        alpha: allowed probability that a law which is kept is refuted.
        power: see `detectable`.
        certificate: JSON-able: the seed, number of draws and shape, the worst element and functional. With the same
            alpha, `judge_law` gives the same verdict from these again.
    """

    initialisation: str
    group: str
    verdict: Verdict
    reason: str
    distance: float
    detectable: float
    alpha: float
    power: float
    certificate: Mapping[str, Any] = field(default_factory=dict)


def drawing(initialise: Initialiser, shape: tuple[int, int], dtype: torch.dtype = torch.float64) -> Draw:
    """A function that draws a fresh matrix (h, d) with an in-place initialiser; for `judge_law`.

    Example:
        >>> drawing(nn.init.ones_, (1, 2))(torch.Generator()).tolist()
        [[1.0, 1.0]]
    """

    def draw(_: torch.Generator) -> Tensor:
        weight = torch.empty(shape, dtype=dtype)
        initialise(weight)
        return weight

    return draw


def judge_law(
    draw: Draw,
    group: Group,
    *,
    d: int,
    seed: int,
    alpha: float = ALPHA,
    draws: int = DRAWS,
    name: str = "custom",
) -> LawVerdict:
    """Is the law of W (h, d) the law of W g^-1 for the elements g of a group?

    Args:
        draw: returns an independent matrix of shape (h, d) at each call, random by the generator it is given or by
            torch's global one; both are seeded, and the global one is put back afterwards.
        group: the group asked about.
        d: number of columns, at least 2.
        seed: of the draws and of the random elements.
        alpha: allowed probability of refuting a law that is kept, in (0, 1).
        draws: number of draws in each of two arms, at least 1.
        name: what the verdict calls the initialiser.

    Raises:
        ValueError: an argument out of range, or draws that are not finite floating matrices (h, d) of one shape.

    Example:
        >>> shifted = lambda generator: torch.randn(3, 2, generator=generator) + 1
        >>> [judge_law(shifted, g, d=2, seed=0, draws=1000).verdict.value for g in (SIGN_FLIP, PERMUTATION)]
        ['REFUTED', 'CERTIFIED']
    """
    return _Draws.of(draw, d, seed, draws, name).judge(group, alpha)


def predicted(name: str, group: Group) -> bool:
    """Does the group keep the law of one of torch's initialisers, by what is known of it (d >= 2)?

    Raises:
        ValueError: not a key of `INITIALISATIONS`.

    Example:
        >>> predicted("nn.init.orthogonal_", ORTHOGONAL), predicted("nn.Linear", ORTHOGONAL)
        (True, False)
    """
    if name not in _KNOWN:
        raise ValueError(f"name: got {name!r}, want one of {', '.join(_KNOWN)}")
    return _KNOWN[name].keeps(group)


def table(seed: int, *, alpha: float = ALPHA, draws: int = DRAWS) -> list[LawVerdict]:
    """Torch's own initialisers under sign flips, permutations, signed permutations and rotations.

    Args:
        seed: of the first initialiser; the next ones use the seeds that follow.
        alpha: allowed probability that any law of the table which is kept is refuted, in (0, 1).
        draws: number of draws in each of two arms.

    Raises:
        ValueError: an argument out of range.
    """
    share = float(probability("alpha", alpha)) / (len(INITIALISATIONS) * len(COLUMNS))
    found = []
    for i, (name, initialise) in enumerate(INITIALISATIONS.items()):
        seen = _Draws.of(drawing(initialise, SHAPE), SHAPE[1], integer("seed", seed, 0) + i, draws, name)
        found += [seen.judge(group, share) for group in COLUMNS]
    return found


@dataclass(frozen=True)
class _Draws:
    """Two independent arms of draws, each of shape (N, h, d), and the roundoff of the type they were drawn in."""

    name: str
    seed: int
    kept: Array
    moved: Array
    roundoff: float

    @classmethod
    def of(cls, draw: Draw, d: int, seed: int, draws: int, name: str) -> _Draws:
        """Both arms from one stream; the two generators get seeds of their own."""
        integer("d", d, 2)
        total = 2 * integer("draws", draws, 1)
        seeds = np.random.SeedSequence(integer("seed", seed, 0)).generate_state(2, np.uint64)
        generator = torch.Generator().manual_seed(int(seeds[0]) >> 1)
        with torch.random.fork_rng(devices=[]), one_thread():
            torch.default_generator.manual_seed(int(seeds[1]) >> 1)
            first = _checked(draw(generator), (None, d))
            arms = np.empty((total, *first.shape))
            arms[0] = first.double().numpy(force=True)  # copied, so a draw may hand out the same buffer again
            for i in range(1, total):
                arms[i] = _checked(draw(generator), (len(first), d)).double().numpy(force=True)
        finite_array("draw", arms, arms.shape)
        return cls(name, seed, arms[:draws], arms[draws:], torch.finfo(first.dtype).eps)

    def judge(self, group: Group, alpha: float) -> LawVerdict:
        """The verdict over all elements and functionals at once."""
        n, h, d = self.kept.shape
        elements = list(_elements(group, d, np.random.default_rng(self.seed)))
        here, there = self._functionals([g for _, g in elements])
        resolution = ROUNDOFFS * (h + d) * self.roundoff
        found = compare(here, there, alpha=alpha, power=POWER, resolution=resolution)
        which, index = divmod(found.functional, len(FUNCTIONALS))
        title, element = elements[which]
        functional = list(FUNCTIONALS)[index]
        return LawVerdict(
            initialisation=self.name,
            group=group.name,
            verdict=found.verdict,
            reason=_reason(found, f"{functional} under g = {title}", f"{len(elements)} elements g"),
            distance=found.distance,
            detectable=found.detectable,
            alpha=found.alpha,
            power=found.power,
            certificate={
                "kind": "initialisation-law",
                "seed": self.seed,
                "draws": n,
                "shape": [h, d],
                "element": element.tolist(),
                "element_title": title,
                "functional": functional,
            },
        )

    def _functionals(self, elements: Sequence[Array]) -> tuple[Array, Array]:
        """Functionals of the arm that stays and of the one that is moved, a column for each element and functional."""
        d = self.moved.shape[2]
        moved = [act_on_weights(g, self.moved.reshape(-1, d)).reshape(self.moved.shape) for g in elements]
        # One scale for both arms changes no distance, and makes rounding errors comparable to the roundoff.
        scale = max(abs(w).max() for w in (self.kept, *moved)) or 1.0
        here = np.column_stack([f(self.kept / scale) for f in FUNCTIONALS.values()])
        there = np.column_stack([f(w / scale) for w in moved for f in FUNCTIONALS.values()])
        return np.tile(here, len(elements)), there


def _reason(found: Comparison, worst: str, elements: str) -> str:
    if found.verdict is Verdict.REFUTED:
        return f"{worst}: the laws differ by {found.distance:.3f} > {found.critical:.3f} in the samples"
    if found.verdict is Verdict.CERTIFIED:
        return f"{elements} move none of {len(FUNCTIONALS)} functionals' laws by {found.detectable:.3f} or more"
    return f"differences below {found.detectable:.3f} could go unseen, and none exceeds 1"


def _checked(weight: object, shape: tuple[int | None, int]) -> Tensor:
    """One draw: a floating matrix of the given shape (None: any length but 0)."""
    wanted = f"({'h' if shape[0] is None else shape[0]}, {shape[1]})"
    if not isinstance(weight, Tensor) or not weight.is_floating_point():
        came = weight.dtype if isinstance(weight, Tensor) else f"a {type(weight).__name__}"
        raise ValueError(f"draw: got {came}, want a floating torch.Tensor of shape {wanted}")
    if weight.ndim != 2 or 0 in weight.shape or tuple(weight.shape) != (shape[0] or len(weight), shape[1]):
        raise ValueError(f"draw: got shape {tuple(weight.shape)}, want {wanted}")
    return weight


def _elements(group: Group, d: int, rng: np.random.Generator) -> Iterator[tuple[str, Array]]:
    """Telling elements with their titles, then random ones; the identity, which moves nothing, is left out."""
    identity, rotation = np.eye(d), np.eye(d)
    rotation[:2, :2] = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
    telling = (
        ("the first sign flipped", SIGN_FLIP, np.diag([-1.0] + [1.0] * (d - 1))),
        ("all signs flipped", SIGN_FLIP, -identity),
        ("the first two columns swapped", PERMUTATION, identity[[1, 0, *range(2, d)]]),
        ("all columns shifted", CYCLIC_SHIFT, np.roll(identity, 1, axis=0)),
        ("the first two columns rotated by 45 degrees", ORTHOGONAL, rotation),
        ("the first column doubled", GENERAL_LINEAR, np.diag([0.5] + [1.0] * (d - 1))),
    )
    yield from ((title, g) for title, smallest, g in telling if is_subgroup(smallest, group))
    for i in range(RANDOM_ELEMENTS):
        g = identity
        while np.array_equal(g, identity):
            g = group.float_element(d, rng)
        yield f"random element {i + 1}", g
