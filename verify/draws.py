"""Randomised training made comparable run by run: in the twin, what is drawn along the inputs' axis moves too.

If the drawn numbers have an invariant law, moving them changes nothing in law, and a twin that then agrees with the
first run to rounding is equivariant in law: far sharper than a test of two samples. Where the runs do not agree,
nothing follows (the draws may be meant otherwise), and laws have to be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["MovedDraws"]

NORMAL = {
    "aten.randn.default": None,
    "aten.randn_like.default": None,
    "aten.normal.float_float": 0,
    "aten.normal_.default": 1,
}
"""Operations that draw normal entries with one mean, and the place of that argument: N(0, s^2 I) is O(d)-invariant."""
INDEPENDENT = {
    *NORMAL,
    "aten.rand.default",
    "aten.rand_like.default",
    "aten.uniform_.default",
    "aten.bernoulli_.float",
}
"""Operations that draw independent entries of one law: permutations keep it."""


class MovedDraws(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Moves draws whose last axis has d entries by a d x d matrix.

    Normal draws with mean zero are moved by any orthogonal matrix. Other independent entries are moved by signed
    permutations only, and without the signs: independence is enough for the order. Nothing is moved by other matrices,
    nor what comes from a generator of the code's own or after a reseed: with a seed of its own it draws constants.

    Args:
        element: the matrix g; entries move as the first layer's weights do.

    Example:
        >>> swap = [[0.0, 1.0], [1.0, 0.0]]
        >>> def draw():
        ...     with torch.random.fork_rng(devices=[]):
        ...         torch.manual_seed(0)
        ...         return torch.rand(3, 2)
        >>> with MovedDraws(swap):
        ...     moved = draw()
        >>> torch.equal(moved, draw().flip(1))
        True
    """

    def __init__(self, element: ArrayLike) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        g = np.asarray(element, dtype=np.float64)
        self._back = torch.from_numpy(g.T.copy())  # W -> W g^-1, and g^-1 = g' here
        self._orthogonal = bool(np.allclose(g @ g.T, np.eye(len(g)), atol=1e-12))
        self._after: bytes | None = None
        self._trusted = True
        order = np.abs(g)  # of a signed permutation its order: only that keeps the law of entries that are not normal
        self._permutes = self._orthogonal and bool(((order == 0) | (order == 1)).all())
        self._order = torch.from_numpy(order.T.copy())

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation and move what it drew."""
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **(kwargs or {}))
        # Between two draws nobody but a draw may touch the generator: what is drawn after a reseed is a constant.
        self._trusted &= self._after in (None, _state())
        result = func(*args, **(kwargs or {}))
        self._after = _state()
        own = "generator" in str(func) or (kwargs or {}).get("generator") is not None
        by = self._back if _is_normal(str(func), args) else self._order if self._permutes else None
        told = str(func) in INDEPENDENT or str(func).startswith(("aten.randint.", "aten.randint_like."))
        here = self._orthogonal and told and result.shape[-1:] == self._back.shape[:1]
        if own or by is None or not here or not self._trusted:
            return result
        moved = (result.double() @ by).to(result.dtype)
        return result.copy_(moved) if args and result is args[0] else moved


def _is_normal(operation: str, args: Sequence[Any]) -> bool:
    """Whether entries are drawn from N(0, s^2)."""
    place = NORMAL.get(operation)
    return operation in NORMAL and (place is None or len(args) <= place or args[place] == 0)


def _state() -> bytes:
    return torch.get_rng_state().numpy().tobytes()
