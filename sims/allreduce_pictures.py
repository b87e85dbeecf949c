"""The two further figures of the experiment allreduce: cost in the alpha-beta model, time beside torch's all_reduce."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sims.allreduce_processes import Ranks
from sims.allreduce_programs import race
from sims.drawing import COLOURS, MARKERS, SHADE, WIDTH, csv_text, panels, save, worded
from theory.allreduce_cost import binary_tree, duration, multicolour_time, ring_time
from theory.allreduce_schedule import multicolour

__all__ = ["costs", "pictures", "times"]

K = 4
"""Colours, where there are as many ranks."""
ALPHA, BETA = 5_000_000, 100
"""Picoseconds for a message and for a byte: 5 microseconds and 10 GB/s."""
MANY = (16, 64, 256, 1024, 4096)
MESSAGES = {"64 KiB": 2**16, "1 MiB": 2**20, "64 MiB": 2**26}
SEGMENTS = {"quick": (1, 2, 4, 8, 16), "full": (1, 2, 4, 8, 16, 32, 64)}
FEW = (2, 4, 8)
SIZES = tuple(2**e for e in range(10, 27, 2))
"""Bytes, 1 KiB to 64 MiB."""
TICKS = ((2**10, "1K"), (2**14, "16K"), (2**18, "256K"), (2**22, "4M"), (2**26, "64M"))
REPEATS = 15
AT_LEAST = 2**18
"""Bytes of a message, where the buffer is long enough; at most 16 segments."""
LONGEST = 1200.0
TALL = 2.2
"""Inches of a panel."""


@dataclass(frozen=True)
class Cost:
    """Seconds of one message on so many ranks; `low` and `high` are the bounds of claim allreduce-cost."""

    message: str
    ranks: int
    segments: int
    multicolour: float
    low: float
    high: float
    ring: float
    tree: float


@dataclass(frozen=True)
class Time:
    """Seconds of the slowest rank, the least and the median over repetitions, of this allreduce and of torch's."""

    ranks: int
    size: int
    repeats: int
    least: float
    median: float
    torch_least: float
    torch_median: float


def pictures(size: str, seed: int, folder: Path) -> list[Path]:
    """The cost always, the time at full size: it depends on the machine.

    Args:
        size: one of `sims.experiment.SIZES`.
        seed: not used, nothing is drawn at random.
        folder: where to write.
    """
    key = "quick" if size == "quick" else "full"
    found = costs(MANY, MESSAGES, SEGMENTS[key])
    written = save(lambda: _cost_figure(found), _csv(found), folder / "allreduce-cost")
    if key == "full":
        raced = times(FEW, SIZES, REPEATS)
        written += save(lambda: _time_figure(raced), _csv(raced), folder / "allreduce-time")
    return written


def costs(many: Sequence[int], messages: dict[str, int], segments: Sequence[int]) -> list[Cost]:
    """The schedule simulated, with that number of segments for which its upper bound is least.

    Example:
        >>> (found,) = costs([16], {"1 MiB": 2**20}, [1, 4, 16])
        >>> found.low <= found.multicolour <= found.high, found.segments
        (True, 4)
    """
    found = []
    for message, size in messages.items():
        for ranks in many:

            def bounds(s: int, ranks: int = ranks, size: int = size) -> tuple[float, float]:
                low, high = multicolour_time(ranks, K, size, s, ALPHA, BETA)
                return low / 1e12, high / 1e12

            best = min(segments, key=lambda s: bounds(s)[1])
            simulated = duration(multicolour(ranks, K, size, best), ALPHA, BETA) / 1e12
            ring = ring_time(ranks, size, ALPHA, BETA) / 1e12
            tree = duration(binary_tree(ranks, size), ALPHA, BETA) / 1e12
            found.append(Cost(message, ranks, best, simulated, *bounds(best), ring, tree))
    return found


