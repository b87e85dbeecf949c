"""Everything in order: the real optimizers, the proofs, the simulations; then one report.

Coq compiles its proofs beside the optimizers.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from theory import kernel, status, store
from theory.claims import Ledger, Step
from theory.evidence import UnavailableError, Verdict
from theory.status import StepResult
from verify import records
from verify.progress import Tick

__all__ = ["run"]

# About how long each kind of work takes, in seconds; only the progress bar looks at these.
PROOF, OPTIMIZER, FEATURE, LAW, REPLAY, CHUNK = 0.05, 0.8, 1.6, 0.2, 0.2, 0.5
LIBRARIES = ("hypothesis", "numpy", "python-flint", "scipy", "sympy", "torch")


def run(
    ledger: Ledger, seed: int, home: Path, progress: Callable[[float], AbstractContextManager[Tick]]
) -> dict[str, Any]:
    """Check everything and return the report as JSON-able data.

    Evidence for the claims is stored in ``home/evidence.json``, figures go to ``home/figures``.

    Args:
        ledger: the claims.
        seed: of everything random.
        home: a directory that can be written.
        progress: given the total work, a context manager that yields a `Tick`.
    """
    start = time.perf_counter()
    from sims.experiment import NAMES, load
    from verify import instrument_tables, neighbours, optimizers
    from verify.experiments import Measured

    measured = [(step, expected, OPTIMIZER) for step, expected in optimizers.measurements(seed)]
    measured += [(step, expected, FEATURE) for step, expected in instrument_tables.features(seed)]
    measured += [(step, expected, LAW) for step, expected in instrument_tables.first_weights(seed)]
    measured += [(step, expected, REPLAY) for step, expected in instrument_tables.exact_replays(seed)]
    timed = list(neighbours.measurements(seed))
    steps = sum(map(len, ledger.steps.values()))
    with tempfile.TemporaryDirectory() as scratch:  # what is verified is measured anew, not found
        jobs = os.cpu_count() or 1
        experiments = [Measured(load(name), seed, Path(scratch), jobs) for name in NAMES]
        chunks = CHUNK * sum(experiment.work for experiment in experiments)
        asks = any(step.kernel for proof in ledger.steps.values() for step in proof)
        work = sum(work for *_, work in measured + timed)
        with progress(PROOF * steps + work + chunks) as tick, kernel.compiling() if asks else nullcontext():
            rows = [_measured(step, expected, tick, work) for step, expected, work in measured]
            if asks:
                tick("theory/coq: Coq checks its proofs", 0.0)
                with suppress(UnavailableError):  # then the steps that need its answers are skipped, and say why
                    kernel.results()
            results = status.check(ledger, progress=lambda id, step: tick(f"{id}: {step.name}", PROOF))
            store.save(home / "evidence.json", ledger, results)
            # Some of these look at the time, so nothing else is to run beside them.
            rows += [_measured(step, expected, tick, work) for step, expected, work in timed]
            for experiment in experiments:
                experiment.measure(lambda what, work: tick(what, CHUNK * work))
                rows += [_measured(step, expected, tick, 0) for step, expected in experiment.measurements()]
            drawn = [path for experiment in experiments for path in experiment.draw(home / "figures")]
    found = status.statuses(ledger, results)
    claims = [records.claim_record(ledger, id, found[id], results[id]) for id in ledger.ordered()]
    return {
        "version": version("orbitgap"),
        "environment": environment(),
        "seed": seed,
        "seconds": time.perf_counter() - start,
        "ok": all(c["status"] == c["expected"] for c in claims) and all(m["verdict"] == m["expected"] for m in rows),
        "claims": claims,
        "measurements": rows,
        "figures": [str(path) for path in drawn],
    }


def environment() -> dict[str, str]:
    """Versions that results may depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def _measured(step: Step, expected: Verdict, tick: Tick, work: float) -> dict[str, Any]:
    tick(f"{step.claim}: {step.name}", work)
    result: StepResult = status.run_step(step)
    return {"claim": step.claim, "expected": expected.value, **records.step_record(step, result)}
