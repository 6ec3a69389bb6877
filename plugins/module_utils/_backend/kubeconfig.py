# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubeconfig of a cluster that is made here: a file for this cluster alone, replaced and removed with it. PRIVATE, can break at any time."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from ansible_collections.tfscale.study.plugins.module_utils._study.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.inputs import check_folder

# As YAML and as JSON.
CURRENT = re.compile(r'^\s*"?current-context"?: *"?([^\s",]*)', re.MULTILINE)


def check(path: Path, context: str) -> None:
    """It must not be anybody else's; `context` is the only one that it may know."""
    check_folder("cluster_kubeconfig", os.path.dirname(os.path.abspath(path)))
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    others = set(CURRENT.findall(text)) - {"", context}
    if others or path.resolve() == Path("~/.kube/config").expanduser().resolve():
        raise InputError(
            f"cluster_kubeconfig is {str(path)!r}, which is not this cluster's alone: give a file that may be removed with it"
        )


def write(path: Path, text: str) -> bool:
    """For nobody else to read, for it may hold a key, and never half; False when it says so already."""
    if path.exists() and path.read_text(encoding="utf-8").strip() == text.strip():
        return False
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(name, path)
    return True
