# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Sphinx for `make docs-site`: these pages, and those that antsibull-docs generates into the folder collection."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

project = "tfscale.study"
html_title = "tfscale.study"
html_theme = "furo"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_heading_anchors = 4
# JSON with a token before it, and sessions whose output is no shell, are not highlighted.
suppress_warnings = ["misc.highlighting_failure"]
highlight_language = "none"

REPOSITORY = "https://github.com/tfscale/study/blob/main/"
SECTION = re.compile(r"^## (.+)\n((?:(?!## ).*\n)*)", re.MULTILINE)
GENERATED = {"Reference": ["collection/index"]}


def navigation(index: str) -> str:
    """Derive the site's tables of contents from the links of each section, so that no page is listed twice."""
    trees = []
    for title, body in SECTION.findall(index):
        pages = [*re.findall(r"\]\(([\w-]+)\.md\)", body), *GENERATED.get(title, [])]
        trees.append("\n".join(["```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```", ""]))
    return "\n".join(trees)


def read_page(_app: Sphinx, name: str, source: list[str]) -> None:
    """A link that leads out of docs/ leads to the repository."""
    if not name.startswith("collection/"):
        source[0] = re.sub(r"\]\(\.\./", f"]({REPOSITORY}", source[0])
    if name == "index":
        source[0] += "\n" + navigation(source[0])


def setup(app: Sphinx) -> None:
    app.connect("source-read", read_page)
