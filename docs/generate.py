"""Writes the pages that come from a report: ``python docs/generate.py REPORT.json docs/generated``.

Every status, number and figure on these pages is read from the report of `orbitgap verify`, from the atlas that
`orbitgap atlas` keeps beside it, from the schemas or from the code; none is typed here. Each kind of page has a module
in ``docs/generator``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from generator import (
    api,
    atlas,
    claim_map,
    claims,
    commands,
    completeness,
    constants,
    erratum,
    gap,
    kernel,
    neighbours,
    open_problem,
    optimizers,
    reliability,
    report,
    run,
    schemas,
    simulations,
    sources,
    table1,
)
from generator.markdown import Pages, Record, as_json

from theory.store import write_atomically

MARKER = ".made-by-generate"


def main(arguments: Sequence[str]) -> int:
    """Write all pages; 2 if the report is missing or damaged."""
    if len(arguments) != 2:
        print("usage: python docs/generate.py REPORT.json FOLDER", file=sys.stderr)
        return 2
    source, target = map(Path, arguments)
    try:
        found = report.read(source)
        made = pages(found, report.figures(found, source), report.atlas(source))
        write(target, {**made, **schemas.schemas()})
    except report.BadReportError as error:
        print(f"generate: {error}", file=sys.stderr)
        return 2
    return 0


def pages(found: Record, drawn: Mapping[str, bytes], optimizer_atlas: Record | None) -> Pages:
    """All files by their path in the folder."""
    held = {id: [m for m in found["measurements"] if m["claim"] == id] for id in claims.TOPICS}
    made: Pages = {
        "optimizers.md": optimizers.optimizers_page(held["table-1"]),
        "optimizers.json": as_json(held["table-1"]),
        "run.md": run.run_page(found),
        "verdict.inc": run.verdict(found),
    }
    made |= {f"figures/{name}": content for name, content in drawn.items()}
    parts = (
        gap.pages(found, drawn),
        claim_map.pages(found),
        claims.pages(found),
        table1.pages(found, optimizer_atlas),
        atlas.pages(optimizer_atlas),
        constants.pages(found, drawn),
        erratum.pages(found, drawn),
        open_problem.pages(found),
        kernel.pages(found),
        simulations.pages(found, drawn),
        neighbours.pages(found, drawn),
        reliability.pages(found),
        completeness.pages(found),
        sources.pages(found),
        commands.pages(found),
        api.pages(),
    )
    for part in parts:
        made |= part
    return made


def write(target: Path, made: Mapping[str, str | bytes]) -> None:
    """Write each file whole, leave unchanged ones alone and remove what is no longer made."""
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / MARKER).exists())):
        raise report.BadReportError(f"{target}: holds files that were not generated; name a new or an empty folder")
    try:
        for name, content in {MARKER: "", **made}.items():
            new = content.encode() if isinstance(content, str) else content
            if not (target / name).is_file() or (target / name).read_bytes() != new:
                write_atomically(target / name, new)
        for path in sorted(target.rglob("*"), reverse=True):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
            elif path.is_file() and path.relative_to(target).as_posix() not in {MARKER, *made}:
                path.unlink()
    except OSError as error:
        raise report.BadReportError(f"{error.filename or target}: cannot be written ({error.strerror})") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
