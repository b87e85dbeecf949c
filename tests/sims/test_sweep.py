"""Sweeps: resumed after a kill, repaired, shared out; the same values whoever computes them; and what stops them."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import distributed
import numpy as np
import pytest

import sims.chunks
import sims.sweep
from sims.chunks import chunks
from sims.experiment import Cell, load
from sims.sweep import SweepError, Swept, sweep

WARMUP = load("warmup")
CELLS = [Cell("kernel", 8, 4, 60, 10), Cell("conv", 8, 4, 15, 10), Cell("kernel", 8, 8, 10, 10)]
TOTAL = 9
"""Chunks of the cells."""


def swept(folder: Path, cells: list[Cell] = CELLS, **options: Any) -> Swept:
    return sweep(WARMUP, cells, 0, folder, **options)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "warmup").glob("*.parquet"))


def bits(result: Swept) -> dict[Cell, bytes]:
    return {cell: values.tobytes() for cell, values in result.values.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Swept:
    return swept(tmp_path_factory.mktemp("whole"))


def test_values_are_those_of_all_replicas(whole: Swept) -> None:
    assert (whole.computed, whole.found, whole.missing, whole.recomputed) == (TOTAL, 0, 0, ())
    assert list(whole.values) == CELLS
    for cell, values in whole.values.items():
        pieces = chunks(WARMUP, [cell], 0)
        assert values.tolist() == [v for piece in pieces for v in sims.chunks.run(piece)]
        assert len(values) == cell.replicas


def test_what_is_kept_is_not_measured_again(tmp_path: Path, whole: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    swept(tmp_path)
    monkeypatch.setattr(sims.sweep, "run", None)  # measuring would fail
    again = swept(tmp_path)
    assert (again.computed, again.found) == (0, TOTAL)
    assert bits(again) == bits(whole)


def test_another_seed_or_code_is_another_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept(tmp_path)
    assert sweep(WARMUP, CELLS, 1, tmp_path).computed == TOTAL
    monkeypatch.setattr(sims.chunks, "code_digest", lambda *modules: "edited")
    assert swept(tmp_path).found == 0
    assert len(files(tmp_path)) == 3 * TOTAL


def test_a_grown_sweep_keeps_its_cells(tmp_path: Path) -> None:
    swept(tmp_path, CELLS[:2])
    assert swept(tmp_path).computed == 1


def test_progress_counts_every_chunk(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    for sweeps in (1, 2):
        swept(tmp_path, progress=lambda what, work: told.append((what, work)))
        assert sum(work for _, work in told) == len(told) == sweeps * TOTAL
        files(tmp_path)[0].unlink()
    assert told[0] == ("warmup: kernel, d = 8, n = 4", 1)


@pytest.mark.parametrize("content", [b"", b"not parquet", None])
def test_damaged_chunks_are_measured_again(tmp_path: Path, whole: Swept, content: bytes | None) -> None:
    swept(tmp_path)
    first, second = files(tmp_path)[:2]
    first.write_bytes(second.read_bytes() if content is None else content)
    again = swept(tmp_path)
    assert (again.computed, again.found) == (1, TOTAL - 1)
    assert len(again.recomputed) == 1
    assert again.recomputed[0].startswith(f"{first}: it ")
    assert "\n" not in again.recomputed[0]
    assert bits(again) == bits(whole)
    assert swept(tmp_path).recomputed == ()


def test_stray_files_are_harmless(tmp_path: Path, whole: Swept) -> None:
    swept(tmp_path)
    kept = files(tmp_path)[0]
    shutil.copy(kept, kept.with_name(f".{kept.name}.abcd"))
    shutil.copy(kept, kept.with_name("0.parquet"))
    assert bits(swept(tmp_path)) == bits(whole)


def test_shards_join(tmp_path: Path, whole: Swept) -> None:
    first = swept(tmp_path, shard=(1, 2))
    assert (first.computed, first.found, first.missing) == (5, 0, 4)
    assert set(first.values) < set(CELLS)
    assert all(first.values[cell].tobytes() == bits(whole)[cell] for cell in first.values)
    second = swept(tmp_path, shard=(2, 2))
    assert (second.computed, second.found, second.missing) == (4, 5, 0)
    assert bits(second) == bits(whole)


def test_a_shard_leaves_damage_to_its_owner(tmp_path: Path) -> None:
    swept(tmp_path)
    damaged = {chunk.path(tmp_path): chunk for chunk in sims.chunks.share(chunks(WARMUP, CELLS, 0), (2, 2))}
    next(iter(damaged)).write_bytes(b"")
    told: list[str] = []
    other = swept(tmp_path, shard=(1, 2), progress=lambda what, work: told.append(what))
    assert (other.computed, other.missing, other.recomputed, len(told)) == (0, 1, (), 5)
    owner = swept(tmp_path, shard=(2, 2))
    assert (owner.computed, owner.missing, len(owner.recomputed)) == (1, 0, 1)


def test_processes_find_the_same_values(tmp_path: Path, whole: Swept) -> None:
    result = swept(tmp_path, jobs=2)
    assert bits(result) == bits(whole)
    assert result.computed == len(files(tmp_path)) == TOTAL


def test_the_order_of_the_work_changes_nothing(tmp_path: Path, whole: Swept) -> None:
    assert bits(swept(tmp_path, CELLS[::-1])) == {cell: bits(whole)[cell] for cell in CELLS[::-1]}


KILLED = """
import os, signal, sys
from pathlib import Path
from sims.experiment import Cell, load
from sims.sweep import sweep

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

