"""SPECs, by which users name a class: ``torch.optim:Adam``, ``package.module:Class`` or ``path/to/file.py:Class``.

Nothing heavy is imported here, so that a misspelt SPEC is answered at once.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import io
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

__all__ = ["SpecError", "described", "foreign", "load", "located", "portable", "settings", "written"]


class SpecError(ValueError):
    """A SPEC or a setting that cannot be used, in one line."""


def located(spec: str) -> tuple[str, str]:
    """The module or file that a SPEC names, and the name in it, after a look whether the former is there.

    Raises:
        SpecError: no colon, no such file or no such package.

    Example:
        >>> located("torch.optim:Adam")
        ('torch.optim', 'Adam')
    """
    where, _, name = spec.rpartition(":")
    if not (where and name):
        raise SpecError(f"SPEC: got {spec!r}, want module:Class or path/to/file.py:Class")
    if where.endswith(".py"):
        if not os.path.isfile(where):  # noqa: PTH113  Path.is_file raises where a name is too long
            raise SpecError(f"SPEC: there is no file {where}")
        return where, name
    top = where.partition(".")[0]
    _search(os.getcwd())  # noqa: PTH109  a user's own module where the command runs is found too
    if not top.isidentifier() or (top not in sys.modules and importlib.util.find_spec(top) is None):
        raise SpecError(f"SPEC: there is no module {where!r}; install it, give a path to a file, or run where it lies")
    return where, name


def load(spec: str) -> Any:
    """What a SPEC names.

    A file is run anew each time, as a module under a name of its own; its directory stays on ``sys.path``, as when it
    is run as a script.

    Raises:
        SpecError: no such module, file or name, or code that fails when it is imported.

    Example:
        >>> load("torch.optim:Adam").__name__
        'Adam'
    """
    where, name = located(spec)
    module = _file(Path(where)) if where.endswith(".py") else _module(where)
    thing = getattr(module, name, None)
    if thing is None:
        known = [n for n, v in vars(module).items() if isinstance(v, type) and not n.startswith("_")]
        raise SpecError(f"SPEC: {where} has no {name!r}; its classes are {', '.join(sorted(known)) or 'none'}")
    return thing


def portable(spec: str) -> str:
    """A SPEC that means the same in every directory: files with their absolute path."""
    where, _, name = spec.rpartition(":")
    return f"{Path(where).resolve()}:{name}" if where.endswith(".py") else spec


def settings(pairs: Iterable[str]) -> dict[str, Any]:
    """``name=value`` pairs as keyword arguments; values are read as Python literals, else as text.

    Raises:
        SpecError: a pair without a name or without ``=``.

    Example:
        >>> settings(["lr=0.01", "betas=(0.9, 0.99)", "nesterov=True", "kind=fast"])
        {'lr': 0.01, 'betas': (0.9, 0.99), 'nesterov': True, 'kind': 'fast'}
    """
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise SpecError(f"--set: got {pair!r}, want NAME=VALUE such as lr=0.01")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            found[name] = float(value) if value.lstrip("+-").lower() in ("inf", "nan") else value
    return found


def written(options: dict[str, Any]) -> list[str]:
    """Settings as ``name=value`` pairs from which `settings` makes them again.

    Example:
        >>> pairs = written({"lr": 0.01, "betas": (0.9, 0.99), "kind": "fast"})
        >>> pairs
        ['lr=0.01', 'betas=(0.9, 0.99)', "kind='fast'"]
        >>> settings(pairs)["betas"]
        (0.9, 0.99)
    """
    return [f"{name}={_literal(value)}" for name, value in options.items()]


@contextmanager
def foreign() -> Iterator[None]:
    """Other people's code runs inside: what it prints or warns of is dropped, it is asked nothing, and cannot exit.

    Raises:
        SpecError: the code calls `sys.exit`.
    """
    stdin, sys.stdin = sys.stdin, io.StringIO()
    try:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), _closed(), warnings.catch_warnings():  # noqa: PTH123
            warnings.simplefilter("ignore")
            yield
    except SystemExit as error:
        raise SpecError(f"SPEC: its code calls sys.exit({error.code!r}), want code that runs through") from error
    except (Exception, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        raise SpecError(f"SPEC: its code raised {described(error)}") from error
    finally:
        sys.stdin = stdin


@contextmanager
def _closed() -> Iterator[None]:
    """What is written past `sys.stdout`, to the process's own output, is dropped too."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        if sys.__stdout__ is not None:
            sys.__stdout__.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def described(error: BaseException) -> str:
    """An exception of other people's code in one line.

    Example:
        >>> described(RuntimeError("no third step"))
        'RuntimeError: no third step'
    """
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def _literal(value: Any) -> str:
    # Python writes no literal for infinity, but reads one.
    return repr(value) if isinstance(value, str) else re.sub(r"\binf\b", "1e999", repr(value))


def _search(directory: str) -> None:
    if directory not in sys.path:
        sys.path.insert(0, directory)


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise SpecError(f"SPEC: importing {name} raised {described(error)}") from error
        raise SpecError(f"SPEC: there is no module {error.name!r}; install it or give a path to a file") from error
    except Exception as error:
        raise SpecError(f"SPEC: importing {name} raised {described(error)}") from error


class _Fresh(SourceFileLoader):
    """Reads the source each time: Python's cache would miss an edit within a second."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _file(path: Path) -> ModuleType:
    place = path.resolve()
    # No module of the user's or of ours has this name, whatever the file is called.
    name = f"orbitgap_file_{hashlib.sha256(os.fsencode(place)).hexdigest()[:12]}"
    loader = _Fresh(name, str(place))
    module = importlib.util.module_from_spec(ModuleSpec(name, loader, origin=str(place)))
    module.__file__ = str(place)
    _search(str(place.parent))
    sys.modules[name] = module  # dataclasses and pickle look there
    try:
        loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, Exception):
            raise
        raise SpecError(f"SPEC: importing {path} raised {described(error)}") from error
    return module
