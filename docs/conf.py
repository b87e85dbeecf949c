"""How Sphinx builds these pages; they work from disk and ask the network for nothing."""

from importlib.metadata import version as installed_version
from pathlib import Path

from sphinx.errors import ConfigError

if not (Path(__file__).parent / "generated" / "run.md").exists():
    raise ConfigError("docs/generated is missing: run `make docs`, or docs/generate.py REPORT.json docs/generated")

project = "orbitgap"
author = "The orbitgap developers"
version = release = installed_version("orbitgap")

extensions = ["myst_parser", "sphinx-mathjax-offline", "sphinx_copybutton"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
smartquotes = False  # D' is a transpose and -- is two signs
nitpicky = True
exclude_patterns = ["_build"]  # what Sphinx itself writes; every other page is built

html_theme = "furo"
html_title = f"orbitgap {release}"
html_static_path = ["_static"]
html_css_files = ["orbitgap.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
