# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tag changes with whatever decides what is in the image, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.plugin_utils.image_tag import image_tag


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for name, text in (("docker/Dockerfile", "FROM x"), ("trainer/model.py", "a"), ("trainer/presets/fast.py", "b")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_image_tag_is_a_tag_and_stays(sources: Path) -> None:
    tag = image_tag(sources, {})
    assert len(tag) == 12
    assert int(tag, 16) >= 0
    assert image_tag(str(sources), {}) == tag


def test_image_tag_is_the_same_in_another_folder(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "copy"
    sources.rename(other)
    moved = image_tag(other, {})
    other.rename(sources)
    assert moved == image_tag(sources, {})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docker/Dockerfile", "FROM y"),
        ("docker/prune.py", ""),
        ("trainer/model.py", "ab"),
        ("trainer/presets/fast.py", ""),
        ("trainer/new.py", ""),
    ],
)
def test_image_tag_changes_with_a_source(sources: Path, name: str, text: str) -> None:
    before = image_tag(sources, {})
    (sources / name).write_text(text)
    assert image_tag(sources, {}) != before


@pytest.mark.parametrize(
    "name", ["trainer/__pycache__/model.cpython-311.pyc", "trainer/old.pyc", "README.md", "plugins/x.py"]
)
def test_image_tag_does_not_change_with_anything_else(sources: Path, name: str) -> None:
    before = image_tag(sources, {})
    (sources / name).parent.mkdir(exist_ok=True)
    (sources / name).write_text("x")
    assert image_tag(sources, {}) == before


def test_image_tag_names_and_contents_do_not_run_together(sources: Path) -> None:
    before = image_tag(sources, {})
    (sources / "trainer/model.py").rename(sources / "trainer/model.pya")
    (sources / "trainer/model.pya").write_text("")
    assert image_tag(sources, {}) != before


def test_image_tag_changes_with_an_argument_that_is_given(sources: Path) -> None:
    plain = image_tag(sources, {})
    assert image_tag(sources, {"BASE_IMAGE": "", "BUILD_IMAGE": ""}) == plain
    one, other = ({name: "python:3.12"} for name in ("BASE_IMAGE", "BUILD_IMAGE"))
    assert len({plain, image_tag(sources, one), image_tag(sources, other)}) == 3
    assert image_tag(sources, {"BASE_IMAGE": "a", "BUILD_IMAGE": "b"}) == image_tag(
        sources, {"BUILD_IMAGE": "b", "BASE_IMAGE": "a"}
    )


def test_image_tag_without_sources_is_a_sentence(sources: Path) -> None:
    (sources / "docker/Dockerfile").unlink()
    (sources / "docker").rmdir()
    with pytest.raises(
        InputError, match=r"image_source_dir is '.*': it has no folder docker; give the collection's own"
    ):
        image_tag(sources, {})


def test_image_tag_of_our_own_sources() -> None:
    assert len(image_tag(Path(__file__).parents[4], {})) == 12


def test_image_tag_is_of_the_words_that_the_build_is_given(sources: Path) -> None:
    assert image_tag(sources, {"A": True}) == image_tag(sources, {"A": "true"}) != image_tag(sources, {"A": "True"})
    assert image_tag(sources, {"A": None}) == image_tag(sources, {})
