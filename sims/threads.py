"""One thread for small nets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Small nets gain nothing from torch's threads and lose much when other work shares the cores.

    It is entered for every short training, so it leaves alone the threads of numpy and scipy: to find them takes longer
    than to train.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
