# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All figures of a study, in the order of the page. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Sequence

from ..._study.analysis import model
from ..._study.analysis.laws import Curve
from ..._study.analysis.noise import Noise
from ..messages.catalogue import ENGLISH, Catalogue
from . import accuracy, by_count, costs, noise, search_path, time_spent, utilisation
from .figure import Figure
from .lines import axes_of


def figures_of(
    study: model.Study, floor: Noise, curves: Sequence[Curve] = (), say: Catalogue = ENGLISH
) -> list[Figure]:
    """`floor` is the noise of the study's cells, `curves` are those of all its groups."""
    found: list[Figure] = []
    for axis in axes_of(study.measured, study.factors):
        laws = curves if axis.x == "workers" else ()
        # Only of runs with a target accuracy, and then before all others.
        found += by_count.metric_figures(study, axis, by_count.TO_ACCURACY, say)
        found += by_count.metric_figures(study, axis, by_count.TIME, say, laws)
        if axis.x == "workers":
            found += by_count.metric_figures(study, axis, by_count.SPEED, say)
            found += by_count.speed_up_figures(study, axis, say)
    found += search_path.figures(study, say)
    found += accuracy.figures(study, say)
    found += time_spent.figures(study, say)
    found += utilisation.figures(study, say)
    found += costs.figures(study, say)
    return found + noise.figures(floor, say)
