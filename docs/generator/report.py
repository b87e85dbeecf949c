"""The report of `orbitgap verify`, and what lies beside it: figures and the atlas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]

from generator.markdown import Record
from generator.run import unexpected
from generator.schemas import SCHEMAS


class BadReportError(Exception):
    """The report, or what it names, cannot be used; shown as one line."""


def read(path: Path) -> dict[str, Any]:
    """The report, if it is one that `orbitgap verify` wrote."""
    report = _valid(path, "report.schema.json", "orbitgap verify")
    if report["ok"] == bool(unexpected(report)):
        raise BadReportError(f"{path} is damaged (`ok` contradicts its verdicts): run `orbitgap verify` again")
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
    return found


def atlas(source: Path) -> dict[str, Any] | None:
    """The atlas that lies beside the report; None if there is none."""
    path = source.parent / "atlas.json"
    return _valid(path, "atlas.schema.json", "orbitgap atlas") if path.is_file() else None


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
