"""The command `orbitgap`.

Nothing heavy is imported before it is needed: `orbitgap claims` reads stored evidence only.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from theory import claims as ledger_module
from theory import status, store
from theory.claims import Ledger, UnknownClaimError

__all__ = ["main"]


class UserError(Exception):
    """Something the user can mend; shown as one line, exit code 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 if all is as expected, 1 if a verdict is not, 2 for bad input."""
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (UserError, UnknownClaimError) as error:
        print(f"orbitgap: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("orbitgap: interrupted; what was stored before is untouched", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        sys.stderr.close()
        return 0


def parser() -> argparse.ArgumentParser:
    """The command line, as a parser."""
    top = argparse.ArgumentParser(
        prog="orbitgap",
        description="Checks, from theorem to real optimizer, why equivariant training costs samples.",
    )
    top.add_argument("--version", action="version", version=f"orbitgap {version('orbitgap')}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    show = commands.add_parser("claims", help="list all claims, or show one whole")
    show.add_argument("id", nargs="?", metavar="ID", help="a claim, for example thm-c.1")
    show.add_argument("--json", action="store_true", help="print data instead of a table")
    show.set_defaults(run=run_claims)

    ask = commands.add_parser("bound", help="how many samples a task needs: the best certified bounds")
    ask.add_argument("task", metavar="TASK", help="warmup, quadratic, regression or texture")
    ask.add_argument("--d", type=int, required=True, metavar="D", help="dimension, as in the task's theorem")
    ask.add_argument("--eps", required=True, metavar="E", help="error in (0, 1); relative loss for regression")
    ask.add_argument("--delta", metavar="X", help="failure probability: bound N(eps, delta) instead of N*(eps)")
    ask.add_argument("--learner", metavar="KIND", help="orthogonal, permutation, sign-flip or conv")
    ask.add_argument("--json", action="store_true", help="print data instead of a table")
    ask.set_defaults(run=run_bound)

    check = commands.add_parser("verify", help="check everything: proofs, real optimizers, simulations")
    check.add_argument("--json", type=Path, metavar="PATH", help="also write the report as data")
    check.add_argument("--seed", type=int, default=0, metavar="S", help="seed of everything random (default 0)")
    check.set_defaults(run=run_verify)
    return top


def run_claims(arguments: argparse.Namespace) -> int:
    """`orbitgap claims [ID] [--json]`."""
    from verify import records

    ledger = ledger_module.load()
    if arguments.id is not None:
        ledger.get(arguments.id)
    results = stored(ledger)
    found = status.statuses(ledger, results)
    ids = [arguments.id] if arguments.id is not None else ledger.ordered()
    shown = [records.claim_record(ledger, id, found[id], results.get(id, [])) for id in ids]
    if arguments.json:
        print(json.dumps(shown[0] if arguments.id is not None else shown, indent=2, ensure_ascii=False))
        return 0
    from rich.console import Console

    from verify import display

    console = Console()
    if arguments.id is not None:
        console.print(display.claim_page(shown[0]))
        return 0
    console.print(display.claims_table(shown))
    if any(c["status"] == "UNCHECKED" for c in shown):
        console.print("UNCHECKED: no evidence for this statement and this code here; run `orbitgap verify`.")
    return 0


def run_bound(arguments: argparse.Namespace) -> int:
    """`orbitgap bound TASK --d D --eps E [--delta X] [--learner KIND] [--json]`."""
    from theory import bounds
    from verify import records

    try:
        best = bounds.best(arguments.task, arguments.d, arguments.eps, arguments.delta, arguments.learner)
    except ValueError as error:
        raise UserError(str(error)) from error
    ledger = ledger_module.load()
    shown = records.bound_record(best, status.statuses(ledger, stored(ledger)))
    if arguments.json:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return 0
    from rich.console import Console

    from verify import display

    Console().print(display.bound_table(shown))
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """`orbitgap verify [--json PATH] [--seed S]`."""
    from rich.console import Console

    from verify import display, suite

    if arguments.seed < 0:
        raise UserError(f"--seed: got {arguments.seed}, want a number >= 0")
    home = store.home()
    for target in filter(None, (arguments.json, home / "report.json")):
        writable(target)
    ledger = ledger_module.load()
    stored(ledger)  # a damaged file is reported before the work, not after it
    console = Console()
    try:
        report = suite.run(ledger, arguments.seed, home, lambda total: suite.bar(console, total))
        text = json.dumps(report, indent=1, ensure_ascii=False)
        for target in filter(None, (arguments.json, home / "report.json")):
            store.write_atomically(target, text)
    except OSError as error:
        raise UserError(f"{error.filename or home}: cannot be written ({error.strerror})") from error
    console.print(display.report_table(report))
    for figure in report["figures"]:
        console.print(f"figure: {figure}", highlight=False, soft_wrap=True)
    console.print(conclusion(report), highlight=False)
    return 0 if report["ok"] else 1


def conclusion(report: dict[str, Any]) -> str:
    """The last line of a run."""
    rows = [(c["id"], c["status"], c["expected"]) for c in report["claims"]]
    rows += [(f"{m['claim']}: {m['name']}", m["verdict"], m["expected"]) for m in report["measurements"]]
    wrong = [name for name, verdict, expected in rows if verdict != expected]
    took = f"{report['seconds']:.0f} s"
    if not wrong:
        return f"All {len(rows)} verdicts are as expected ({took})."
    return f"{len(wrong)} of {len(rows)} verdicts are NOT as expected ({took}): {'; '.join(wrong)}"


def stored(ledger: Ledger) -> dict[str, list[status.StepResult]]:
    """The stored evidence, or a one-line error if the file is damaged."""
    try:
        return store.load(store.home() / "evidence.json", ledger)
    except (ValueError, OSError) as error:
        raise UserError(str(error)) from error


def writable(path: Path) -> None:
    """Refuse before the work what could not be written after it."""
    try:
        if path.is_dir():
            raise UserError(f"{path}: is a directory, want a file to write")
        path.parent.mkdir(parents=True, exist_ok=True)
        store.write_atomically(path.with_name(f".{path.name}.probe"), "")
        path.with_name(f".{path.name}.probe").unlink()
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); name another place") from error
