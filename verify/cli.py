"""The command `orbitgap`.

Nothing heavy is imported before it is needed: `orbitgap claims` reads stored evidence only.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from theory import claims as ledger_module
from theory import status, store
from theory.claims import Ledger, UnknownClaimError
from verify.console import UserError, one_line, seeded, shown, writable

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["main"]


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

    everything = commands.add_parser("verify", help="check everything: proofs, real optimizers, simulations")
    everything.add_argument("--json", type=Path, metavar="PATH", help="also write the report as data")
    everything.add_argument("--seed", type=int, default=0, metavar="S", help="seed of everything random (default 0)")
    everything.set_defaults(run=run_verify)

    examine = commands.add_parser("check", help="which groups does an optimizer keep, and which bounds then bind?")
    examine.add_argument("spec", metavar="SPEC", help="torch.optim:Adam, package.module:Class or path/to/file.py:Class")
    examine.add_argument("--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE", help="its settings")
    examine.add_argument(
        "--group",
        nargs="+",
        action="extend",
        metavar="G",
        help="sign_flip, permutation, signed_permutation, orthogonal",
    )
    examine.add_argument("--seed", type=int, default=0, metavar="S", help="seed of everything random (default 0)")
    examine.add_argument("--json", action="store_true", help="print data instead of a table")
    examine.set_defaults(run=run_check)

    every = commands.add_parser("atlas", help="every optimizer under every group (some minutes)")
    every.add_argument("--json", action="store_true", help="print data instead of a table")
    every.add_argument("--html", action="store_true", help="print a page for a browser instead of a table")
    every.add_argument("--seed", type=int, default=0, metavar="S", help="seed of everything random (default 0)")
    every.add_argument("--jobs", type=int, metavar="N", help="processes (default: one for each core)")
    every.set_defaults(run=run_atlas)

    measure = commands.add_parser("simulate", help="what real learners need, beside what the theory proves they need")
    measure.add_argument("name", metavar="NAME", help="an experiment, such as texture")
    sizes = measure.add_mutually_exclusive_group()
    sizes.add_argument("--quick", dest="size", action="store_const", const="quick", help="seconds (the default)")
    sizes.add_argument("--full", dest="size", action="store_const", const="full", help="minutes to an hour")
    sizes.add_argument(
        "--paper-size", dest="size", action="store_const", const="paper", help="figure1 as printed: hours"
    )
    measure.add_argument("--jobs", type=int, metavar="N", help="processes (default: one for each core)")
    measure.add_argument("--dask", metavar="ADDRESS", help="run the chunks on a dask.distributed cluster instead")
    measure.add_argument("--shard", metavar="i/N", help="run the i-th of N parts only, into a folder that all share")
    measure.add_argument("--device", default="cpu", metavar="NAME", help="a torch device (default cpu)")
    measure.add_argument("--cifar10", type=Path, metavar="DIR", help="figure1: also CIFAR-10 from this folder")
    measure.add_argument("--out", type=Path, metavar="DIR", help="where data and figures go")
    measure.add_argument("--seed", type=int, default=0, metavar="S", help="seed of everything random (default 0)")
    measure.add_argument("--json", type=Path, metavar="PATH", help="also write the outcome as data")
    measure.set_defaults(run=run_simulate, size="quick")

    again = commands.add_parser("replay", help="run a saved counterexample again")
    again.add_argument("file", type=Path, metavar="FILE", help="a counterexample, or a report of `check --json`")
    again.add_argument("--json", action="store_true", help="print data instead of a table")
    again.set_defaults(run=run_replay)
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
    not_run(console, shown)
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

    from sims.sweep import SweepError
    from verify import display, suite
    from verify.progress import bar

    seeded(arguments.seed)
    home = store.home()
    for target in filter(None, (arguments.json, home / "report.json")):
        writable(target)
    ledger = ledger_module.load()
    stored(ledger)  # a damaged file is reported before the work, not after it
    console = Console()
    try:
        report = suite.run(ledger, arguments.seed, home, lambda total: bar(console, total))
        text = json.dumps(report, indent=1, ensure_ascii=False)
        for target in filter(None, (arguments.json, home / "report.json")):
            store.write_atomically(target, text)
    except OSError as error:
        raise UserError(f"{error.filename or home}: cannot be written ({error.strerror})") from error
    except SweepError as error:
        raise UserError(str(error)) from error
    console.print(display.report_table(report))
    for figure in report["figures"]:
        console.print(f"figure: {figure}", highlight=False, soft_wrap=True)
    not_run(console, report["claims"])
    console.print(conclusion(report), highlight=False)
    return 0 if report["ok"] else 1


def run_check(arguments: argparse.Namespace) -> int:
    """`orbitgap check SPEC [--set NAME=VALUE ...] [--group G ...] [--seed S] [--json]`."""
    from verify import specs

    seeded(arguments.seed)
    with one_line():  # before torch is imported, which takes a while
        specs.located(arguments.spec)
        options = specs.settings(arguments.set)
    writable(store.home() / "counterexamples" / "any")

    from rich.console import Console

    from verify import display_instrument
    from verify.check import BESIDES, check
    from verify.instrument import EXAMINED
    from verify.progress import bar

    groups = [name for name in EXAMINED if name in (arguments.group or EXAMINED)]
    if unknown := set(arguments.group or ()) - set(EXAMINED):
        raise UserError(f"--group: got {sorted(unknown)[0]!r}, want names among {', '.join(EXAMINED)}")
    with bar(Console(stderr=True), len(groups) + BESIDES) as tick, one_line():
        report = check(arguments.spec, options, groups, arguments.seed, store.home(), tick)
    shown(report, arguments.json, display_instrument.check_page)
    return 0


def run_atlas(arguments: argparse.Namespace) -> int:
    """`orbitgap atlas [--json | --html] [--seed S] [--jobs N]`; the data are kept for the docs too."""
    from rich.console import Console

    from verify import adapters, atlas_page, display_instrument
    from verify.atlas import atlas
    from verify.progress import bar

    seeded(arguments.seed)
    if arguments.json and arguments.html:
        raise UserError("--html: got it with --json, want one of them")
    jobs = os.cpu_count() or 1 if arguments.jobs is None else arguments.jobs
    if jobs < 1:
        raise UserError(f"--jobs: got {jobs}, want a number >= 1")
    target = store.home() / "atlas.json"
    writable(target)
    screen = Console(stderr=True)
    if missing := adapters.missing():
        print(missing, file=sys.stderr)
    with bar(screen, len(adapters.zoo())) as tick, one_line():
        found = atlas(arguments.seed, jobs, tick)
        store.write_atomically(target, json.dumps(found, indent=1, allow_nan=False))
    if arguments.html:
        print(atlas_page.page(found))
    else:
        shown(found, arguments.json, display_instrument.atlas_table)
    return 0


def run_simulate(arguments: argparse.Namespace) -> int:
    """`orbitgap simulate NAME [--quick | --full | --paper-size] ...`; 1 if a verdict is not the expected one."""
    from verify import simulate_command

    with one_line():
        return simulate_command.run(arguments)


def run_replay(arguments: argparse.Namespace) -> int:
    """`orbitgap replay FILE [--json]`; 0 if the violation is there again, 1 if not."""
    from verify import display_instrument
    from verify.replay import replay

    with one_line():
        found = replay(arguments.file)
    shown(found, arguments.json, display_instrument.replay_page)
    return 0 if all(case["reproduced"] for case in found) else 1


def not_run(console: Console, claims: Sequence[dict[str, Any]]) -> None:
    """Say in one line which proofs for a kernel could not be run here, and what is missing."""
    skipped = [s for c in claims for s in c["steps"] if s["kernel"] and s["verdict"] == "UNCHECKED" and s["summary"]]
    if skipped:
        many = "1 theorem was" if len(skipped) == 1 else f"{len(skipped)} theorems were"
        line = f"{many} not checked by Coq, so their claims stand on other steps: {skipped[0]['summary']}"
        console.print(line, highlight=False, soft_wrap=True)


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
