"""The documentation site: Sphinx with Furo; `make docs` builds it, without any network."""

import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from exporter import __version__  # noqa: E402 - the path comes first

project = "mobile-export"
author = "the authors of mobile-export"
release = version = __version__
project_copyright = f"{date.today().year}, {author}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
exclude_patterns = ["ARCHITECTURE.md"]

# Options are typed with two hyphens, and docstrings have code in single quotes.
smartquotes = False
default_role = "code"

myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"mobile-export {__version__}"
html_copy_source = False
html_show_sourcelink = False
