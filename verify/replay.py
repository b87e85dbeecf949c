"""`orbitgap replay`: run a saved counterexample again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sims.training import checkpoints
from theory.evidence import Verdict
from theory.groups import GROUPS
from theory.validate import finite_array
from verify.adapters import AdapterError
from verify.audit import NARROW, Lifted
from verify.coupling import Bench, Problem
from verify.in_law import Ensemble
from verify.instrument import EXAMINED
from verify.regimes import Maker, Regime
from verify.specs import SpecError, described, foreign, load, settings
from verify.stations import WITNESSES
from verify.subjects import of_optimizer
from verify.verdicts import CLEAR

__all__ = ["ReplayError", "replay"]

WANTED = "want a counterexample or a report of `orbitgap check --json`"
KINDS: Mapping[str, type] = {
    "spec": str,
    "settings": list,
    "group": str,
    "regime": dict,
    "seed": int,
    "element": list,
}
"""What every counterexample holds."""
PATHWISE: Mapping[str, type] = {"points": list, "labels": list, "test": list, "steps": int}
"""What it holds besides, unless it speaks of laws."""


class ReplayError(ValueError):
    """A file that holds no counterexample, in one line."""


def replay(path: Path) -> list[dict[str, Any]]:
    """Run what a file holds: one counterexample, or a report of `orbitgap check --json` with several.

    Returns:
        For each counterexample what is described by ``verify/schemas/replay.schema.json``: the two predictions that
        an equivariant rule would make equal, what rounding explains, and whether the violation is there again.

    Raises:
        ReplayError: the file cannot be read, holds something else, or its class does not run through any more.
        SpecError: the class is not found any more.
        AdapterError: the class is no optimizer any more, or does not take these settings.
    """
    cases = list(_cases(path))
    if not cases:
        raise ReplayError(f"{path}: this report has no counterexample, want one with a refuted group")
    return [{"file": str(name), **_again(name, case)} for name, case in cases]


def _cases(path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    content = _read(path)
    if "groups" not in content:
        yield path, content
        return
    groups = content["groups"]
    if not (isinstance(groups, Mapping) and all(isinstance(found, Mapping) for found in groups.values())):
        raise ReplayError(f"{path}: its groups are no report's, {WANTED}")
    # A group may be refuted by the counterexample of a smaller one, which is then run once.
    for name in dict.fromkeys(str(found.get("counterexample") or "") for found in groups.values()):
        if name:
            yield Path(name), _read(Path(name))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReplayError(f"{path}: cannot be read ({error.strerror}), {WANTED}") from error
    except (ValueError, RecursionError) as error:
        raise ReplayError(f"{path}: is not JSON, {WANTED}") from error
    if not isinstance(content, Mapping):
        raise ReplayError(f"{path}: got a JSON {type(content).__name__}, {WANTED}")
    return content


def _again(path: Path, case: Mapping[str, Any]) -> dict[str, Any]:
    regime = _regime(path, case)
    with foreign():
        optimizer = load(case["spec"])
        try:
            maker = of_optimizer(optimizer, settings(case["settings"]))
            found = _in_law(maker, regime, case) if case.get("in_law") else _pathwise(maker, regime, case)
        except (SpecError, AdapterError):
            raise
        except Exception as error:  # other people's code, and other people's files
            raise ReplayError(f"{path}: running {spelled(case)} again raised {described(error)}") from error
    return {"group": case["group"], "in_law": bool(case.get("in_law")), **found}


def _regime(path: Path, case: Mapping[str, Any]) -> Regime:
    """The regime of a case, after a look whether the rest is there and can be meant."""
    wanted = KINDS if case.get("in_law") else {**KINDS, **PATHWISE}
    if missing := [key for key in wanted if key not in case]:
        raise ReplayError(f"{path}: has no {', '.join(missing)}, {WANTED}")
    if wrong := [key for key, kind in wanted.items() if type(case[key]) is not kind]:  # True is no number
        raise ReplayError(f"{path}: is damaged, its {wrong[0]} is a {type(case[wrong[0]]).__name__}, {WANTED}")
    try:
        if not all(isinstance(pair, str) for pair in case["settings"]):
            raise ValueError("settings: got others than texts, want NAME=VALUE")
        if set(case["regime"]) != {f.name for f in fields(Regime)}:
            raise ValueError("regime: got other keys than a regime has")
        if not all(isinstance(case.get(key, False), bool) for key in ("in_law", "lifted")):
            raise ValueError("in_law, lifted: got others than true and false")
        if "steps" in wanted and case["steps"] not in checkpoints(case["regime"]["steps"]):
            raise ValueError(f"steps: got {case['steps']}, want a checkpoint of the regime")
        if case["group"] not in EXAMINED:
            raise ValueError(f"group: got {case['group']!r}, want one of {', '.join(EXAMINED)}")
        regime = Regime(**{**case["regime"], "hidden": tuple(case["regime"]["hidden"])})
        element = finite_array("element", case["element"], (regime.d, regime.d))
        if not _belongs(element, case["group"]):
            raise ValueError(f"element: got a matrix that is none of the {GROUPS[case['group']].title}")
    except (TypeError, ValueError) as error:
        raise ReplayError(f"{path}: is damaged ({error}), {WANTED}") from error
    return regime


def _belongs(element: NDArray[np.float64], group: str) -> bool:
    """Membership up to rounding in one of the groups that are examined, which all lie in O(d)."""
    if not np.allclose(element @ element.T, np.eye(len(element)), rtol=0, atol=1e-9):
        return False
    return group == "orthogonal" or (
        bool((element == np.rint(element)).all()) and GROUPS[group].contains(np.rint(element).astype(int))
    )


def _in_law(maker: Maker, regime: Regime, case: Mapping[str, Any]) -> dict[str, Any]:
    narrow = frozenset(t for t in NARROW if str(t).removeprefix("torch.") in case.get("narrow", ()))
    finding = Ensemble(maker, regime, case["seed"], narrow).judge(case["group"], case["element"])
    if finding.residual is None:
        raise FloatingPointError("predictions that are no numbers")
    return {
        "difference": finding.residual,
        "control": finding.control,
        "reproduced": finding.verdict is Verdict.REFUTED,
        "reason": f"{spelled(case)}: {finding.reason}",
    }


def _pathwise(maker: Maker, regime: Regime, case: Mapping[str, Any]) -> dict[str, Any]:
    problem = Problem(maker(regime), case["points"], case["labels"], [case["test"]], case["seed"])
    bench = Bench(problem, torch.float64, Lifted if case.get("lifted") else nullcontext, controls=WITNESSES)
    curve = bench.curve([case["element"]])
    if not curve.finite:
        raise FloatingPointError("predictions that are no numbers")
    place = curve.steps.index(case["steps"])
    if curve.ratio[place] < CLEAR:  # where the runs are furthest apart rounding may have grown, too
        place = int(curve.ratio.argmax())
    base, twin = (float(t.outputs[place, 0]) for t in (bench.base, bench.trace(case["element"])))
    return {
        "steps": curve.steps[place],
        "test": case["test"],
        "prediction": base,
        "twin_prediction": twin,
        "difference": abs(base - twin),
        "control": float(curve.floor[place]),
        "reproduced": bool(curve.ratio[place] >= CLEAR),
        "reason": f"{spelled(case)} at g x, against x, after {curve.steps[place]} steps",
    }


def spelled(case: Mapping[str, Any]) -> str:
    """The optimizer with its settings, as one would write it."""
    return f"{case['spec']}({', '.join(case['settings'])})"
