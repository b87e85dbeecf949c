"""What Sphinx should know of the docstrings here: short names of array types, and notes on data that hold a colon."""

from __future__ import annotations

import re
from collections.abc import Mapping

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

ARRAY = re.compile(r"~?numpy\.ndarray\[tuple\[~typing\.Any, \.\.\.\], ~numpy\.dtype\[([^\[\]]*)\]\]")
ALIAS = re.compile(r"TypeAliasForwardRef\('(\w+)'\)")
DOTTED = re.compile(r"(?<![~\w.])(?=\w+\.\w)")
LONGEST = 120
"""Characters of a value that is shown."""
HIDDEN = "\N{INFORMATION SEPARATOR ONE}"
"""A character that no docstring has."""
TYPES = {"type", "rtype", "vartype"}
"""The fields of a description that hold a type."""


def setup(app: Sphinx) -> Mapping[str, bool]:
    """Called by Sphinx: work before napoleon reads a docstring and after autodoc has added the types."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", hide_colons, priority=400)
    app.connect("autodoc-process-docstring", show_colons, priority=600)
    app.connect("object-description-transform", short_types, priority=600)
    app.connect("object-description-transform", short_values)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def hide_colons(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Keep napoleon from reading a type into ``Shapes of the weights: the filter, the bias``."""
    if what in ("attribute", "data", "property") and lines:
        lines[0] = lines[0].replace(":", HIDDEN)


def show_colons(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Put the colons back."""
    lines[:] = [line.replace(HIDDEN, ":") for line in lines]


def short_types(app: Sphinx, domain: str, objtype: str, content: nodes.Element) -> None:
    """Write ``NDArray[float64]`` and ``ArrayLike`` as the source does."""
    for field in content.findall(nodes.field):
        if field[0].astext().split()[0] in TYPES:
            for found in list(field[1].findall(nodes.Text)):
                found.parent.replace(found, nodes.Text(short(found.astext())))


def short_values(app: Sphinx, domain: str, objtype: str, content: nodes.Element) -> None:
    """Leave out the value of a constant where it is long; its note says what it is."""
    for found in list(content.parent[0].findall(addnodes.desc_annotation)):
        if found.astext().startswith(" = ") and len(found.astext()) > LONGEST:
            found.parent.remove(found)


def short(annotation: str) -> str:
    """An annotation without what numpy's aliases stand for, and without the modules of its names."""
    return DOTTED.sub("~", ALIAS.sub(r"\1", ARRAY.sub(r"~numpy.typing.NDArray[\1]", annotation)))
