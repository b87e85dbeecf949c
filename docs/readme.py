"""Writes the picture and the table of the README: ``python docs/readme.py REPORT.json``.

They stand between two markers, made by the same functions as the start page; the picture's files and its numbers go to
``docs/_static``. A test tells when they are no longer what a report gives.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from generator import gap, report
from generator.report import BadReportError

from theory.store import write_atomically

ROOT = Path(__file__).resolve().parents[1]
STATIC = Path("docs", "_static")
BEGIN, END = "<!-- gap: written by docs/readme.py -->\n", "<!-- /gap -->\n"


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Write the part of root/README.md and the files; 2 if the report or the README cannot be used."""
    if len(arguments) != 1:
        print("usage: python docs/readme.py REPORT.json", file=sys.stderr)
        return 2
    try:
        block, files = made(Path(arguments[0]))
        old = (root / "README.md").read_text(encoding="utf-8")
        before, _, after = split(old)
        for name, content in files.items():
            write_atomically(root / STATIC / name, content.encode() if isinstance(content, str) else content)
        write_atomically(root / "README.md", f"{before}{BEGIN}{block}{END}{after}".encode())
    except BadReportError as error:
        print(f"readme: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"readme: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def made(source: Path) -> tuple[str, gap.Pages]:
    """What a report gives: the text between the markers, and the files of the picture by name.

    Raises:
        BadReportError: no report, a damaged one, one that is not as expected, or one without the curves.
    """
    found = report.read(source)
    if not found["ok"]:
        raise BadReportError(f"{source}: its verdicts are not as expected; the README shows only what is")
    drawn = report.figures(found, source)
    if missing := gap.missing(found, drawn):
        raise BadReportError(f"{source}: has no curves of {', '.join(missing)}: run `orbitgap verify` again")
    if unstated := gap.unstated(found):
        raise BadReportError(f"{source}: does not state the error rate of {', '.join(unstated)}")
    return gap.readme_block(found, drawn)


def split(readme: str) -> tuple[str, str, str]:
    """What stands before, between and after the markers.

    Raises:
        BadReportError: there are none.
    """
    before, begin, rest = readme.partition(BEGIN)
    between, end, after = rest.partition(END)
    if not (begin and end):
        raise BadReportError(f"README.md: has no lines {BEGIN.strip()} and {END.strip()}")
    return before, between, after


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
