# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a Helm chart of objects as they are."""

from __future__ import annotations

import io
import json
import math
import re
import uuid
from collections.abc import Callable
from typing import Any

import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._common.words import helm_value
from ansible_collections.tfscale.study.plugins.plugin_utils.helm_chart import Repeated, Template, chart, repeated

DOCUMENTATION = r"""
name: helm_chart
short_description: A Helm 3 chart of a long-running training
version_added: 0.3.0
description:
  - Turns the objects of a training, as the API server returns them, into the files of a chart. With its default values it renders
    to the same objects.
positional: _input
options:
  _input:
    description: The objects.
    type: list
    elements: dict
    required: true
  name:
    description: Name of the training, which becomes that of the chart.
    type: str
    required: true
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Show the files of a chart
  ansible.builtin.debug:
    msg: "{{ found.resources | tfscale.study.helm_chart(name='mnist') }}"
"""

RETURN = r"""
_value:
  description: Text of each file, by its path in the chart's folder.
  type: dict
"""


# What Helm takes for its own in any text, and the same in YAML's double quotes.
HELM_S = {"{{": r"{\x7b", "<no value>": r"<no\x20value>"}


class ChartDumper(yaml.SafeDumper):  # type: ignore[misc]
    """Puts into quotes what Helm would not take for the text that it is; its templates are set aside."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.mark = f"template{uuid.uuid4().hex}n"
        self.templates: list[str] = []

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - a chart has none
        return True

    def text(self, text: str) -> Any:
        is_text = isinstance(helm_value(text), str) and not any(word in text for word in HELM_S)
        return self.represent_scalar(self.DEFAULT_SCALAR_TAG, text, style=None if is_text else '"')

    def template(self, template: Template) -> Any:
        self.templates.append(template)
        return self.represent_scalar(self.DEFAULT_SCALAR_TAG, f"{self.mark}{len(self.templates) - 1}n")


ChartDumper.add_representer(str, ChartDumper.text)
ChartDumper.add_representer(Template, ChartDumper.template)


def helm_chart(objects: list[dict[str, Any]], name: str) -> dict[str, str]:
    try:
        # Ansible's texts carry where they come from, which YAML cannot write.
        files = chart(str(name), json.loads(json.dumps(objects)))
    except InputError as error:
        # Ansible would add the cause to the message once more.
        raise AnsibleFilterError(f"{error}.") from None
    return {path: _text(path, content) for path, content in files.items()}


def _text(path: str, content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, Repeated):
        return repeated(content.kind, _text(path, content.document))
    file = io.StringIO()
    dumper = ChartDumper(file, sort_keys=False, width=math.inf)
    dumper.open()
    dumper.represent(content)
    dumper.close()
    text = file.getvalue()
    if not path.startswith("templates/"):
        return text
    for word, escaped in HELM_S.items():
        text = text.replace(word, escaped)
    return re.sub(f"{dumper.mark}([0-9]+)n", lambda mark: dumper.templates[int(mark[1])], text)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"helm_chart": helm_chart}
