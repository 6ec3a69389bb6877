# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as SVG: the same every time, with tooltips, without markup of a ledger, without a style of their own."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from ansible_collections.tfscale.study.plugins.module_utils._report.figures import drawing
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import Catalogue
from ansible_collections.tfscale.study.plugins.module_utils._report.page import style

from tests.fixtures import ledgers
from tests.fixtures.figures import figures, figures_of
from tests.fixtures.ledgers import SPEC, space

SVG = "{http://www.w3.org/2000/svg}"


def test_svg_of_is_the_same_every_time() -> None:
    first, second = (drawing.svg_of(figures_of(ledgers.mnist())["speed-up-by-workers"]) for _repeat in range(2))
    assert "clip" in first
    assert first == second


def test_svg_of_has_a_tooltip_for_each_run_and_each_median() -> None:
    figure = figures_of(ledgers.mnist())["training-time-by-workers"]
    tree = ET.fromstring(drawing.svg_of(figure))
    told = [title.text or "" for title in tree.iter(f"{SVG}title")]
    assert len([one for one in told if ", block " in one]) == figure.runs == 20
    assert len([one for one in told if ": median " in one]) == 5
    assert tree.attrib["role"] == "img"
    assert tree.attrib["aria-label"] == figure.title


def test_svg_of_has_the_numbers_of_its_language_on_the_axes() -> None:
    records = [ledgers.record(ledgers.SPEC, block, seconds=0.8) for block in (1, 2, 3)]
    records += [ledgers.record({**ledgers.SPEC, "workers": 2}, block, seconds=0.5) for block in (1, 2, 3)]
    for language, marks in (("en", ["1,000", "0.2"]), ("pl", ["1\u00a0000", "0,2"])):
        drawn = [
            drawing.svg_of(figure, Catalogue(language)) for figure in figures_of(records, language=language).values()
        ]
        assert [mark for mark in marks if not any(f">{mark}<" in one for one in drawn)] == []


def test_svg_of_keeps_markup_of_a_ledger_out() -> None:
    evil = "<script>alert(1)</script>\"'/><title>x</title>"
    specs = [{**SPEC, "cluster": name, "workers": n} for name in (evil, "b") for n in (1, 2)]
    drawings = [drawing.svg_of(figure) for figure in figures(specs).values()]
    assert any("&lt;script&gt;" in drawn for drawn in drawings)
    for drawn in drawings:
        tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(drawn).iter()}
        assert tags <= {"svg", "g", "rect", "path", "line", "text", "title", "defs", "clipPath"}
        assert "x" not in [title.text for title in ET.fromstring(drawn).iter(f"{SVG}title")]


def test_every_colour_of_a_figure_has_its_shade_on_dark_ground() -> None:
    for figure in figures_of(ledgers.mnist()).values():
        drawn = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', drawing.svg_of(figure)))
        assert drawn <= set(style.DARK), figure.name


def test_svg_of_refers_to_its_own_clip_paths_and_shares_no_identifier() -> None:
    drawings = [drawing.svg_of(figure) for figure in figures(space(ps=[1, 2], workers=[1, 2])).values()]
    identifiers = [set(re.findall(r'id="([^"]+)"', drawn)) for drawn in drawings]
    assert any(identifiers)
    assert sum(map(len, identifiers)) == len(set().union(*identifiers))
    for drawn, own in zip(drawings, identifiers, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", drawn)) <= own


def test_svg_of_leaves_a_label_that_is_called_as_a_clip_path() -> None:
    found = figures([{**SPEC, "variant": name, "workers": n} for name in ("clip0", "b") for n in (1, 2)])
    assert "variant=clip0" in drawing.svg_of(found["training-time-by-workers"])
