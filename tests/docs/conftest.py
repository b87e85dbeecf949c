"""A whole report without a long run: the real claims with made-up evidence, two tiny figures, and an atlas."""

import fcntl
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sims.experiment import NAMES, load
from theory import claims
from theory.claims import Step
from theory.evidence import Trust, Verdict
from theory.groups import GROUPS
from theory.status import StepResult, statuses
from verify import inits, instrument_tables, neighbours, optimizers, records
from verify.experiments import Measured
from verify.feature_table import FEATURES
from verify.instrument import EXAMINED

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NEEDED = ("sphinx", "myst_parser", "furo", "sphinx-mathjax-offline", "sphinx_copybutton")
OTHER = {Verdict.CERTIFIED: Verdict.REFUTED, Verdict.REFUTED: Verdict.CERTIFIED}
CERTIFICATES: Mapping[Trust, Mapping[str, Any]] = {
    Trust.SAMPLED: {"kind": "trials", "count": 7, "counterexample": None, "seed": 0},
    Trust.SIMULATED: {
        "kind": "simulation",
        "experiment": "warmup",
        "alpha": 0.125,
        "comparisons": 3,
        "points": [[k] for k in range(900)],
    },
}


def answered(step: Step, verdict: Verdict) -> StepResult:
    if step.kernel:
        return proved(step)
    certificate = CERTIFICATES.get(step.by, {"kind": "enumeration", "count": 3, "counterexample": None})
    summary = f"3 | 4 $ {{+-1}}^d <b> *; {verdict.lower()} level"
    return StepResult(step.name, verdict, step.by, 0.25, summary, OTHER[verdict], certificate)


def proved(step: Step) -> StepResult:
    """What a step is when Coq has checked it."""
    theorem = step.kernel.theorem if step.kernel else ""
    statement = f"{theorem.partition('.')[2]}\n     : forall d n : nat, (0 < d)%N -> True"
    answer = {"theorem": theorem, "sources": "f00d", "statement": statement, "axioms": []}
    certificate = {"kind": "kernel", "coq": "Coq 9.9", **answer}
    return StepResult(step.name, Verdict.CERTIFIED, Trust.KERNEL, 0.25, "checked", Verdict.INCONCLUSIVE, certificate)


def measured(step: Step, expected: Verdict, certificate: Mapping[str, Any] | None = None) -> dict[str, Any]:
    found = records.step_record(step, answered(step, expected))
    return {
        "claim": step.claim,
        "expected": expected.value,
        **found,
        "certificate": certificate or found["certificate"],
    }


def measurements() -> Iterator[dict[str, Any]]:
    """Rows as `verify.suite.run` has them, with certificates that hold what the pages read."""
    cells = [(subject, group) for subject in optimizers.OPTIMIZERS for group in GROUPS]
    for (subject, group), (step, expected) in zip(cells, optimizers.measurements(0), strict=True):
        broken = expected is Verdict.REFUTED
        numbers = {"level": "" if broken else "rounding", "residual": 3e-16, "control": 2e-16, "clear": 1e4}
        about = {"optimizer": subject.title, "settings": {"lr": 0.125}, "group": group, **numbers}
        example = {"size": 0.25, "prediction": 1.0} if broken else None
        yield measured(step, expected, {"kind": "trials", "count": 4, "counterexample": example, "seed": 0, **about})
    for feature, (step, expected) in zip(FEATURES, instrument_tables.features(0), strict=True):
        found = {
            g: {"verdict": "CERTIFIED", "level": "bitwise"}
            if g in feature.keeps
            else {"verdict": "REFUTED", "level": ""}
            for g in EXAMINED
        }
        yield measured(step, expected, several(feature.title, [g for g in EXAMINED if g in feature.keeps], found))
    for name, (step, expected) in zip(inits.INITIALISATIONS, instrument_tables.first_weights(0), strict=True):
        law = {"distance": 0.03, "detectable": 0.0625, "alpha": 1e-8}
        keeps = [g for g in EXAMINED if inits.predicted(name, GROUPS[g])]
        yield measured(step, expected, several(name, keeps, dict.fromkeys(EXAMINED, law)))
    for step, expected in instrument_tables.exact_replays(0):
        yield measured(step, expected)
    for step, expected, _ in neighbours.measurements(0):
        yield measured(step, expected)
    for name in NAMES:
        for step, expected in Measured(load(name), 0, Path("nowhere"), 1).measurements():
            yield measured(step, expected, {**CERTIFICATES[Trust.SIMULATED], "experiment": name})


