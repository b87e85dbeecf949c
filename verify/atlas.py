"""The atlas: every optimizer of torch.optim and of pytorch-optimizer, under every group, as data.

Each optimizer is examined with its default settings in one regime and, with settings under which it really
moves, in all of them; its operations are followed as well. Where what is derived and measured differ, both are shown.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from typing import Any

from theory import bounds
from verify import adapters
from verify.findings import finding_record, plain
from verify.instrument import EXAMINED, examine
from verify.progress import Tick, silent
from verify.regimes import REGIMES
from verify.subjects import derived_record, of_optimizer

__all__ = ["atlas", "merged", "row"]

SETTINGS = ("default", "warmed")
SHORT = REGIMES[:1]
"""The regime that default settings are examined in: many optimizers hardly move with them."""
FEW = 60
"""Runs that make a law: enough for laws that differ as much as rotations make them; `orbitgap check` takes more."""


def atlas(seed: int, jobs: int, progress: Tick = silent, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Examine all optimizers.

    Args:
        seed: of everything random.
        jobs: number of processes.
        progress: told which optimizer is done, with work 1 for each.
        names: keys of `verify.adapters.zoo`; all of them if None.

    Returns:
        JSON-able data, described by ``verify/schemas/atlas.schema.json``; it depends on the seed but not on the jobs.
    """
    wanted = list(adapters.zoo() if names is None else names)
    rows, failed = {}, {}
    for name, found in _in_parallel(wanted, seed, jobs):
        progress(name, 1)
        if isinstance(found, str):
            failed[name] = found
        else:
            rows[name] = found
    left_out = {u.name: u.reason for u in adapters.unavailable()} if names is None else {}
    return {
        "seed": seed,
        "optimizers": [rows[name] for name in wanted if name in rows],
        "left_out": [{"name": name, "reason": reason} for name, reason in sorted({**left_out, **failed}.items())],
    }


def row(name: str, seed: int) -> dict[str, Any]:
    """One optimizer's row.

    Raises:
        Exception: whatever the optimizer's code raises.
    """
    start = time.perf_counter()
    optimizer = adapters.zoo()[name]
    settings = {"default": {}, "warmed": dict(adapters.warmed(optimizer))}
    makers = {key: of_optimizer(optimizer, settings[key]) for key in SETTINGS}
    examined = {
        "default": examine(makers["default"], seed, EXAMINED, SHORT, runs=FEW),
        "warmed": examine(makers["warmed"], seed, EXAMINED, REGIMES, runs=FEW),
    }
    records = {
        key: {
            "settings": {k: plain(v) for k, v in settings[key].items()},
            "groups": {g: finding_record(f, None) for g, f in examined[key].items()},
        }
        for key in SETTINGS
    }
    groups = {g: merged(records["default"]["groups"][g], records["warmed"]["groups"][g]) for g in EXAMINED}
    derived = derived_record(optimizer, settings["warmed"])
    kept = [g for g in EXAMINED if groups[g]["verdict"] == "certified"]
    return {
        "name": name,
        "groups": groups,
        "derived": derived,
        "differs": _differs(groups, derived),
        "bounds": bounds.binding(kept),
        **records,
        "seconds": round(time.perf_counter() - start, 2),
    }


def merged(default: Mapping[str, Any], warmed: Mapping[str, Any]) -> dict[str, Any]:
    """One verdict from both settings: a refutation counts wherever it was found, a certificate where it moves."""
    refuted = next((f for f in (warmed, default) if f["verdict"] == "refuted"), None)
    if refuted is not None:
        return {**refuted, "settings": "warmed" if refuted is warmed else "default"}
    return {**warmed, "settings": "warmed"}


def _differs(groups: Mapping[str, Mapping[str, Any]], derived: Mapping[str, Any]) -> list[str]:
    """Groups that are derived to be kept but measured to be broken."""
    return [g for g in EXAMINED if derived["kept"][g] and groups[g]["verdict"] == "refuted"]


def _in_parallel(names: Sequence[str], seed: int, jobs: int) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """Rows, or why there is none, as they are done."""
    task = partial(_quiet_row, seed=seed)
    if jobs == 1:
        yield from ((name, task(name)) for name in names)
        return
    # A fresh interpreter for each worker: forking one that runs torch's threads may hang.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        pending = {pool.submit(task, name): name for name in names}
        for done in as_completed(pending):
            yield pending[done], done.result()


def _quiet_row(name: str, seed: int) -> dict[str, Any] | str:
    """A row without what the optimizer's code prints or warns of; text if the code raises."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return row(name, seed)
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            return f"{type(error).__name__}: {text}"
