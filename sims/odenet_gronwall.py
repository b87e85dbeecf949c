r"""How far a compressed net's states drift from the trained net's, and how far they can (claim odenet-gronwall).

Every number of the bound is an upper one: operator norms come from traces of powers (claim odenet-lipschitz), and what
double precision may have rounded is added. On nets as we train them the bound step by step is some 10^2 to 10^4 times
what is measured, and the closed one 10^4 to 10^7 times: it holds, but says little of how well such nets compress.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from sims.odenet_compress import Blocks, Net, blocks, states
from theory.validate import integer

__all__ = ["Drift", "drift", "in_double", "operator_norms"]

SQUARINGS = 5
"""Norms are bounded by the trace of the power 2^5: at most m^(1/64) times too large, 5 % for m = 16."""
LARGEST = 64
"""The most columns of a matrix whose norm is bounded."""
SLACK = 1e-9
"""Relative allowance for rounding, u = 1.1e-16. A product of A and B, with sums of n products, is off by n u |A| |B|,
entry by entry, and the norm of |A| is at most sqrt(m) times that of A, for m columns. So V'V is off by n m u of its
norm, and its square by twice that and m^2 u; after 5 squarings it is 32 (n m + m^2) u, in the trace at most m times
more, and 1/64 of that in the root of order 64: below 3e-10 for m <= 64, n <= 1000. Sums of at most 10^4 squares are off
by 10^4 u, and exponentials, which are finite up to e^709, by 10^3 u."""


@dataclass(frozen=True)
class Drift:
    """Two nets on the same images; in double precision.

    Attributes:
        measured: |h_N - h~_N|, shape (R, n).
        steps: the bound step by step, shape (R, n).
        closed: M e^(mean of L) times the distance, shape (R, n).
        distance: of the folded weights, root mean square over the steps, shape (R,).
    """

    measured: Tensor
    steps: Tensor
    closed: Tensor
    distance: Tensor


def drift(net: Net, other: Net, images: Tensor) -> Drift:
    """Measure two nets that differ in their weights and batch norm's state only, and bound how far they can drift.

    Args:
        net: the one whose Lipschitz constants are taken.
        other: with as many steps, replicas and units.
        images: shape (R, n, d).
    """
    return _bounded(blocks(in_double(net)), blocks(in_double(other)), images.double())


def in_double(net: Net) -> Net:
    """The same numbers in double precision."""
    return Net(net.weights.to(torch.float64), net.mean.double(), net.logvar.double(), net.steps)


def operator_norms(matrices: Tensor) -> Tensor:
    """Upper bounds on the operator norms of matrices of shape (..., a, b) with few columns or rows; shape (...).

    Raises:
        ValueError: more than 64 of both, or numbers that are not doubles, which `SLACK` is for.

    Example:
        >>> bool(1 <= operator_norms(torch.diag(torch.tensor([1.0, 0.5]).double())) < 1.0001)
        True
    """
    tall = matrices if matrices.shape[-2] >= matrices.shape[-1] else matrices.mT
    integer("matrices: columns or rows", tall.shape[-1], 1, LARGEST)
    if matrices.dtype != torch.float64:
        raise ValueError(f"matrices: got {matrices.dtype}, want torch.float64")
    # The matrix is divided by its greatest entry, each power by its trace: none overflows, none vanishes but zero's.
    greatest = tall.abs().amax(dim=(-2, -1), keepdim=True)
    scaled = tall / torch.where(greatest > 0, greatest, 1.0)
    power = scaled.mT @ scaled
    logarithm = torch.zeros_like(_trace(power))
    for k in range(SQUARINGS + 1):
        trace = torch.where(greatest[..., 0, 0] > 0, _trace(power), 1.0)
        logarithm = logarithm + trace.log() / 2**k
        power = power / trace[..., None, None]
        power = power @ power
    return greatest[..., 0, 0] * torch.exp(logarithm / 2) * (1 + SLACK)


def _trace(square: Tensor) -> Tensor:
    return square.diagonal(dim1=-2, dim2=-1).sum(dim=-1)


def _bounded(a: Blocks, b: Blocks, images: Tensor) -> Drift:
    steps, width = len(a.outer), a.outer.shape[-1]
    outer, inner = operator_norms(a.outer), operator_norms(a.inner)
    lipschitz = outer * inner
    squares = torch.stack(
        [(getattr(a, f.name) - getattr(b, f.name)).square().flatten(2).sum(2) for f in fields(Blocks)]
    )
    distance = squares.sum(dim=0).sqrt()
    *moving, moved_last = states(b, images)
    *_, last = states(a, images)
    sizes = torch.stack([h.square().sum(dim=2) for h in moving])
    reach = (width + outer.square()[..., None] * (sizes + 1)).sqrt()
    bound = torch.zeros_like(sizes[0])
    for k in range(steps):
        bound = (1 + lipschitz[k] / steps)[:, None] * bound + reach[k] * distance[k][:, None] / steps
    mean_square = distance.square().mean(dim=0).sqrt()
    closed = reach.amax(dim=0) * (lipschitz.mean(dim=0).exp() * mean_square)[:, None]
    return Drift((last - moved_last).norm(dim=2), bound * (1 + SLACK), closed * (1 + SLACK), mean_square)
