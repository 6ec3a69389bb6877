# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of YAML: lists and mappings from a survey or `-e name=value`, and manifests. PRIVATE, can break at any time.

The former mean what the same text means in an inventory: YAML 1.1, in which `no` is false, `1:30` is 90 and `1e3` is a word.
"""

from __future__ import annotations

import json
from typing import Any


def structure(value: Any) -> Any:
    """The list or mapping that a text writes down; whatever else it is stays as it was, for a check to refuse."""
    if not isinstance(value, str):
        return value
    # Ansible brings it; the only thing here that is not of the standard library.
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Without references: a list that holds itself is no input."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("a reference")
            return super().compose_node(parent, index)

    try:
        found = yaml.load(value, Loader)  # noqa: S506 - it is a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
        return value
    return found if isinstance(found, (list, dict)) else value


def documents(text: str) -> list[Any]:
    """The documents of a text whose values were written as JSON.

    JSON writes an emoji as two halves. Libyaml, and with it Ansible, refuses these; Python's own loader reads them, and JSON joins them.
    The one character that JSON leaves as it is and YAML refuses is DEL. A key has at most the 1,024 characters that YAML allows.
    """
    import yaml

    read = yaml.load_all(text.replace("\x7f", r"\u007f"), yaml.SafeLoader)
    found: list[Any] = json.loads(json.dumps(list(read)))
    return found
