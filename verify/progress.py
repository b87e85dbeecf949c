"""A progress bar with the time left, for work of more than a second or two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

__all__ = ["Tick", "bar", "silent"]

Tick = Callable[[str, float], None]
"""Told what runs next and how much work was done since the last tick, in the units of the bar's total."""


def silent(what: str, work: float) -> None:
    """A tick that shows nothing."""


@contextmanager
def bar(console: Console, total: float) -> Iterator[Tick]:
    """A progress bar with the time left, shown only on a terminal and gone when done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("", total=total)

        def tick(what: str, work: float) -> None:
            shown.update(task, description=what[:60].ljust(60), advance=work)

        yield tick
