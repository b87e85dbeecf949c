"""ODE nets as they run, held against the claims: trained on digits, refined, compressed, rotated.

Residuals are read as everywhere in `verify`: against controls, which are the same nets with every weight moved by one
unit in its last place, or the same training on data that were rotated there and back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sims.odenet_compress import Net, blocks, compressed, finished, outputs, projected
from sims.odenet_gronwall import drift, in_double
from sims.odenet_modules import ResidualNet, residual_net
from sims.odenet_nets import Plan, Rule, Sample, Weights, along, at_steps, fit, initial, matrix, sample, sgd
from sims.odenet_trained import SETTINGS, TRAININGS, spaces, trained
from sims.threads import one_thread
from theory.claims import Mutant, Step
from theory.evidence import Evidence, Trust, Verdict, all_of
from theory.groups import GROUPS
from theory.odenet_quadrature import quadrature_projection
from theory.odenet_spaces import BASES, Space, projection
from verify.verdicts import CLEAR, EXPLAINED

__all__ = ["measurements"]

NETS, IMAGES, CONTROLS = 3, 40, 3
ULP = 2.0**-52
REFINED = (
    (Space("constant", 8), Space("constant", 16)),
    (Space("hats", 5), Space("hats", 9)),
    (Space("linear", 4), Space("linear", 8)),
    (Space("polynomial", 4), Space("polynomial", 7)),
    (Space("hats", 5), Space("linear", 8)),
)
"""Small spaces, each in a larger one."""
APART = ((Space("constant", 8), Space("constant", 12)), (Space("hats", 5), Space("hats", 8)))
"""Spaces that the larger one does not hold."""
QUADRATURE = (Space("constant", 4), Space("hats", 5), Space("linear", 4))
"""Spaces that 8 cells of quadrature respect."""
COUPLED = Plan((Space("hats", 3), Space("hats", 5)), steps=4, epochs=3, batch=50, rule=sgd(0.05))


def _adam(weights: Weights) -> torch.optim.Optimizer:
    return torch.optim.Adam(list(weights.tensors.values()), lr=0.01)


def measurements(seed: int) -> Iterator[tuple[Step, Verdict, float]]:
    """The steps to run, each with the expected verdict and about how many seconds it takes.

    Args:
        seed: of everything random.

    Example:
        >>> [step.claim for step, _, _ in measurements(0)][:2]
        ['odenet', 'odenet-nested']
    """
    for claim, what, check, mutant, seconds in ROWS:
        step = Step(claim, f"odenet: {what}", functools.partial(check, seed), Trust.SAMPLED, mutant, ())
        yield step, Verdict.CERTIFIED, seconds


def _residual_net(seed: int, order: int = 1) -> Evidence:
    """The trained net with 8 piecewise constants and 8 steps, rebuilt block by block."""
    with one_thread():
        gaps, floors = [], []
        for net, images in _nets(seed):
            found = torch.stack([_ordered(residual_net(net, r), order)(x) for r, x in enumerate(images)])
            here = outputs(net, images)
            gaps.append(_gap(found, here))
            floors.append(_rounding(net, images, here, seed))
    return _explained("torch's modules", gaps, floors, seed)


def _ordered(module: ResidualNet, order: int) -> ResidualNet:
    return ResidualNet(list(module.branches)[::order], module.closing).eval()


def _undone(seed: int, pairs: Sequence[tuple[Space, Space]] = REFINED) -> Evidence:
    """Each net is compressed to a small space, refined to a larger one, and projected back."""
    with one_thread():
        gaps, floors = [], []
        for net, images in _nets(seed):
            for small, large in pairs:
                start = compressed(net, small)
                here = outputs(start, images)
                gaps.append(_gap(outputs(compressed(compressed(start, large), small), images), here))
                floors.append(_rounding(start, images, here, seed))
    return _explained("refining, then projecting", gaps, floors, seed)


def _by_quadrature(seed: int, cells: int = 8) -> Evidence:
    """The projection from 8 piecewise constants with integrals by Simpson's rule, against the exact one."""
    with one_thread():
        gaps, floors = [], []
        for net, images in _nets(seed):
            for space in QUADRATURE:
                exact = compressed(net, space)
                rows = quadrature_projection(net.weights.space, space, cells)
                here = outputs(exact, images)
                gaps.append(_gap(outputs(projected(net, space, rows), images), here))
                floors.append(_rounding(exact, images, here, seed))
    return _explained(f"quadrature with {cells} cells", gaps, floors, seed)


