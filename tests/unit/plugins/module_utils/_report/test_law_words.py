# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reason for which laws do not speak, and every law, can be said."""

from __future__ import annotations

import inspect
import re

from ansible_collections.tfscale.study.plugins.module_utils._report import law_words
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import laws, prediction
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import law_choice, scaling_laws


def test_every_reason_that_the_code_gives_has_words_and_no_other() -> None:
    codes = set()
    for module in (law_choice, laws, prediction):
        for given in re.findall(r"Reason\(([^,{\n]+)", inspect.getsource(module)):
            codes |= {getattr(module, name) for name in re.findall(r"[A-Z_]{3,}", given)}
    assert codes == set(law_words.WORDS)


def test_every_law_has_a_name() -> None:
    known = {scaling_laws.AMDAHL, scaling_laws.USL, scaling_laws.PS_AWARE, scaling_laws.QUEUEING}
    assert set(law_words.NAMES) == known
