# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a report, a file for each kind. PRIVATE, can break at any time.

figure.py has the look that they share, lines.py the axes of counts, drawing.py makes them SVG, page_order.py lists them all.
"""