told = []
def progress(what, work):
    told.append(what)
    if len(told) == 3 and sys.argv[2] == "between":
        kill()

replaced = Path.replace
def replace(self, target):
    if len(told) == 3:
        kill()
    return replaced(self, target)

if __name__ == "__main__":
    if sys.argv[2] == "while writing":
        Path.replace = replace
    cells = [Cell("kernel", 8, 4, 60, 10), Cell("conv", 8, 4, 15, 10), Cell("kernel", 8, 8, 10, 10)]
    sweep(load("warmup"), cells, 0, Path(sys.argv[1]), jobs=int(sys.argv[3]), progress=progress)
"""


@pytest.mark.parametrize(("when", "jobs"), [("between", "1"), ("while writing", "1"), ("between", "2")])
def test_a_killed_sweep_goes_on(tmp_path: Path, whole: Swept, when: str, jobs: str) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    with (tmp_path / "said").open("w") as said:  # no pipe, which workers would hold open
        done = subprocess.run([sys.executable, script, tmp_path, when, jobs], stderr=said, timeout=120)
    assert done.returncode == -signal.SIGKILL, (tmp_path / "said").read_text()
    assert len(files(tmp_path)) == 3
    assert len(list((tmp_path / "warmup").glob(".*"))) == (when == "while writing")
    again = swept(tmp_path)
    assert (again.computed, again.found, again.recomputed) == (TOTAL - 3, 3, ())
    assert bits(again) == bits(whole)


LIMITED = """
import resource, sys
from pathlib import Path
from sims.experiment import Cell, load
from sims.sweep import SweepError, sweep

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    sweep(load("warmup"), [Cell("kernel", 8, 4, 60, 10)], 0, Path(sys.argv[1]))
except SweepError as error:
    print(error)
"""


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, tmp_path], capture_output=True, text=True, timeout=120)
    assert done.stdout == f"{tmp_path}: the disk is full (File too large); what was written stays\n", done.stderr
    assert list((tmp_path / "warmup").iterdir()) == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a file system, on Linux")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk(tiny_disk: Path, tmp_path: Path) -> None:
    cells = [Cell("kernel", 8, 4, 300, 10)]
    with pytest.raises(SweepError, match=f"{tiny_disk}: the disk is full"):
        swept(tiny_disk, cells)
    kept = len(files(tiny_disk))
    assert 0 < kept < 30
    shutil.copytree(tiny_disk, tmp_path / "larger")
    result = swept(tmp_path / "larger", cells)
    assert (result.found, result.computed, result.recomputed) == (kept, 30 - kept, ())


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "the disk is full"), (errno.EIO, "cannot be")],
)
def test_writing_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, says: str) -> None:
    """After three chunks; what was written stays and counts."""
    real, written = sims.sweep.write, []

    def write(*arguments: Any) -> None:
        if len(written) == 3:
            raise OSError(number, os.strerror(number))
        written.append(real(*arguments))

    monkeypatch.setattr(sims.sweep, "write", write)
    with pytest.raises(SweepError, match=f"^{tmp_path}: {says}.*$"):
        swept(tmp_path)
    monkeypatch.undo()
    assert swept(tmp_path).found == 3


def test_a_folder_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sims.sweep, "run", None)  # seen before anything is measured
    (tmp_path / "file").touch()
    (tmp_path / "warmup").touch()
    for folder in (tmp_path, tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SweepError, match=f"^{folder}.*: cannot be written"):
            swept(folder)


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(sims.sweep, "run", None)
    monkeypatch.setattr(sims.sweep.tempfile, "TemporaryFile", refuse)
    with pytest.raises(SweepError, match=r"cannot be written \(Permission denied\)"):
        swept(tmp_path)


@pytest.mark.parametrize(
    ("options", "says"),
    [({"jobs": 0}, "jobs: got 0"), ({"shard": (3, 2)}, "shard: i: got 3"), ({"cells": []}, "cells: got none")],
)
def test_bad_sweeps(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        swept(tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_experiment_that_fails_keeps_what_was_done(tmp_path: Path, jobs: int) -> None:
    cells = [*CELLS, Cell("unknown", 8, 4, 10, 10)]
    with pytest.raises(SweepError, match=r"^warmup: unknown, d = 8, n = 4: KeyError: 'unknown'$"):
        swept(tmp_path, cells, jobs=jobs)
    assert swept(tmp_path).found >= (TOTAL if jobs == 1 else 1)


@pytest.mark.parametrize("ways", [{}, {"jobs": 2}])
def test_a_device_that_is_not_there(tmp_path: Path, ways: dict[str, Any]) -> None:
    """Torch's own error; it has several lines for some devices."""
    with pytest.raises(SweepError, match=r"^regression: fc, d = 4, n = 3: RuntimeError: .*device") as caught:
        sweep(load("regression"), [Cell("fc", 4, 3, 2, 1)], 0, tmp_path, device="nowhere", **ways)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_only_the_first_line_of_an_error_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(chunk: object, device: str) -> None:
        raise errors.pop()

    monkeypatch.setattr(sims.sweep, "run", fail)
    errors = [MemoryError(), RuntimeError("out of memory\nmuch more")]
    for says in ("RuntimeError: out of memory", "MemoryError"):
        with pytest.raises(SweepError, match=f"n = 4: {says}$"):
            swept(tmp_path)


