"""Settings of the site: ``python -m sphinx -W --keep-going -b html docs docs/_build``."""

from __future__ import annotations

import os
import re
import sys
import warnings
from pathlib import Path

# before torch is imported: each example is to run on one core
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

import _chooser
import _pages
import matplotlib

import sklearn_ssl

matplotlib.use("Agg")
_pages.write_copies()

project = "sklearn_ssl"
author = "the sklearn_ssl developers"
copyright = author
version = release = sklearn_ssl.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "examples", "Thumbs.db"]
templates_path = ["_templates"]
default_role = "literal"
nitpicky = False

# sections of what is written in the root have anchors as on GitHub
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist", "attrs_block"]

autosummary_generate = True
autodoc_default_options = {"members": True, "inherited-members": True, "member-order": "alphabetical"}
autodoc_typehints = "none"  # the help says it in words
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

copybutton_exclude = ".linenos, .gp, .go"

# python -m sphinx -b linkcheck -D plot_gallery=0 docs docs/_build/links
linkcheck_timeout, linkcheck_retries, linkcheck_workers = 20, 3, 8
linkcheck_anchors = False  # many sites make theirs by scripts
linkcheck_ignore = [r"https://doi\.org/.*"]  # publishers refuse what is no browser
linkcheck_report_timeouts_as_broken = False

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_ssl"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "github_url": _pages.REPOSITORY,
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    "show_prev_next": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-light",
    "pygments_dark_style": "a11y-dark",
}
html_sidebars = {"index": [], "chooser": [], "glossary": [], "results": []}

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    # examples of more than a minute are named slow_*.py; all run with -D sphinx_gallery_conf.filename_pattern=/
    "ignore_pattern": r"__init__\.py",
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "api/backreferences",
    "doc_module": ("sklearn_ssl",),
    "reference_url": {"sklearn_ssl": None},
    "abort_on_example_error": False,
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "plot_gallery": "True",
    "min_reported_time": 1,
    "matplotlib_animations": False,
    "image_scrapers": ("matplotlib",),
    "show_memory": False,
}


def skip(app, what, name, obj, skip, options):
    """Leave out what classes have from other libraries, whose help refers to pages of their sites."""
    function = getattr(obj, "fget", None) or getattr(obj, "func", None) or obj
    origin = getattr(function, "__module__", None) or ""
    ours = origin.startswith("sklearn_ssl") or not callable(function)
    return skip if ours and not name.startswith("_") else True


# fitted attributes in prose and in types, but not in literals, nor where an entry begins, which numpydoc reads
FITTED = re.compile(r"(``.*?``|`.*?`|\S*\[\d+\]_)|(?<=[^\w`>.])([A-Za-z]\w*)_(?![\w`])")


def escape(app, what, name, obj, options, lines):
    """Escape the underscore at the end of fitted attributes: in reStructuredText it makes a link."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[i] = FITTED.sub(lambda found: found[1] or f"{found[2]}\\_", line)


def relink(app, docname, source):
    """Make links to other files of the repository work on the site, and code that names a class a link to its help."""
    page = f"{docname}.md"
    if page not in _pages.COPIED and (Path(app.srcdir) / page).is_file():
        text = _chooser.filled(source[0]) if docname == "chooser" else source[0]
        source[0] = _pages.with_reference(_pages.relinked(text, f"docs/{page}", page))


def setup(app):
    """Connect the above."""
    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-docstring", escape, priority=100)  # before numpydoc
    app.connect("source-read", relink)
    warnings.filterwarnings("ignore", message=".*FigureCanvasAgg is non-interactive.*")
