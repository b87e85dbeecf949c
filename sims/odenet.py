r"""ODE nets on handwritten digits: trained, then compressed to K basis functions of t without retraining.

The images are the 8 x 8 digits that ship with scikit-learn. A net adds N small residual blocks to the image
(`sims.odenet_nets`); its weights and batch norm's state are functions of t, and compression is their L2 projection onto
K piecewise constants, hats, discontinuous linear functions or polynomials (`sims.odenet_compress`).

- ``refined, ...``: trained with one piecewise constant, refined to 2, 4, ... and trained on, up to N.
- ``layers, ...``: trained with N piecewise constants from independent first weights, as a residual net is, for as many
  epochs.
- ``untrained, ...``: no error, but the share of the squared length of W and V that compression loses before training;
  as claimed (odenet-untrained), 1 - K/N for piecewise constants if K divides N.

A replica draws its own training and test images and first weights; its value is the share of `Setting.tests` test
images that the compressed net gets wrong. Replicas with one number share a trained net between bases and K, so that
curves differ by the compression alone. No claim is made on these errors; they are drawn. Nets train in float32.

Two things are seen, here in piecewise constants. After refinement a quarter of the functions does nearly as well as
all: the error, some 12 % with 300 training images and 3.6 % with 1347, rises by less than half a percentage point. But
uncompressed, layers trained from the start err less, in some 6 and 2.3 %; with a quarter of their functions they err in
37 and 21 %. These are means. The bars hold for any law of the errors and so are wide: some overlap where means are far
apart.

Sizes and rates were chosen by looking at test errors on these images, with one rate for both ways to train, so errors
are somewhat optimistic. What is seen does not hang on the choice: with 300 images it was the same at half and at twice
the rate and the epochs, and at twice the mini-batch and the width. With half the width, refined nets need half of the
functions; at width 16 the two ways differ least, 6.8 against 5.6 % uncompressed. Blocks have 4 hidden units and the
output reads only what the steps add, both so that depth matters: with 16 units one basis function was enough after
refinement, and with an output that also sees the image, compression hardly changed anything. Refined nets spend most
of their epochs with fewer functions than they end with.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from sims.experiment import Cell, Experiment, Line, Looks
from sims.odenet_compress import compressed, errors
from sims.odenet_nets import initial, matrix
from sims.odenet_pictures import pictures
from sims.odenet_trained import SETTINGS, TRAININGS, Setting, setting_of, spaces, trained
from theory.odenet_projection import kept_share
from theory.odenet_spaces import BASES, Space, gram, projection

__all__ = ["EXPERIMENT", "cells", "measure"]

UNTRAINED = "untrained"


def cells(size: str) -> list[Cell]:
    """Every basis at every K, for each way to train and for untrained weights, unless those lose nothing."""
    setting = SETTINGS["quick" if size == "quick" else "full"]
    trained_nets, untrained = setting.replicas
    counts = dict.fromkeys(TRAININGS, (trained_nets, setting.chunk)) | {UNTRAINED: (untrained, untrained)}
    return [
        Cell(f"{kind}, {basis}", space.size, setting.n, *count)
        for kind, count in counts.items()
        for basis in BASES
        for space in spaces(setting, basis)
        if kind != UNTRAINED or kept_share(space, setting.steps) < 1
    ]


def measure(cell: Cell, seeds: Sequence[np.random.SeedSequence], device: str = "cpu") -> NDArray[np.float64]:
    """The replicas' errors, or for untrained nets the share of their weights that is lost.

    Raises:
        ValueError: a number of training images that belongs to no setting, an unknown learner or basis, or a seed that
            was not spawned.

    Example:
        >>> seeds = np.random.SeedSequence(0).spawn(2)
        >>> measure(Cell("untrained, constant", 4, 300, 2, 2), seeds).round(1).tolist()
        [0.5, 0.5]
    """
    setting = setting_of(cell.n)
    kind, _, basis = cell.learner.partition(", ")
    space = Space(basis, cell.d)
    if kind == UNTRAINED:
        return _lost(setting, space, [np.random.default_rng(seed) for seed in seeds])
    net, test = trained(kind, setting, seeds, device)
    return errors(compressed(net, space), test).cpu().numpy()


def _lost(setting: Setting, space: Space, rngs: Sequence[np.random.Generator]) -> NDArray[np.float64]:
    """1 - |P theta|^2/|theta|^2, theta being all of W and V at N piecewise constants, as first drawn."""
    start = initial(Space("constant", setting.steps), setting.width, rngs)
    theta = torch.cat([start.inner.flatten(2), start.outer.flatten(2)], dim=2).double()
    onto, lengths = matrix(projection(start.space, space), theta), matrix(gram(space, space), theta)
    kept = torch.einsum("ak,rke->rae", onto, theta)
    size = theta.square().sum(dim=(1, 2)) / setting.steps
    share = torch.einsum("rae,ab,rbe->r", kept, lengths, kept) / size
    return (1 - share).clamp(0, 1).numpy()


def _expected(basis: str, d: int, n: int) -> float:
    return float(1 - kept_share(Space(basis, d), setting_of(n).steps))


def _panel(learner: str, d: int) -> str:
    kind = learner.split(", ")[0]
    return {
        "refined": "error, trained by refinement",
        "layers": "error, layers trained from the start",
        UNTRAINED: "untrained: share of weights lost",
    }[kind]


STYLES = {
    "constant": "piecewise constant",
    "hats": "hats",
    "linear": "discontinuous linear",
    "polynomial": "polynomial",
}

EXPERIMENT = Experiment(
    name="odenet",
    cells=cells,
    measure=measure,
    lines=tuple(
        Line(
            "odenet-untrained",
            "equal",
            f"what i.i.d. weights lose, {STYLES[basis]}",
            functools.partial(_expected, basis),
            (f"{UNTRAINED}, {basis}",),
        )
        for basis in BASES
    ),
    looks=Looks(
        title="Refined nets compress almost for free; uncompressed, layers trained from the start err less",
        subtitle="ODE nets on handwritten digits, compressed by projection",
        x="basis functions K",
        y="expected error, or share lost",
        styles={f"{kind}, {basis}": STYLES[basis] for kind in (*TRAININGS, UNTRAINED) for basis in BASES},
        scaled=lambda d, n: float(d),
        panel=_panel,
    ),
    pictures=pictures,
)
