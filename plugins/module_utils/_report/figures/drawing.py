# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as SVG: small, the same every time, each mark with its tooltip. PRIVATE, can break at any time."""

from __future__ import annotations

import html
import re

from ..messages.catalogue import ENGLISH, Catalogue
from .figure import FONT, Figure

# A mark with a description, as the renderer of Vega writes it. An attribute holds no quotation mark and no bracket.
MARK = re.compile(r'<path aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="[^"]*"([^<>]*)/>')
# For readers of screens a figure is one image, and the table beside it has the numbers.
PARTS = re.compile(r' (?:role="graphics-[a-z]+"|aria-roledescription="[^"]*"|aria-label="[^"]*"|aria-hidden="true")')
FORMS = re.compile(r'<path class="(?:fore|back)ground"[^<>]*/>')
CLIP = re.compile(r"(?<= id=\")clip\d+(?=\")|(?<=url\(#)clip\d+(?=\)\")")
NUMBER = re.compile(r"(?<=[\d,(MLAhv -])(-?\d+\.\d{2})\d+")


def svg_of(figure: Figure, say: Catalogue = ENGLISH) -> str:
    """A mark has its tooltip as an element `title`, which every viewer of SVG shows."""
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(figure.spec, format_locale=dict(say.language.axes))
    drawn = PARTS.sub("", MARK.sub(r"<path\2><title>\1</title></path>", FORMS.sub("", drawn)))
    drawn = drawn.replace(f' font-family="{FONT}"', "").replace(' pointer-events="none"', "")
    named = f'<svg role="img" aria-label="{html.escape(figure.title)}" font-family="{FONT}" '
    return _own_ids(drawn.replace("<svg ", named, 1), figure.name)


def _own_ids(drawn: str, name: str) -> str:
    """Vega counts clip paths on from one drawing to the next; here each has ids of its own, the same every time.

    Only where an id stands: a label may be called clip1.
    """
    found: dict[str, str] = {}
    return CLIP.sub(lambda match: found.setdefault(match[0], f"{name}-clip{len(found)}"), drawn)
