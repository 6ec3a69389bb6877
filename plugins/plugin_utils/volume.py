# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volume of a training in manifests. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.tfscale.study.plugins.module_utils._common.yaml_text import structure
from ansible_collections.tfscale.study.plugins.module_utils._kubernetes.labels import MANAGED, TRAINING

Values = dict[str, Any]

# On it everything outlives its pods, in every replica at the same place.
MOUNT = "/volume"
VOLUME = "tfscale"


class Volume:
    """The volume on which everything outlives its pods."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given: Mapping[str, Any] = structure(given["volume"]) or {}
        self.is_used = bool(self.given) and bool(boolean(given["uses_volume"], strict=False))
        self.is_ours = bool(self.given) and "claim" not in self.given
        self.is_of_one_node = self.is_used and "ReadWriteMany" not in self.given.get("access_modes", ())
        self.name = given["name"]

    @property
    def claim(self) -> Values:
        spec: Values = {"accessModes": self.given.get("access_modes", ["ReadWriteOnce"])}
        if self.is_ours:
            spec["resources"] = {"requests": {"storage": self.given["size"]}}
        if self.given.get("storage_class"):
            spec["storageClassName"] = self.given["storage_class"]
        return {
            "name": self.given.get("claim", self.name),
            "labels": {**MANAGED, TRAINING: self.name},
            "spec": spec,
        }

    @property
    def volumes(self) -> list[Values]:
        return [{"name": VOLUME, "persistentVolumeClaim": {"claimName": self.claim["name"]}}] if self.is_used else []

    @property
    def mounts(self) -> list[Values]:
        return [{"name": VOLUME, "mountPath": MOUNT}] if self.is_used else []
