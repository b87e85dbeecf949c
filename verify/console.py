"""What all commands share: errors of one line, checks before the work, output for people or machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from theory import store

__all__ = ["UserError", "one_line", "seeded", "shown", "writable"]


class UserError(Exception):
    """Something the user can mend; shown as one line, exit code 2."""


def seeded(seed: int) -> None:
    """Refuse a seed that no generator takes."""
    if not 0 <= seed < 2**31:
        raise UserError(f"--seed: got {seed}, want a number from 0 to 2^31 - 1")


def shown(data: Any, as_json: bool, page: Callable[[Any], Any]) -> None:
    """Print data for machines or as a page for people."""
    if as_json:
        print(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))
        return
    from rich.console import Console

    Console().print(page(data), crop=False)  # paths are longer than lines


@contextmanager
def one_line() -> Iterator[None]:
    """What is wrong with a user's input or code becomes one line."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{error.filename or store.home()}: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(" ".join(str(error).split())) from error


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
