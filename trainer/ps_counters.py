# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The use of each ps during the training, read by the chief.

A ps serves without knowing of start and end. Operations on its device read its own /proc and cgroup, so that the chief looks at
all ps in one call: before it lets the workers start, and after its clock has stopped. No step waits for a look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow.compat.v1 as tf

from trainer.config import Config
from trainer.counters import CGROUP_FILES, CGROUPS, MEMBERSHIP, PROCESS_FILES, Counters, cgroup_folders

# More lines than the files have on any machine; a larger number would reserve memory.
MOST_LINES = 1 << 13
BUFFER_BYTES = 1 << 18


class PsCounters:
    """Operations that read the counters of every ps, in the current graph. Of any other worker than the chief there are none."""

    def __init__(self, config: Config) -> None:
        self._reading: list[_Reading] = []
        for number in range(len(config.ps_hosts) if config.is_chief else 0):
            with tf.device(f"/job:ps/task:{number}/cpu:0"):
                self._reading.append(_Reading())
        self._cgroups: list[str] = []
        self._before: list[Counters] = []

    def begin(self, session: Any) -> None:
        try:
            self._cgroups = self._find_cgroups(session)
            self._before = self._look(session)
        except tf.errors.OpError:
            # A training is not lost for its counters; a lost ps shows in its next step.
            self._before = []

    def used(self, session: Any) -> list[dict[str, Any]]:
        """Return the use of each ps since `begin`; empty if it cannot be read."""
        try:
            after = self._look(session) if self._before else []
        except tf.errors.OpError:
            return []
        return [now.used_since(before) for now, before in zip(after, self._before, strict=True)]

    def _find_cgroups(self, session: Any) -> list[str]:
        memberships = self._read(session, [[str(MEMBERSHIP)]] * len(self._reading))
        candidates = [[str(folder) for folder in cgroup_folders(lines)] for lines in memberships]
        signs = [[f"{folder}/{CGROUP_FILES[0]}" for folder in folders] for folders in candidates]
        feed = {one.files: names for one, names in zip(self._reading, signs, strict=True)}
        found = session.run([one.existing for one in self._reading], feed)
        there = [{name.decode() for name in names} for names in found]
        return [
            next((folder for folder in folders if f"{folder}/{CGROUP_FILES[0]}" in names), str(CGROUPS))
            for folders, names in zip(candidates, there, strict=True)
        ]

    def _look(self, session: Any) -> list[Counters]:
        files = [[*PROCESS_FILES, *(f"{folder}/{name}" for name in CGROUP_FILES)] for folder in self._cgroups]
        looks = [Counters.of(lines) for lines in self._read(session, files)]
        for look, folder in zip(looks, self._cgroups, strict=True):
            look.cgroup = folder
        return looks

    def _read(self, session: Any, files: Sequence[Sequence[str]]) -> list[list[str]]:
        feed = {one.files: names for one, names in zip(self._reading, files, strict=True)}
        found = session.run([one.lines for one in self._reading], feed)
        return [[line.decode("utf-8", "replace") for line in lines] for lines in found]


class _Reading:
    """The lines of those files that exist on the current device. Raw operations: TensorFlow's own way imports more modules."""

    def __init__(self) -> None:
        shape = {"output_types": [tf.string], "output_shapes": [[None]]}
        self.files = tf.placeholder(tf.string, [None])
        self.existing = tf.raw_ops.MatchingFiles(pattern=self.files)
        dataset = tf.raw_ops.TextLineDataset(
            filenames=self.existing, compression_type="", buffer_size=tf.constant(BUFFER_BYTES, tf.int64)
        )
        whole = tf.raw_ops.BatchDatasetV2(
            input_dataset=dataset, batch_size=tf.constant(MOST_LINES, tf.int64), drop_remainder=False, **shape
        )
        (self.lines,) = tf.raw_ops.DatasetToSingleElement(dataset=whole, **shape)
