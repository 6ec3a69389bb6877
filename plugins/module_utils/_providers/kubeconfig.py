# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubeconfig of a cluster that is made here: a file for this cluster alone, replaced and removed with it. PRIVATE, can break at any time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .._common import files
from .._common.errors import InputError
from .._study.design.inputs import check_folder

PARTS = ("clusters", "users", "contexts")


def check(path: Path, context: str) -> None:
    """It must not be anybody else's: `context` is the only name that it may know, of a cluster, a user or a context."""
    check_folder("cluster_kubeconfig", os.path.dirname(os.path.abspath(path)))
    if path.resolve() == Path("~/.kube/config").expanduser().resolve():
        why = "which is not this cluster's alone"
    elif not os.path.lexists(path):
        return
    elif path.is_symlink() or not path.is_file():
        why = "which is no plain file"
    else:
        why = _foreign(path, context)
    if why:
        raise InputError(
            f"cluster_kubeconfig is {str(path)!r}, {why}: give a file of its own, which may be removed with the cluster"
        )


def load(text: str) -> dict[str, Any]:
    """A kubeconfig; ValueError says what else it is. PyYAML takes the last of two keys, behind which another one would hide."""
    import yaml

    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        found: Any = yaml.safe_load(text) if len(documents) == 1 else None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError("cannot be read as YAML") from error
    if len(documents) > 1:
        raise ValueError(f"holds {len(documents)} documents")
    if twice := next((key for node in documents for key in _said_twice(node)), ""):
        raise ValueError(f"says {twice} twice")
    if not _is_kubeconfig(found):
        raise ValueError("holds no kubeconfig")
    return dict(found)


def _foreign(path: Path, context: str) -> str:
    """Why it is not this cluster's alone; empty when it is."""
    try:
        found = load(path.read_text(encoding="utf-8"))
    except OSError as error:
        return f"which cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        return "which cannot be read as text"
    except ValueError as error:
        return f"which {error}"
    names = [one["name"] for part in PARTS for one in found[part]]
    names += [found["current-context"]] if found.get("current-context") else []
    others = sorted({str(name) for name in names if name != context})
    return f"which knows {', '.join(others)}, so it is not this cluster's alone" if others else ""


def _is_kubeconfig(found: Any) -> bool:
    """https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ with something in it."""
    return (
        isinstance(found, Mapping)
        and found.get("kind") == "Config"
        and all(isinstance(found.get(part), list) and found[part] for part in PARTS)
        and all(isinstance(one, Mapping) and "name" in one for part in PARTS for one in found[part])
    )


def _said_twice(root: Any) -> Iterator[str]:
    """Keys that a mapping has more than once, in nodes of PyYAML; an anchor may lead back, so each is looked at once."""
    left, seen = [root], set()
    while left:
        node = left.pop()
        if id(node) in seen or not isinstance(node.value, list):
            continue
        seen.add(id(node))
        if node.id == "mapping":
            keys = [str(key.value) for key, _value in node.value]
            yield from (key for key in keys if keys.count(key) > 1)
        left += [value[1] if node.id == "mapping" else value for value in node.value]


def write(path: Path, text: str) -> bool:
    """For nobody else to read, for it may hold a key, and never half; False when it says so already."""
    if path.exists() and path.read_text(encoding="utf-8").strip() == text.strip():
        return False
    files.replace(path, text.encode(), secret=True)
    return True
