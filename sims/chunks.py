"""The pieces of a sweep: what each measures, and the file that keeps its values.

A chunk is some replicas of one cell, known by a hash of all that its values depend on: experiment, cell, replicas,
seed, and the context: code, versions of packages, data from outside, and device.

Each replica has random numbers of its own, keyed by the seed, the experiment, learner, d, n and its place, so that
values depend neither on who computes them nor in which order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sims.experiment import Cell, Experiment, load
from sims.provenance import code_digest, commit, versions
from sims.threads import one_thread
from theory.store import write_atomically
from theory.validate import integer

__all__ = ["Chunk", "ChunkError", "chunks", "read", "run", "share", "write"]

SEEDS = 2**63 - 1
"""The greatest seed."""


class ChunkError(ValueError):
    """A file that does not hold what was written for its chunk."""


@dataclass(frozen=True)
class Chunk:
    """Replicas start to stop - 1 of one cell.

    Attributes:
        experiment: its name.
        cell: which one.
        start: first replica.
        stop: one after the last.
        seed: of the whole sweep.
        context: hash of what else its values depend on: the sources that compute it, the versions of Python and of
            packages, the experiment's inputs from outside, and the device.
    """

    experiment: str
    cell: Cell
    start: int
    stop: int
    seed: int
    context: str

    @property
    def key(self) -> str:
        """What the chunk is known by: 64 hexadecimal digits."""
        return _hash(asdict(self))

    @property
    def text(self) -> str:
        """In words."""
        return f"{self.experiment}: {self.cell.learner}, d = {self.cell.d}, n = {self.cell.n}"

    def path(self, folder: Path) -> Path:
        """Where its values are kept."""
        return folder / self.experiment / f"{self.key}.parquet"


def chunks(experiment: Experiment, cells: Sequence[Cell], seed: int, device: str = "cpu") -> list[Chunk]:
    """The cells in pieces, in their order.

    Args:
        experiment: one that `sims.experiment.load` knows.
        cells: each (learner, d, n) once, with replicas and chunk at least 1.
        seed: in [0, 2^63).
        device: name of the torch device that will measure.

    Raises:
        ValueError: no cells, a cell twice or out of range, the seed out of range, or inputs that cannot be read.

    Example:
        >>> [(c.start, c.stop) for c in chunks(load("warmup"), [Cell("kernel", 8, 4, 25, 10)], seed=0)]
        [(0, 10), (10, 20), (20, 25)]
    """
    integer("seed", seed, 0, SEEDS)
    if not cells:
        raise ValueError("cells: got none, want at least one")
    known: set[tuple[str, int, int]] = set()
    for cell in cells:
        for name, least in (("d", 1), ("n", 0), ("replicas", 1), ("chunk", 1)):
            integer(f"cells: {name}", getattr(cell, name), least)
        if (cell.learner, cell.d, cell.n) in known:
            raise ValueError(f"cells: got {cell.learner!r} at d = {cell.d}, n = {cell.n} twice, want each once")
        known.add((cell.learner, cell.d, cell.n))
    context = _hash(_context(experiment, device))
    return [
        Chunk(experiment.name, cell, start, min(start + cell.chunk, cell.replicas), seed, context)
        for cell in cells
        for start in range(0, cell.replicas, cell.chunk)
    ]


def share(pieces: Sequence[Chunk], shard: tuple[int, int] | None) -> list[Chunk]:
    """The chunks of shard i of N: of all chunks, sorted by key, each N-th one from the i-th on.

    Args:
        pieces: all of a sweep.
        shard: (i, N) with 1 <= i <= N; None for all.

    Raises:
        ValueError: a shard out of range.

    Example:
        >>> pieces = chunks(load("warmup"), [Cell("kernel", 8, 4, 25, 10)], seed=0)
        >>> sorted(len(share(pieces, (i, 2))) for i in (1, 2))
        [1, 2]
    """
    if shard is None:
        return list(pieces)
    of = integer("shard: N", shard[1], 1)
    place = integer("shard: i", shard[0], 1, of) - 1
    mine = {chunk.key for chunk in sorted(pieces, key=lambda chunk: chunk.key)[place::of]}
    return [chunk for chunk in pieces if chunk.key in mine]


def run(chunk: Chunk, device: str = "cpu") -> NDArray[np.float64]:
    """The values of a chunk's replicas, shape (stop - start,), measured with one thread.

    Args:
        chunk: what to measure.
        device: name of the torch device that the chunk was made for.

    Raises:
        ValueError: this process has another context than the chunk was made for, or the experiment returned something
            other than one number in [0, top] for each replica.

    Example:
        >>> run(chunks(load("warmup"), [Cell("kernel", 8, 0, 3, 3)], seed=0)[0]).shape
        (3,)
    """
    experiment = load(chunk.experiment)
    context = _context(experiment, device)
    if _hash(context) != chunk.context:
        packages = ", ".join(f"{name} {number}" for name, number in versions().items())
        raise ValueError(
            "context: got other source code, versions, input data or device here than where the sweep began "
            f"(here: code {context['code'][:8]}, {packages}, data {context['inputs'][:8] or 'none'}, {device}), "
            "want the same"
        )
    # With more threads, in numpy's and scipy's products too, the last bits of values depend on how many there are.
    with one_thread(), threadpool_limits(1):
        values = np.asarray(experiment.measure(chunk.cell, _seeds(chunk), device), dtype=np.float64)
    if values.shape != (chunk.stop - chunk.start,):
        raise ValueError(f"values: got shape {values.shape}, want ({chunk.stop - chunk.start},)")
    if not ((values >= 0) & (values <= experiment.top)).all():  # NaN fails too
        wrong = values[~((values >= 0) & (values <= experiment.top))][0]
        raise ValueError(f"values: got {wrong}, want numbers in [0, {experiment.top:g}]")
    return values


def write(folder: Path, chunk: Chunk, values: NDArray[np.float64], device: str, seconds: float) -> None:
    """Keep a chunk's values, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    record = {
        "chunk": asdict(chunk),
        "seed": chunk.seed,
        "context": _context(load(chunk.experiment), device),
        "commit": commit(),
        "seconds": seconds,
    }
    size, cell = len(values), chunk.cell
    columns = {
        "learner": pa.array([cell.learner] * size),
        "d": np.full(size, cell.d),
        "n": np.full(size, cell.n),
        "replica": np.arange(chunk.start, chunk.stop),
        "value": values,
    }
    text = _canonical(record)
    table = pa.table(columns).replace_schema_metadata({"orbitgap": text, "seal": _seal(text, values)})
    stream = pa.BufferOutputStream()
    pq.write_table(table, stream, write_page_checksum=True)
    write_atomically(chunk.path(folder), stream.getvalue().to_pybytes())


