# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look of a page: its rules hold together."""

from __future__ import annotations

import re

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report.page import script, style

VARIABLE = re.compile(r"var\((--[a-z]+)\)")


def blocks(style: str) -> list[str]:
    """The declarations of every :root rule."""
    return re.findall(r":root \{(.*?)\}", style, re.DOTALL)


def luminance(color: str) -> float:
    red, green, blue = (int(color[n : n + 2], 16) / 255 for n in (1, 3, 5))
    return float(0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2)


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def palette(scheme: int) -> dict[str, str]:
    return dict(re.findall(r"(--[a-z]+): (#[0-9a-f]{6});", blocks(style.STYLE)[scheme]))


def test_style_defines_every_variable_in_both_schemes() -> None:
    light, dark = blocks(style.STYLE)
    for name in set(VARIABLE.findall(style.STYLE)):
        assert f"{name}:" in light, name
        assert f"{name}:" in dark, name


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["--ground", "--card"])
@pytest.mark.parametrize(("ink", "least"), [("--ink", 7.0), ("--soft", 4.5), ("--accent", 4.5)])
def test_style_can_be_read_as_wcag_asks(scheme: int, ground: str, ink: str, least: float) -> None:
    colors = palette(scheme)
    assert contrast(colors[ink], colors[ground]) >= least


@pytest.mark.parametrize("light", sorted(set(style.DARK) - {"#e4e7eb", "#9aa4b0", "#b8b8b8"}))
def test_dark_shades_stand_out_from_dark_ground(light: str) -> None:
    assert contrast(style.DARK[light], palette(1)["--card"]) >= 4.5


def test_dark_shades_stay_apart() -> None:
    assert len(set(style.DARK.values())) == len(style.DARK)


def test_dark_rules_repaint_only_on_screens() -> None:
    rules = style.dark_rules()
    assert rules.startswith("@media screen and (prefers-color-scheme: dark)")
    assert rules.count("{") == rules.count("}") == 1 + 2 * len(style.DARK)


@pytest.mark.parametrize("text", [style.STYLE, style.dark_rules()], ids=["style", "dark rules"])
def test_style_closes_what_it_opens_and_fetches_nothing(text: str) -> None:
    assert text.count("{") == text.count("}")
    assert not re.search(r"url\(|@import|</", text)


def test_policy_allows_nothing_from_outside() -> None:
    sources = dict(rule.strip().split(" ", 1) for rule in script.POLICY.split(";"))
    assert sources["default-src"] == "'none'"
    assert not any("http" in value or "*" in value or "eval" in value for value in sources.values())
