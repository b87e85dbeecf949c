"""`orbitgap simulate`: one experiment at one size, with a verdict for each bound, brackets of n*, and its figure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sims import figures
from sims.curves import brackets, exponents
from sims.experiment import Cell, Experiment
from sims.judgement import judge, questions, summarise
from sims.sweep import sweep
from verify.progress import Tick, silent

__all__ = ["simulate"]


def simulate(
    experiment: Experiment,
    size: str,
    seed: int,
    folder: Path,
    *,
    jobs: int = 1,
    dask: str | None = None,
    shard: tuple[int, int] | None = None,
    device: str = "cpu",
    progress: Tick = silent,
) -> dict[str, Any]:
    """Measure, judge and draw; chunks that lie in the folder already are not run again.

    Args:
        experiment: what to run.
        size: one of `sims.experiment.SIZES`.
        seed: of everything random.
        folder: where chunks and figures go.
        jobs: number of local processes.
        dask: address of a dask scheduler that runs the chunks instead.
        shard: (i, N): run only the i-th of N parts of the chunks, i = 1..N.
        device: a torch device.
        progress: told about each chunk, with work 1.

    Returns:
        JSON-able data, described by ``verify/schemas/simulate.schema.json``. While chunks are missing, because other
        shards have to run, it is not complete and nothing is judged.

    Raises:
        SweepError: the folder cannot be written, or the scheduler not be reached.
        OSError: the figure cannot be written.
    """
    start = time.perf_counter()
    swept = sweep(experiment, experiment.cells(size), seed, folder, jobs, dask, shard, device, progress)
    judged = {} if swept.missing else _judged(experiment, swept.values, size, seed, folder)
    return {
        "name": experiment.name,
        "size": size,
        "seed": seed,
        "seconds": time.perf_counter() - start,
        "complete": not swept.missing,
        "chunks": {"computed": swept.computed, "found": swept.found, "missing": swept.missing},
        "recomputed": list(swept.recomputed),
        **{"alpha": None, "ok": None, "points": [], "verdicts": [], "brackets": [], "exponents": [], "figures": []},
        **judged,
    }


def _judged(
    experiment: Experiment, values: Mapping[Cell, NDArray[np.float64]], size: str, seed: int, folder: Path
) -> dict[str, Any]:
    result = summarise(experiment, values, seed)
    drawn = figures.curves(result, folder / experiment.name) + experiment.pictures(size, seed, folder)
    found = [(question, judge(result, question)) for question in questions(experiment)]
    return {
        "alpha": result.alpha,
        "ok": all(evidence.verdict is question.expected for question, evidence in found),
        "points": [asdict(point) for point in result.points],
        "verdicts": [
            {
                "claim": question.line.claim,
                "question": question.text,
                "learner": question.learner,
                "verdict": evidence.verdict.value,
                "expected": question.expected.value,
                "margin": evidence.certificate.get("margin"),
                "sharpness": evidence.certificate.get("sharpness"),
                "telling": evidence.certificate.get("telling", 0),
                "summary": evidence.summary,
            }
            for question, evidence in found
        ],
        "brackets": [
            {"learner": learner, "d": d, "target": experiment.target, "above": low, "at_most": high}
            for (learner, d), (low, high) in brackets(result).items()
        ],
        "exponents": [asdict(found) for found in exponents(result, values)],
        "figures": [str(path) for path in drawn],
    }
