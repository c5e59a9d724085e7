"""Sphinx configuration: MyST pages, docstrings by autodoc, doctests run, warnings are errors."""

import shutil
from importlib.metadata import version as installed_version
from pathlib import Path

import neural_style

project = "neural_style"
author = "The neural_style authors"
copyright = "2026, the neural_style authors"
release = installed_version("neural-style-gatys")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
myst_enable_extensions = ["dollarmath", "attrs_inline"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
default_role = "code"
nitpicky = False
exclude_patterns = ["_build"]

# docs/internals.md has a generated page for every module, without the names that docs/api.md has.
shutil.rmtree(Path(__file__).parent / "modules", ignore_errors=True)  # pages of modules that are gone
templates_path = ["_templates"]
autosummary_context = {"public": ", ".join(neural_style.__all__)}

doctest_test_doctest_blocks = ""  # docstrings run under pytest, in their own modules
doctest_global_setup = """
import torch
from neural_style import *
from neural_style.losses.equations import *
from neural_style.losses.sums import *
"""
html_theme = "furo"
html_title = "neural_style"