def read(folder: Path, chunk: Chunk) -> NDArray[np.float64]:
    """The values that `write` kept, shape (stop - start,).

    Raises:
        FileNotFoundError: there are none.
        ChunkError: they are not as they were written, or are those of something else; the message says why.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = chunk.path(folder).read_bytes()
        file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        columns = file.read(use_threads=False).to_pydict()
        text, seal = (file.schema_arrow.metadata[name] for name in (b"orbitgap", b"seal"))
        values = np.array(columns["value"], dtype=np.float64)
        kept = json.loads(text)["chunk"]
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ChunkError(f"it does not parse: {reason}") from error
    if kept != asdict(chunk):
        raise ChunkError("it belongs to another chunk")
    if _rows(columns) != _rows_of(chunk):
        raise ChunkError("its rows are not those of its chunk")
    if seal != _seal(text, values) or not np.isfinite(values).all():
        raise ChunkError("its values or its record were changed")
    return values


def _rows(columns: dict[str, list[Any]]) -> list[tuple[Any, ...]]:
    return list(zip(*(columns.get(name, ()) for name in ("learner", "d", "n", "replica")), strict=False))


def _rows_of(chunk: Chunk) -> list[tuple[Any, ...]]:
    return [(chunk.cell.learner, chunk.cell.d, chunk.cell.n, replica) for replica in range(chunk.start, chunk.stop)]


def _canonical(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _seal(text: bytes, values: NDArray[np.float64]) -> bytes:
    return hashlib.sha256(text + b"\0" + values.astype("<f8").tobytes()).hexdigest().encode()


def _context(experiment: Experiment, device: str) -> dict[str, Any]:
    """All that values depend on besides the cell and random numbers; in this process."""
    return {
        "code": code_digest(f"sims.{experiment.name}", "sims.chunks"),
        "versions": versions(),
        "inputs": experiment.inputs(),
        "device": device,
    }


def _hash(content: object) -> str:
    return hashlib.sha256(_canonical(content)).hexdigest()


def _seeds(chunk: Chunk) -> list[np.random.SeedSequence]:
    """One for each replica; no two configurations have the same key, as lengths come before names."""
    names = [(len(name), *name) for name in (chunk.experiment.encode(), chunk.cell.learner.encode())]
    key = (*names[0], *names[1], chunk.cell.d, chunk.cell.n)
    return [np.random.SeedSequence(chunk.seed, spawn_key=(*key, r)) for r in range(chunk.start, chunk.stop)]