def several(subject: str, predicted: list[str], groups: Mapping[str, Any]) -> dict[str, Any]:
    trials = {"kind": "trials", "count": len(groups), "counterexample": None, "seed": 0}
    return {**trials, "subject": subject, "predicted": predicted, "groups": groups}


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
        "measurements": list(measurements()),
        "figures": [f"elsewhere/warmup{ending}" for ending in (".svg", ".csv")],
    }
    return json.dumps(report)


@pytest.fixture
def report(whole_report: str) -> dict[str, Any]:
    """A report that a test may change."""
    return json.loads(whole_report)


def add_figures(folder: Path) -> None:
    """What the report names, where a run puts it."""
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "warmup.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    (folder / "figures" / "warmup.csv").write_text("learner,d,n,error\nfc,5,0,0.5\nconv,5,0,0.25\n")


@pytest.fixture
def save(tmp_path: Path):
    """Writes a report, with its figures beside it, and returns its path."""
    folder = tmp_path / "home"
    add_figures(folder)

    def write(report: Mapping[str, Any]) -> Path:
        path = folder / "report.json"
        path.write_text(json.dumps(report), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def atlas() -> dict[str, Any]:
    """An atlas of one made-up optimizer that is refuted under rotations, against what is derived."""
    kept = {"verdict": "certified", "level": "rounding", "residual": 3e-16, "control": 2e-16, "size": 1e-9}
    broken = {"verdict": "refuted", "level": None, "residual": 0.5, "control": 2e-16, "size": 0.25}
    rest = {"reason": "because of <this> & that", "counterexample": None}
    groups = {g: {**(broken if g == "orthogonal" else kept), **rest} for g in EXAMINED}
    derived = {"kept": dict.fromkeys(EXAMINED, True), "largest": "orthogonal", "reasons": {}, "low_precision": []}
    row = {
        "name": "some.package:Rule",
        "groups": {g: {**found, "settings": "warmed"} for g, found in groups.items()},
        "derived": derived,
        "differs": ["orthogonal"],
        "bounds": ["thm-5.5"],
        "default": {"settings": {}, "groups": groups},
        "warmed": {"settings": {"lr": 0.1}, "groups": groups},
        "seconds": 1.5,
    }
    return {"seed": 0, "optimizers": [row], "left_out": [{"name": "some.package:Other", "reason": "needs a network"}]}


@pytest.fixture(scope="session")
def generate() -> Iterator[ModuleType]:
    """docs/generate.py as a module, found as when it is run as a script."""
    sys.path.insert(0, str(DOCS))
    yield importlib.import_module("generate")
    sys.path.remove(str(DOCS))


@pytest.fixture(scope="session")
def built(
    generate: ModuleType, whole_report: str, atlas: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The pages made of this report, with their sources beside them; built once, whatever the number of workers."""
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        pytest.skip(f"not installed: {', '.join(missing)} (pip install .[docs])")
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "site"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            build(generate, folder, whole_report, with_another(atlas))
            (folder / "done").touch()
    return folder / "html"


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Path:
    """The pages that are looked at: those that ORBITGAP_SITE names, so that a real build can be, or the above."""
    named = os.environ.get("ORBITGAP_SITE")
    return Path(named).resolve(strict=True) if named else request.getfixturevalue("built")


def with_another(atlas: Mapping[str, Any]) -> dict[str, Any]:
    """The atlas with a second optimizer, which is certified where the first is, so that there is something to sort."""
    (row,) = atlas["optimizers"]
    kept = {g: {**found, "verdict": "certified", "level": "rounding"} for g, found in row["groups"].items()}
    return {**atlas, "optimizers": [row, {**row, "name": "another.package:Base", "groups": kept, "bounds": []}]}


def build(generate: ModuleType, folder: Path, report: str, atlas: Mapping[str, Any]) -> None:
    """The site, from a copy of docs/; a warning is an error."""
    shutil.copytree(DOCS, folder / "docs", ignore=shutil.ignore_patterns("_build", "generated", "__pycache__"))
    add_figures(folder)
    (folder / "report.json").write_text(report, encoding="utf-8")
    (folder / "atlas.json").write_text(json.dumps(atlas), encoding="utf-8")
    assert generate.main([str(folder / "report.json"), str(folder / "docs" / "generated")]) == 0
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(folder / "docs"), str(folder / "html")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
