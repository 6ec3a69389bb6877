# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every sentence and heading of a report, by key, in each language. PRIVATE, can break at any time.

catalogue.py puts them into words; each other file has the texts of one part of a report in all languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

# A text, or one for each plural form of the language.
Text: TypeAlias = "str | Mapping[str, str]"
Texts = Mapping[str, Mapping[str, Text]]
