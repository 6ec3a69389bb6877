# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Sphinx for `make docs-site`: these pages, and those that antsibull-docs generates into the folder collection."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

project = "tfscale.study"
html_title = "tfscale.study"
html_theme = "furo"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_heading_anchors = 4

REPOSITORY = "https://github.com/tfscale/study/blob/main/"
SECTION = re.compile(r"^## (.+)\n((?:(?!## ).*\n)*)", re.MULTILINE)
ANSIBLE = "https://docs.ansible.com/ansible/latest/"
ANSIBLE_PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "callback_plugins": "plugins/callback.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
GENERATED = {"Reference": ["collection/index"]}


def navigation(index: str) -> str:
    """Derive the site's tables of contents from the links of each section, so that no page is listed twice."""
    trees = []
    for title, body in SECTION.findall(index):
        pages = [*re.findall(r"\]\(([\w-]+)\.md\)", body), *GENERATED.get(title, [])]
        trees.append("\n".join(["```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```", ""]))
    return "\n".join(trees)


def with_generated_pages(reference: str) -> str:
    """Link each row of a table of plugins or roles to its generated page, which exists in the site only."""
    lines, kind = [], ""
    for line in reference.splitlines(keepends=True):
        if head := re.match(r"\| (\w+) \| what it does", line):
            kind = head[1]
        lines.append(re.sub(r"^\| (`tfscale\.study\.(\w+)`)", rf"| [\1](collection/\2_{kind}.rst)", line))
    return "".join(lines)


def read_page(_app: Sphinx, name: str, source: list[str]) -> None:
    """A link that leads out of docs/ leads to the repository."""
    if not name.startswith("collection/"):
        source[0] = re.sub(r"\]\(\.\./", f"]({REPOSITORY}", source[0])
    if name == "index":
        source[0] += "\n" + navigation(source[0])
    if name == "reference":
        source[0] = with_generated_pages(source[0])


def ansible_reference(
    _app: Sphinx, _env: BuildEnvironment, node: nodes.Element, text: nodes.Element
) -> nodes.Element | None:
    """Generated pages refer to Ansible's own documentation; its inventory is not downloaded, so that the build needs no network."""
    target = node["reftarget"]
    page = ANSIBLE_PAGES.get(target)
    if module := re.fullmatch(r"ansible_collections\.(ansible|community|kubernetes)\.(\w+)\.(\w+)", target):
        page = f"collections/{module[1]}/{module[2]}/{module[3]}.html"
    return nodes.reference("", "", text, refuri=ANSIBLE + page, internal=False) if page else None


def setup(app: Sphinx) -> None:
    app.connect("source-read", read_page)
    app.connect("missing-reference", ansible_reference)
