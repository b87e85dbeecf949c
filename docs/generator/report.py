"""The report of `orbitgap verify`, and what lies beside it: figures and the atlas."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]

from generator.claim_relations import reached
from generator.markdown import Record
from generator.run import unexpected
from generator.schemas import SCHEMAS
from generator.simulations import curves
from sims.experiment import NAMES


class BadReportError(Exception):
    """The report, or what it names, cannot be used; shown as one line."""


def read(path: Path) -> dict[str, Any]:
    """The report, if it is one that `orbitgap verify` wrote."""
    report = _valid(path, "report.schema.json", "orbitgap verify")
    if problem := next(_problems(report), ""):
        raise BadReportError(f"{path} is damaged ({problem[:160]}): run `orbitgap verify` again")
    return report


def figures(report: Record, source: Path) -> dict[str, bytes]:
    """The figures that the report names, by file name; looked for beside the report first."""
    found = {}
    for name in map(Path, report["figures"]):
        places = [source.parent / "figures" / name.name, source.parent / name, name]
        place = next((p for p in places if p.is_file()), None)
        if place is None:
            raise BadReportError(f"{source} names the figure {name}, which is not there: run `orbitgap verify` again")
        found[name.name] = place.read_bytes()
    for name in (n for n in NAMES if f"{n}.csv" in found):
        try:
            curves(name, found)
        except (ValueError, TypeError, csv.Error) as error:  # a word for a number, a short row, not UTF-8
            problem = str(error).partition("\n")[0]
            raise BadReportError(f"{name}.csv is damaged ({problem}): run `orbitgap verify` again") from error
    return found


def atlas(source: Path) -> dict[str, Any] | None:
    """The atlas that lies beside the report; None if there is none."""
    path = source.parent / "atlas.json"
    if not path.is_file():
        return None
    found = _valid(path, "atlas.schema.json", "orbitgap atlas")
    if problem := next(_atlas_problems(found), ""):
        raise BadReportError(f"{path} is damaged ({problem[:160]}): run `orbitgap atlas` again")
    return found


def _atlas_problems(atlas: Record) -> Iterator[str]:
    """What contradicts itself in an atlas, which its schema does not see."""
    for row in atlas["optimizers"]:
        for group, found in row["groups"].items():
            if found["verdict"] == "certified" and found["level"] is None:
                yield f"{row['name']} is certified under {group} without a level"
        unknown = row["derived"]["reasons"].keys() - row["groups"].keys()
        yield from (f"{row['name']} has a reason for the group {group}, which is not there" for group in unknown)


def _problems(report: Record) -> Iterator[str]:
    """What contradicts itself in a report, which its schema does not see."""
    claims = {c["id"]: c for c in report["claims"]}
    counts = Counter(c["id"] for c in report["claims"])
    yield from (f"the claim {id} occurs {n} times" for id, n in counts.items() if n > 1)
    for id, claim in claims.items():
        if not claim["title"].strip():
            yield f"the claim {id} has no title"
        steps = [other for step in claim["steps"] for other in step["uses"]]
        named = [*claim["uses"], *claim["proof_uses"], *claim["used_by"], *claim["rests_on"], *steps]
        yield from (f"{id} names the claim {other}, which is not there" for other in named if other not in claims)
    for id, claim in claims.items():
        below = {id, *reached(id, claims, ("proof_uses",))}
        yield from (f"{id} rests on {leaf}, but its proof does not" for leaf in claim["rests_on"] if leaf not in below)
    if "table-1" in claims and not claims["table-1"].get("table"):
        yield "table-1 has no table"
    for m in report["measurements"]:
        named = [m["claim"], *m["uses"]]
        yield from (
            f"{m['name']} names the claim {other}, which is not there" for other in named if other not in claims
        )
        yield from (f"{m['name']}: {problem}" for problem in _simulation(m["certificate"]))
    names = [m["name"] for m in report["measurements"]]
    names += [step["name"] for claim in report["claims"] for step in claim["steps"]]
    if not all(name.strip() for name in names):
        yield "a step or a measurement has no name"
    if report["ok"] == bool(unexpected(report)):
        yield "`ok` contradicts its verdicts"


def _simulation(certificate: Record) -> Iterator[str]:
    """What the certificate of a simulation lacks."""
    if certificate.get("kind") != "simulation":
        return
    if certificate.get("experiment") not in NAMES:
        yield "its certificate names no experiment"
    alpha, comparisons = certificate.get("alpha"), certificate.get("comparisons")
    if not isinstance(alpha, int | float) or not 0 <= alpha <= 1 or not isinstance(comparisons, int):
        yield "its certificate states no error rate"


def _valid(path: Path, schema: str, command: str) -> dict[str, Any]:
    """What a file holds, if a command wrote it."""
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.validate(data, json.loads((SCHEMAS / schema).read_text(encoding="utf-8")))
    except OSError as error:
        raise BadReportError(f"{path}: {error.strerror}; `{command}` writes one") from error
    except (ValueError, jsonschema.ValidationError) as error:
        where = f"{error.json_path}: " if isinstance(error, jsonschema.ValidationError) else ""
        problem = (where + str(error).splitlines()[0])[:160]
        raise BadReportError(f"{path} is damaged ({problem}): run `{command}` again") from error
    return data
