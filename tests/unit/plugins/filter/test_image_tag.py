# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter as templates call it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.tfscale.study.plugins.filter import image_tag
from ansible_collections.tfscale.study.plugins.plugin_utils.image_tag import image_tag as tag_of

ROOT = Path(__file__).parents[4]


def test_filters_names_the_filter_that_is_documented() -> None:
    filters = image_tag.FilterModule().filters()
    assert list(filters) == [yaml.safe_load(image_tag.DOCUMENTATION)["name"]]
    assert filters["image_tag"](str(ROOT)) == tag_of(ROOT, {})
    assert filters["image_tag"](str(ROOT), arguments={"BASE_IMAGE": "x"}) == tag_of(ROOT, {"BASE_IMAGE": "x"})


def test_tag_without_sources_fails_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        AnsibleFilterError, match=r"image_source_dir is .*: it has no folder docker; give .* own folder\.$"
    ):
        image_tag.tag(str(tmp_path))