def _within_bound(seed: int, share: float = 1.0) -> Evidence:
    """All four bases, both trainings, and refinement, whose bound is 0: both forms of the bound hold on each image.

    Distances are 0 exactly, where nothing can be rounded, or above 1e-3, where rounding is lost in the bound's slack.
    The bound is far from what is measured, so that much smaller ones would be respected too: the summary says how far.
    """
    worst, count, beyond = 0.0, 0, None
    with one_thread():
        for net, images in _nets(seed):
            for space in (Space("constant", 16), *(s for b in BASES for s in spaces(SETTINGS["quick"], b))):
                allowed = drift(net, compressed(net, space), images)
                d = allowed.distance
                if not (((d == 0) | (d > 1e-3)).all() and allowed.closed.isfinite().all()):
                    raise ValueError(f"distance: got {d.tolist()}, want 0 or > 1e-3, with a finite bound")
                measured, bound = allowed.measured, share * allowed.steps
                over = ~((measured <= bound) & (bound <= allowed.closed))  # also what is no number
                ratios = torch.where(measured > 0, measured / bound, 0.0)
                worst, count = max(worst, float(ratios.max())), count + over.numel()
                if over.any() and beyond is None:
                    beyond = {"space": str(space), "measured": float(measured[over][0])}
    summary = f"the drift is at most {worst:.2g} of the bound, over {count} images and nets"
    return _trials(beyond, count, seed, summary, ratio=min(worst, 1e300))


def _least_squares(net: Net, space: Space) -> Tensor:
    variances = net.logvar.exp()
    return at_steps(along(matrix(projection(net.weights.space, space), variances), variances), space, net.steps)


def _in_logarithm(net: Net, space: Space) -> Tensor:
    """Read back from how much the net divides by: the folded W is W scale/sqrt(variance)."""
    small = compressed(net, space)
    inner, scale = (at_steps(getattr(small.weights, name), space, net.steps) for name in ("inner", "scale"))
    return torch.square((scale[..., None] * inner).norm(dim=3) / blocks(small).inner.norm(dim=3))


def _positive(seed: int, variances: Callable[[Net, Space], Tensor] = _in_logarithm) -> Evidence:
    """Batch norm's variances at the steps after compression to hats, of nets whose first block has larger weights.

    From the second block on W is divided by 8, which batch norm undoes: such nets compute the same as the trained ones.
    """
    count, beyond, least = 0, None, float("inf")
    gaps, floors = [], []
    with one_thread():
        for net, images in _nets(seed):
            uneven, here = _unevenly_scaled(net), outputs(net, images)
            gaps.append(_gap(outputs(uneven, images), here))
            floors.append(_rounding(net, images, here, seed))
            for space in spaces(SETTINGS["quick"], "hats"):
                found = variances(uneven, space)
                count, least = count + found.numel(), min(least, float(found.nan_to_num(nan=0.0).min()))
                if not (found > 0).all() and beyond is None:  # nor is what a negative variance's root gives, no number
                    beyond = {"space": str(space), "variance": least}
    summary = f"the least of {count} projected variances is {least:.3g}"
    return all_of(
        _explained("scaling the blocks' W", gaps, floors, seed),
        _trials(beyond, count, seed, summary, least=least),
        summary=summary,
    )


def _unevenly_scaled(net: Net) -> Net:
    factor = torch.ones(net.steps, 1).double()
    factor[1:] = 1 / 8
    weights = replace(net.weights, inner=net.weights.inner * factor[:, None])
    return Net(weights, net.mean * factor, net.logvar + 2 * factor.log(), net.steps)


def _coupled(seed: int, rule: Rule = COUPLED.rule, group: str = "orthogonal") -> Evidence:
    """Nets trained side by side on the digits and on moved digits, from moved weights, compressed to all four bases.

    The first net is the one that is compared with, then come controls, then twins; their mini-batches are the same.
    """
    rng = np.random.default_rng(seed)
    with one_thread():
        train, test = sample(150, IMAGES, [np.random.default_rng(seed)])
        start = initial(COUPLED.spaces[0], 6, [np.random.default_rng(seed + 1)])
        moves = [np.eye(train.images.shape[2]), *(GROUPS["orthogonal"].float_element(64, rng) for _ in range(CONTROLS))]
        moves += [GROUPS[group].float_element(64, rng) for _ in range(CONTROLS)]
        g = torch.from_numpy(np.stack(moves))
        back = torch.cat([g[: CONTROLS + 1].mT, torch.eye(64).double().expand(CONTROLS, 64, 64)])
        net, tests = _run(start, train, test, g, back, rule, seed)
        gaps, controls, sizes = [], [], []
        for space in (Space("constant", 2), Space("hats", 3), Space("linear", 2), Space("polynomial", 2)):
            found = outputs(compressed(net, space), tests)
            away = (found - found[0]).abs().amax(dim=(1, 2))
            gaps.append(float(away[CONTROLS + 1 :].max()))
            controls.append(float(away[1 : CONTROLS + 1].max()))
            sizes.append(float(found.abs().max()))
    floors = [max(control, ULP * size) for control, size in zip(controls, sizes, strict=True)]
    return _explained(f"moving by {group}", gaps, floors, seed)