def times(few: Sequence[int], sizes: Sequence[int], repeats: int) -> list[Time]:
    """Both allreduces on real processes, in turn.

    Raises:
        ProcessError: a rank failed.
    """
    found = []
    for count in few:
        with Ranks(count) as ranks:
            for size in sizes:
                k = min(K, count)
                plan = multicolour(count, k, size // 4, max(1, min(16, size // (k * AT_LEAST))))
                taken = ranks.values([(race, (plan, repeats))] * count, within=LONGEST)
                # For each of the two, the slowest rank of every repetition.
                slowest = np.max(taken, axis=0).T
                found.append(
                    Time(count, size, repeats, *(float(f(own)) for own in slowest for f in (np.min, np.median)))
                )
    return found


def _csv(rows: Sequence[Any]) -> str:
    return csv_text(list(vars(rows[0])), [list(vars(row).values()) for row in rows])


def _cost_figure(rows: Sequence[Cost]) -> Any:
    messages = list(dict.fromkeys(row.message for row in rows))
    figure, places = panels(0.8 + WIDTH * len(messages), TALL, len(messages))
    for panel, message in zip(places, messages, strict=True):
        own = [row for row in rows if row.message == message]
        x = [row.ranks for row in own]
        band = [[1e3 * getattr(row, name) for row in own] for name in ("low", "high")]
        panel.fill_between(x, *band, color=SHADE, linewidth=0, label="multi-colour, between its bounds")
        for i, (name, label) in enumerate(
            (("multicolour", f"multi-colour, k = {K}, simulated"), ("ring", "ring"), ("tree", "binary tree, not cut"))
        ):
            y = [1e3 * getattr(row, name) for row in own]
            panel.plot(x, y, marker=MARKERS[i], color=COLOURS[i], linewidth=1.1, markersize=4.2, label=label)
        panel.set(title=message, xlabel="ranks", xscale="log", yscale="log")
        panel.set_xticks(x, [str(v) for v in x])
        panel.minorticks_off()
    places[0].set_ylabel("milliseconds")
    title = "Multi-colour allreduce is nearly as fast as a ring on long buffers, without its latency"
    note = (
        f"Alpha-beta model: {ALPHA / 1e6:g} microseconds a message, {1e3 / BETA:g} GB/s, additions are free; the "
        "number of segments is that with the least upper bound."
    )
    return worded(figure, title, note, columns=4)


def _time_figure(rows: Sequence[Time]) -> Any:
    counts = list(dict.fromkeys(row.ranks for row in rows))
    figure, places = panels(0.8 + WIDTH * len(counts), TALL, len(counts))
    for panel, count in zip(places, counts, strict=True):
        own = [row for row in rows if row.ranks == count]
        x = [row.size for row in own]
        for i, (name, label) in enumerate((("least", "ratio of the least times"), ("median", "of the medians"))):
            y = [getattr(row, name) / getattr(row, f"torch_{name}") for row in own]
            panel.plot(x, y, marker=MARKERS[i], color=COLOURS[i], linewidth=1.1, markersize=4.2, label=label)
        panel.axhline(1, color="black", linewidth=0.8)
        panel.set(title=f"{count} ranks", xlabel="bytes of the buffer", xscale="log", yscale="log")
        panel.set_xticks(*zip(*TICKS, strict=True))
        panel.minorticks_off()
    ratios = [2.0**e for e in range(-3, 5)]
    low, high = places[0].get_ylim()
    places[0].set_yticks([r for r in ratios if low < r < high], [f"{r:g}" for r in ratios if low < r < high])
    places[0].tick_params(axis="y", which="minor", left=False, labelleft=False)
    places[0].set_ylabel("time over that of all_reduce")
    title = "Time of the multi-colour allreduce over that of torch's all_reduce (gloo, loopback)"
    note = f"float32, {rows[0].repeats} repetitions, the slowest rank of each; depends on the machine."
    return worded(figure, title, note, columns=4)
