# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a framework has no ps, reports speak of processes, in each language."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import LANGUAGES, Catalogue
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.processes import INSTEAD

from .test_catalogue import forms, places

JAX: dict[str, Any] = {"framework": "jax", "workers": 2, "ps": 0}


@pytest.mark.parametrize("code", LANGUAGES)
def test_each_text_stands_in_the_place_of_one_with_workers(code: str) -> None:
    texts = LANGUAGES[code].texts
    assert set(INSTEAD[code]) == set(INSTEAD["en"]) <= set(texts)
    for key, text in INSTEAD[code].items():
        assert places(text) == places(texts[key]), key
        assert isinstance(text, str) == isinstance(texts[key], str)
        assert all("worker" in form.lower() for form in forms(texts[key])), key
        assert not any("worker" in form.lower() for form in forms(text)), key


@pytest.mark.parametrize(
    ("code", "said"), [("en", ["1 process", "4 processes"]), ("pl", ["1 procesem", "4 procesami"])]
)
def test_of_cells_without_ps(code: str, said: list[str]) -> None:
    say = Catalogue(code).of([JAX, {**JAX, "workers": 4}])
    assert [say("part_workers", n=n) for n in (1, 4)] == said


@pytest.mark.parametrize("others", [[], [{"workers": 2}], [JAX, {"workers": 2}], [{**JAX, "processes_per_worker": 2}]])
def test_of_cells_with_workers(others: list[dict[str, Any]]) -> None:
    assert Catalogue("en").of(others)("part_workers", n=2) == "2 workers"
