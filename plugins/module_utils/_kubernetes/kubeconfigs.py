# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several kubeconfigs say together, as kubectl takes them. PRIVATE, can break at any time.

https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class KubeconfigError(Exception):
    """A file that kubectl would not read either; the text is a sentence."""


@dataclass(frozen=True)
class Kubeconfig:
    """One file: what it says under each name."""

    path: Path
    clusters: Mapping[str, Mapping[str, Any]]
    contexts: Mapping[str, Mapping[str, Any]]
    users: Mapping[str, Mapping[str, Any]]
    current: str

    @property
    def is_empty(self) -> bool:
        return not (self.clusters or self.contexts or self.users or self.current)


def listed(text: str) -> list[Path]:
    """Of a list such as KUBECONFIG, each file once and nothing for what is empty."""
    return list(dict.fromkeys(Path(one).expanduser() for one in text.split(os.pathsep) if one))


def read(path: Path) -> Kubeconfig:
    """An empty file says nothing, which is allowed."""
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        parts = {f"{part}s": _named(found, part) for part in ("cluster", "context", "user")}
        return Kubeconfig(path=path, **parts, current=str(found.get("current-context") or ""))
    except OSError as error:
        raise KubeconfigError(f"kubeconfig {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise KubeconfigError(f"kubeconfig {path} is not YAML") from error
    except (AttributeError, TypeError, KeyError) as error:
        raise KubeconfigError(f"kubeconfig {path} has no clusters and contexts") from error


def _named(document: Mapping[str, Any], part: str) -> dict[str, Mapping[str, Any]]:
    return {str(one["name"]): {**(one[part] or {})} for one in document.get(f"{part}s") or ()}


def reach(context: str, files: Sequence[Kubeconfig]) -> tuple[str, list[Path]]:
    """Its server, and the files that say how it is reached: for each name the first that has it."""

    def first(part: str, name: Any) -> Kubeconfig | None:
        return next((file for file in files if str(name) in getattr(file, part)), None)

    holder = first("contexts", context)
    said = holder.contexts[context] if holder else {}
    cluster, user = first("clusters", said.get("cluster")), first("users", said.get("user"))
    server = cluster.clusters[str(said["cluster"])].get("server") if cluster else ""
    return str(server or ""), [file.path for file in files if file in (holder, cluster, user)]


def current_context(kubeconfig: str, environ: Mapping[str, str] | None = None) -> str:
    """kubectl's where several files name one: the first of them. The package kubernetes takes the last.

    Empty where the two take the same, or where a file cannot be read, of which they tell better.
    """
    environ = os.environ if environ is None else environ
    if environ.get("K8S_AUTH_CONTEXT"):
        return ""
    named = [file.current for file in _files(kubeconfig, environ) if file.current]
    return named[0] if len(set(named)) > 1 else ""


def without_empty(kubeconfig: str, environ: Mapping[str, str] | None = None) -> str:
    """The list without files that say nothing. kubectl passes over them, and the package kubernetes refuses them all.

    Empty where none of them is such a file or all are, or where a file cannot be read.
    """
    files = _files(kubeconfig, os.environ if environ is None else environ)
    told = [str(file.path) for file in files if not file.is_empty]
    return os.pathsep.join(told) if len(told) < len(files) else ""


def _files(kubeconfig: str, environ: Mapping[str, str]) -> list[Kubeconfig]:
    """None where one of them cannot be read: kubectl and the package kubernetes tell of it."""
    paths = listed(kubeconfig or environ.get("K8S_AUTH_KUBECONFIG") or environ.get("KUBECONFIG", ""))
    try:
        return list(map(read, there(paths)))
    except KubeconfigError:
        return []


def there(paths: Iterable[Path]) -> list[Path]:
    """A file that is missing is passed over."""
    return [path for path in paths if path.exists()]
