"""A whole report without a long run: the real claims with made-up evidence, and two tiny figures."""

import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from theory import claims
from theory.claims import Step
from theory.evidence import Trust, Verdict
from theory.status import StepResult, statuses
from verify import records
from verify.experiments import Experiment
from verify.optimizers import measurements

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OTHER = {Verdict.CERTIFIED: Verdict.REFUTED, Verdict.REFUTED: Verdict.CERTIFIED}
CERTIFICATES: Mapping[Trust, Mapping[str, Any]] = {
    Trust.SAMPLED: {"kind": "trials", "count": 7, "counterexample": None, "seed": 0},
    Trust.SIMULATED: {"kind": "simulation", "alpha": 0.125, "comparisons": 3, "points": [[k] for k in range(900)]},
}


def answered(step: Step, verdict: Verdict) -> StepResult:
    certificate = CERTIFICATES.get(step.by, {"kind": "enumeration", "count": 3, "counterexample": None})
    summary = f"3 | 4 $ {{+-1}}^d <b> *; {verdict.lower()} level"
    return StepResult(step.name, verdict, step.by, 0.25, summary, OTHER[verdict], certificate)


def measured(step: Step, expected: Verdict) -> dict[str, Any]:
    found = records.step_record(step, answered(step, expected))
    return {"claim": step.claim, "expected": expected.value, **found}


@pytest.fixture(scope="session")
def whole_report() -> str:
    ledger = claims.load()
    results: dict[str, Sequence[StepResult]] = {
        c.id: [answered(step, c.expected) for step in ledger.steps[c.id]] for c in ledger
    }
    found = statuses(ledger, results)
    report = {
        "version": "9.8.7",
        "environment": {"python": "3.99"},
        "seed": 271828,
        "seconds": 42.0,
        "ok": True,
        "claims": [records.claim_record(ledger, id, found[id], results[id]) for id in ledger.ordered()],
        "measurements": [measured(*row) for row in [*measurements(0), *Experiment(0).measurements()]],
        "figures": [f"elsewhere/warmup{ending}" for ending in (".svg", ".csv")],
    }
    return json.dumps(report)


@pytest.fixture
def report(whole_report: str) -> dict[str, Any]:
    """A report that a test may change."""
    return json.loads(whole_report)


@pytest.fixture
def save(tmp_path: Path):
    """Writes a report, with its figures beside it, and returns its path."""
    folder = tmp_path / "home"
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "warmup.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    (folder / "figures" / "warmup.csv").write_text("learner,d,n,error\nfc,5,0,0.5\nconv,5,0,0.25\n")

    def write(report: Mapping[str, Any]) -> Path:
        path = folder / "report.json"
        path.write_text(json.dumps(report), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def generate() -> ModuleType:
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
