"""The command-line reference, from the program itself: its parser, and what it prints."""

from __future__ import annotations

import argparse
import functools
import io
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console, RenderableType

from generator.markdown import Pages, Record, page, table, text
from theory import bounds
from theory.evidence import Verdict
from theory.status import Status
from verify import cli, display, records

WIDTH = 80
"""Characters in a line of what the program prints here."""
SHOWN_BOUND = "orbitgap bound quadratic --d 8 --eps 0.01"
SHOWN_CLAIM = "orbitgap claims lem-vc-linear"


@dataclass(frozen=True)
class Notes:
    """What a command's own help does not say.

    Attributes:
        about: what it does, in Markdown.
        exits: what its exit code says.
        examples: lines to type.
    """

    about: str
    exits: str
    examples: tuple[str, ...]


BAD_INPUT = "2 for bad input"
NOTES: Mapping[str, Notes] = {
    "claims": Notes(
        "Reads stored evidence and checks nothing. A claim without evidence for its present statement and code is "
        "UNCHECKED until `orbitgap verify` has run.",
        f"0, whatever the statuses are; {BAD_INPUT}, such as an unknown id (the nearest ones are named)",
        (
            "orbitgap claims                # the list",
            "orbitgap claims thm-5.4        # a printed theorem that is refuted",
            "orbitgap claims --json         # all of it as data",
        ),
    ),
    "bound": Notes(
        "Without `--delta` the bounds are on N\\*(eps), the least n with expected error at most eps; with it on N(eps, "
        "delta), the least n with error at most eps with probability at least 1 - delta. Numbers are read exactly: "
        "0.01 is 1/100, and 1/3 may be typed so. A bound that another one beats is shown below it. In Python: "
        "[theory.bounds.best](#api-theory-bounds).",
        f"0, also where nothing is certified; {BAD_INPUT}",
        (
            SHOWN_BOUND,
            "orbitgap bound quadratic --d 8 --eps 0.01 --learner conv",
            "orbitgap bound texture --d 400 --eps 1/8 --delta 1/8 --json",
        ),
    ),
    "verify": Notes(
        "Runs all proofs with their mutants, torch's optimizers and the quick simulations, and keeps evidence, report "
        "and figures. These pages are made from its report.",
        f"0 if every verdict is the expected one, 1 if one is not, {BAD_INPUT}",
        ("orbitgap verify", "orbitgap verify --json report.json --seed 1"),
    ),
    "check": Notes(
        "Runs the optimizer in coupled pairs of trainings. {doc}`/check-an-optimizer` walks through it. Each "
        "refutation is saved as a counterexample that `orbitgap replay` runs again.",
        f"0, whatever the verdicts are, for no group is expected to be kept; {BAD_INPUT}, also for code that fails",
        (
            "orbitgap check torch.optim:Adam",
            "orbitgap check torch.optim:SGD --set lr=0.1 momentum=0.9 --group orthogonal",
            "orbitgap check my_rule.py:Clipped --json",
        ),
    ),
    "atlas": Notes(
        "Examines what `check` does for every optimizer of torch.optim and, if it is installed, of pytorch-optimizer. "
        "The data are kept as `atlas.json` and shown on [the atlas's page](atlas.md).",
        f"0, whatever the verdicts are; {BAD_INPUT}",
        ("orbitgap atlas --jobs 2", "orbitgap atlas --html > atlas.html"),
    ),
    "simulate": Notes(
        "Trains real learners and holds their errors against the bounds, in pieces that are kept, so that a run that "
        "was stopped goes on. {doc}`/simulate` says how to read the outcome and how to share the work.",
        f"0 if every verdict is the expected one, 1 if one is not, {BAD_INPUT}",
        (
            "orbitgap simulate texture",
            "orbitgap simulate quadratic --full --jobs 2 --out runs/quadratic",
            "orbitgap simulate quadratic --full --shard 1/8 --out /shared/run",
        ),
    ),
    "replay": Notes(
        "Trains twice, on the saved data and on the same data moved by the saved group element, and compares the two "
        "predictions that an equivariant rule would make equal.",
        f"0 if the violation is there again, 1 if not, {BAD_INPUT}",
        ("orbitgap replay .orbitgap/counterexamples/torch.optim-Adam-orthogonal-6081bccc.json",),
    ),
}


def pages(found: Record) -> Pages:
    """The page, with what the program prints about the claims of a report."""
    return {"cli.md": cli_page(cli.parser(), shown(found))}


def cli_page(top: argparse.ArgumentParser, printed: Mapping[str, str]) -> str:
    """All commands of a parser, with what some of them print."""
    named = commands(top)
    rows = [(f"[orbitgap {name}](#{anchor(name)})", words(short)) for name, (_, short) in named.items()]
    return page(
        "Command line",
        f"{text(top.description or '')} `orbitgap --help` lists the commands, `orbitgap COMMAND --help` the options of "
        "one. This page is made from the same parser.",
        table(("command", "what"), rows),
        arguments_table(top),
        EXITS,
        PLACES,
        *(command_part(name, command, short, printed.get(name, "")) for name, (command, short) in named.items()),
    )