def _run(
    start: Weights, train: Sample, test: Sample, g: Tensor, back: Tensor, rule: Rule, seed: int
) -> tuple[Net, Tensor]:
    """Train every net on data moved by g and then by back, from weights that are moved alike."""
    count = len(g)

    def moved(images: Tensor) -> Tensor:
        return images.double().expand(count, -1, -1) @ g.mT @ back.mT

    w = start.to(torch.float64)
    every = {name: t.expand(count, *t.shape[1:]) for name, t in w.tensors.items()}
    turn = {
        "inner": every["inner"] @ g.mT[:, None] @ back.mT[:, None],
        "outer": back[:, None] @ (g[:, None] @ every["outer"]),
        "closing": every["closing"] @ g.mT @ back.mT,
    }
    data = Sample(moved(train.images), train.labels.expand(count, -1))
    weights = fit(
        Weights(w.space, **{**every, **turn}),
        data,
        replace(COUPLED, rule=rule),
        [np.random.default_rng(seed + 2) for _ in range(count)],
    )
    return finished(weights, data, COUPLED.steps), moved(test.images)


@functools.lru_cache(maxsize=4)
def _net(kind: str, seed: int) -> tuple[Net, Tensor]:
    """Trained nets in double precision, and test images of shape (R, n, d)."""
    net, test = trained(kind, SETTINGS["quick"], np.random.SeedSequence(seed).spawn(NETS))
    return in_double(net), test.images[:, :IMAGES].double()


def _nets(seed: int) -> Iterator[tuple[Net, Tensor]]:
    for kind in TRAININGS:
        yield _net(kind, seed)


def _gap(a: Tensor, b: Tensor) -> float:
    return float((a - b).detach().abs().max())


def _rounding(net: Net, images: Tensor, here: Tensor, seed: int) -> float:
    """The greatest change of an output when all weights and batch norm's state move by one unit in the last place."""
    generator = torch.Generator().manual_seed(seed)

    def moved(t: Tensor) -> Tensor:
        return t * (1 + ULP * (2 * torch.randint(0, 2, t.shape, generator=generator) - 1))

    changes = []
    for _ in range(CONTROLS):
        tensors = {name: moved(t) for name, t in net.weights.tensors.items()}
        other = Net(Weights(net.weights.space, **tensors), moved(net.mean), moved(net.logvar), net.steps)
        changes.append(_gap(outputs(other, images), here))
    return max(*changes, ULP * float(here.abs().max()))


def _explained(what: str, gaps: Sequence[float], floors: Sequence[float], seed: int) -> Evidence:
    """Residuals beside what rounding explains, read as in `verify.verdicts`."""
    ratios = [gap / floor for gap, floor in zip(gaps, floors, strict=True)]
    worst, ratio = max(enumerate(ratios), key=lambda pair: pair[1])
    numbers = {"residual": gaps[worst], "control": floors[worst], "ratio": ratio, "clear": CLEAR}
    summary = f"{what} changes outputs by {gaps[worst]:.1e}, {ratio:.1e} times what rounding explains"
    if EXPLAINED < ratio < CLEAR:
        certificate = {"kind": "trials", "count": len(gaps), "counterexample": None, "seed": seed, **numbers}
        return Evidence(Verdict.INCONCLUSIVE, Trust.SAMPLED, summary, certificate)
    return _trials({"case": worst} if ratio >= CLEAR else None, len(gaps), seed, summary, **numbers)


def _trials(beyond: Any, count: int, seed: int, summary: str, **numbers: float) -> Evidence:
    certificate = {"kind": "trials", "count": count, "counterexample": beyond, "seed": seed, **numbers}
    return Evidence(Verdict.REFUTED if beyond else Verdict.CERTIFIED, Trust.SAMPLED, summary, certificate)


ROWS: tuple[tuple[str, str, Callable[..., Evidence], Mutant, float], ...] = (
    (
        "odenet",
        "a residual net of torch's modules computes the same",
        _residual_net,
        Mutant("its blocks come in reverse order", order=-1),
        2.0,
    ),
    (
        "odenet-nested",
        "trained nets, refined and projected back, compute the same",
        _undone,
        Mutant("the larger spaces do not hold the small ones", pairs=APART),
        0.5,
    ),
    (
        "odenet-quadrature",
        "trained nets, compressed by quadrature, compute the same as by exact integrals",
        _by_quadrature,
        Mutant("12 cells do not respect the jumps", cells=12),
        0.3,
    ),
    (
        "odenet-gronwall",
        "compressed nets drift less than the bound",
        _within_bound,
        Mutant("a ten-thousandth of the bound is claimed", share=1e-4),
        1.0,
    ),
    (
        "odenet-variance",
        "variances stay positive where least squares makes some negative",
        _positive,
        Mutant("the variance itself is projected", variances=_least_squares),
        0.2,
    ),
    (
        "odenet-equivariant",
        "trained by SGD and compressed, under rotations",
        _coupled,
        Mutant("Adam takes the place of SGD", rule=_adam),
        1.5,
    ),
    (
        "odenet-equivariant",
        "trained by Adam and compressed, under signed permutations",
        functools.partial(_coupled, rule=_adam, group="signed_permutation"),
        Mutant("the group is O(d)", group="orthogonal"),
        1.5,
    ),
)
"""For each measurement the claim, what is checked, how, its mutant, and about how many seconds it takes."""
