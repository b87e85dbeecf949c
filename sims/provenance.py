"""Where numbers come from: the code, the versions and the commit that made them."""

from __future__ import annotations

import ast
import functools
import hashlib
import platform
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import sims
import theory

__all__ = ["code_digest", "commit", "versions"]

DISTRIBUTIONS = ("numpy", "orbitgap", "pillow", "scikit-learn", "scipy", "torch")
PACKAGES = {"sims": sims, "theory": theory}


@functools.cache  # what has been imported stays in memory, whatever is done to its file later
def code_digest(*modules: str) -> str:
    """A hash of the sources of these modules and of all that they import from sims/ and theory/, however deep.

    Raises:
        ValueError: a module that is not in sims/ or theory/.

    Example:
        >>> code_digest("theory.validate") == code_digest("theory.thresholds")
        False
    """
    found: dict[str, bytes] = {}
    todo = list(modules)
    while todo:
        name = todo.pop()
        if name not in found:
            path = _path(name)
            if path is None:
                raise ValueError(f"modules: got {name!r}, want a module of {' or '.join(PACKAGES)}")
            found[name] = path.read_bytes()
            todo += [other for other in _imported(found[name]) if _path(other)]
    content = hashlib.sha256()
    for name in sorted(found):
        content.update(f"{name}\0{len(found[name])}\0".encode() + found[name])
    return content.hexdigest()


def versions() -> dict[str, str]:
    """Those of Python and of the packages that the numbers depend on.

    Example:
        >>> sorted(versions())
        ['numpy', 'orbitgap', 'pillow', 'python', 'scikit-learn', 'scipy', 'torch']
    """
    return {"python": platform.python_version()} | {name: version(name) for name in DISTRIBUTIONS}


@functools.cache
def commit() -> str:
    """The commit of the checkout that this file belongs to, with ``-dirty`` if it was edited; or ``unknown``."""
    here, git = Path(__file__), shutil.which("git")
    commands = (
        ("ls-files", "--error-unmatch", here.with_name("__init__.py").name),  # not a package in another's repository
        ("describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"),
    )
    try:
        for command in commands:
            said = subprocess.run(  # noqa: S603 (fixed arguments)
                [git or "git", "-C", str(here.parent), *command], capture_output=True, text=True, check=True, timeout=10
            )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return said.stdout.strip()


def _path(module: str) -> Path | None:
    package, *rest = module.split(".")
    for root in PACKAGES[package].__path__ if package in PACKAGES else ():
        for path in (Path(root, *rest).with_suffix(".py") if rest else None, Path(root, *rest, "__init__.py")):
            if path and path.is_file():
                return path
    return None


def _imported(source: bytes) -> Iterator[str]:
    """Names that may be modules; the house has absolute imports only."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
