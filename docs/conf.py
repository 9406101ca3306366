"""Sphinx configuration; `make docs` runs it."""

from importlib.metadata import version as version_of

project = "alignment_toolkit"
author = "the alignment_toolkit authors"
copyright = f"2026, {author}"
version = release = version_of("alignment-toolkit")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
# Pages show what they say; notebooks are executed by the tests.
nb_execution_mode = "off"
autodoc_typehints = "description"

html_theme = "pydata_sphinx_theme"
html_title = "alignment_toolkit"
# A page of the documentation asks no server but its own for anything.
html_theme_options = {"use_edit_page_button": False, "show_prev_next": False}
