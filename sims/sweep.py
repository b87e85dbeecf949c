"""Measures all cells of an experiment, in pieces that are kept, on one machine, on a cluster or in batch queues.

What is kept and reads well is not measured again, so a sweep that was killed goes on where it stopped; a damaged piece
is measured again and reported. Workers only return values; the process that called `sweep` writes them.
"""

from __future__ import annotations

import asyncio
import errno
import tempfile
import time
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sims.chunks import Chunk, ChunkError, chunks, read, run, share, write
from sims.experiment import Cell, Experiment
from theory.validate import integer

__all__ = ["SweepError", "Swept", "sweep"]

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
IDLE = 30
"""Seconds after which a process without work ends; so long it survives a kill of this one."""
PATIENCE = 10
"""Seconds to wait for a scheduler, and for its first worker."""

Done = tuple[Chunk, NDArray[np.float64], float]
"""A chunk, its values, and the seconds they took."""
Measured = Generator[Done, None, None]


class SweepError(ValueError):
    """A sweep cannot go on for reasons outside of it; what it had written stays."""


@dataclass(frozen=True)
class Swept:
    """What a sweep found.

    Attributes:
        values: for each complete cell the values of all replicas, in their order.
        computed: chunks that were measured now.
        found: chunks that were kept from before.
        missing: chunks that are left to other shards.
        recomputed: the damaged files that were measured again, and what was wrong with them.
    """

    values: Mapping[Cell, NDArray[np.float64]]
    computed: int
    found: int
    missing: int
    recomputed: tuple[str, ...]


def sweep(
    experiment: Experiment,
    cells: Sequence[Cell],
    seed: int,
    folder: Path,
    jobs: int = 1,
    dask: str | None = None,
    shard: tuple[int, int] | None = None,
    device: str = "cpu",
    progress: Callable[[str, int], object] = lambda what, work: None,
) -> Swept:
    """Measure the cells, or what is left of them; values do not depend on who measures them, or in which order.

    Args:
        experiment: one that `sims.experiment.load` knows.
        cells: each (learner, d, n) once.
        seed: in [0, 2^63).
        folder: where values are kept, in a folder of the experiment's name; made if missing.
        jobs: processes on this machine, each with one thread; 1 for none but this.
        dask: address of a scheduler of dask.distributed that runs the chunks instead.
        shard: (i, N) with 1 <= i <= N to measure each N-th chunk only, from the i-th on in the order of their keys.
        device: name of a torch device.
        progress: told of each chunk of the shard, with 1, when its values are there.

    Raises:
        ValueError: an argument out of range, or inputs that cannot be read.
        SweepError: the folder cannot be written, the disk is full, measuring failed, workers died, or the scheduler
            cannot be reached or has no workers.

    Example:
        >>> from sims.experiment import load
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     runs = [sweep(load("warmup"), [Cell("kernel", 8, 4, 20, 10)], 0, Path(folder)) for _ in range(2)]
        >>> [(result.computed, result.found) for result in runs]
        [(2, 0), (0, 2)]
    """
    integer("jobs", jobs, 1)
    pieces = chunks(experiment, cells, seed, device)
    mine = {chunk.key for chunk in share(pieces, shard)}
    known, damaged = _known(folder, pieces)
    found = len(known)
    for chunk in pieces:
        if chunk.key in mine and chunk.key in known:
            progress(chunk.text, 1)
    todo = [chunk for chunk in pieces if chunk.key in mine and chunk.key not in known]
    if todo:
        _writable(folder / experiment.name)
        with closing(_measured(todo, jobs, dask, device)) as measured:  # so that workers end, whatever happens here
            for chunk, values, seconds in measured:
                _keep(folder, chunk, values, device, seconds)
                known[chunk.key] = values
                progress(chunk.text, 1)
    reported = tuple(damaged[chunk.key] for chunk in todo if chunk.key in damaged)
    return Swept(_complete(pieces, known), len(todo), found, len(pieces) - len(known), reported)


def _known(folder: Path, pieces: Sequence[Chunk]) -> tuple[dict[str, NDArray[np.float64]], dict[str, str]]:
    """What is kept, and what is damaged."""
    known, damaged = {}, {}
    for chunk in pieces:
        try:
            known[chunk.key] = read(folder, chunk)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except ChunkError as error:
            damaged[chunk.key] = f"{chunk.path(folder)}: {error}"
    return known, damaged