def test_values_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    """At this size numpy's BLAS rounds otherwise with more than one thread."""
    cell = Cell("interpolator", 12, 78, 6, 3)
    found = [sweep(load("regression"), [cell], 0, tmp_path / str(jobs), jobs=jobs).values[cell] for jobs in (1, 2)]
    assert found[0].tobytes() == found[1].tobytes()


def test_replaced_workers_are_not_reported(tmp_path: Path) -> None:
    """Warnings as joblib's, when a worker without work has ended; they are errors in these tests."""

    def warn(*_: object) -> None:
        warnings.warn("A worker stopped while some jobs were given to the executor. Perhaps.", UserWarning, 1)

    swept(tmp_path, jobs=2, progress=warn)
    with pytest.raises(UserWarning, match="A worker stopped"):
        warn()


def test_a_worker_that_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sims.sweep, "_alone", lambda chunk, device: os._exit(1))
    with pytest.raises(SweepError, match="a worker process died"):
        swept(tmp_path, jobs=2)


@pytest.fixture(scope="module")
def cluster() -> Iterator[distributed.LocalCluster]:
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as found:
        yield found


def test_a_cluster_finds_the_same_values(tmp_path: Path, whole: Swept, cluster: distributed.LocalCluster) -> None:
    told: list[int] = []
    result = swept(tmp_path, dask=cluster.scheduler_address, progress=lambda what, work: told.append(work))
    assert bits(result) == bits(whole)
    assert result.computed == len(files(tmp_path)) == sum(told) == TOTAL
    files(tmp_path)[0].unlink()
    assert swept(tmp_path, dask=cluster.scheduler_address).computed == 1


def test_a_cluster_reports_what_fails(tmp_path: Path, cluster: distributed.LocalCluster) -> None:
    with pytest.raises(SweepError, match=r"^warmup: unknown, d = 8, n = 4: KeyError: 'unknown'$"):
        swept(tmp_path, [Cell("unknown", 8, 4, 10, 10)], dask=cluster.scheduler_address)


def test_a_cluster_that_cannot_run_it(
    tmp_path: Path, cluster: distributed.LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sims.sweep, "_alone", lambda chunk, device: chunk.package)
    with pytest.raises(SweepError, match=f"^dask: {cluster.scheduler_address}: AttributeError: .*'package'"):
        swept(tmp_path, dask=cluster.scheduler_address)


def test_a_scheduler_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sims.sweep, "PATIENCE", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    for wrong in (address, address.removeprefix("tcp://"), "nonsense", "foo://bar", "tcp://127.0.0.1", ""):
        with pytest.raises(SweepError, match=f"^dask: got '{wrong}', want the address of a scheduler") as caught:
            swept(tmp_path, dask=wrong)
        assert "\n" not in str(caught.value)
    assert files(tmp_path) == []


def test_a_scheduler_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sims.sweep, "PATIENCE", 0.5)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(SweepError, match=r"want the address of a scheduler that answers.* \(no answer within 0.5 s\)"),
    ):
        swept(tmp_path, dask=f"tcp://127.0.0.1:{silent.getsockname()[1]}")


def test_a_scheduler_without_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sims.sweep, "PATIENCE", 0.5)
    with distributed.LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as empty:
        address = empty.scheduler_address
        with pytest.raises(SweepError, match=f"^dask: got '{address}', want a scheduler with workers .none in 0.5 s.$"):
            swept(tmp_path, dask=address)


def test_clusters_need_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SweepError, match=r"pip install 'orbitgap\[dask\]'"):
        swept(tmp_path, dask="tcp://127.0.0.1:1")


def test_cells_with_other_chunks_have_the_same_values(tmp_path: Path, whole: Swept) -> None:
    cells = [replace(cell, chunk=7) for cell in CELLS]
    result = swept(tmp_path, cells)
    assert all(np.array_equal(result.values[replace(cell, chunk=7)], whole.values[cell]) for cell in CELLS)
