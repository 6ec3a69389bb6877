# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error that all checks of input raise. PRIVATE, can break at any time."""

from __future__ import annotations


class InputError(Exception):
    """Bad input; the text is one sentence that names the variable, the value and what is allowed."""
