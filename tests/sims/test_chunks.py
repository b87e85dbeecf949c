"""Chunks: their keys, their random numbers, their files, and every way in which a file can be wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

import sims.chunks
from sims import provenance
from sims.chunks import Chunk, ChunkError, chunks, read, run, share, write
from sims.experiment import Cell, load
from sims.provenance import code_digest, commit, versions

CELL = Cell("kernel", 8, 4, 25, 10)
WARMUP = load("warmup")
VALUES = np.array([0.1, 1 / 3, 1e-300, 0.0, 1.0, 0.7, 2 / 3, 0.2, 5e-324, 0.9])


def pieces(*cells: Cell, seed: int = 0) -> list[Chunk]:
    return chunks(WARMUP, cells or (CELL,), seed)


def with_measure(monkeypatch: pytest.MonkeyPatch, measure: object) -> None:
    monkeypatch.setattr(sims.chunks, "load", lambda name: replace(WARMUP, measure=measure))


def test_chunks_hold_each_replica_once() -> None:
    cells = [CELL, Cell("conv", 8, 4, 7, 7), Cell("fc", 16, 0, 3, 10)]
    found = [(c.cell, r) for c in pieces(*cells) for r in range(c.start, c.stop)]
    assert found == [(cell, r) for cell in cells for r in range(cell.replicas)]
    assert all(0 < c.stop - c.start <= c.cell.chunk for c in pieces(*cells))


def test_keys_depend_on_everything() -> None:
    chunk = pieces()[0]
    changes = {"experiment": "texture", "start": 1, "stop": 9, "seed": 1, "context": "0" * 64}
    others = [replace(chunk, **{name: value}) for name, value in changes.items()]
    cells = {"learner": "fc", "d": 9, "n": 5, "replicas": 26, "chunk": 11}
    others += [replace(chunk, cell=replace(CELL, **{name: value})) for name, value in cells.items()]
    assert len({c.key for c in [chunk, *others]}) == 11
    assert replace(chunk, seed=0).key == chunk.key


def test_a_key_is_one_known_number() -> None:
    """So that kept data are found again by other versions of Python and on other machines."""
    chunk = Chunk("warmup", CELL, 0, 10, 0, "abc")
    assert chunk.key == "ddcba7ade1967620054fbb0e8440d0ca44c31a3245e0c02a79215f79d3447dbf"
    assert chunk.path(Path("out")) == Path("out/warmup") / f"{chunk.key}.parquet"


@pytest.mark.parametrize(
    ("cells", "seed", "says"),
    [
        ([], 0, "cells: got none"),
        ([CELL, replace(CELL, replicas=3)], 0, "cells: got 'kernel' at d = 8, n = 4 twice"),
        ([replace(CELL, d=0)], 0, "cells: d: got 0"),
        ([replace(CELL, n=-1)], 0, "cells: n: got -1"),
        ([replace(CELL, replicas=0)], 0, "cells: replicas: got 0"),
        ([replace(CELL, chunk=0)], 0, "cells: chunk: got 0"),
        ([replace(CELL, chunk=2.0)], 0, "cells: chunk: got 2.0"),
        ([CELL], -1, "seed: got -1"),
        ([CELL], 2**63, "seed: got"),
    ],
)
def test_bad_chunks(cells: list[Cell], seed: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        chunks(WARMUP, cells, seed)


@pytest.mark.parametrize("of", [1, 2, 3, 20])
def test_shards_part_the_chunks(of: int) -> None:
    every = pieces(CELL, Cell("conv", 8, 4, 70, 7))
    parts = [share(every, (i, of)) for i in range(1, of + 1)]
    assert sorted(c.key for part in parts for c in part) == sorted(c.key for c in every)
    assert {len(part) for part in parts} <= {len(every) // of, -(-len(every) // of)}
    assert share(every[::-1], (1, of)) == parts[0][::-1]
    assert share(every, None) == every


@pytest.mark.parametrize(("shard", "says"), [((0, 2), "shard: i: got 0"), ((3, 2), "i: got 3"), ((1, 0), "N: got 0")])
def test_bad_shards(shard: tuple[int, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        share(pieces(), shard)


def draws(monkeypatch: pytest.MonkeyPatch, chunk: Chunk) -> list[float]:
    """One random number of each replica."""

    def measure(cell: Cell, seeds: Sequence[np.random.SeedSequence], device: str) -> np.ndarray:
        return np.array([np.random.default_rng(seed.spawn(1)[0]).random() for seed in seeds])

    with_measure(monkeypatch, measure)
    return run(chunk).tolist()


def test_random_numbers_do_not_depend_on_chunking(monkeypatch: pytest.MonkeyPatch) -> None:
    coarse = [v for c in pieces() for v in draws(monkeypatch, c)]
    fine = [v for c in pieces(replace(CELL, chunk=1)) for v in draws(monkeypatch, c)]
    more = [v for c in pieces(replace(CELL, replicas=40)) for v in draws(monkeypatch, c)]
    assert coarse == fine == more[:25]


def test_random_numbers_are_never_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    chunk = pieces(replace(CELL, chunk=25))[0]
    cells = [replace(CELL, learner="fc"), replace(CELL, d=4, n=8), replace(CELL, d=9), replace(CELL, n=5)]
    found = draws(monkeypatch, chunk) + draws(monkeypatch, replace(chunk, seed=1))
    for cell in cells:
        found += draws(monkeypatch, replace(chunk, cell=cell))
    monkeypatch.setattr(sims.chunks, "_hash", lambda content: chunk.context)
    found += draws(monkeypatch, replace(chunk, experiment="warmupk", cell=replace(CELL, learner="ernel")))
    assert len(set(found)) == len(found) == 7 * 25


def test_measuring_gets_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """From torch, and from the BLAS of numpy and of scipy; afterwards they have what they had."""
    found: list[set[int]] = []

    def look(*_: object) -> np.ndarray:
        found.append({torch.get_num_threads(), *(library["num_threads"] for library in threadpool_info())})
        return np.zeros(10)

    with_measure(monkeypatch, look)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with threadpool_limits(2):
            look()
            run(pieces()[0])
            look()
    finally:
        torch.set_num_threads(before)
    assert found == [{2}, {1}, {2}]


def test_measuring_gets_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    with_measure(monkeypatch, lambda cell, seeds, device: asked.append(device) or np.zeros(10))
    run(chunks(WARMUP, [CELL], 0, "cuda:1")[0], "cuda:1")
    assert asked == ["cuda:1"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros(9), r"^values: got shape \(9,\), want \(10,\)"),
        (np.zeros((10, 1)), r"^values: got shape \(10, 1\)"),
        (np.full(10, np.nan), "^values: got nan, want numbers in"),
        (np.array([0.0] * 9 + [1.5]), r"^values: got 1.5, want numbers in \[0, 1\]"),
        (np.array([0.0] * 9 + [-1e-9]), "^values: got -1e-09"),
    ],
)
def test_values_of_the_wrong_kind(monkeypatch: pytest.MonkeyPatch, values: np.ndarray, says: str) -> None:
    with_measure(monkeypatch, lambda cell, seeds, device: values)
    with pytest.raises(ValueError, match=says):
        run(pieces()[0])


def contexts(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """From now on this process has other code, versions or data."""
    changes = {
        "code": ("code_digest", lambda *modules: "f" * 64),
        "versions": ("versions", lambda: {**versions(), "scipy": "0.0"}),
        "inputs": ("load", lambda name: replace(WARMUP, inputs=lambda: "e" * 64)),
    }
    monkeypatch.setattr(sims.chunks, *changes[part])


@pytest.mark.parametrize(
    ("part", "says"), [("code", "code ffffffff"), ("versions", "scipy 0.0"), ("inputs", "data eeeeeeee")]
)
def test_another_context_is_another_chunk_and_does_not_run(
    monkeypatch: pytest.MonkeyPatch, part: str, says: str
) -> None:
    chunk = pieces()[0]
    assert len(run(chunk)) == 10
    contexts(monkeypatch, part)
    with pytest.raises(ValueError, match=f"^context: got other source code.*{says}.*, want the same$") as caught:
        run(chunk)
    assert "\n" not in str(caught.value)
    other = chunks(sims.chunks.load("warmup"), [CELL], 0)[0]
    assert other.key != chunk.key
    assert replace(other, context=chunk.context) == chunk
    assert len(run(other)) == 10


def test_another_device_is_another_chunk_and_does_not_run() -> None:
    other = chunks(WARMUP, [CELL], 0, "cuda")[0]
    assert other.key != pieces()[0].key
    with pytest.raises(ValueError, match=r"data none, cpu\), want the same$"):
        run(other)


def test_files_keep_values_to_the_last_bit(tmp_path: Path) -> None:
    for chunk in pieces():
        values = VALUES[: chunk.stop - chunk.start]
        write(tmp_path, chunk, values, "cpu", 1.0)
        assert read(tmp_path, chunk).tobytes() == values.tobytes()
    assert len(list((tmp_path / "warmup").iterdir())) == 3


def test_files_say_where_they_come_from(tmp_path: Path) -> None:
    chunk = chunks(WARMUP, [CELL], 7, "cuda:0")[1]
    write(tmp_path, chunk, VALUES, "cuda:0", 2.5)
    table = pq.read_table(chunk.path(tmp_path))
    record = json.loads(table.schema.metadata[b"orbitgap"])
    assert table.column_names == ["learner", "d", "n", "replica", "value"]
    assert table["replica"].to_pylist() == list(range(10, 20))
    assert record.pop("chunk") == {
        "experiment": "warmup",
        "cell": {"learner": "kernel", "d": 8, "n": 4, "replicas": 25, "chunk": 10},
        "start": 10,
        "stop": 20,
        "seed": 7,
        "context": chunk.context,
    }
    code = code_digest("sims.warmup", "sims.chunks")
    context = {"code": code, "versions": versions(), "inputs": "", "device": "cuda:0"}
    assert record == {"seed": 7, "context": context, "commit": commit(), "seconds": 2.5}


def test_no_flipped_bit_goes_unnoticed(tmp_path: Path) -> None:
    """Each byte in turn: the file is refused, or what it says is what was written (padding, statistics)."""
    chunk = pieces()[0]
    write(tmp_path, chunk, VALUES, "cpu", 1.0)
    path = chunk.path(tmp_path)
    content, refused = path.read_bytes(), 0
    for i in range(0, len(content), 3):
        path.write_bytes(content[:i] + bytes([content[i] ^ (1 << i % 8)]) + content[i + 1 :])
        try:
            assert read(tmp_path, chunk).tobytes() == VALUES.tobytes()
        except ChunkError:
            refused += 1
    assert refused > len(content) / 6


def test_page_checksums_are_written_and_verified(tmp_path: Path) -> None:
    chunk = pieces()[0]
    values = np.random.default_rng(0).random(10)  # they do not compress, so that they are found in the file
    write(tmp_path, chunk, values, "cpu", 1.0)
    content = bytearray(chunk.path(tmp_path).read_bytes())
    content[content.index(values[4].tobytes())] ^= 1
    chunk.path(tmp_path).write_bytes(content)
    with pytest.raises(ChunkError, match=r"CRC|checksum"):
        read(tmp_path, chunk)


def test_truncated_files(tmp_path: Path) -> None:
    chunk = pieces()[0]
    write(tmp_path, chunk, VALUES, "cpu", 1.0)
    content = chunk.path(tmp_path).read_bytes()
    for length in (0, 3, 4, 100, len(content) // 2, len(content) - 8, len(content) - 1):
        chunk.path(tmp_path).write_bytes(content[:length])
        with pytest.raises(ChunkError, match="does not parse"):
            read(tmp_path, chunk)


def rewrite(path: Path, change: object) -> None:
    """Keep a changed table, with checksums that fit."""
    pq.write_table(change(pq.read_table(path)), path, write_page_checksum=True)  # type: ignore[operator]


def set_column(name: str, values: object) -> object:
    return lambda table: table.set_column(table.column_names.index(name), name, pa.array(values))


CHANGES = [
    (set_column("value", VALUES[::-1]), "values or its record were changed"),
    (set_column("value", ["0"] * 10), "does not parse|changed"),
    (set_column("replica", range(1, 11)), "rows are not those"),
    (set_column("learner", ["fc"] * 10), "rows are not those"),
    (set_column("d", [9] * 10), "rows are not those"),
    (lambda table: table.slice(0, 9), "rows are not those"),
    (lambda table: table.drop_columns("n"), "rows are not those"),
    (lambda table: table.drop_columns("value"), "does not parse"),
    (lambda table: table.replace_schema_metadata({}), "does not parse"),
    (lambda table: table.replace_schema_metadata({"orbitgap": "[", "seal": ""}), "does not parse"),
    (lambda table: table.replace_schema_metadata({"orbitgap": "[]", "seal": ""}), "does not parse"),
    (
        lambda table: table.replace_schema_metadata(
            table.schema.metadata | {b"orbitgap": table.schema.metadata[b"orbitgap"].replace(b'"cpu"', b'"gpu"')}
        ),
        "values or its record were changed",
    ),
]


@pytest.mark.parametrize(("change", "says"), CHANGES)
def test_edited_files(tmp_path: Path, change: object, says: str) -> None:
    chunk = pieces()[0]
    write(tmp_path, chunk, VALUES, "cpu", 1.0)
    rewrite(chunk.path(tmp_path), lambda table: table)
    assert read(tmp_path, chunk).tobytes() == VALUES.tobytes()
    rewrite(chunk.path(tmp_path), change)
    with pytest.raises(ChunkError, match=says):
        read(tmp_path, chunk)


def test_files_of_other_chunks(tmp_path: Path) -> None:
    one, other = pieces()[:2]
    write(tmp_path, other, VALUES, "cpu", 1.0)
    other.path(tmp_path).rename(one.path(tmp_path))
    with pytest.raises(ChunkError, match="belongs to another chunk"):
        read(tmp_path, one)
    with pytest.raises(FileNotFoundError):
        read(tmp_path, other)


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    write(tmp_path, pieces()[0], VALUES * np.nan, "cpu", 1.0)
    with pytest.raises(ChunkError, match="changed"):
        read(tmp_path, pieces()[0])


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    pieces()[0].path(tmp_path).mkdir(parents=True)
    with pytest.raises(ChunkError, match="does not parse"):
        read(tmp_path, pieces()[0])


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package called sims with modules a -> b -> theory.c, and d."""
    sources = {
        "sims/__init__": "",
        "sims/a": "import os\nfrom sims.b import f\n",
        "sims/b": "def f():\n    from theory import c\n    return c\n",
        "sims/d": "",
        "theory/c": "",
        "theory/__init__": "",
    }
    for name, source in sources.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    packages = {name: SimpleNamespace(__path__=[str(tmp_path / name)]) for name in ("sims", "theory")}
    monkeypatch.setattr(provenance, "PACKAGES", packages)
    code_digest.cache_clear()
    return tmp_path


@pytest.mark.parametrize(
    ("edited", "changes"),
    [("sims/a", True), ("sims/b", True), ("theory/c", True), ("theory/__init__", True), ("sims/d", False)],
)
def test_code_is_all_that_is_imported(modules: Path, edited: str, changes: bool) -> None:
    before = code_digest("sims.a")
    with (modules / f"{edited}.py").open("a") as stream:
        stream.write("# edited\n")
    code_digest.cache_clear()
    assert (code_digest("sims.a") != before) is changes
    code_digest.cache_clear()


def test_code_of_nothing() -> None:
    for name in ("sims.none", "os", "verify.suite"):
        with pytest.raises(ValueError, match=f"modules: got '{name}'"):
            code_digest(name)


def test_every_experiment_depends_on_what_runs_it() -> None:
    assert code_digest("sims.warmup", "sims.chunks") != code_digest("sims.warmup")


def test_the_commit_is_unknown_outside_of_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))
    assert commit.__wrapped__() == "unknown"