EXITS = """## Exit codes

| code | meaning |
| --- | --- |
| 0 | all is as expected; where nothing is expected, as of the verdicts of `check`, whatever they are |
| 1 | a verdict is not the expected one (`verify`, `simulate`), or a violation is not there again (`replay`) |
| 2 | bad input, or a file that cannot be read or written; the last line on stderr says which, and what was wanted |
| 130 | interrupted from the keyboard; what was stored before is untouched |"""

PLACES = """## Environment

| variable | meaning |
| --- | --- |
| `ORBITGAP_HOME` | the folder for evidence, reports, counterexamples and simulations; by default `.orbitgap` here |
| `NO_COLOR` | if set, nothing is coloured; no output needs its colours to be read |
| `COLUMNS` | the width of tables, where it is not that of the terminal |"""


def commands(top: argparse.ArgumentParser) -> dict[str, tuple[argparse.ArgumentParser, str]]:
    """The commands of a parser by name, each with the line that the list of commands says of it."""
    (within,) = (action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    about = {choice.dest: choice.help or "" for choice in within._choices_actions}
    return {name: (command, about[name]) for name, command in within.choices.items()}


def command_part(name: str, command: argparse.ArgumentParser, short: str, printed: str) -> str:
    """One command whole."""
    notes = NOTES[name]
    examples = "\n".join(f"$ {line}" for line in notes.examples)
    parts = [
        f"({anchor(name)})=\n## orbitgap {name}",
        f"{sentence(short)} {notes.about}",
        f"```text\n{usage(command)}\n```",
        arguments_table(command),
        "With `--json`: all keys are described in [the JSON output](json.md)." if takes(command, "--json") else "",
        f"Exit code: {notes.exits}.",
        f"```console\n{examples}\n```",
        printed,
    ]
    return "\n\n".join(part.strip() for part in parts if part)


def usage(command: argparse.ArgumentParser) -> str:
    """How to call a command, on lines of a fixed width."""
    command.formatter_class = functools.partial(argparse.HelpFormatter, width=WIDTH)
    command.color = False  # Python 3.14 colours what goes to a terminal
    head = "usage: "
    return command.format_usage().strip().removeprefix(head).replace("\n" + " " * len(head), "\n")


def arguments_table(command: argparse.ArgumentParser) -> str:
    """The arguments and options of a command, without its --help."""
    rows = ((f"`{called(action)}`", words(action.help)) for action in arguments(command))
    return table(("argument", "meaning"), rows)


def arguments(command: argparse.ArgumentParser) -> list[argparse.Action]:
    """What a command can be told."""
    left_out = argparse._HelpAction | argparse._SubParsersAction
    return [action for action in command._actions if not isinstance(action, left_out)]


def called(action: argparse.Action) -> str:
    """An argument as it is typed."""
    value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    if action.nargs == "+":
        value += " ..."
    if not action.option_strings:
        return f"[{value}]" if action.nargs == "?" else value
    return f"{', '.join(action.option_strings)} {value}".strip()


def takes(command: argparse.ArgumentParser, option: str) -> bool:
    """Has a command this option?"""
    return any(option in action.option_strings for action in arguments(command))


def anchor(name: str) -> str:
    """Where a command is described."""
    return f"cli-{name}"


def words(line: str | None) -> str:
    """A line of help, in which only backticks are markup; loud if there is none."""
    return text(line).replace(r"\`", "`") if line else "**no help**"


def sentence(line: str) -> str:
    """A line of help as a sentence."""
    return words(line[:1].upper() + line[1:]) + ("" if line.endswith((".", "?")) else ".")


def shown(found: Record) -> Mapping[str, str]:
    """What the program prints for two of the examples, with the statuses of the report."""
    id = SHOWN_CLAIM.split()[-1]
    claims = {c["id"]: c for c in found["claims"]}
    parts = {SHOWN_BOUND: answer(SHOWN_BOUND, found)}
    if id in claims:
        parts[SHOWN_CLAIM] = on_screen(display.claim_page(claims[id]))
    return {
        line.split()[1]: f"What `{line}` prints, with the verdicts of this run:\n\n```text\n{content}\n```"
        for line, content in parts.items()
    }


def answer(line: str, found: Record) -> str:
    """What `orbitgap bound` prints where the claims have the statuses of a report."""
    asked = cli.parser().parse_args(shlex.split(line)[1:])
    verdicts = {c["id"]: Verdict(c["status"]) if c["status"] in set(Verdict) else None for c in found["claims"]}
    best = bounds.best(asked.task, asked.d, asked.eps, asked.delta, asked.learner)
    statuses = {id: Status(verdict, None) for id, verdict in verdicts.items()}
    return on_screen(display.bound_table(records.bound_record(best, statuses)))


def on_screen(content: RenderableType) -> str:
    """What a terminal without colours shows."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, legacy_windows=False)
    console.print(content)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()).strip("\n")
