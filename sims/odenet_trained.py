"""The nets of the experiment: how large they are, how they are trained, and trained once for all that looks at them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from sims.odenet_compress import Net, finished
from sims.odenet_nets import Plan, Sample, fit, initial, sample, sgd
from theory.odenet_spaces import Space

__all__ = ["SETTINGS", "TRAININGS", "Setting", "setting_of", "spaces", "trained"]

TRAININGS = ("refined", "layers")
"""How the weights are trained: with refinements, or all layers from the start."""
Key: TypeAlias = tuple[tuple[int, ...], int]
"""A seed's entropy and a replica's number."""
KEPT = 8
"""So many groups of nets that were trained together are kept in a process, those used last, of at most 10 MB each.
Cells come sorted by the way to train, so that a process that measures all of them trains each group once: of one way
there are 6 in full."""


@dataclass(frozen=True)
class Setting:
    """Sizes of nets and of their training; every setting has its own number of training images.

    Attributes:
        n: training images.
        tests: test images.
        width: m, hidden units of a block.
        steps: N, a power of 2.
        epochs: with each number of piecewise constants, 1, 2, 4, ..., N.
        batch: images in a mini-batch.
        rate: of SGD with momentum.
        replicas: how many nets; and of untrained ones, for which more are needed.
        chunk: how many are trained together.
        functions: the numbers K that are measured.
    """

    n: int
    tests: int
    width: int
    steps: int
    epochs: int
    batch: int
    rate: float
    replicas: tuple[int, int]
    chunk: int
    functions: tuple[int, ...]


SETTINGS = {
    "quick": Setting(300, 256, 4, 8, 4, 30, 0.1, (100, 300), 100, (1, 2, 3, 4, 8)),
    "full": Setting(1347, 450, 4, 16, 8, 64, 0.1, (300, 400), 50, (1, 2, 3, 4, 6, 8, 12, 16)),
}


def spaces(setting: Setting, basis: str) -> list[Space]:
    """What is compressed to in one basis.

    Example:
        >>> [space.size for space in spaces(SETTINGS["quick"], "linear")]
        [2, 4, 8]
    """
    some = (k for k in setting.functions if not (basis == "linear" and k % 2) and not (basis == "hats" and k < 2))
    return [Space(basis, k) for k in some]


def setting_of(n: int) -> Setting:
    """The setting with n training images.

    Raises:
        ValueError: there is none.

    Example:
        >>> setting_of(300).steps
        8
    """
    known = {setting.n: setting for setting in SETTINGS.values()}
    if n not in known:
        raise ValueError(f"n: got {n}, want one of {', '.join(map(str, known))}")
    return known[n]


def trained(
    kind: str, setting: Setting, seeds: Sequence[np.random.SeedSequence], device: str = "cpu"
) -> tuple[Net, Sample]:
    """Trained nets in N piecewise constants, with their test images.

    They depend on a seed's entropy and on the last number of its key, the replica's, alone: so cells that differ in
    basis or K compress the same nets, which are trained once and kept for a while. What is kept is what training anew
    gives, to the last bit; a replica that is trained beside others may differ from itself alone by rounding.

    Raises:
        ValueError: an unknown way to train, or a seed that was not spawned.
    """
    if kind not in TRAININGS:
        raise ValueError(f"kind: got {kind!r}, want one of {', '.join(TRAININGS)}")
    return _trained(kind, setting, tuple(_key(seed) for seed in seeds), device)


@functools.lru_cache(maxsize=KEPT)
def _trained(kind: str, setting: Setting, keys: tuple[Key, ...], device: str) -> tuple[Net, Sample]:
    streams = [np.random.SeedSequence(entropy, spawn_key=(0, r)).spawn(3) for entropy, r in keys]
    drawing, starting, ordering = ([np.random.default_rng(s) for s in column] for column in zip(*streams, strict=True))
    train, test = (_on(part, device) for part in sample(setting.n, setting.tests, drawing))
    levels = [Space("constant", 2**k) for k in range(setting.steps.bit_length())]
    plan = Plan(
        tuple(levels) if kind == "refined" else tuple(levels[-1] for _ in levels),
        setting.steps,
        setting.epochs,
        setting.batch,
        sgd(setting.rate),
    )
    weights = initial(plan.spaces[0], setting.width, starting).to(device)
    return finished(fit(weights, train, plan, ordering), train, setting.steps), test


def _key(seed: np.random.SeedSequence) -> Key:
    if not seed.spawn_key:
        raise ValueError("seeds: got one without a key, want seeds that were spawned, each with a replica's number")
    return tuple(np.atleast_1d(np.asarray(seed.entropy, dtype=object)).tolist()), seed.spawn_key[-1]


def _on(part: Sample, device: str) -> Sample:
    return Sample(part.images.to(device), part.labels.to(device))
