# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tag of the trainer's image: a hash of all that decides what is in it. PRIVATE, can break at any time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._common.words import words

FOLDERS = ("docker", "trainer")
DIGITS = 12


def image_tag(source_dir: str | Path, arguments: Mapping[str, Any]) -> str:
    """A digest of the sources' names and contents and of the build's arguments; known before anything is built."""
    digest = hashlib.sha256()
    for name, content in [*_sources(Path(source_dir)), *_given(arguments)]:
        for part in (name.encode(), content):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()[:DIGITS]


def _given(arguments: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """An argument that is not given is the Dockerfile's own, which is hashed already."""
    for name, given in sorted(words(arguments).items()):
        if given:
            yield f"={name}", given.encode()


def _sources(root: Path) -> Iterator[tuple[str, bytes]]:
    for folder in FOLDERS:
        if not (root / folder).is_dir():
            raise InputError(
                f"image_source_dir is {str(root)!r}: it has no folder {folder}; give the collection's own folder"
            )
        for path in sorted((root / folder).rglob("*")):
            # Compiled files come and go with every test.
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                yield path.relative_to(root).as_posix(), path.read_bytes()
