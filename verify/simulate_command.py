"""The command `orbitgap simulate`: reads what the user asked for and shows what was found."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table

from sims.chunks import chunks, share
from sims.experiment import load
from sims.images import CIFAR10
from theory import store
from verify.console import UserError, seeded, writable
from verify.display import Record, verdict_text
from verify.progress import bar
from verify.simulate import simulate

__all__ = ["run", "simulation_page"]


def run(arguments: argparse.Namespace) -> int:
    """Measure, judge, draw and report.

    Raises:
        UserError: an option that is not one, or a place that cannot be written.
        ValueError: an unknown experiment, a scheduler that does not answer, a folder that is full.
        OSError: a file cannot be written.
    """
    seeded(arguments.seed)
    if arguments.cifar10 is not None:
        os.environ[CIFAR10] = str(arguments.cifar10)
    experiment = load(arguments.name)
    jobs = os.cpu_count() or 1 if arguments.jobs is None else arguments.jobs
    if jobs < 1:
        raise UserError(f"--jobs: got {jobs}, want a number >= 1")
    shard = None if arguments.shard is None else _shard(arguments.shard)
    device = _device(arguments.device)
    folder = arguments.out or store.home() / "simulations"
    for target in filter(None, (folder / "any", arguments.json)):
        writable(target)
    work = len(share(chunks(experiment, experiment.cells(arguments.size), arguments.seed, device), shard))
    with bar(Console(stderr=True), work) as tick:
        found = simulate(
            experiment,
            arguments.size,
            arguments.seed,
            folder,
            jobs=jobs,
            dask=arguments.dask,
            shard=shard,
            device=device,
            progress=tick,
        )
    if arguments.json is not None:
        store.write_atomically(arguments.json, json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False))
    for path in found["recomputed"]:
        print(f"orbitgap: a damaged chunk was computed again: {path}", file=sys.stderr)
    Console().print(simulation_page(found), crop=False)
    return 0 if found["ok"] in (True, None) else 1


def simulation_page(found: Record) -> RenderableType:
    """What `orbitgap simulate` shows: a verdict for each bound, where n* lies, and the figure's path."""
    chunk = found["chunks"]
    counted = f"{chunk['computed']} chunks computed, {chunk['found']} found, {chunk['missing']} missing"
    if not found["complete"]:
        return f"{counted}: nothing is judged before the other shards have run into the same folder."
    parts: list[RenderableType] = [_verdicts(found)]
    if found["brackets"]:
        parts.append(_brackets(found))
    parts += [_growth(fit) for fit in found["exponents"]]
    parts += [f"figure: {path}" for path in found["figures"]]
    parts.append(f"{counted} ({found['seconds']:.0f} s)")
    return Group(*parts)


def _verdicts(found: Record) -> Table:
    table = _table(f"{found['name']}, {found['size']}: family-wise error {found['alpha']:g}")
    for name in ("claim", "question", "verdict", "margin", "sharpness", "telling"):
        table.add_column(name, overflow="fold", no_wrap=name == "claim")
    for row in found["verdicts"]:
        margin = "-" if row["margin"] is None else f"{row['margin']:+.3g}"
        sharpness = "-" if row["sharpness"] is None else f"{row['sharpness']:.3g}"
        verdict = verdict_text(row["verdict"], row["expected"])
        table.add_row(row["claim"], row["question"], verdict, margin, sharpness, str(row["telling"]))
    return table


def _brackets(found: Record) -> Table:
    table = _table(f"n*({found['brackets'][0]['target']:g}), the least number of samples for that expected error")
    for name in ("learner", "d", "n* >", "n* <="):
        table.add_column(name, justify="left" if name == "learner" else "right")
    for row in found["brackets"]:
        ends = ("?" if end is None else str(end) for end in (row["above"], row["at_most"]))
        table.add_row(row["learner"], str(row["d"]), *ends)
    return table


def _growth(fit: Record) -> str:
    resampled = fit["resampled"]
    roughly = f", by the bootstrap about {resampled[0]:.2f} to {resampled[1]:.2f}" if resampled else ""
    sizes = ", ".join(map(str, fit["dimensions"]))
    return (
        f"n* of {fit['learner']} grows like d^{fit['middle']:.2f} over d = {sizes}; slopes within the brackets: "
        f"{fit['low']:.2f} to {fit['high']:.2f} (if errors do not rise in n){roughly}"
    )


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _device(name: str) -> str:
    """The name of a torch device that is there."""
    import torch

    try:
        torch.ones(1, device=name).cpu()  # the device meta holds no numbers
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"--device: got {name!r}, want a device that torch finds here, such as cpu ({reason})"
        ) from error
    return name


def _shard(text: str) -> tuple[int, int]:
    """The numbers of i/N with 1 <= i <= N."""
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise UserError(f"--shard: got {text!r}, want i/N with 1 <= i <= N, for example 2/8")
    return int(found[1]), int(found[2])
