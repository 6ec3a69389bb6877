# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker at the moment when it tells its controller something, and that moment made long."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[str], variables: Any = None, **options: Any) -> list[str]:
        with Display()._final_q._wlock:
            Path(terms[0], "moment").touch()
            time.sleep(60)
        return []