def _complete(pieces: Sequence[Chunk], known: Mapping[str, NDArray[np.float64]]) -> Mapping[Cell, NDArray[np.float64]]:
    parts: dict[Cell, list[NDArray[np.float64] | None]] = {}
    for chunk in pieces:
        parts.setdefault(chunk.cell, []).append(known.get(chunk.key))
    whole = {cell: [p for p in found if p is not None] for cell, found in parts.items()}
    return MappingProxyType({c: np.concatenate(p) for c, p in whole.items() if len(p) == len(parts[c])})


def _writable(folder: Path) -> None:
    """Better now than after the first chunk."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SweepError(_problem(folder, error)) from error


def _keep(folder: Path, chunk: Chunk, values: NDArray[np.float64], device: str, seconds: float) -> None:
    try:
        write(folder, chunk, values, device, seconds)
    except OSError as error:
        raise SweepError(_problem(folder, error)) from error


def _problem(folder: Path, error: OSError) -> str:
    if error.errno in FULL:
        return f"{folder}: the disk is full ({error.strerror}); what was written stays"
    return f"{folder}: cannot be written ({error.strerror or error})"


def _measured(todo: Sequence[Chunk], jobs: int, dask: str | None, device: str) -> Measured:
    if dask is not None:
        return _on_cluster(todo, dask, device)
    return _here(todo, device) if jobs == 1 else _in_processes(todo, jobs, device)


def _here(todo: Sequence[Chunk], device: str) -> Measured:
    for chunk in todo:
        yield _timed(chunk, device)


def _timed(chunk: Chunk, device: str) -> Done:
    begin = time.perf_counter()
    try:
        values = run(chunk, device)
    except Exception as error:
        raise SweepError(f"{chunk.text}: {_first_line(error)}") from error
    return chunk, values, time.perf_counter() - begin


def _first_line(error: Exception) -> str:
    """Errors of torch have many."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__


def _alone(chunk: Chunk, device: str) -> Done:
    """In a worker: it may have several of Python's threads, which share these settings, so that they stay."""
    torch.set_num_threads(1)
    threadpool_limits(1)
    return _timed(chunk, device)


def _in_processes(todo: Sequence[Chunk], jobs: int, device: str) -> Measured:
    import joblib

    with (
        warnings.catch_warnings(),
        joblib.parallel_config("loky", inner_max_num_threads=1, idle_worker_timeout=IDLE),
    ):
        # Idle workers end, and others start when there is work again: nothing a user should know of.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)
        pool = joblib.Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
        try:
            yield from pool(joblib.delayed(_alone)(chunk, device) for chunk in todo)
        except BrokenExecutor as error:
            raise SweepError("a worker process died, perhaps for want of memory: try fewer jobs") from error


def _on_cluster(todo: Sequence[Chunk], address: str, device: str) -> Measured:
    try:
        import distributed
    except ImportError as error:
        raise SweepError("dask: the package distributed is missing; pip install 'orbitgap[dask]'") from error
    with _client(distributed, address) as client:
        try:
            client.wait_for_workers(1, PATIENCE)
        except TimeoutError as error:
            raise SweepError(f"dask: got {address!r}, want a scheduler with workers (none in {PATIENCE} s)") from error
        try:
            futures = client.map(_alone, todo, device=device, pure=False)
            for _, done in distributed.as_completed(futures, with_results=True):
                yield done
        except SweepError:
            raise
        except (distributed.KilledWorker, CancelledError, distributed.comm.CommClosedError) as error:
            raise SweepError(f"dask: {address} went away, or its workers died ({type(error).__name__})") from error
        except Exception as error:  # such as that of a worker without this package
            raise SweepError(f"dask: {address}: {_first_line(error)}") from error


def _client(distributed: Any, address: str) -> Any:
    try:
        asyncio.run(_reach(distributed, address))
        return distributed.Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        wanted = "the address of a scheduler that answers, such as tcp://host:8786"
        reason = str(error) or f"no answer within {PATIENCE} s"
        raise SweepError(f"dask: got {address!r}, want {wanted} ({reason})") from error


async def _reach(distributed: Any, address: str) -> None:
    """Raises if nobody answers there; a client would wait for ever if somebody listens and says nothing."""
    arguments = distributed.Security().get_connection_args("client")
    answer = distributed.core.connect(address, timeout=PATIENCE, **arguments)
    (await asyncio.wait_for(answer, PATIENCE)).abort()
