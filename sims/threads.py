"""One thread for small nets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Of torch, of numpy and of scipy: with more, the last bits of results depend on how many there are.

    Small nets gain nothing from threads either, and lose much when other work shares the cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):  # of the libraries that are loaded by now
            yield
    finally:
        torch.set_num_threads(before)
