"""How Sphinx builds these pages; they work from disk and ask the network for nothing."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

from sphinx.errors import ConfigError

if not (Path(__file__).parent / "generated" / "run.md").exists():
    raise ConfigError("docs/generated is missing: run `make docs`, or docs/generate.py REPORT.json docs/generated")

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "orbitgap"
author = "The orbitgap developers"
version = release = installed_version("orbitgap")

extensions = [
    "docstrings",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
myst_ref_domains = ["std"]  # (#run) is a label of a page, not a function of that name
smartquotes = False  # D' is a transpose and -- is two signs
nitpicky = True
# Docstrings name things of other packages, too, and use `...` for any code; what is ours has to be there.
OURS = r"(theory|sims|verify)\."
nitpick_ignore_regex = [("py:obj", rf"(?!{OURS}).*"), ("py:.*", rf"(?!{OURS})[\w.]+")]
exclude_patterns = ["_build"]  # what Sphinx itself writes; every other page is built

# Docstrings: types stand beside the arguments; `name` is code, and a link where it is the name of a documented thing.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_typehints_description_target = "documented_params"
autodoc_type_aliases = {"ArrayLike": "ArrayLike"}
add_module_names = False
napoleon_google_docstring, napoleon_numpy_docstring = True, False
napoleon_use_ivar = True

templates_path = ["_templates"]
# The button of a code block copies what one types, without prompts and without what is printed.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"orbitgap {release}"
html_static_path = ["_static"]
html_css_files = ["orbitgap.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_search_summary = False
